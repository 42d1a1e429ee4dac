#include "dnsd/io/tcp_connection.h"

#include <cerrno>
#include <utility>

#include <sys/epoll.h>

namespace dnsd {
namespace {

constexpr int reads_at_end_max = 8;

}  // namespace

void TcpConnection::ready(std::uint32_t events) {
    // Errors are found by reading, too.
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) readable_ = true;
    if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) ending_ = true;
}

TcpConnection::Turn TcpConnection::turn(const zones::Catalog& catalog, zones::Turn& turn,
                                        TcpBuffers& buffers, Clock::time_point now,
                                        std::size_t may_begin, std::vector<Transferred>& told,
                                        std::uint64_t& numbers) {
    Turn done;
    const bool was_blocked = blocked();
    const bool rested = idle();
    if (!send_unsent(now)) return done;
    if (blocked()) {
        // Who does not read its answers is not read from: what waits stays in the client's own
        // kernel (RFC 7766 §6.2.1.1 asks for no queue; CVE-2024-0760).
        done.after = After::wait;
        return done;
    }
    hand_out(transferred_, told, now);
    if (!receive(buffers)) return done;
    const std::uint64_t before = conversation_.last_number();
    done.spoken = conversation_.speak(catalog, turn, buffers.out, may_begin);
    done.begun = note_begun(before, now, numbers);
    const auto out = std::span<const std::byte>(buffers.out).first(done.spoken.size);
    const auto sent = send(out, now);
    if (!sent) {  // they were the last words, and did not leave
        for (auto& one : done.spoken.transferred) transferred_.push_back(std::move(one));
        return done;
    }
    for (auto& one : done.spoken.transferred) transferred_.push_back(std::move(one));
    if (*sent == out.size()) hand_out(transferred_, told, now);
    unsent_ = {out.begin() + static_cast<std::ptrdiff_t>(*sent), out.end()};
    const bool answered = done.spoken.requests > 0;
    watch(now, answered || was_blocked);
    if (answered || !rested) idle_since_ = now;
    if (blocked())
        done.after = After::wait;
    else if (conversation_.more() || (readable_ && !ended_ && conversation_.room() > 0))
        done.after = After::again;
    else if (conversation_.parked() != 0 || (!ended_ && !conversation_.over()))
        done.after = After::wait;
    return done;
}

// They have left.
void TcpConnection::hand_out(std::vector<Told>& from, std::vector<Transferred>& to,
                             Clock::time_point now) {
    for (Told& one : from) {
        const std::uint64_t number = one.number;
        to.push_back(timed(std::move(one), now));
        std::erase_if(begun_, [&](const Begun& each) { return each.in_conversation == number; });
    }
    from.clear();
}

TcpConnection::Transferred TcpConnection::timed(Told told, Clock::time_point now) const {
    Transferred out{std::move(told), 0, {}};
    for (const Begun& each : begun_)
        if (each.in_conversation == out.told.number) {
            out.transfer = each.transfer;
            out.took = now - each.at;
        }
    return out;
}

// One that was told whole by the same speak() is known by its end alone, unless it waits to leave.
std::vector<TcpConnection::Transferred> TcpConnection::note_begun(std::uint64_t before,
                                                                  Clock::time_point now,
                                                                  std::uint64_t& numbers) {
    std::vector<Transferred> out;
    if (conversation_.last_number() == before) return out;
    for (Told& one : conversation_.under_way(before)) {
        begun_.push_back({one.number, ++numbers, now});
        out.push_back({std::move(one), numbers, {}});
    }
    return out;
}

std::vector<TcpConnection::Transferred> TcpConnection::unfinished(Clock::time_point now) const {
    std::vector<Transferred> out;
    for (const Told& one : transferred_) out.push_back(timed(one, now));
    for (Told& one : conversation_.under_way()) out.push_back(timed(std::move(one), now));
    return out;
}

// False when the connection is broken.
bool TcpConnection::receive(TcpBuffers& buffers) {
    const std::size_t room = std::min(conversation_.room(), buffers.in.size());
    if (!readable_ || ended_ || room == 0) return true;
    const ssize_t got = ::recv(fd_.get(), buffers.in.data(), room, 0);
    if (got < 0) {
        readable_ = errno == EINTR;
        return errno == EAGAIN || errno == EINTR;
    }
    const auto count = static_cast<std::size_t>(got);
    ended_ = count == 0;  // half of it, perhaps: what was asked is still answered
    // epoll(7): less than was asked for is all that there was, but for the end of the stream.
    if (count < room && !ending_) readable_ = false;
    conversation_.feed(std::span<const std::byte>(buffers.in).first(count));
    return true;
}

// How much the kernel took; nullopt when the connection is broken.
std::optional<std::size_t> TcpConnection::send(std::span<const std::byte> bytes,
                                               Clock::time_point now) {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
        const ssize_t took =
            ::send(fd_.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
        if (took < 0 && errno == EINTR) continue;
        if (took < 0 && errno == EAGAIN) break;
        if (took < 0) return std::nullopt;
        sent += static_cast<std::size_t>(took);
    }
    write_part_sent_ += sent;
    if (!blocked() || write_part_sent_ >= write_part) {
        write_since_ = now;
        write_part_sent_ = 0;
    }
    return sent;
}

bool TcpConnection::send_unsent(Clock::time_point now) {
    if (!blocked()) return true;
    const auto sent = send(std::span<const std::byte>(unsent_).subspan(unsent_at_), now);
    if (!sent) return false;
    unsent_at_ += *sent;
    if (blocked()) return true;
    unsent_ = std::vector<std::byte>();  // {} would keep the memory
    unsent_at_ = 0;
    return true;
}

// Only the first byte of a request moves its deadline: who sends byte by byte does not stay longer.
void TcpConnection::watch(Clock::time_point now, bool anew) {
    const bool waits = !blocked() && !occupied() && conversation_.amid_request();
    if (waits && (!waits_request_ || anew)) request_since_ = now;
    waits_request_ = waits;
}

TcpConnection::Late TcpConnection::late(Clock::time_point now, const TcpLimits& limits,
                                        std::chrono::milliseconds idle_time) const {
    if (blocked()) return now - write_since_ >= limits.write ? Late::write : Late::no;
    if (waits_request_) return now - request_since_ >= limits.request ? Late::request : Late::no;
    return idle() && now - idle_since_ >= idle_time ? Late::idle : Late::no;
}

// Closing with bytes unread is a reset, which can overtake the answers that went before it.
void TcpConnection::finish(TcpBuffers& buffers) {
    if (!conversation_.over()) return;
    ::shutdown(fd_.get(), SHUT_WR);
    for (int reads = 0; reads < reads_at_end_max; ++reads)
        if (::recv(fd_.get(), buffers.in.data(), buffers.in.size(), 0) <= 0) return;
}

void TcpConnection::cut() {
    const linger none{1, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &none, sizeof none);
}

}  // namespace dnsd

#include "tests/interop/differential/exchange.h"

#include "tests/interop/differential/message.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <stdexcept>
#include <utility>

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace differential {

namespace {

using Clock = std::chrono::steady_clock;

class Socket {
public:
    Socket(int kind, int port) : descriptor_(socket(AF_INET, kind | SOCK_CLOEXEC, 0)) {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(static_cast<std::uint16_t>(port));
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (descriptor_ < 0 ||
            connect(descriptor_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
            throw std::runtime_error("no socket to port " + std::to_string(port) + ": " +
                                     std::strerror(errno));
    }
    ~Socket() { close(descriptor_); }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    int get() const { return descriptor_; }

private:
    int descriptor_;
};

std::string with_id(const std::string& request, std::size_t id) {
    std::string result = request;
    result[0] = static_cast<char>(id >> 8 & 0xff);
    result[1] = static_cast<char>(id & 0xff);
    return result;
}
std::size_t id_of(const std::string& message) {
    return static_cast<std::size_t>(static_cast<unsigned char>(message[0])) << 8 |
           static_cast<unsigned char>(message[1]);
}

// One server's share. The id of request i is i modulo 65536: in a window that is unique.
class UdpErrand {
public:
    explicit UdpErrand(Errand& errand)
        : errand_(errand), socket_(SOCK_DGRAM | SOCK_NONBLOCK, errand.port) {
        errand_.answers.assign(errand_.requests.size(), "");
    }

    bool done() const {
        return errand_.gave_up || (next_ == errand_.requests.size() && waiting_.empty());
    }
    int descriptor() const { return socket_.get(); }

    void send_more() {
        const auto now = Clock::now();
        while (!order_.empty() && order_.front().second <= now) {
            const std::size_t index = order_.front().first;
            order_.pop_front();
            const auto found = waiting_.find(index & 0xffff);
            if (found == waiting_.end() || found->second.index != index) continue;
            if (++found->second.tries <= tries_max) {
                send_one(index, now);
                continue;
            }
            waiting_.erase(found);
            if (++unanswered_ == unanswered_max) errand_.gave_up = true;
        }
        while (next_ < errand_.requests.size() && waiting_.size() < window_max) {
            // The id may still belong to a request that is being repeated.
            if (waiting_.count(next_ & 0xffff) != 0) break;
            waiting_[next_ & 0xffff] = {next_, 1};
            send_one(next_++, now);
        }
    }

    void receive() {
        for (;;) {
            const ssize_t size = recv(socket_.get(), buffer_.data(), buffer_.size(), 0);
            if (size < 0 && errno == EINTR) continue;
            if (size < 2) return;
            std::string message(buffer_.data(), static_cast<std::size_t>(size));
            const auto found = waiting_.find(id_of(message));
            if (found == waiting_.end()) continue;  // of a request that was repeated
            errand_.answers[found->second.index] = std::move(message);
            waiting_.erase(found);
            unanswered_ = 0;
        }
    }

private:
    struct Waiting {
        std::size_t index = 0;
        int tries = 0;
    };

    void send_one(std::size_t index, Clock::time_point now) {
        const std::string request = with_id(*errand_.requests[index], index);
        // What does not go out now is what does not come back: it is repeated.
        [[maybe_unused]] const auto sent = send(socket_.get(), request.data(), request.size(), 0);
        order_.emplace_back(index, now + try_time);
    }

    Errand& errand_;
    Socket socket_;
    std::size_t next_ = 0, unanswered_ = 0;
    std::map<std::size_t, Waiting> waiting_;
    std::deque<std::pair<std::size_t, Clock::time_point>> order_;
    std::array<char, 65536> buffer_;
};

bool send_all(int descriptor, const std::string& bytes) {
    for (std::size_t at = 0; at < bytes.size();) {
        const ssize_t sent = send(descriptor, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
        if (sent <= 0) return false;
        at += static_cast<std::size_t>(sent);
    }
    return true;
}

bool receive_exactly(int descriptor, char* to, std::size_t size) {
    while (size > 0) {
        const ssize_t got = recv(descriptor, to, size, 0);
        if (got <= 0) return false;
        to += got;
        size -= static_cast<std::size_t>(got);
    }
    return true;
}

std::string framed(const std::string& message) {
    std::string result;
    result += static_cast<char>(message.size() >> 8 & 0xff);
    result += static_cast<char>(message.size() & 0xff);
    return result + message;
}

// Empty when the stream ended.
std::string receive_message(int descriptor) {
    std::array<char, 2> prefix;
    if (!receive_exactly(descriptor, prefix.data(), prefix.size())) return "";
    std::string message(static_cast<std::size_t>(static_cast<unsigned char>(prefix[0])) << 8 |
                            static_cast<unsigned char>(prefix[1]),
                        '\0');
    if (!receive_exactly(descriptor, message.data(), message.size())) return "";
    return message;
}

void limit_waiting(const Socket& stream) {
    const timeval patience{5, 0};
    setsockopt(stream.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(stream.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

}  // namespace

void ask_by_udp(std::vector<Errand>& errands) {
    std::vector<std::unique_ptr<UdpErrand>> running;
    for (Errand& errand : errands) running.push_back(std::make_unique<UdpErrand>(errand));
    for (;;) {
        std::vector<pollfd> readable;
        bool done = true;
        for (const auto& one : running) {
            if (!one->done()) one->send_more();
            done &= one->done();
            readable.push_back({one->descriptor(), POLLIN, 0});
        }
        if (done) return;
        poll(readable.data(), readable.size(), 100);
        for (const auto& one : running) one->receive();
    }
}

void ask_by_tcp(Errand& errand) {
    constexpr std::size_t pipelined = 16;
    std::size_t unanswered = 0;
    errand.answers.assign(errand.requests.size(), "");
    for (std::size_t begin = 0; begin < errand.requests.size(); begin += pipelined) {
        const std::size_t end = std::min(begin + pipelined, errand.requests.size());
        const Socket stream(SOCK_STREAM, errand.port);
        limit_waiting(stream);
        std::string all;
        for (std::size_t i = begin; i < end; ++i) all += framed(with_id(*errand.requests[i], i));
        if (!send_all(stream.get(), all)) continue;
        for (std::size_t i = begin; i < end; ++i) {
            std::string message = receive_message(stream.get());
            if (message.size() < 2) {
                unanswered += end - i;
                break;
            }
            unanswered = 0;
            for (std::size_t k = begin; k < end; ++k)
                if ((k & 0xffff) == id_of(message)) errand.answers[k] = std::move(message), k = end;
        }
        if (unanswered >= unanswered_max) {
            errand.gave_up = true;
            return;
        }
    }
}

std::vector<std::string> transfer(int port, const std::string& request) {
    const Socket stream(SOCK_STREAM, port);
    limit_waiting(stream);
    std::vector<std::string> messages;
    std::size_t soas = 0;
    if (!send_all(stream.get(), framed(request))) return {};
    while (soas < 2) {
        std::string why, bytes = receive_message(stream.get());
        const auto message = read_message(bytes, why);
        if (!message || message->rcode != 0) return {};
        for (const Record& record : message->answer) soas += record.type == type::soa;
        messages.push_back(std::move(bytes));
    }
    return messages;
}

}  // namespace differential

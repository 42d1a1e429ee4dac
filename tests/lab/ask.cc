#include "tests/lab/ask.h"

#include "tests/lab/socket_address.h"

#include <algorithm>
#include <array>
#include <cstring>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace lab {

namespace {

std::uint16_t next_id() {
    static std::uint16_t id = static_cast<std::uint16_t>(getpid());
    return ++id;
}

class Socket {
public:
    Socket() : descriptor_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {}
    ~Socket() { close(descriptor_); }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    int get() const { return descriptor_; }

private:
    int descriptor_;
};

}  // namespace

std::optional<zones::Answer> ask(const std::string& address, int port, const std::string& name,
                                 zones::Type type, Milliseconds at_most) {
    const auto parsed = zones::Name::parse(name);
    if (!parsed) return std::nullopt;
    const std::uint16_t id = next_id();
    const std::vector<std::byte> query = zones::make_query(*parsed, type, id);
    const Socket udp;
    if (address.starts_with("127.")) {
        const sockaddr_in from = socket_address(asker, 0);
        if (bind(udp.get(), reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0)
            return std::nullopt;
    }
    const sockaddr_in to = socket_address(address, port);
    if (connect(udp.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
        return std::nullopt;
    if (send(udp.get(), query.data(), query.size(), 0) < 0) return std::nullopt;
    const auto end = now() + at_most;
    std::array<std::byte, 65535> buffer;
    for (;;) {
        const auto left = std::chrono::duration_cast<Milliseconds>(end - now());
        pollfd readable{udp.get(), POLLIN, 0};
        if (left.count() <= 0 || poll(&readable, 1, static_cast<int>(left.count())) <= 0)
            return std::nullopt;
        const ssize_t size = recv(udp.get(), buffer.data(), buffer.size(), 0);
        if (size < 0) return std::nullopt;  // refused: nobody listens there
        auto answer = zones::read_answer({buffer.data(), static_cast<std::size_t>(size)});
        if (answer && answer->id == id) return answer;
    }
}

std::optional<std::uint32_t> serial_at(const std::string& address, int port,
                                       const std::string& zone) {
    const auto answer = ask(address, port, zone, zones::Type::soa);
    if (!answer || !answer->authoritative) return std::nullopt;
    for (const zones::RRset& set : answer->answer) {
        if (set.type != zones::Type::soa || set.rdatas.empty()) continue;
        if (const auto soa = zones::Soa::read(set.rdatas.front().bytes())) return soa->serial;
    }
    return std::nullopt;
}

std::vector<std::string> addresses_at(const std::string& address, int port,
                                      const std::string& name) {
    std::vector<std::string> texts;
    const auto answer = ask(address, port, name, zones::Type::a);
    if (!answer) return texts;
    for (const zones::RRset& set : answer->answer) {
        if (set.type != zones::Type::a) continue;
        for (const zones::Rdata& rdata : set.rdatas) {
            char text[INET_ADDRSTRLEN] = {};
            if (rdata.bytes().size() == 4 &&
                inet_ntop(AF_INET, rdata.bytes().data(), text, sizeof text) != nullptr)
                texts.emplace_back(text);
        }
    }
    std::sort(texts.begin(), texts.end());
    return texts;
}

}  // namespace lab

#pragma once
// What the tests of this folder share: folders that go away again, zones from text, and plain
// blocking clients on loopback.

#include "dnsd/io/sockets.h"
#include "tests/lab/ports.h"
#include "zones/catalog.h"
#include "zones/soa_query.h"
#include "zones/zonefile.h"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

namespace test {

using namespace std::chrono_literals;
using Bytes = std::vector<std::byte>;

class Folder {
public:
    Folder() {
        char name[] = "/tmp/arbiter-test-XXXXXX";
        REQUIRE(::mkdtemp(name) != nullptr);
        path_ = name;
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    std::string path(const std::string& name = "") const {
        return name.empty() ? path_ : path_ + "/" + name;
    }
    // Replaced as editors do it, so that nobody reads half a file.
    std::string write(const std::string& name, const std::string& text) const {
        std::ofstream(path(name + ".new")) << text;
        std::filesystem::rename(path(name + ".new"), path(name));
        return path(name);
    }

private:
    std::string path_;
};

inline zones::Name name(const std::string& text) {
    return zones::Name::parse(text).value();
}

inline std::string zone_text(unsigned serial, const std::string& more = "") {
    return fmt::format(
        "$TTL 300\n@ SOA ns1 admin {} 3600 600 86400 60\n@ NS ns1\nns1 A 192.0.2.1\n{}", serial,
        more);
}

inline std::shared_ptr<const zones::Zone> zone(const std::string& origin, const std::string& text) {
    const auto loaded = zones::load_zone(
        name(origin), "test.zone",
        [&](const std::string&) -> tl::expected<std::string, std::string> { return text; });
    for (const zones::Mistake& mistake : loaded.mistakes) MESSAGE(mistake.text());
    REQUIRE(loaded.zone);
    return loaded.zone;
}

// Of a name with two addresses, 192.0.2.1 and 192.0.2.2: how often the first of these led the
// answer to A, in `times` rounds of `rhythm` questions, of which only the first is for
// A. `ask` sends a question and hands back its answer.
template <typename Ask>
unsigned first_led(unsigned times, unsigned rhythm, Ask ask) {
    unsigned led = 0;
    for (unsigned i = 0; i < times * rhythm; ++i) {
        const std::optional<zones::Answer> answer =
            ask(i % rhythm == 0 ? zones::Type::a : zones::Type::aaaa);
        REQUIRE(answer);
        if (i % rhythm != 0) continue;
        REQUIRE(answer->answer.size() == 1);
        REQUIRE(answer->answer[0].rdatas.size() == 2);
        led += answer->answer[0].rdatas[0].bytes().back() == std::byte{1};
    }
    return led;
}

inline zones::Catalog catalog(const std::shared_ptr<const zones::Zone>& one) {
    zones::Access access;
    access.known = {zones::Prefix::parse("127.0.0.0/8").value(),
                    zones::Prefix::parse("::1").value()};
    for (const zones::Prefix& prefix : access.known)
        access.transfer.push_back({prefix, std::nullopt});
    return zones::Catalog().with(access).with(zones::History(one));
}

inline dnsd::Endpoint loopback(std::uint16_t port) {
    return {heartbeat::Address::v4({127, 0, 0, 1}), port};
}

// A port that was free a moment ago.
inline std::uint16_t free_port() {
    for (int tries = 0; tries < 1000; ++tries) {
        const auto port = static_cast<std::uint16_t>(lab::next_port());
        if (dnsd::open_query_sockets({loopback(port)}, 1)) return port;
    }
    FAIL("no free port on 127.0.0.1");
    return 0;
}

inline bool readable(int fd, std::chrono::milliseconds wait) {
    pollfd polled{fd, POLLIN, 0};
    return ::poll(&polled, 1, static_cast<int>(wait.count())) > 0;
}

class UdpClient {
public:
    explicit UdpClient(const dnsd::Endpoint& server)
        : fd_(::socket(server.address.is_v4() ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        const auto to = dnsd::to_socket(server);
        REQUIRE(::connect(fd_.get(), to.get(), to.size) == 0);
    }
    void send(const Bytes& message) const {
        REQUIRE(::send(fd_.get(), message.data(), message.size(), 0) ==
                static_cast<ssize_t>(message.size()));
    }
    std::optional<Bytes> receive(std::chrono::milliseconds wait = 5000ms) const {
        if (!readable(fd_.get(), wait)) return std::nullopt;
        Bytes message(65536);
        const ssize_t got = ::recv(fd_.get(), message.data(), message.size(), 0);
        if (got < 0) return std::nullopt;
        message.resize(static_cast<std::size_t>(got));
        return message;
    }
    std::optional<zones::Answer> ask(const std::string& what, zones::Type type,
                                     std::chrono::milliseconds wait = 5000ms) const {
        send(zones::make_query(name(what), type, 4711));
        const auto message = receive(wait);
        return message ? zones::read_answer(*message) : std::nullopt;
    }

private:
    dnsd::Fd fd_;
};

class TcpClient {
public:
    // `buffer`: of the kernel, for what is received; 0 leaves the default. `from`: an address of
    // this machine.
    explicit TcpClient(const dnsd::Endpoint& server, int buffer = 0,
                       const std::optional<dnsd::Endpoint>& from = std::nullopt)
        : fd_(::socket(server.address.is_v4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC,
                       0)) {
        if (buffer != 0)
            REQUIRE(::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer) == 0);
        if (from) {
            const auto own = dnsd::to_socket(*from);
            REQUIRE(::bind(fd_.get(), own.get(), own.size) == 0);
        }
        const auto to = dnsd::to_socket(server);
        REQUIRE(::connect(fd_.get(), to.get(), to.size) == 0);
    }
    static Bytes framed(const Bytes& message) {
        Bytes frame{static_cast<std::byte>(message.size() >> 8),
                    static_cast<std::byte>(message.size() & 0xff)};
        frame.insert(frame.end(), message.begin(), message.end());
        return frame;
    }
    void send_raw(const Bytes& bytes) const {
        REQUIRE(::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
                static_cast<ssize_t>(bytes.size()));
    }
    void send(const Bytes& message) const { send_raw(framed(message)); }
    void half_close() const { ::shutdown(fd_.get(), SHUT_WR); }
    int fd() const { return fd_.get(); }

    std::optional<Bytes> receive(std::chrono::milliseconds wait = 5000ms) const {
        Bytes prefix(2);
        if (!receive_exactly(prefix, wait)) return std::nullopt;
        Bytes message(std::to_integer<std::size_t>(prefix[0]) << 8 |
                      std::to_integer<std::size_t>(prefix[1]));
        if (!receive_exactly(message, wait)) return std::nullopt;
        return message;
    }
    std::optional<zones::Answer> receive_answer() const {
        const auto message = receive();
        return message ? zones::read_answer(*message) : std::nullopt;
    }
    // True when the server ends the connection, in order or by a reset, within the time.
    bool ended(std::chrono::milliseconds wait = 5000ms) const {
        std::byte byte;
        return readable(fd_.get(), wait) && ::recv(fd_.get(), &byte, 1, 0) <= 0;
    }

private:
    bool receive_exactly(Bytes& into, std::chrono::milliseconds wait) const {
        std::size_t filled = 0;
        while (filled < into.size()) {
            if (!readable(fd_.get(), wait)) return false;
            const ssize_t got = ::recv(fd_.get(), into.data() + filled, into.size() - filled, 0);
            if (got <= 0) return false;
            filled += static_cast<std::size_t>(got);
        }
        return true;
    }
    dnsd::Fd fd_;
};

// Waits for what another thread or process brings about.
template <typename Condition>
bool eventually(Condition condition, std::chrono::milliseconds within = 5000ms) {
    const auto until = std::chrono::steady_clock::now() + within;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > until) return false;
        ::usleep(5000);
    }
    return true;
}

}  // namespace test

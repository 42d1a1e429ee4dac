#include "tests/lab/stream.h"

#include "tests/lab/socket_address.h"
#include "zones/soa_query.h"

#include <cstring>
#include <stdexcept>
#include <utility>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace lab {

namespace {

std::size_t number(std::span<const std::byte> bytes, std::size_t at) {
    return std::to_integer<std::size_t>(bytes[at]) << 8 |
           std::to_integer<std::size_t>(bytes[at + 1]);
}

// Behind the name at `at`; 0 when it is none.
std::size_t behind_name(std::span<const std::byte> message, std::size_t at) {
    while (at < message.size()) {
        const auto length = std::to_integer<std::size_t>(message[at]);
        if (length == 0) return at + 1;
        if (length >= 0xc0) return at + 2;
        if (length > 63) return 0;
        at += length + 1;
    }
    return 0;
}

bool walk_message(std::span<const std::byte> message, std::vector<std::uint16_t>& types) {
    if (message.size() < 12) return false;
    std::size_t at = 12;
    for (std::size_t i = number(message, 4); i > 0; --i) {
        at = behind_name(message, at);
        if (at == 0 || at + 4 > message.size()) return false;
        at += 4;
    }
    for (std::size_t i = number(message, 6); i > 0; --i) {
        at = behind_name(message, at);
        if (at == 0 || at + 10 > message.size()) return false;
        types.push_back(static_cast<std::uint16_t>(number(message, at)));
        at += 10 + number(message, at + 8);
        if (at > message.size()) return false;
    }
    return true;
}

}  // namespace

std::optional<Stream> Stream::to(const std::string& address, int port, int receive_buffer,
                                 const std::string& from) {
    Stream stream(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (receive_buffer > 0)
        setsockopt(stream.descriptor_, SOL_SOCKET, SO_RCVBUF, &receive_buffer,
                   sizeof receive_buffer);
    if (!from.empty()) {
        const sockaddr_in source = socket_address(from, 0);
        if (bind(stream.descriptor_, reinterpret_cast<const sockaddr*>(&source), sizeof source) !=
            0)
            return std::nullopt;
    }
    const sockaddr_in there = socket_address(address, port);
    if (connect(stream.descriptor_, reinterpret_cast<const sockaddr*>(&there), sizeof there) != 0)
        return std::nullopt;
    return stream;
}

Stream::~Stream() {
    if (descriptor_ >= 0) close(descriptor_);
}

Stream::Stream(Stream&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

Stream& Stream::operator=(Stream&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
}

bool Stream::send(std::span<const std::byte> bytes) const {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes = bytes.subspan(static_cast<std::size_t>(sent));
    }
    return true;
}

Bytes Stream::receive(Milliseconds at_most, std::size_t max) const {
    pollfd readable{descriptor_, POLLIN, 0};
    if (poll(&readable, 1, static_cast<int>(at_most.count())) <= 0) return {};
    Bytes bytes(max);
    const ssize_t size = recv(descriptor_, bytes.data(), bytes.size(), 0);
    bytes.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return bytes;
}

Bytes Stream::receive_all(Milliseconds at_most) const {
    const auto end = now() + at_most;
    Bytes all;
    for (;;) {
        const auto left = std::chrono::duration_cast<Milliseconds>(end - now());
        if (left.count() <= 0) return all;
        const Bytes more = receive(left);
        if (more.empty()) return all;
        all.insert(all.end(), more.begin(), more.end());
    }
}

void Stream::shut() const {
    shutdown(descriptor_, SHUT_WR);
}

void Stream::reset() {
    const linger at_once{1, 0};
    setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(std::exchange(descriptor_, -1));
}

int listen_tcp(const std::string& address, int port) {
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int yes = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    const sockaddr_in at = socket_address(address, port);
    if (bind(listener, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 ||
        listen(listener, 64) != 0) {
        close(listener);
        throw std::runtime_error("can not listen on " + address + ":" + std::to_string(port) +
                                 ": " + std::strerror(errno));
    }
    return listener;
}

Bytes framed_question(const std::string& zone, std::uint16_t type, std::uint16_t id) {
    const Bytes question =
        zones::make_query(*zones::Name::parse(zone), static_cast<zones::Type>(type), id);
    Bytes framed = {static_cast<std::byte>(question.size() >> 8),
                    static_cast<std::byte>(question.size() & 255)};
    framed.insert(framed.end(), question.begin(), question.end());
    return framed;
}

std::optional<Walk> walk(std::span<const std::byte> stream) {
    Walk found;
    while (stream.size() >= 2) {
        const std::size_t size = number(stream, 0);
        if (stream.size() < 2 + size) return found;
        if (!walk_message(stream.subspan(2, size), found.types)) return std::nullopt;
        ++found.messages;
        stream = stream.subspan(2 + size);
    }
    found.ends_whole = stream.empty();
    return found;
}

}  // namespace lab

#include "bench/drain.h"

#include "tests/lab/socket_address.h"
#include "zones/name.h"
#include "zones/node.h"
#include "zones/wire.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <stdexcept>
#include <utility>

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace bench {

namespace {

constexpr std::size_t buffer_size = std::size_t{1} << 20;

std::vector<std::byte> axfr_request(const std::string& zone) {
    const auto name = zones::Name::parse(zone).value();
    const auto wire = name.wire();
    std::vector<std::byte> request(2 + zones::header_size + wire.size() + 4);
    zones::store16(request.data(), static_cast<std::uint16_t>(request.size() - 2));
    zones::store16(request.data() + 2, 0x4242);
    zones::store16(request.data() + 6, 1);
    std::byte* const question = request.data() + 2 + zones::header_size;
    std::copy(wire.begin(), wire.end(), question);
    zones::store16(question + wire.size(), static_cast<std::uint16_t>(zones::Type::axfr));
    zones::store16(question + wire.size() + 2, 1);
    return request;
}

}  // namespace

Drain::Drain(const std::string& source, int port, const std::string& zone)
    : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const sockaddr_in from = lab::socket_address(source, 0),
                      to = lab::socket_address("127.0.0.1", port);
    const auto request = axfr_request(zone);
    const timeval patience{2, 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (bind(socket_, reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0 ||
        connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0 ||
        write(socket_, request.data(), request.size()) != static_cast<ssize_t>(request.size()))
        throw std::runtime_error("no connection for AXFR: " + std::string(std::strerror(errno)));
}

Drain::~Drain() {
    if (socket_ >= 0) close(socket_);
}

Drain::Drain(Drain&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)),
      drained_(other.drained_),
      serial_(other.serial_),
      soas_(other.soas_),
      held_(other.held_),
      buffer_(std::move(other.buffer_)) {}

const Drained& Drain::read(std::size_t bytes_max) {
    buffer_.resize(buffer_size);
    while (!drained_.whole && drained_.bytes < bytes_max) {
        const ssize_t got = ::read(socket_, buffer_.data() + held_, buffer_.size() - held_);
        if (got <= 0) break;
        held_ += static_cast<std::size_t>(got);
        drained_.bytes += static_cast<std::size_t>(got);
        take();
    }
    // A client that waits keeps no more than it must.
    buffer_.resize(held_);
    buffer_.shrink_to_fit();
    return drained_;
}

void Drain::take() {
    std::size_t at = 0;
    while (held_ - at >= 2) {
        const std::size_t size = zones::load16(buffer_.data() + at);
        if (held_ - at < 2 + size) break;
        if (!take_message(buffer_.data() + at + 2, size))
            throw std::runtime_error("a message of a transfer is malformed or an error");
        at += 2 + size;
    }
    std::memmove(buffer_.data(), buffer_.data() + at, held_ - at);
    held_ -= at;
}

bool Drain::take_message(const std::byte* begin, std::size_t size) {
    const std::span message(begin, size);
    if (size < zones::header_size || (zones::load16(begin + 2) & 0xf) != 0) return false;
    std::size_t at = zones::header_size;
    if (zones::load16(begin + 4) != 0) {
        at = zones::skip_name(message, at) + 4;
        if (at == 4) return false;
    }
    const std::size_t count = zones::load16(begin + 6);
    for (std::size_t i = 0; i < count; ++i) {
        at = zones::skip_name(message, at);
        if (at == 0 || size - at < zones::record_head) return false;
        const std::size_t record = zones::RRsetView::record_size(begin + at);
        if (size - at < record || soas_ == 2) return false;
        if (zones::load16(begin + at) == static_cast<std::uint16_t>(zones::Type::soa)) {
            const std::uint32_t serial = zones::load32(begin + at + record - 20);
            if (++soas_ == 1) serial_ = serial;
            drained_.whole = soas_ == 2 && serial == serial_;
        }
        at += record;
    }
    ++drained_.messages;
    drained_.records += count;
    return true;
}

}  // namespace bench

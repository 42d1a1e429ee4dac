#include "heartbeat/identity.h"

#include <algorithm>

#include <arpa/inet.h>

namespace heartbeat {

std::optional<ServerId> ServerId::parse(std::string_view text) {
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    };
    if (text.empty() || text.size() > size_max) return std::nullopt;
    if (text.front() == '-' || text.back() == '-') return std::nullopt;
    if (!std::all_of(text.begin(), text.end(), allowed)) return std::nullopt;
    ServerId id;
    std::copy(text.begin(), text.end(), id.bytes_.begin());
    id.size_ = static_cast<std::uint8_t>(text.size());
    return id;
}

std::optional<Address> Address::parse(std::string_view text) {
    const std::string copy(text);
    Address address;
    if (inet_pton(AF_INET, copy.c_str(), address.bytes_.data()) == 1) {
        address.size_ = 4;
        return address;
    }
    if (inet_pton(AF_INET6, copy.c_str(), address.bytes_.data()) == 1) {
        address.size_ = 16;
        return address;
    }
    return std::nullopt;
}

Address Address::v4(const std::array<std::uint8_t, 4>& bytes) {
    Address address;
    std::copy(bytes.begin(), bytes.end(), address.bytes_.begin());
    address.size_ = 4;
    return address;
}

Address Address::v6(const std::array<std::uint8_t, 16>& bytes) {
    Address address;
    address.bytes_ = bytes;
    address.size_ = 16;
    return address;
}

std::string Address::text() const {
    char buffer[INET6_ADDRSTRLEN] = {};
    inet_ntop(is_v4() ? AF_INET : AF_INET6, bytes_.data(), buffer, sizeof buffer);
    return buffer;
}

}  // namespace heartbeat

#include "dnsd/config/endpoint.h"

#include <charconv>

namespace dnsd {

namespace {

std::optional<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc{} || end != text.data() + text.size() || port == 0) return std::nullopt;
    return port;
}

}  // namespace

std::optional<Endpoint> Endpoint::parse(std::string_view text, std::uint16_t default_port) {
    std::string_view address = text;
    std::optional<std::uint16_t> port = default_port;
    const std::size_t colon = text.find(':');
    if (text.starts_with('[')) {
        const std::size_t bracket = text.find(']');
        if (bracket == std::string_view::npos) return std::nullopt;
        address = text.substr(1, bracket - 1);
        if (address.find(':') == std::string_view::npos) return std::nullopt;
        const std::string_view rest = text.substr(bracket + 1);
        if (!rest.empty()) {
            if (rest.front() != ':') return std::nullopt;
            port = parse_port(rest.substr(1));
        }
    } else if (colon != std::string_view::npos &&
               text.find(':', colon + 1) == std::string_view::npos) {
        // Exactly one colon: no IPv6 address has so few.
        address = text.substr(0, colon);
        port = parse_port(text.substr(colon + 1));
    }
    const auto parsed = heartbeat::Address::parse(address);
    if (!parsed || !port) return std::nullopt;
    return Endpoint{*parsed, *port};
}

std::string Endpoint::text() const {
    const std::string host = address.is_v4() ? address.text() : "[" + address.text() + "]";
    return host + ":" + std::to_string(port);
}

}  // namespace dnsd

#include "agent/config/rules.h"

#include <charconv>
#include <system_error>

#include <fmt/format.h>

namespace agent {

tl::expected<Url, std::string> parse_url(std::string_view text) {
    constexpr std::string_view scheme = "http://";
    if (text.substr(0, 8) == "https://") {
        return tl::unexpected<std::string>("https is not probed, only http");
    }
    if (text.substr(0, scheme.size()) != scheme) {
        return tl::unexpected<std::string>("a page's address begins with http://");
    }
    for (const char c : text) {
        if (c <= ' ' || c > '~') {
            return tl::unexpected<std::string>("a blank or special character must be %-escaped");
        }
    }
    text.remove_prefix(scheme.size());
    const std::size_t slash = text.find_first_of("/?#");
    Url url;
    url.authority = std::string(text.substr(0, slash));
    url.target = slash == std::string_view::npos ? "/" : std::string(text.substr(slash));
    // RFC 9110 §7.1: a fragment is not sent, and the target begins with a slash.
    url.target = url.target.substr(0, url.target.find('#'));
    if (url.target.empty() || url.target.front() != '/') url.target.insert(0, "/");
    if (url.authority.find('@') != std::string::npos) {
        return tl::unexpected<std::string>("no user may stand before the host");
    }
    std::string_view host = url.authority;
    const std::size_t bracket = host.find(']');
    const std::size_t colon = host.find(':', bracket == std::string_view::npos ? 0 : bracket);
    url.port = colon == std::string_view::npos ? "80" : std::string(host.substr(colon + 1));
    host = host.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
        const auto address = heartbeat::Address::parse(host);
        if (!address || address->is_v4()) {
            return tl::unexpected(fmt::format("'{}' is no IPv6 address", host));
        }
    } else if (host.empty() || host.find_first_of("[]") != std::string_view::npos) {
        return tl::unexpected<std::string>("the host is missing or misspelt");
    }
    url.host = std::string(host);
    std::uint16_t port = 0;
    const char* const end = url.port.data() + url.port.size();
    const auto [rest, error] = std::from_chars(url.port.data(), end, port);
    if (error != std::errc() || rest != end || port == 0) {
        return tl::unexpected<std::string>(fmt::format("'{}' is no port", url.port));
    }
    return url;
}

}  // namespace agent

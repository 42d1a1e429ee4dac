#include "dnsd/io/cookie_keys.h"

#include "heartbeat/io/clock.h"
#include "heartbeat/io/keyfile.h"

#include <array>
#include <cstdint>
#include <span>

namespace dnsd {

tl::expected<zones::CookieSecrets, std::string> read_cookie_secrets(const Config& config) {
    if (config.cookie_file.empty()) return zones::CookieSecrets();
    const auto text = heartbeat::read_secret_text(config.cookie_file);
    if (!text) return tl::unexpected(text.error());
    auto secrets = zones::CookieSecrets::parse(*text);
    if (!secrets)
        return tl::unexpected("cookie file " + config.cookie_file + ": " + secrets.error());
    return secrets;
}

zones::CookieSecrets rolled(const zones::CookieSecrets& secrets) {
    std::array<std::uint8_t, zones::CookieSecrets::secret_size> secret{};
    heartbeat::random_bytes(secret);
    return secrets.rolled(std::as_bytes(std::span(secret)));
}

}  // namespace dnsd

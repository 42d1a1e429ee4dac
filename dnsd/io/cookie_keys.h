#pragma once
// The secrets of DNS cookies: from the configuration's file, or drawn.

#include "dnsd/config/config.h"
#include "zones/cookie.h"

#include <chrono>
#include <string>

#include <tl/expected.hpp>

namespace dnsd {

// Of the configuration's file; none when it names none. The error is a whole sentence.
tl::expected<zones::CookieSecrets, std::string> read_cookie_secrets(const Config& config);

// RFC 7873 §7.1: a secret makes cookies for a day, unless an operator sees to it.
constexpr std::chrono::hours cookie_secret_life{24};

// With a new first one, that no other server has and that a restart forgets.
zones::CookieSecrets rolled(const zones::CookieSecrets& secrets);

}  // namespace dnsd

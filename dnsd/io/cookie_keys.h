#pragma once
// The secrets of DNS cookies: from the configuration's file, or drawn.

#include "dnsd/config/config.h"
#include "zones/cookie.h"

#include <string>

#include <tl/expected.hpp>

namespace dnsd {

// Of the configuration's file; none when it names none. The error is a whole sentence.
tl::expected<zones::CookieSecrets, std::string> read_cookie_secrets(const Config& config);

// One that no other server has, and that a restart forgets.
zones::CookieSecrets fresh_cookie_secrets();

}  // namespace dnsd

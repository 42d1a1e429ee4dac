#pragma once
// Reading a document of the daemon, of which anything may be missing or of another kind: it may be
// of another release.

#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace dnsd::reading {

using Json = nlohmann::ordered_json;

// Null where there is none.
const Json& at(const Json& object, const char* key);
// A text, printable, or a number as it stands; empty for anything else.
std::string word(const Json& object, const char* key);
bool yes(const Json& object, const char* key);
std::optional<double> number(const Json& object, const char* key);
std::vector<Json> list(const Json& object, const char* key);

std::string or_dash(std::string text);
std::string upper(std::string text);
std::string joined(const std::vector<std::string>& words, std::string_view between);

// RFC 3339 as the daemon writes it, "2026-11-22T10:23:22Z".
std::optional<std::time_t> instant(const std::string& text);
std::string date(std::time_t when);
// The time of day of `seconds` before `now`; the date too when that was not today.
std::string moment(std::time_t now, double seconds);

}  // namespace dnsd::reading

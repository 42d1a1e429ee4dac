#include "dnsd/ctl/reading.h"

#include "dnsd/ctl/table.h"

#include <array>
#include <cstdio>

#include <fmt/format.h>

namespace dnsd::reading {

const Json& at(const Json& object, const char* key) {
    static const Json nothing;
    if (!object.is_object()) return nothing;
    const auto found = object.find(key);
    return found == object.end() ? nothing : *found;
}

std::string word(const Json& object, const char* key) {
    const Json& value = at(object, key);
    if (value.is_string()) return ascii(value.get_ref<const std::string&>());
    if (value.is_number()) return value.dump();
    return {};
}

bool yes(const Json& object, const char* key) {
    const Json& value = at(object, key);
    return value.is_boolean() && value.get<bool>();
}

std::optional<double> number(const Json& object, const char* key) {
    const Json& value = at(object, key);
    if (!value.is_number()) return std::nullopt;
    return value.get<double>();
}

std::vector<Json> list(const Json& object, const char* key) {
    const Json& value = at(object, key);
    return value.is_array() ? value.get<std::vector<Json>>() : std::vector<Json>();
}

std::string or_dash(std::string text) {
    return text.empty() ? "-" : text;
}

std::string upper(std::string text) {
    for (char& c : text)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return text;
}

std::string joined(const std::vector<std::string>& words, std::string_view between) {
    std::string text;
    for (const std::string& each : words) {
        if (!text.empty()) text += between;
        text += each;
    }
    return text;
}

std::optional<std::time_t> instant(const std::string& text) {
    std::tm parts{};
    int read = 0;
    if (std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d%n", &parts.tm_year, &parts.tm_mon,
                    &parts.tm_mday, &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &read) != 6)
        return std::nullopt;
    if (text.substr(static_cast<std::size_t>(read)) != "Z" || parts.tm_mon < 1 || parts.tm_mon > 12)
        return std::nullopt;
    parts.tm_year -= 1900;
    parts.tm_mon -= 1;
    return ::timegm(&parts);
}

std::string date(std::time_t when) {
    constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    std::tm parts{};
    ::gmtime_r(&when, &parts);
    return fmt::format("{} {} {} {:02}:{:02}:{:02} UTC", parts.tm_mday,
                       months[static_cast<std::size_t>(parts.tm_mon)], parts.tm_year + 1900,
                       parts.tm_hour, parts.tm_min, parts.tm_sec);
}

std::string moment(std::time_t now, double seconds) {
    const std::string today = date(now);
    const std::string then = date(now - static_cast<std::time_t>(seconds));
    const std::size_t clock = then.size() - std::string_view("10:23:22 UTC").size();
    if (today.substr(0, today.size() - 12) == then.substr(0, clock)) return then.substr(clock, 8);
    return then;
}

}  // namespace dnsd::reading

#pragma once
// How the serials look that we choose ourselves: for a change of live names, or a file whose own
// serial was not raised (docs/decisions/0009).

#include <cstdint>
#include <optional>
#include <string_view>

namespace dnsd {

enum class SerialStyle : std::uint8_t {
    counter,   // one above the last
    date,      // YYYYMMDDnn, in UTC (RFC 1912 §2.2)
    unixtime,  // seconds since 1970
};

// As the configuration spells it: "counter", "date", "unixtime".
constexpr std::optional<SerialStyle> serial_style(std::string_view text) {
    if (text == "counter") return SerialStyle::counter;
    if (text == "date") return SerialStyle::date;
    if (text == "unixtime") return SerialStyle::unixtime;
    return std::nullopt;
}

constexpr std::string_view name_of(SerialStyle style) {
    switch (style) {
        case SerialStyle::counter:
            break;
        case SerialStyle::date:
            return "date";
        case SerialStyle::unixtime:
            return "unixtime";
    }
    return "counter";
}

}  // namespace dnsd

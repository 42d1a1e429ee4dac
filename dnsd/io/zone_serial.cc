#include "dnsd/io/zone_serial.h"

#include <chrono>

namespace dnsd {

namespace {

// 2026112200, the first of the day. Years that have no room in 32 bits are as good as any other
// number: it is compared before it is taken.
std::uint32_t first_of_day(std::int64_t unix_seconds) {
    const auto day = std::chrono::floor<std::chrono::days>(
        std::chrono::sys_seconds(std::chrono::seconds(unix_seconds)));
    const std::chrono::year_month_day date(day);
    const auto year = static_cast<std::uint32_t>(static_cast<int>(date.year()));
    return ((year * 100 + static_cast<unsigned>(date.month())) * 100 +
            static_cast<unsigned>(date.day())) *
           100;
}

}  // namespace

zones::Serial serial_after(zones::Serial published, SerialStyle style, std::int64_t unix_seconds) {
    zones::Serial wanted = published.next();
    // RFC 1982 §7: unix time goes round the circle in 2106, and comparison goes with it.
    if (style == SerialStyle::unixtime)
        wanted = zones::Serial(static_cast<std::uint32_t>(unix_seconds));
    if (style == SerialStyle::date) wanted = zones::Serial(first_of_day(unix_seconds));
    return wanted > published ? wanted : published.next();
}

SerialChoice choose_serial(zones::Serial in_file, const SerialsBefore& before, bool content_changed,
                           SerialStyle style, std::int64_t unix_seconds) {
    if (!before.published) return {in_file, SerialRule::as_in_file};
    const zones::Serial published = *before.published;
    // RFC 1982 §3.2: a serial half the circle away is neither above nor below; a secondary would
    // not follow to it.
    if (in_file > published) return {in_file, SerialRule::as_in_file};
    if (!content_changed) return {published, SerialRule::kept};
    const zones::Serial next = serial_after(published, style, unix_seconds);
    // A ledger of format 1 knows of no file's serial: what was published is the best guess, but
    // none to accuse the operator by.
    if (in_file == before.file.value_or(published)) return {next, SerialRule::not_raised};
    if (before.file && !(in_file > *before.file)) return {next, SerialRule::went_back};
    return {next, SerialRule::overtaken};
}

}  // namespace dnsd

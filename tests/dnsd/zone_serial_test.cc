#include "dnsd/io/zone_serial.h"

#include "tests/random.h"

#include <array>

#include <doctest/doctest.h>

using dnsd::choose_serial;
using dnsd::serial_after;
using dnsd::SerialChoice;
using dnsd::SerialRule;
using dnsd::SerialsBefore;
using dnsd::SerialStyle;
using zones::Serial;

namespace {

constexpr std::int64_t noon = 1'795'348'800;  // 2026-11-22 12:00 UTC

std::optional<Serial> serial(std::optional<std::uint32_t> value) {
    return value ? std::optional(Serial(*value)) : std::nullopt;
}

}  // namespace

TEST_CASE("the next version's serial never goes back and never names two contents") {
    struct Row {
        const char* fact;
        std::uint32_t in_file;
        std::optional<std::uint32_t> published, file_before;
        bool changed;
        std::uint32_t serial;
        SerialRule rule;
    };
    const Row rows[] = {
        {"nothing published yet", 5, {}, {}, true, 5, SerialRule::as_in_file},
        {"raised in the file", 6, 5, 5, true, 6, SerialRule::as_in_file},
        {"raised with the same content", 6, 5, 5, false, 6, SerialRule::as_in_file},
        {"nothing new", 5, 5, 5, false, 5, SerialRule::kept},
        {"changed under the same serial", 5, 5, 5, true, 6, SerialRule::not_raised},
        {"changed once more under the same serial", 5, 6, 5, true, 7, SerialRule::not_raised},
        {"raised, but only to what we made of the last mistake", 6, 6, 5, true, 7,
         SerialRule::overtaken},
        {"raised below what live names made of it", 6, 1042, 5, true, 1043, SerialRule::overtaken},
        {"raised above it", 1043, 1042, 5, true, 1043, SerialRule::as_in_file},
        {"lowered and changed", 3, 7, 7, true, 8, SerialRule::went_back},
        {"lowered and changed, in a zone that live names took ahead", 4, 1042, 5, true, 1043,
         SerialRule::went_back},
        {"lowered only", 3, 7, 7, false, 7, SerialRule::kept},
        {"below what was published, and the file before is not known",
         3,
         7,
         {},
         true,
         8,
         SerialRule::overtaken},
        {"what was published, and the file before is not known",
         7,
         7,
         {},
         true,
         8,
         SerialRule::not_raised},
        {"raised over the end of the circle", 2, 0xffff'fffe, 0xffff'fffe, true, 2,
         SerialRule::as_in_file},
        {"changed at the end of the circle", 0xffff'ffff, 0xffff'ffff, 0xffff'ffff, true, 0,
         SerialRule::not_raised},
        {"half the circle away", 0x8000'0000, 0, 0, true, 1, SerialRule::went_back},
    };
    for (const Row& row : rows) {
        CAPTURE(row.fact);
        CHECK(choose_serial(Serial(row.in_file), {serial(row.published), serial(row.file_before)},
                            row.changed, SerialStyle::counter,
                            noon) == SerialChoice{Serial(row.serial), row.rule});
    }
}

TEST_CASE("a serial that we choose is in the zone's style, and above the last in any case") {
    struct Row {
        const char* fact;
        SerialStyle style;
        std::uint32_t published;
        std::int64_t time;
        std::uint32_t next;
    };
    const Row rows[] = {
        {"a counter counts", SerialStyle::counter, 41, noon, 42},
        {"a counter goes round", SerialStyle::counter, 0xffff'ffff, noon, 0},
        {"the first of a day", SerialStyle::date, 2026'1121'07, noon, 2026'1122'00},
        {"the second of a day", SerialStyle::date, 2026'1122'00, noon, 2026'1122'01},
        {"the hundred and first of a day", SerialStyle::date, 2026'1122'99, noon, 2026'1123'00},
        {"the day after such a one", SerialStyle::date, 2026'1123'40, noon + 86'400, 2026'1123'41},
        {"a second before midnight", SerialStyle::date, 5, noon + 43'199, 2026'1122'00},
        {"midnight", SerialStyle::date, 5, noon + 43'200, 2026'1123'00},
        {"from a counter", SerialStyle::date, 41, noon, 2026'1122'00},
        {"from unix time, which is below", SerialStyle::date, 1'795'000'000, noon, 2026'1122'00},
        {"a leap day", SerialStyle::date, 5, 1'709'210'096, 2024'0229'00},
        {"before 1970", SerialStyle::date, 41, -1, 1969'1231'00},
        {"unix time", SerialStyle::unixtime, 41, noon, 1'795'348'800},
        {"twice in a second", SerialStyle::unixtime, 1'795'348'800, noon, 1'795'348'801},
        {"a clock that went back", SerialStyle::unixtime, 1'795'348'800, noon - 31'536'000,
         1'795'348'801},
        {"2038", SerialStyle::unixtime, 0x7fff'ffff, 0x8000'0000LL, 0x8000'0000},
        {"2106", SerialStyle::unixtime, 0xffff'ffff, 0x1'0000'0003LL, 3},
        {"from a date, which is above", SerialStyle::unixtime, 2026'1122'00, noon, 2026'1122'01},
    };
    for (const Row& row : rows) {
        CAPTURE(row.fact);
        CHECK(serial_after(Serial(row.published), row.style, row.time).value() == row.next);
    }
}

// FAULTS.md, F4. What a zone goes through in its life: files edited well and badly, live changes,
// restarts, the file put back, another style, and a clock that does what it wants.
TEST_CASE("serials rise strictly, whatever file and clock do (wall clock)") {
    constexpr std::array styles{SerialStyle::counter, SerialStyle::date, SerialStyle::unixtime};
    constexpr std::array<std::int64_t, 9> leaps{0,
                                                1,
                                                -1,
                                                86'400,
                                                31'536'000,
                                                -31'536'000,
                                                -noon,
                                                2'147'483'647 - noon,
                                                4'294'967'295 - noon};
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        CAPTURE(seed);
        tests::SplitMix64 chance(seed);
        const auto below = [&](std::uint32_t bound) {
            return static_cast<std::uint32_t>(chance.next() % bound);
        };
        std::int64_t clock = noon;
        std::uint32_t file = below(2) == 0 ? 1 : 2026'1122'01;
        SerialsBefore before{std::nullopt, std::nullopt};
        SerialStyle style = styles[seed % 3];
        for (int i = 0; i < 300; ++i) {
            clock = below(20) == 0 ? noon + leaps[below(std::uint32_t{leaps.size()})]
                                   : clock + below(3);
            if (below(50) == 0) style = styles[below(3)];
            const bool live = below(2) == 0;
            std::optional<Serial> next;
            if (live && before.published) {
                next = serial_after(*before.published, style, clock);
            } else {
                const std::uint32_t kind = below(10);
                if (kind < 4) ++file;                                             // raised
                if (kind == 4) file -= below(1000);                               // put back
                if (kind == 5) file = static_cast<std::uint32_t>(chance.next());  // a slip
                const bool changed = below(4) != 0;
                const SerialChoice choice =
                    choose_serial(Serial(file), before, changed, style, clock);
                if (before.published && choice.rule == SerialRule::kept) {
                    CHECK(choice.serial == *before.published);
                    continue;
                }
                next = choice.serial;
                before.file = Serial(file);
            }
            if (before.published) REQUIRE(*next > *before.published);
            before.published = next;
        }
    }
}

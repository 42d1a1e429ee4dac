#include "dnsd/io/zone_serial.h"

#include <doctest/doctest.h>

using dnsd::choose_serial;
using dnsd::SerialChoice;
using dnsd::SerialRule;
using zones::Serial;

TEST_CASE("the next version's serial never goes back and never names two contents") {
    struct Row {
        const char* fact;
        std::uint32_t in_file;
        std::optional<std::uint32_t> published;
        bool changed;
        std::uint32_t serial;
        SerialRule rule;
    };
    const Row rows[] = {
        {"nothing published yet", 5, std::nullopt, true, 5, SerialRule::as_in_file},
        {"raised in the file", 6, 5, true, 6, SerialRule::as_in_file},
        {"raised with the same content", 6, 5, false, 6, SerialRule::as_in_file},
        {"nothing new", 5, 5, false, 5, SerialRule::kept},
        {"changed under the same serial", 5, 5, true, 6, SerialRule::not_raised},
        {"raised, but only to what we made of the last mistake", 6, 6, true, 7,
         SerialRule::not_raised},
        {"lowered and changed", 3, 7, true, 8, SerialRule::went_back},
        {"lowered only", 3, 7, false, 7, SerialRule::kept},
        {"raised over the end of the circle", 2, 0xffff'fffe, true, 2, SerialRule::as_in_file},
        {"changed at the end of the circle", 0xffff'ffff, 0xffff'ffff, true, 0,
         SerialRule::not_raised},
        {"half the circle away", 0x8000'0000, 0, true, 1, SerialRule::went_back},
    };
    for (const Row& row : rows) {
        CAPTURE(row.fact);
        const auto published = row.published ? std::optional(Serial(*row.published)) : std::nullopt;
        CHECK(choose_serial(Serial(row.in_file), published, row.changed) ==
              SerialChoice{Serial(row.serial), row.rule});
    }
}

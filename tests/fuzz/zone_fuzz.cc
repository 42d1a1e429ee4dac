// The reader of master files: any text, with any text behind its $INCLUDEs, is a zone or a list of
// mistakes; and a zone written out and read again is the same zone.
#include "tests/fuzz/check.h"
#include "tests/fuzz/zones.h"
#include "zones/digest.h"
#include "zones/path.h"
#include "zones/zone_text.h"

#include <map>
#include <string>
#include <string_view>

using namespace zones;

namespace {

// Parts of an input, each behind a byte 0x01: the zone's own file, then what it may include.
std::map<std::string, std::string> files_in(std::string_view input) {
    std::map<std::string, std::string> files;
    for (int number = 0; number < 4; ++number) {
        const std::size_t end = input.find('\x01');
        files[number == 0 ? "zone" : std::string(1, static_cast<char>('a' + number - 1))] =
            input.substr(0, end);
        if (end == std::string_view::npos) break;
        input.remove_prefix(end + 1);
    }
    return files;
}

// Up to a million records a $GENERATE are what an operator may ask for, and would be all that is
// tried here: where there is one, no number has more than three digits.
std::string with_small_ranges(std::string_view text) {
    constexpr std::size_t digits_max = 3;
    std::string lowered(text), result;
    for (char& c : lowered) c = static_cast<char>(zones::lower1(static_cast<std::uint8_t>(c)));
    if (lowered.find("$generate") == std::string::npos) return std::string(text);
    std::size_t digits = 0;
    for (const char c : text) {
        digits = c >= '0' && c <= '9' ? digits + 1 : 0;
        if (digits <= digits_max) result += c;
    }
    return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Name origin = fuzz::name("example");
    const std::string text = with_small_ranges({reinterpret_cast<const char*>(data), size});
    const auto files = files_in(text);
    const Opener open = [&](const std::string& path) -> tl::expected<std::string, std::string> {
        const auto found = files.find(path);
        if (found == files.end()) return tl::unexpected<std::string>("no such file");
        return found->second;
    };
    const Loaded loaded = load_zone(origin, "zone", open);
    bool errors = false;
    for (const Mistake& mistake : loaded.mistakes) {
        FUZZ_CHECK(!mistake.text().empty());
        errors |= mistake.severity == Mistake::error;
    }
    FUZZ_CHECK(errors == (loaded.zone == nullptr));
    if (!loaded.zone) return 0;

    const auto again = fuzz::zone("example", zone_text(*loaded.zone));
    FUZZ_CHECK(again->records() == loaded.zone->records());
    FUZZ_CHECK(content_digest(*again) == content_digest(*loaded.zone));
    return 0;
}

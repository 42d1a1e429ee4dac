#include "tests/fuzz/zones.h"

#include "tests/fuzz/check.h"

namespace fuzz {

zones::Name name(std::string_view text) {
    auto parsed = zones::Name::parse(text);
    FUZZ_CHECK(parsed.has_value());
    return *parsed;
}

std::shared_ptr<const zones::Zone> zone(std::string_view origin, const std::string& text) {
    const zones::Opener open = [&](const std::string&) -> tl::expected<std::string, std::string> {
        return text;
    };
    const zones::Loaded loaded = zones::load_zone(name(origin), "zone", open);
    for (const zones::Mistake& mistake : loaded.mistakes)
        if (mistake.severity == zones::Mistake::error)
            std::fprintf(stderr, "%s\n", mistake.text().c_str());
    FUZZ_CHECK(loaded.zone != nullptr);
    return loaded.zone;
}

}  // namespace fuzz

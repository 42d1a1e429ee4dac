#include "zones/words.h"

#include <algorithm>
#include <charconv>

namespace zones {

bool equal_words(std::string_view word, std::string_view upper) {
    return word.size() == upper.size() &&
           std::equal(word.begin(), word.end(), upper.begin(),
                      [](char a, char b) { return (a >= 'a' && a <= 'z' ? a - 0x20 : a) == b; });
}

std::optional<std::uint64_t> read_ttl(std::string_view text) {
    constexpr std::uint64_t far = std::uint64_t{1} << 40;
    std::uint64_t sum = 0;
    bool units = false;
    if (text.empty() || text[0] < '0' || text[0] > '9') return std::nullopt;
    while (!text.empty()) {
        std::uint64_t number = 0;
        const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error == std::errc::result_out_of_range)
            number = far;
        else if (error != std::errc())
            return std::nullopt;
        text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
        std::uint64_t unit = 1;
        if (!text.empty()) {
            switch (text[0] | 0x20) {
                case 's':
                    unit = 1;
                    break;
                case 'm':
                    unit = 60;
                    break;
                case 'h':
                    unit = 3600;
                    break;
                case 'd':
                    unit = 86400;
                    break;
                case 'w':
                    unit = 604800;
                    break;
                default:
                    return std::nullopt;
            }
            text.remove_prefix(1);
            units = true;
        } else if (units) {
            return std::nullopt;  // "1H30": of what?
        }
        sum = std::min(far, sum + std::min(number, far) * unit);
    }
    return sum;
}

std::optional<Class> read_class(std::string_view text) {
    if (equal_words(text, "IN")) return Class::in;
    if (equal_words(text, "CH") || equal_words(text, "CHAOS")) return Class::ch;
    if (equal_words(text, "HS") || equal_words(text, "HESIOD")) return Class::hs;
    // RFC 3597 §5.
    if (text.size() < 6 || !equal_words(text.substr(0, 5), "CLASS")) return std::nullopt;
    std::uint16_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + 5, end, value);
    if (error != std::errc() || stop != end) return std::nullopt;
    return static_cast<Class>(value);
}

}  // namespace zones

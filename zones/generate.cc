#include "zones/generate.h"

#include <charconv>
#include <cinttypes>
#include <cstdio>

namespace zones {

namespace {

constexpr unsigned width_max = 127;  // as in BIND

template <class Number>
bool read_number(std::string_view& text, Number& number) {
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc()) return false;
    text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
    return true;
}

bool take(std::string_view& text, char c) {
    if (text.empty() || text.front() != c) return false;
    text.remove_prefix(1);
    return true;
}

struct Format {
    std::int64_t offset = 0;
    unsigned width = 0;
    char base = 'd';
};

// What stands between the braces.
bool read_format(std::string_view text, Format& format) {
    constexpr std::int64_t offset_max = 0x7fff'ffff;
    take(text, '+');
    if (!read_number(text, format.offset) || format.offset > offset_max ||
        format.offset < -offset_max)
        return false;
    if (take(text, ',') && (!read_number(text, format.width) || format.width > width_max))
        return false;
    if (take(text, ',')) {
        if (text.size() != 1 || std::string_view("doxXnN").find(text[0]) == std::string_view::npos)
            return false;
        format.base = text[0];
        text.remove_prefix(1);
    }
    return text.empty();
}

// The number's hexadecimal digits as labels, the last digit first: for ip6.arpa. The dots count in
// the width, and with an even one the text ends in a dot, as it does in BIND.
std::string nibbles(std::uint32_t number, const Format& format) {
    const char* const digits = format.base == 'n' ? "0123456789abcdef" : "0123456789ABCDEF";
    std::string text;
    do {
        text += digits[number & 0xf];
        number >>= 4;
        if (number != 0 || text.size() < format.width) text += '.';
    } while (number != 0 || text.size() < format.width);
    return text;
}

std::string number_text(std::int64_t number, const Format& format) {
    // What is below zero is a number of 32 bits in every base but ten.
    const auto bits = static_cast<std::uint32_t>(number);
    if (format.base == 'n' || format.base == 'N') return nibbles(bits, format);
    char buffer[width_max + 32];
    const int width = static_cast<int>(format.width);
    switch (format.base) {
        case 'o':
            std::snprintf(buffer, sizeof buffer, "%0*" PRIo32, width, bits);
            break;
        case 'x':
            std::snprintf(buffer, sizeof buffer, "%0*" PRIx32, width, bits);
            break;
        case 'X':
            std::snprintf(buffer, sizeof buffer, "%0*" PRIX32, width, bits);
            break;
        default:
            std::snprintf(buffer, sizeof buffer, "%0*" PRId64, width, number);
    }
    return buffer;
}

}  // namespace

tl::expected<GenerateRange, std::string> GenerateRange::parse(std::string_view text) {
    constexpr std::uint64_t number_max = 0x7fff'ffff;
    GenerateRange range;
    const bool read = read_number(text, range.first) && take(text, '-') &&
                      read_number(text, range.last) &&
                      (!take(text, '/') || read_number(text, range.step)) && text.empty();
    if (!read) return tl::unexpected<std::string>("a range is first-last or first-last/step");
    if (range.first > range.last || range.last > number_max)
        return tl::unexpected<std::string>("the range must rise, to 2147483647 at most");
    if (range.step == 0 || range.step > number_max)
        return tl::unexpected<std::string>("the step must be from 1 to 2147483647");
    if (range.count() > generated_max)
        return tl::unexpected("the range gives more than " + std::to_string(generated_max) +
                              " records");
    return range;
}

tl::expected<std::string, std::string> generate(std::string_view text, std::uint64_t number) {
    std::string result;
    while (!text.empty()) {
        const char c = text.front();
        text.remove_prefix(1);
        if (c == '\\' && !text.empty()) {
            if (text.front() != '$') result += c;
            result += text.front();
            text.remove_prefix(1);
            continue;
        }
        if (c != '$') {
            result += c;
            continue;
        }
        if (take(text, '$')) {
            result += '$';
            continue;
        }
        Format format;
        if (take(text, '{')) {
            const std::size_t end = text.find('}');
            if (end == std::string_view::npos || !read_format(text.substr(0, end), format))
                return tl::unexpected<std::string>(
                    "a format is ${offset,width,base}, base one of d o x X n N");
            text.remove_prefix(end + 1);
        }
        const auto shifted = static_cast<std::int64_t>(number) + format.offset;
        result += number_text(shifted, format);
    }
    return result;
}

std::string generate_data(std::string_view word) {
    if (word.size() < 2 || word.front() != '"' || word.back() != '"') return std::string(word);
    word = word.substr(1, word.size() - 2);
    std::string result;
    for (std::size_t at = 0; at < word.size(); ++at) {
        if (word[at] == '\\' && at + 1 < word.size()) {
            if (word[at + 1] != '"') result += word[at];
            ++at;
        }
        result += word[at];
    }
    return result;
}

}  // namespace zones

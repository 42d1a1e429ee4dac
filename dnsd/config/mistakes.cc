#include "dnsd/config/mistakes.h"

#include <algorithm>
#include <array>
#include <map>

#include <fmt/format.h>

namespace dnsd {

namespace {

// A file's line is shown on a terminal: what could move the cursor becomes a blank, one for one, so
// that the caret stays under its place.
std::string printable(std::string_view line) {
    std::string out(line);
    for (char& c : out)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    return out;
}

std::string text_of(const Mistake& mistake) {
    std::string out = fmt::format("{}:{}:{}: {}: {}\n", mistake.file, mistake.line, mistake.column,
                                  mistake.is_error ? "error" : "warning", mistake.what);
    if (!mistake.source_line.empty()) {
        const std::string tail(mistake.width > 1 ? mistake.width - 1 : 0, '~');
        out += fmt::format("{:>5} | {}\n", mistake.line, printable(mistake.source_line));
        out += fmt::format("      | {}^{}\n", std::string(mistake.column - 1, ' '), tail);
    }
    if (!mistake.hint.empty()) out += fmt::format("      hint: {}\n", mistake.hint);
    return out;
}

// Optimal string alignment: insert, delete, replace, swap of neighbours.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    constexpr std::size_t longest = 40;
    if (a.size() > longest || b.size() > longest) return std::string_view::npos;
    std::array<std::array<std::size_t, longest + 1>, longest + 1> d{};
    for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
    for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, replaced});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
        }
    }
    return d[a.size()][b.size()];
}

}  // namespace

std::string counted(std::size_t number, std::string_view noun) {
    return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
}

Mistake from_zone_file(const zones::Mistake& mistake) {
    Mistake out;
    out.file = mistake.file;
    out.line = mistake.line;
    out.column = mistake.column;
    out.what = mistake.what;
    out.hint = mistake.hint;
    out.is_error = mistake.severity == zones::Mistake::error;
    return out;
}

void sort_mistakes(std::vector<Mistake>& mistakes) {
    std::map<std::string, std::size_t> order;
    for (const Mistake& mistake : mistakes) order.emplace(mistake.file, order.size());
    std::stable_sort(mistakes.begin(), mistakes.end(), [&](const Mistake& a, const Mistake& b) {
        return std::tuple(order[a.file], a.line, a.column) <
               std::tuple(order[b.file], b.line, b.column);
    });
}

std::string report(std::span<const Mistake> mistakes) {
    if (mistakes.empty()) return {};
    std::string out;
    for (const Mistake& mistake : mistakes) out += text_of(mistake);
    const auto errors = static_cast<std::size_t>(
        std::count_if(mistakes.begin(), mistakes.end(), [](const auto& m) { return m.is_error; }));
    const std::size_t warnings = mistakes.size() - errors;
    if (errors > 0) out += counted(errors, "error");
    if (errors > 0 && warnings > 0) out += ", ";
    if (warnings > 0) out += counted(warnings, "warning");
    return out + ".\n";
}

std::string_view did_you_mean(std::string_view word, std::span<const std::string_view> candidates) {
    std::string_view best;
    std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
    for (const std::string_view candidate : candidates) {
        const std::size_t distance = edit_distance(word, candidate);
        if (distance < best_distance) {
            best = candidate;
            best_distance = distance;
        }
    }
    return best;
}

}  // namespace dnsd

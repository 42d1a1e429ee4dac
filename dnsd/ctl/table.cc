#include "dnsd/ctl/table.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>

#include <fmt/format.h>

namespace dnsd {

namespace {

struct Unit {
    double seconds;
    char letter;
};
constexpr std::array<Unit, 4> units{{{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}}};

// Of what no clock says, more than a thousand years included.
double sane(double seconds) {
    if (!std::isfinite(seconds) || seconds < 0) return 0;
    return std::min(seconds, 1e11);
}

}  // namespace

std::string ascii(std::string_view text) {
    std::string clean(text);
    for (char& c : clean)
        if (c < 0x20 || c > 0x7e) c = '?';
    return clean;
}

std::string fine_age(double seconds) {
    seconds = sane(seconds);
    if (seconds < 99.95) return fmt::format("{:.1f} s", seconds);
    return age(seconds);
}

std::string age(double seconds) {
    seconds = sane(seconds);
    for (const Unit& unit : units)
        if (seconds >= unit.seconds)
            return fmt::format("{:.0f} {}", std::floor(seconds / unit.seconds), unit.letter);
    return "0 s";
}

std::string long_age(double seconds) {
    seconds = sane(seconds);
    for (std::size_t i = 0; i + 1 < units.size(); ++i) {
        if (seconds < units[i].seconds) continue;
        const double large = std::floor(seconds / units[i].seconds);
        const double rest = seconds - large * units[i].seconds;
        const double small = std::floor(rest / units[i + 1].seconds);
        std::string text = fmt::format("{:.0f} {}", large, units[i].letter);
        if (small > 0) text += fmt::format(" {:.0f} {}", small, units[i + 1].letter);
        return text;
    }
    return age(seconds);
}

std::string trouble(std::string_view text, Paint paint) {
    if (paint == Paint::plain) return std::string(text);
    return fmt::format("\x1b[1;31m{}\x1b[0m", text);
}

void Table::add(std::vector<Cell> cells) {
    assert(cells.size() == heads_.size());
    rows_.push_back(std::move(cells));
}

std::string Table::text(Paint paint) const {
    std::vector<std::size_t> widths;
    for (std::size_t i = 0; i < heads_.size(); ++i) {
        std::size_t width = heads_[i].size();
        for (const auto& row : rows_) width = std::max(width, row[i].text.size());
        widths.push_back(width);
    }
    std::string out;
    const auto put = [&](std::size_t column, const std::string& cell, bool bad) {
        out += bad ? trouble(cell, paint) : cell;
        out.append(widths[column] - cell.size() + 2, ' ');
    };
    const auto end_line = [&] {
        while (!out.empty() && out.back() == ' ') out.pop_back();
        out += '\n';
    };
    for (std::size_t i = 0; i < heads_.size(); ++i) put(i, heads_[i], false);
    end_line();
    for (const auto& row : rows_) {
        for (std::size_t i = 0; i < row.size(); ++i) put(i, row[i].text, row[i].bad);
        end_line();
    }
    return out;
}

}  // namespace dnsd

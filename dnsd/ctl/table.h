#pragma once
// Columns for people: aligned plain ASCII. Trouble is said in upper case by whoever fills a cell;
// colour only repeats it.

#include <string>
#include <string_view>
#include <vector>

namespace dnsd {

enum class Paint { plain, colour };

// Without control characters or anything else but printable ASCII: what a server says of itself is
// shown on an operator's terminal.
std::string ascii(std::string_view text);

// "0.4 s", for what changes by the second.
std::string fine_age(double seconds);
// "38 s", "4 m", "7 h", "12 d"
std::string age(double seconds);
// "1 d 7 h", "4 m 15 s": the two largest units
std::string long_age(double seconds);

std::string trouble(std::string_view text, Paint paint);

class Table {
public:
    struct Cell {
        std::string text;
        bool bad = false;
    };
    explicit Table(std::vector<std::string> heads) : heads_(std::move(heads)) {}
    // As many cells as heads.
    void add(std::vector<Cell> cells);
    // Two blanks between columns, none at the end of a line.
    std::string text(Paint paint) const;

private:
    std::vector<std::string> heads_;
    std::vector<std::vector<Cell>> rows_;
};

}  // namespace dnsd

#pragma once
// Master file text as logical lines of words, each with its place (RFC 1035 §5.1): comments taken
// away, parentheses joined, quotes and escapes respected but left as they stand.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace zones {

struct Word {
    std::string_view text;  // with its quotes
    unsigned line = 0, column = 0;
    // Where the quotes of a key="value" begin, as in alpn="h2,h3" (RFC 9460 §2.1); 0 without. To
    // whoever knows no such pairs it is two words.
    std::size_t quotes_at = 0;
};

struct MasterLine {
    std::vector<Word> words;
    bool blank_start = false;       // the owner is that of the record before
    std::string error;              // when not empty the line cannot be used
    unsigned line = 0, column = 0;  // of the error
};

class MasterText {
public:
    explicit MasterText(std::string_view text) : text_(text) {}

    // The next line that has words, or an error; false at the end. Words are views into the text.
    bool next(MasterLine& line);

private:
    char peek() const { return text_[at_]; }
    bool more() const { return at_ < text_.size(); }
    unsigned column() const { return static_cast<unsigned>(at_ - line_start_) + 1; }
    void newline();
    void fail(MasterLine& line, std::string what, unsigned row, unsigned column);
    bool quoted(MasterLine& line);  // from the opening quote to behind the closing one
    bool word(MasterLine& line);

    std::string_view text_;
    std::size_t at_ = 0, line_start_ = 0;
    unsigned line_ = 1;
};

}  // namespace zones

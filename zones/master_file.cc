#include "zones/master_file.h"

#include <utility>

namespace zones {

namespace {

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\f' || c == '\v';
}

// A CR ends a line as well, alone or before an LF.
bool is_end(char c) {
    return c == '\n' || c == '\r';
}

}  // namespace

void MasterText::newline() {
    at_ += peek() == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n' ? 2 : 1;
    ++line_;
    line_start_ = at_;
}

// The rest of the physical line goes with the mistake, so that the next one starts afresh.
void MasterText::fail(MasterLine& line, std::string what, unsigned row, unsigned column) {
    line.error = std::move(what);
    line.line = row;
    line.column = column;
    while (more() && !is_end(peek())) ++at_;
}

bool MasterText::quoted(MasterLine& line) {
    const unsigned row = line_, opened = column();
    for (++at_; more() && !is_end(peek());) {
        if (peek() == '"') {
            ++at_;
            return true;
        }
        if (peek() == '\\' && at_ + 1 < text_.size()) {
            ++at_;
            // Escaped, the end of a line is part of the string.
            if (is_end(peek())) {
                newline();
                continue;
            }
        }
        ++at_;
    }
    fail(line, "a quoted string has no end on its line", row, opened);
    return false;
}

// Quotes begin a word and end it; only behind "=" they belong to what is before them.
bool MasterText::word(MasterLine& line) {
    const std::size_t start = at_;
    std::size_t quotes_at = 0;
    const unsigned row = line_, start_column = column();
    if (peek() == '"') {
        if (!quoted(line)) return false;
    } else {
        while (more() && !is_blank(peek()) && !is_end(peek()) && peek() != ';' && peek() != '(' &&
               peek() != ')') {
            if (peek() == '"') {
                if (text_[at_ - 1] != '=') break;
                quotes_at = at_ - start;
                if (!quoted(line)) return false;
                break;
            }
            if (peek() == '\\' && at_ + 1 < text_.size() && !is_end(text_[at_ + 1])) ++at_;
            ++at_;
        }
    }
    line.words.push_back({text_.substr(start, at_ - start), row, start_column, quotes_at});
    return true;
}

bool MasterText::next(MasterLine& line) {
    line.words.clear();
    line.error.clear();
    line.blank_start = more() && is_blank(peek());
    std::size_t open = 0;  // parentheses; BIND lets them nest
    unsigned open_line = 0, open_column = 0;
    while (more()) {
        const char c = peek();
        if (is_end(c)) {
            newline();
            if (open > 0) continue;
            if (!line.words.empty()) return true;
            line.blank_start = more() && is_blank(peek());
        } else if (is_blank(c)) {
            ++at_;
        } else if (c == ';') {
            while (more() && !is_end(peek())) ++at_;
        } else if (c == '(') {
            if (open++ == 0) {
                open_line = line_;
                open_column = column();
            }
            ++at_;
        } else if (c == ')') {
            if (open == 0) {
                fail(line, "a closing parenthesis that was never opened", line_, column());
                return true;
            }
            --open;
            ++at_;
        } else if (!word(line)) {
            return true;
        }
    }
    if (open > 0) {
        fail(line, "a parenthesis is never closed", open_line, open_column);
        return true;
    }
    return !line.words.empty();
}

}  // namespace zones

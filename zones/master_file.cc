#include "zones/master_file.h"

#include <utility>

namespace zones {

namespace {

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

}  // namespace

void MasterText::newline() {
    ++at_;
    ++line_;
    line_start_ = at_;
}

// The rest of the physical line goes with the mistake, so that the next one starts afresh.
void MasterText::fail(MasterLine& line, std::string what, unsigned row, unsigned column) {
    line.error = std::move(what);
    line.line = row;
    line.column = column;
    while (more() && peek() != '\n') ++at_;
}

bool MasterText::quoted(MasterLine& line) {
    const unsigned opened = column();
    for (++at_; more() && peek() != '\n'; ++at_) {
        if (peek() == '"') {
            ++at_;
            return true;
        }
        if (peek() == '\\' && at_ + 1 < text_.size() && text_[at_ + 1] != '\n') ++at_;
    }
    fail(line, "a quoted string has no end on its line", line_, opened);
    return false;
}

bool MasterText::word(MasterLine& line) {
    const std::size_t start = at_;
    const unsigned start_column = column();
    if (peek() == '"') {
        if (!quoted(line)) return false;
    } else {
        while (more() && !is_blank(peek()) && peek() != '\n' && peek() != ';' && peek() != '(' &&
               peek() != ')') {
            if (peek() == '"') {  // as in alpn="h2,h3"
                if (!quoted(line)) return false;
                continue;
            }
            if (peek() == '\\' && at_ + 1 < text_.size() && text_[at_ + 1] != '\n') ++at_;
            ++at_;
        }
    }
    line.words.push_back({text_.substr(start, at_ - start), line_, start_column});
    return true;
}

bool MasterText::next(MasterLine& line) {
    line.words.clear();
    line.error.clear();
    line.blank_start = more() && is_blank(peek());
    unsigned open_line = 0, open_column = 0;
    bool open = false;
    while (more()) {
        const char c = peek();
        if (c == '\n') {
            newline();
            if (open) continue;
            if (!line.words.empty()) return true;
            line.blank_start = more() && is_blank(peek());
        } else if (is_blank(c)) {
            ++at_;
        } else if (c == ';') {
            while (more() && peek() != '\n') ++at_;
        } else if (c == '(') {
            if (open) {
                fail(line, "a parenthesis inside of parentheses", line_, column());
                return true;
            }
            open = true;
            open_line = line_;
            open_column = column();
            ++at_;
        } else if (c == ')') {
            if (!open) {
                fail(line, "a closing parenthesis that was never opened", line_, column());
                return true;
            }
            open = false;
            ++at_;
        } else if (!word(line)) {
            return true;
        }
    }
    if (open) {
        fail(line, "a parenthesis is never closed", open_line, open_column);
        return true;
    }
    return !line.words.empty();
}

}  // namespace zones

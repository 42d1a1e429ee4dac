#include "zones/tsig_text.h"

#include "zones/words.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace zones {

namespace {

struct Token {
    enum Kind { word, quoted, mark, end };
    Kind kind = end;
    std::string_view text;  // without its quotes
    unsigned line = 1, column = 1;

    bool is(char c) const { return kind == mark && text.front() == c; }
    bool says() const { return kind == word || kind == quoted; }
};

struct Problem {
    unsigned line, column;
    const char* what;
};

// Words, quoted strings and the marks { } ; of named.conf, without comments.
class Lexer {
public:
    explicit Lexer(std::string_view text) : text_(text) {}

    // What cannot be a token is passed over, and told once in problem().
    Token next() {
        skip_blanks();
        Token token{Token::end, {}, line_, column_};
        if (at_ == text_.size()) return token;
        const std::size_t begin = at_;
        const char c = text_[at_];
        if (is_mark(c)) {
            advance();
            token.kind = Token::mark;
            token.text = text_.substr(begin, 1);
        } else if (c == '"') {
            token.kind = Token::quoted;
            token.text = quoted(token);
        } else {
            while (at_ < text_.size() && !is_blank(text_[at_]) && !is_mark(text_[at_]) &&
                   text_[at_] != '"' && !comment_begins())
                advance();
            token.kind = Token::word;
            token.text = text_.substr(begin, at_ - begin);
        }
        return token;
    }
    std::optional<Problem> problem() { return std::exchange(problem_, std::nullopt); }

private:
    static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
    static bool is_mark(char c) { return c == '{' || c == '}' || c == ';'; }

    void advance() {
        if (text_[at_++] == '\n') {
            ++line_;
            column_ = 1;
        } else {
            ++column_;
        }
    }
    // A slash alone is of base64: only where a word would begin does "//" begin a comment.
    bool comment_begins() const { return text_[at_] == '#'; }

    void skip_blanks() {
        while (at_ < text_.size()) {
            const auto rest = text_.substr(at_);
            if (is_blank(rest.front())) {
                advance();
            } else if (rest.front() == '#' || rest.substr(0, 2) == "//") {
                while (at_ < text_.size() && text_[at_] != '\n') advance();
            } else if (rest.substr(0, 2) == "/*") {
                const Problem open{line_, column_, "this comment is not closed"};
                const std::size_t close = text_.find("*/", at_ + 2);
                if (close == text_.npos) problem_ = open;
                const std::size_t behind = close == text_.npos ? text_.size() : close + 2;
                while (at_ < behind) advance();
            } else {
                return;
            }
        }
    }

    std::string_view quoted(const Token& token) {
        advance();
        const std::size_t begin = at_;
        while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\n') advance();
        const auto inside = text_.substr(begin, at_ - begin);
        if (at_ < text_.size() && text_[at_] == '"')
            advance();
        else
            problem_ = Problem{token.line, token.column, "this string is not closed on its line"};
        return inside;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    unsigned line_ = 1, column_ = 1;
    std::optional<Problem> problem_;
};

std::optional<TsigAlgorithm> algorithm_of(std::string_view word) {
    for (std::size_t i = 0; i < tsig_algorithms; ++i) {
        const auto algorithm = static_cast<TsigAlgorithm>(i);
        std::string upper(text(algorithm));
        for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        if (equal_words(word, upper)) return algorithm;
    }
    if (equal_words(word, "HMAC-MD5.SIG-ALG.REG.INT")) return TsigAlgorithm::hmac_md5;
    return std::nullopt;
}

constexpr std::string_view base64_digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// RFC 4648 §4, whole: padded, and with no bit that means nothing.
std::optional<std::vector<std::byte>> from_base64(std::string_view text) {
    if (text.empty() || text.size() % 4 != 0) return std::nullopt;
    const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
    const std::string_view digits = text.substr(0, text.size() - padding);
    std::vector<std::byte> bytes;
    unsigned bits = 0, held = 0;
    for (const char c : digits) {
        const std::size_t digit = base64_digits.find(c);
        if (digit == base64_digits.npos) return std::nullopt;
        held = held << 6 | static_cast<unsigned>(digit);
        bits += 6;
        if (bits < 8) continue;
        bits -= 8;
        bytes.push_back(static_cast<std::byte>(held >> bits));
        held &= (1U << bits) - 1;
    }
    if (held != 0 || bytes.size() > tsig_secret_max) return std::nullopt;
    return bytes;
}

constexpr const char* known_algorithms =
    "known are hmac-sha256, hmac-sha384, hmac-sha512, hmac-sha224, hmac-sha1 and hmac-md5";

class KeyReader {
public:
    KeyReader(const std::string& path, std::string_view text, bool weak_algorithms)
        : path_(path), lexer_(text), weak_algorithms_(weak_algorithms) {
        take();
    }

    void read() {
        while (token_.kind != Token::end && mistakes.size() < tsig_mistakes_max) {
            if (token_.kind == Token::word && equal_words(token_.text, "KEY")) {
                take();
                clause();
            } else {
                say(token_, "only key clauses stand in a key file",
                    "key \"NAME\" { algorithm hmac-sha256; secret \"BASE64\"; };");
                skip_clause();
            }
        }
        if (mistakes.size() > tsig_mistakes_max) mistakes.resize(tsig_mistakes_max);
    }

    std::vector<TsigKey> keys;
    std::vector<Mistake> mistakes;

private:
    void say(const Token& at, std::string what, std::string hint = "") {
        mistakes.push_back(
            {path_, at.line, at.column, Mistake::error, std::move(what), std::move(hint)});
    }

    void take() {
        token_ = lexer_.next();
        if (const auto problem = lexer_.problem())
            mistakes.push_back(
                {path_, problem->line, problem->column, Mistake::error, problem->what, ""});
    }

    // Behind the end of the clause that we are in, wherever that is.
    void skip_clause() {
        std::size_t depth = 0;
        for (; token_.kind != Token::end; take()) {
            if (token_.is('{')) ++depth;
            if (token_.is('}') && depth > 0) --depth;
            if (token_.is(';') && depth == 0) {
                take();
                return;
            }
        }
    }

    // Behind the next ';' of a key clause, or in front of its end.
    void skip_statement() {
        while (token_.kind != Token::end && !token_.is('}') && !token_.is('{')) {
            const bool last = token_.is(';');
            take();
            if (last) return;
        }
    }

    bool expect(char mark, const char* what) {
        if (!token_.is(mark)) {
            say(token_, what);
            return false;
        }
        take();
        return true;
    }

    // Behind "key".
    void clause() {
        const Token name_token = token_;
        if (!name_token.says()) {
            say(name_token, "a key has a name");
            return skip_clause();
        }
        const auto name = Name::parse(name_token.text);
        if (!name) say(name_token, "this is no name for a key: " + name.error());
        if (name && name->is_root()) say(name_token, "the root is no name for a key");
        take();
        if (!expect('{', "'{' is missing behind the key's name")) return skip_clause();
        algorithm_.reset();
        secret_.reset();
        algorithm_said_ = secret_said_ = false;
        while (token_.kind != Token::end && !token_.is('}') && !token_.is('{') &&
               mistakes.size() < tsig_mistakes_max)
            statement();
        if (!expect('}', "'}' is missing at the end of the key")) return skip_clause();
        expect(';', "';' is missing behind '}'");
        if (!algorithm_said_) say(name_token, "this key has no algorithm");
        if (!secret_said_) say(name_token, "this key has no secret");
        if (!name || name->is_root()) return;
        const auto [first, is_new] = places_.try_emplace(*name, name_token.line);
        if (!is_new)
            say(name_token, "the key " + name->text() + " is there already",
                "it stands first in line " + std::to_string(first->second));
        else if (keys.size() == TsigKeys::keys_max)
            say(name_token, "there are more than " + std::to_string(TsigKeys::keys_max) + " keys");
        else if (algorithm_ && secret_)
            keys.push_back({*name, *algorithm_, std::move(*secret_)});
    }

    void statement() {
        const Token keyword = token_;
        take();
        const bool algorithm =
            keyword.kind == Token::word && equal_words(keyword.text, "ALGORITHM");
        const bool secret = keyword.kind == Token::word && equal_words(keyword.text, "SECRET");
        if (!algorithm && !secret) {
            say(keyword, "'algorithm' or 'secret' is expected here");
            if (!keyword.is(';')) skip_statement();
            return;
        }
        bool& said = algorithm ? algorithm_said_ : secret_said_;
        if (said)
            say(keyword, algorithm ? "this key has two algorithms" : "this key has two secrets");
        said = true;
        const Token value = token_;
        if (!value.says()) {
            say(value, algorithm ? "the algorithm's name is missing" : "the secret is missing");
            return skip_statement();
        }
        take();
        if (algorithm)
            read_algorithm(value);
        else
            read_secret(value);
        if (!expect(';', "';' is missing here")) {
            // The next statement, perhaps: it is not passed over for the sake of a ';'.
            if (token_.kind == Token::quoted) skip_statement();
        }
    }

    void read_algorithm(const Token& value) {
        algorithm_ = algorithm_of(value.text);
        if (!algorithm_) return say(value, "this algorithm is not known", known_algorithms);
        if (weak_algorithms_ || *algorithm_ > TsigAlgorithm::hmac_sha1) return;
        say(value, std::string(text(*algorithm_)) + " is weak and not allowed",
            "use hmac-sha256 on both sides, or set weak_algorithms = true under [transfer]");
    }

    void read_secret(const Token& value) {
        secret_ = from_base64(value.text);
        if (!secret_)
            say(value, "this is no secret in base64",
                "it has from 1 to " + std::to_string(tsig_secret_max) + " bytes; " +
                    "`tsig-keygen -a hmac-sha256 NAME` makes one");
    }

    const std::string& path_;
    Lexer lexer_;
    const bool weak_algorithms_;
    Token token_;
    std::map<Name, unsigned> places_;  // lines of the keys so far
    // Of the clause that is read.
    std::optional<TsigAlgorithm> algorithm_;
    std::optional<std::vector<std::byte>> secret_;
    bool algorithm_said_ = false, secret_said_ = false;
};

}  // namespace

tl::expected<std::vector<TsigKey>, std::vector<Mistake>> read_tsig_keys(const std::string& path,
                                                                        std::string_view text,
                                                                        bool weak_algorithms) {
    if (text.size() > tsig_text_max) {
        const std::string what =
            "a key file has at most " + std::to_string(tsig_text_max) + " bytes";
        return tl::unexpected(std::vector<Mistake>{{path, 0, 0, Mistake::error, what, ""}});
    }
    KeyReader reader(path, text, weak_algorithms);
    reader.read();
    if (!reader.mistakes.empty()) return tl::unexpected(std::move(reader.mistakes));
    return std::move(reader.keys);
}

std::string tsig_secret_text(const TsigKey& key) {
    std::string text;
    for (std::size_t i = 0; i < key.secret.size(); i += 3) {
        const std::size_t count = std::min<std::size_t>(3, key.secret.size() - i);
        unsigned group = 0;
        for (std::size_t k = 0; k < 3; ++k)
            group = group << 8 | (k < count ? std::to_integer<unsigned>(key.secret[i + k]) : 0);
        for (std::size_t k = 0; k < 4; ++k)
            text += k <= count ? base64_digits[group >> (18 - 6 * k) & 63] : '=';
    }
    return text;
}

std::string tsig_key_text(const TsigKey& key) {
    return "key \"" + key.name.text() + "\" {\n    algorithm " + std::string(text(key.algorithm)) +
           ";\n    secret \"" + tsig_secret_text(key) + "\";\n};\n";
}

}  // namespace zones

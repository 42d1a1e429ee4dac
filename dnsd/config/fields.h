#pragma once
// toml++'s one door: tables whose every key is read with its type, its bounds and its place. What
// was not asked for is an unknown key. (Tables iterate in alphabetical order, so mistakes are
// sorted at the end; the parser stops at the first mistake of syntax.)

#include "dnsd/config/duration_text.h"
#include "dnsd/config/mistakes.h"
#include "heartbeat/identity.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <toml++/toml.h>

namespace dnsd {

using heartbeat::Duration;

struct Place {
    unsigned line = 1;
    unsigned column = 1;
};
Place place_of(const toml::source_region&);

// A value that was written, with its place; `said` is false for a default, and for one that stands
// in for what was written and is `wrong`: that was said, and nothing that follows from it is.
template <typename T>
struct Field {
    T value;
    Place place;
    bool said = false;
    bool wrong = false;
};

// "4096B", "64KiB", "16MiB", "1GiB": a whole number and a unit.
std::optional<std::size_t> parse_bytes(std::string_view text);
std::string bytes_text(std::size_t bytes);

// One file: its lines and what is wrong in it.
class Document {
public:
    Document(std::string file, std::string_view text);

    // Where the value's own words say what is wrong.
    void error(Place, std::string what, std::string hint = {});
    // Where the text is to be seen, `width` characters underlined.
    void error_shown(Place, std::size_t width, std::string what, std::string hint = {});
    // What can be as it is, and is hardly meant.
    void warning(Place, std::string what, std::string hint);
    std::vector<Mistake> take() { return std::move(mistakes_); }
    void add(Mistake mistake) { mistakes_.push_back(std::move(mistake)); }  // of another file
    bool clean() const;                                                     // without an error
    std::size_t count() const { return mistakes_.size(); }

private:
    std::string file_;
    std::vector<std::string> lines_;
    std::vector<Mistake> mistakes_;
};

class Table {
public:
    // `title` is how mistakes call it: "[www]", or "" for the top of the file.
    Table(Document&, std::string title, const toml::table&);

    Field<std::string> text(std::string_view key, std::string otherwise);
    Field<bool> flag(std::string_view key, bool otherwise);
    Field<unsigned> number(std::string_view key, unsigned otherwise, unsigned least, unsigned most);
    Field<Duration> duration(std::string_view key, Duration otherwise, Duration least,
                             Duration most);
    Field<std::size_t> bytes(std::string_view key, std::size_t otherwise, std::size_t least,
                             std::size_t most);
    // Whole seconds.
    Field<unsigned> ttl(std::string_view key, unsigned otherwise);
    // One of a few words.
    Field<std::string> word(std::string_view key, std::string otherwise,
                            const std::vector<std::string_view>& words);
    // One string, or a list of strings with at most `most` entries.
    std::vector<Field<std::string>> texts(std::string_view key, std::size_t most);
    // nullopt when it is not there or is no table.
    std::optional<Table> table(std::string_view key);
    // An array of tables; `most` of them.
    std::vector<Table> tables(std::string_view key, std::size_t most);

    bool has(std::string_view key);
    Place place() const { return place_; }
    const std::string& title() const { return title_; }
    Document& document() { return *document_; }
    const toml::table& raw() const { return *table_; }
    // Reports every key that nobody asked for.
    void finish() const;

private:
    const toml::node* find(std::string_view key);
    std::string in() const { return title_.empty() ? "" : " in " + title_; }
    void wrong_type(std::string_view key, const toml::node&, std::string_view wanted);

    Document* document_;
    std::string title_;
    const toml::table* table_;
    Place place_;
    std::vector<std::string> known_;
};

}  // namespace dnsd

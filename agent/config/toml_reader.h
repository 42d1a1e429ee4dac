#pragma once
// Reads one TOML document key by key and keeps every mistake with its place, so that a person mends
// the whole file in one go. For the .cc files of this folder: toml++ stays inside.

#include "agent/config/config.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <toml++/toml.h>

namespace agent {

// "250ms", "6s", "5m", "1h30m" is not one: one number, one unit.
std::optional<Duration> parse_duration(std::string_view text);
// Of `known`, the one that is close enough to have been meant.
std::optional<std::string> did_you_mean(std::string_view word,
                                        const std::vector<std::string>& known);

class Mistakes {
public:
    void at(const toml::source_region& where, std::string text, std::string hint = {});
    void at_key(const toml::key& key, std::string text, std::string hint = {});
    bool empty() const { return found_.empty(); }
    std::vector<Mistake> in_file_order();

private:
    std::vector<Mistake> found_;
};

// One table. Every key that is asked for becomes a known one; finish() refuses the others.
class TableReader {
public:
    // `table` may be null: then nothing is there, and what is required is missing at `parent`.
    TableReader(const toml::table* table, std::string name, const toml::source_region& parent,
                Mistakes& mistakes)
        : table_(table), name_(std::move(name)), parent_(parent), mistakes_(mistakes) {}

    enum class Need { required, optional };

    bool present() const { return table_ != nullptr; }
    std::optional<std::string> text(const std::string& key, Need need = Need::optional);
    std::optional<std::int64_t> integer(const std::string& key, std::int64_t least,
                                        std::int64_t most);
    std::optional<bool> yes_or_no(const std::string& key);
    std::optional<Duration> duration(const std::string& key, Duration least, Duration most);
    // A string or a list of strings, each with its place.
    struct Item {
        std::string text;
        toml::source_region where;
    };
    std::vector<Item> texts(const std::string& key, Need need, std::size_t most);
    TableReader table(const std::string& key, Need need = Need::optional);

    // A mistake at the value of a key that was read.
    void wrong(const std::string& key, std::string text, std::string hint = {});
    void wrong_at(const toml::source_region& where, std::string text, std::string hint = {}) {
        mistakes_.at(where, std::move(text), std::move(hint));
    }
    // A key that only another value of `kind` would need, or that is missing.
    void missing(const std::string& key, std::string hint = {});
    bool has(const std::string& key) const { return table_ && table_->contains(key); }
    void finish();

private:
    const toml::node* find(const std::string& key, Need need);
    std::string inside() const;

    const toml::table* table_;
    std::string name_;
    toml::source_region parent_;
    Mistakes& mistakes_;
    std::vector<std::string> known_;
};

}  // namespace agent

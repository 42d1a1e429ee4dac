#include "agent/config/toml_reader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <fmt/format.h>

namespace agent {

namespace {

// Damerau's distance without the transposition of what was edited: enough for slips of a finger.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
    for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
    for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t swap = a[i - 1] == b[j - 1] ? 0 : 1;
            d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + swap});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
            }
        }
    }
    return d[a.size()][b.size()];
}

std::string kind_of(const toml::node& node) {
    if (node.is_string()) return "a string";
    if (node.is_integer()) return "a number";
    if (node.is_floating_point()) return "a number with a fraction";
    if (node.is_boolean()) return "true or false";
    if (node.is_array()) return "a list";
    if (node.is_table()) return "a table";
    return "a date or time";
}

std::string shown(Duration duration) {
    using std::chrono::duration_cast;
    const auto ms = duration_cast<std::chrono::milliseconds>(duration).count();
    if (ms % 3'600'000 == 0) return fmt::format("{}h", ms / 3'600'000);
    if (ms % 60'000 == 0) return fmt::format("{}m", ms / 60'000);
    if (ms % 1000 == 0) return fmt::format("{}s", ms / 1000);
    return fmt::format("{}ms", ms);
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
    struct Unit {
        std::string_view name;
        Duration length;
    };
    static constexpr std::array<Unit, 5> units{{{"us", std::chrono::microseconds(1)},
                                                {"ms", std::chrono::milliseconds(1)},
                                                {"s", std::chrono::seconds(1)},
                                                {"m", std::chrono::minutes(1)},
                                                {"h", std::chrono::hours(1)}}};
    std::int64_t number = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    // A bound well below the overflow of 64-bit nanoseconds, whatever the unit.
    if (error != std::errc() || number < 0 || number > 1'000'000) return std::nullopt;
    const std::string_view unit(rest, static_cast<std::size_t>(text.data() + text.size() - rest));
    for (const Unit& known : units) {
        if (unit == known.name) return known.length * number;
    }
    return std::nullopt;
}

std::optional<std::string> did_you_mean(std::string_view word,
                                        const std::vector<std::string>& known) {
    std::optional<std::string> best;
    std::size_t least = 0;
    for (const std::string& candidate : known) {
        const std::size_t far = distance(word.substr(0, 64), candidate);
        if (far > std::max<std::size_t>(1, candidate.size() / 3)) continue;
        if (best && far >= least) continue;
        best = candidate;
        least = far;
    }
    return best;
}

void Mistakes::at(const toml::source_region& where, std::string text, std::string hint) {
    const bool one_line =
        where.end.line == where.begin.line && where.end.column > where.begin.column;
    found_.push_back(Mistake{
        std::max(1u, unsigned{where.begin.line}), std::max(1u, unsigned{where.begin.column}),
        one_line ? where.end.column - where.begin.column : 1u, std::move(text), std::move(hint)});
}

void Mistakes::at_key(const toml::key& key, std::string text, std::string hint) {
    toml::source_region where = key.source();
    where.end = where.begin;
    where.end.column += static_cast<toml::source_index>(key.str().size());
    at(where, std::move(text), std::move(hint));
}

std::vector<Mistake> Mistakes::in_file_order() {
    // toml++ hands tables out in alphabetical order.
    std::stable_sort(found_.begin(), found_.end(), [](const Mistake& a, const Mistake& b) {
        return std::pair(a.line, a.column) < std::pair(b.line, b.column);
    });
    return std::move(found_);
}

std::string TableReader::inside() const {
    return name_.empty() ? std::string() : fmt::format(" in [{}]", name_);
}

const toml::node* TableReader::find(const std::string& key, Need need) {
    known_.push_back(key);
    const toml::node* node = table_ ? table_->get(key) : nullptr;
    if (!node && need == Need::required) missing(key);
    return node;
}

void TableReader::missing(const std::string& key, std::string hint) {
    toml::source_region where = table_ ? table_->source() : parent_;
    where.end = where.begin;
    // The document itself has no place of its own: its first line stands for it.
    mistakes_.at(where, fmt::format("'{}' is missing{}", key, inside()), std::move(hint));
}

void TableReader::wrong(const std::string& key, std::string text, std::string hint) {
    const toml::node* node = table_ ? table_->get(key) : nullptr;
    mistakes_.at(node ? node->source() : parent_, std::move(text), std::move(hint));
}

std::optional<std::string> TableReader::text(const std::string& key, Need need) {
    const toml::node* node = find(key, need);
    if (!node) return std::nullopt;
    const auto value = node->value_exact<std::string>();
    if (!value) {
        wrong(key, fmt::format("'{}' must be a string, not {}", key, kind_of(*node)));
        return std::nullopt;
    }
    if (value->empty() && need == Need::required) {
        wrong(key, fmt::format("'{}' is empty", key));
        return std::nullopt;
    }
    if (value->find('\0') != std::string::npos) {
        wrong(key, fmt::format("'{}' has a zero byte", key));
        return std::nullopt;
    }
    return value;
}

std::optional<std::int64_t> TableReader::integer(const std::string& key, std::int64_t least,
                                                 std::int64_t most) {
    const toml::node* node = find(key, Need::optional);
    if (!node) return std::nullopt;
    const auto value = node->value_exact<std::int64_t>();
    if (!value) {
        wrong(key, fmt::format("'{}' must be a number, not {}", key, kind_of(*node)));
        return std::nullopt;
    }
    if (*value < least || *value > most) {
        wrong(key, fmt::format("'{}' must be from {} to {}, not {}", key, least, most, *value));
        return std::nullopt;
    }
    return value;
}

std::optional<bool> TableReader::yes_or_no(const std::string& key) {
    const toml::node* node = find(key, Need::optional);
    if (!node) return std::nullopt;
    const auto value = node->value_exact<bool>();
    if (!value) {
        wrong(key, fmt::format("'{}' must be true or false, not {}", key, kind_of(*node)));
    }
    return value;
}

std::optional<Duration> TableReader::duration(const std::string& key, Duration least,
                                              Duration most) {
    const toml::node* node = find(key, Need::optional);
    if (!node) return std::nullopt;
    const auto value = node->value_exact<std::string>();
    const auto length = value ? parse_duration(*value) : std::nullopt;
    if (!length) {
        wrong(key, fmt::format("'{}' must be a duration", key),
              "a string with a unit: \"250ms\", \"6s\", \"5m\", \"1h\"");
        return std::nullopt;
    }
    if (*length < least || *length > most) {
        wrong(key, fmt::format("'{}' must be from \"{}\" to \"{}\", not \"{}\"", key, shown(least),
                               shown(most), *value));
        return std::nullopt;
    }
    return length;
}

std::vector<TableReader::Item> TableReader::texts(const std::string& key, Need need,
                                                  std::size_t most) {
    const toml::node* node = find(key, need);
    std::vector<Item> items;
    if (!node) return items;
    if (const auto one = node->value_exact<std::string>()) {
        items.push_back({*one, node->source()});
        return items;
    }
    const toml::array* list = node->as_array();
    if (!list) {
        wrong(key, fmt::format("'{}' must be a list of strings, not {}", key, kind_of(*node)));
        return items;
    }
    if (list->empty() && need == Need::required) wrong(key, fmt::format("'{}' is empty", key));
    if (list->size() > most) {
        wrong(key,
              fmt::format("'{}' has {} entries, at most {} are allowed", key, list->size(), most));
        return items;
    }
    for (const toml::node& entry : *list) {
        const auto value = entry.value_exact<std::string>();
        if (value) {
            items.push_back({*value, entry.source()});
        } else {
            mistakes_.at(entry.source(), fmt::format("'{}' must be a list of strings; here is {}",
                                                     key, kind_of(entry)));
        }
    }
    return items;
}

TableReader TableReader::table(const std::string& key, Need need) {
    const toml::node* node = find(key, need);
    const std::string name = name_.empty() ? key : name_ + "." + key;
    if (node && !node->is_table()) {
        wrong(key, fmt::format("'{}' must be a table, not {}", key, kind_of(*node)));
        node = nullptr;
    }
    return {node ? node->as_table() : nullptr, name, table_ ? table_->source() : parent_,
            mistakes_};
}

void TableReader::finish() {
    if (!table_) return;
    for (const auto& [key, node] : *table_) {
        if (std::find(known_.begin(), known_.end(), key.str()) != known_.end()) continue;
        const auto meant = did_you_mean(key.str(), known_);
        mistakes_.at_key(key, fmt::format("unknown key '{}'{}", key.str(), inside()),
                         meant ? fmt::format("did you mean '{}'?", *meant) : std::string());
    }
}

}  // namespace agent

#include "dnsd/config/fields.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include <fmt/format.h>

namespace dnsd {

namespace {

using namespace std::chrono_literals;

struct Unit {
    std::string_view name;
    Duration length;
};
// From the largest, as duration_text() looks for the first that fits.
constexpr std::array<Unit, 5> units{{{"d", 24h}, {"h", 1h}, {"m", 1min}, {"s", 1s}, {"ms", 1ms}}};
// From the largest, as above.
constexpr std::array<std::pair<std::string_view, std::size_t>, 4> sizes{
    {{"GiB", std::size_t{1} << 30}, {"MiB", 1u << 20}, {"KiB", 1u << 10}, {"B", 1}}};
constexpr std::string_view duration_hint =
    "a whole number and a unit of ms, s, m, h or d, in quotes: \"250ms\", \"6s\"";

std::string_view kind_of(const toml::node& node) {
    switch (node.type()) {
        case toml::node_type::string:
            return "a string";
        case toml::node_type::integer:
            return "a number";
        case toml::node_type::floating_point:
            return "a fraction";
        case toml::node_type::boolean:
            return "true or false";
        case toml::node_type::array:
            return "a list";
        case toml::node_type::table:
            return "a table";
        default:
            return "a date or time";
    }
}

// Where keys live that are often written in the wrong place.
struct Home {
    std::string_view key;
    std::string_view table;
};
constexpr std::array<Home, 42> homes{{{"key_file", "[heartbeat]"},
                                      {"keys", "[heartbeat]"},
                                      {"cluster", "[heartbeat]"},
                                      {"name", "[heartbeat]"},
                                      {"lease", "[master]"},
                                      {"heartbeat", "[master]"},
                                      {"choose", "[master]"},
                                      {"max_lag", "[master]"},
                                      {"loss", "[master]"},
                                      {"semi_sync", "[master]"},
                                      {"ackers", "[master]"},
                                      {"damping", "[master]"},
                                      {"damping_max", "[master]"},
                                      {"failovers_per_hour", "[master]"},
                                      {"penalty_half_life", "[master]"},
                                      {"demotion", "[master]"},
                                      {"guard", "[master]"},
                                      {"window", "[master]"},
                                      {"clock_drift", "[master]"},
                                      {"allow_confirm_dead", "[master]"},
                                      {"down_after", "[www]"},
                                      {"up_after", "[www]"},
                                      {"workers", "[dns]"},
                                      {"udp_size", "[dns]"},
                                      {"nsid", "[dns]"},
                                      {"version", "[dns]"},
                                      {"id", "[dns]"},
                                      {"cookies", "[dns]"},
                                      {"cookie_file", "[dns]"},
                                      {"connections", "[dns.tcp]"},
                                      {"reserve", "[dns.tcp]"},
                                      {"per_address", "[dns.tcp]"},
                                      {"transfers", "[dns.tcp]"},
                                      {"transfers_per_address", "[dns.tcp]"},
                                      {"allow", "[transfer]"},
                                      {"notify_ns", "[transfer]"},
                                      {"weak_algorithms", "[transfer]"},
                                      {"mac_bytes_min", "[transfer]"},
                                      {"versions", "[transfer.history]"},
                                      {"bytes", "[transfer.history]"},
                                      {"control", "[state]"},
                                      {"directory", "[state]"}}};

// In a [[group]] the tables of a group have its name before their own.
std::string beside(std::string_view title, std::string_view home) {
    const bool of_group = home == "[master]" || home == "[www]";
    return of_group && title.starts_with("[group.") ? "[group." + std::string(home.substr(1))
                                                    : std::string(home);
}

}  // namespace

Place place_of(const toml::source_region& region) {
    return {std::max<unsigned>(1, region.begin.line), std::max<unsigned>(1, region.begin.column)};
}

std::optional<Duration> parse_duration(std::string_view text) {
    std::int64_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc{} || count < 0) return std::nullopt;
    const std::string_view name = text.substr(static_cast<std::size_t>(end - text.data()));
    for (const Unit& unit : units) {
        if (unit.name != name) continue;
        if (count > std::numeric_limits<Duration::rep>::max() / unit.length.count())
            return std::nullopt;
        return unit.length * count;
    }
    return std::nullopt;
}

std::string duration_text(Duration duration) {
    if (duration == Duration::zero()) return "0s";
    for (const Unit& unit : units) {
        // "90s" says more than "1m" and a rest would, and "24h" less than "1d".
        if (duration % unit.length == Duration::zero())
            return fmt::format("{}{}", duration / unit.length, unit.name);
    }
    return fmt::format("{}ms", std::chrono::ceil<std::chrono::milliseconds>(duration).count());
}

std::optional<std::size_t> parse_bytes(std::string_view text) {
    std::size_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc{}) return std::nullopt;
    const std::string_view name = text.substr(static_cast<std::size_t>(end - text.data()));
    for (const auto& [unit, size] : sizes) {
        if (unit != name) continue;
        if (count > std::numeric_limits<std::size_t>::max() / size) return std::nullopt;
        return count * size;
    }
    return std::nullopt;
}

std::string bytes_text(std::size_t bytes) {
    for (const auto& [unit, size] : sizes)
        if (bytes != 0 && bytes % size == 0) return fmt::format("{}{}", bytes / size, unit);
    return "0B";
}

Document::Document(std::string file, std::string_view text) : file_(std::move(file)) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        lines_.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

void Document::error(Place place, std::string what, std::string hint) {
    Mistake mistake;
    mistake.file = file_;
    mistake.line = place.line;
    mistake.column = place.column;
    mistake.what = std::move(what);
    mistake.hint = std::move(hint);
    mistakes_.push_back(std::move(mistake));
}

void Document::error_shown(Place place, std::size_t width, std::string what, std::string hint) {
    error(place, std::move(what), std::move(hint));
    if (place.line > lines_.size()) return;
    mistakes_.back().source_line = lines_[place.line - 1];
    mistakes_.back().width = static_cast<unsigned>(width);
}

void Document::warning(Place place, std::string what, std::string hint) {
    error(place, std::move(what), std::move(hint));
    mistakes_.back().is_error = false;
}

bool Document::clean() const {
    return std::none_of(mistakes_.begin(), mistakes_.end(),
                        [](const Mistake& mistake) { return mistake.is_error; });
}

Table::Table(Document& document, std::string title, const toml::table& table)
    : document_(&document),
      title_(std::move(title)),
      table_(&table),
      place_(place_of(table.source())) {}

const toml::node* Table::find(std::string_view key) {
    if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.emplace_back(key);
    return table_->get(key);
}

bool Table::has(std::string_view key) {
    return find(key) != nullptr;
}

void Table::wrong_type(std::string_view key, const toml::node& node, std::string_view wanted) {
    document_->error_shown(
        place_of(node.source()), 1,
        fmt::format("'{}'{} must be {}, not {}", key, in(), wanted, kind_of(node)));
}

Field<std::string> Table::text(std::string_view key, std::string otherwise) {
    const toml::node* node = find(key);
    if (!node) return {std::move(otherwise), place_, false};
    if (const auto* value = node->as_string())
        return {value->get(), place_of(node->source()), true};
    wrong_type(key, *node, "a string in quotes");
    return {std::move(otherwise), place_of(node->source()), false, true};
}

Field<bool> Table::flag(std::string_view key, bool otherwise) {
    const toml::node* node = find(key);
    if (!node) return {otherwise, place_, false};
    if (const auto* value = node->as_boolean())
        return {value->get(), place_of(node->source()), true};
    wrong_type(key, *node, "true or false");
    return {otherwise, place_of(node->source()), false, true};
}

Field<unsigned> Table::number(std::string_view key, unsigned otherwise, unsigned least,
                              unsigned most) {
    const toml::node* node = find(key);
    if (!node) return {otherwise, place_, false};
    const Place place = place_of(node->source());
    const auto* value = node->as_integer();
    if (!value) {
        wrong_type(key, *node, "a whole number");
        return {otherwise, place, false, true};
    }
    if (value->get() < least || value->get() > most) {
        document_->error(place, fmt::format("'{}'{} is {}, which is not between {} and {}", key,
                                            in(), value->get(), least, most));
        return {otherwise, place, false, true};
    }
    return {static_cast<unsigned>(value->get()), place, true};
}

Field<Duration> Table::duration(std::string_view key, Duration otherwise, Duration least,
                                Duration most) {
    const toml::node* node = find(key);
    if (!node) return {otherwise, place_, false};
    const Place place = place_of(node->source());
    const auto* value = node->as_string();
    if (!value) {
        document_->error_shown(
            place, 1, fmt::format("'{}'{} must be a duration, not {}", key, in(), kind_of(*node)),
            std::string(duration_hint));
        return {otherwise, place, false, true};
    }
    const auto parsed = parse_duration(value->get());
    if (!parsed) {
        document_->error(
            place, fmt::format("'{}'{} is \"{}\", which is no duration", key, in(), value->get()),
            std::string(duration_hint));
        return {otherwise, place, false, true};
    }
    if (*parsed < least || *parsed > most) {
        document_->error(place,
                         fmt::format("{} \"{}\" is not between \"{}\" and \"{}\"", key,
                                     value->get(), duration_text(least), duration_text(most)),
                         otherwise == Duration::zero()
                             ? ""
                             : fmt::format("\"{}\" is the default", duration_text(otherwise)));
        return {otherwise, place, false, true};
    }
    return {*parsed, place, true};
}

Field<std::size_t> Table::bytes(std::string_view key, std::size_t otherwise, std::size_t least,
                                std::size_t most) {
    constexpr const char* hint = "as in \"64KiB\", \"16MiB\" or \"1GiB\"";
    const toml::node* node = find(key);
    if (!node) return {otherwise, place_, false};
    const Place place = place_of(node->source());
    const auto* value = node->as_string();
    if (!value) {
        document_->error_shown(
            place, 1, fmt::format("'{}'{} must be a size, not {}", key, in(), kind_of(*node)),
            hint);
        return {otherwise, place, false, true};
    }
    const auto parsed = parse_bytes(value->get());
    if (!parsed) {
        document_->error(place,
                         fmt::format("'{}'{} is \"{}\", which is no size", key, in(), value->get()),
                         hint);
        return {otherwise, place, false, true};
    }
    if (*parsed < least || *parsed > most) {
        document_->error(place, fmt::format("{} \"{}\" is not between \"{}\" and \"{}\"", key,
                                            value->get(), bytes_text(least), bytes_text(most)));
        return {otherwise, place, false, true};
    }
    return {*parsed, place, true};
}

Field<unsigned> Table::ttl(std::string_view key, unsigned otherwise) {
    const auto field = duration(key, std::chrono::seconds(otherwise), 0s, 24h);
    if (field.value % 1s != Duration::zero()) {
        document_->error(
            field.place,
            fmt::format("{} \"{}\" is not whole seconds", key, duration_text(field.value)),
            fmt::format("DNS counts in seconds: \"{}s\"", field.value / 1s + 1));
        return {otherwise, field.place, false, true};
    }
    return {static_cast<unsigned>(field.value / 1s), field.place, field.said, field.wrong};
}

Field<std::string> Table::word(std::string_view key, std::string otherwise,
                               const std::vector<std::string_view>& words) {
    auto field = text(key, otherwise);
    if (std::find(words.begin(), words.end(), field.value) != words.end()) return field;
    const std::string_view meant = did_you_mean(field.value, words);
    document_->error(field.place,
                     fmt::format("'{}'{} is \"{}\", which is not one of \"{}\"", key, in(),
                                 field.value, fmt::join(words, "\", \"")),
                     meant.empty() ? "" : fmt::format("did you mean \"{}\"?", meant));
    return {std::move(otherwise), field.place, false, true};
}

std::vector<Field<std::string>> Table::texts(std::string_view key, std::size_t most) {
    const toml::node* node = find(key);
    if (!node) return {};
    if (const auto* value = node->as_string())
        return {{value->get(), place_of(node->source()), true}};
    const auto* list = node->as_array();
    if (!list) {
        wrong_type(key, *node, "a string, or a list of strings");
        return {};
    }
    if (list->size() > most) {
        document_->error(
            place_of(node->source()),
            fmt::format("'{}'{} has {} entries, more than {}", key, in(), list->size(), most));
        return {};
    }
    std::vector<Field<std::string>> out;
    for (const toml::node& entry : *list) {
        if (const auto* value = entry.as_string())
            out.push_back({value->get(), place_of(entry.source()), true});
        else
            wrong_type(key, entry, "a list of strings");
    }
    return out;
}

std::optional<Table> Table::table(std::string_view key) {
    const toml::node* node = find(key);
    if (!node) return std::nullopt;
    const std::string name = title_.empty()
                                 ? std::string(key)
                                 : title_.substr(1, title_.size() - 2) + "." + std::string(key);
    if (const auto* value = node->as_table()) return Table(*document_, "[" + name + "]", *value);
    wrong_type(key, *node, "a table");
    return std::nullopt;
}

std::vector<Table> Table::tables(std::string_view key, std::size_t most) {
    const toml::node* node = find(key);
    if (!node) return {};
    const auto* list = node->as_array();
    if (!list ||
        !std::all_of(list->begin(), list->end(), [](const auto& n) { return n.is_table(); })) {
        wrong_type(key, *node, fmt::format("written as [[{}]] tables", key));
        return {};
    }
    if (list->size() > most) {
        document_->error(place_of(node->source()),
                         fmt::format("{} [[{}]] tables are more than {}", list->size(), key, most));
        return {};
    }
    std::vector<Table> out;
    for (const toml::node& entry : *list)
        out.emplace_back(*document_, fmt::format("[{}]", key), *entry.as_table());
    return out;
}

void Table::finish() const {
    std::vector<std::string_view> known(known_.begin(), known_.end());
    for (const auto& [key, node] : *table_) {
        const std::string_view name = key.str();
        if (std::find(known.begin(), known.end(), name) != known.end()) continue;
        const std::string_view meant = did_you_mean(name, known);
        const auto home = std::find_if(homes.begin(), homes.end(), [&](const Home& h) {
            return h.key == name && h.table != title_;
        });
        std::string hint;
        if (home != homes.end())
            hint = fmt::format("'{}' belongs into {}", name, beside(title_, home->table));
        else if (!meant.empty())
            hint = fmt::format("did you mean '{}'?", meant);
        document_->error_shown(
            place_of(key.source()), name.size(),
            fmt::format("unknown key '{}'{}", name, title_.empty() ? " at the top level" : in()),
            std::move(hint));
    }
}

}  // namespace dnsd

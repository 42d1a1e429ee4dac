#include "dnsd/io/history_query.h"

#include "dnsd/config/mistakes.h"
#include "dnsd/io/decision_json.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <optional>
#include <set>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace dnsd {

namespace {

using Error = tl::unexpected<std::string>;

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// RFC 3986 §2.1; nullopt for a '%' without its two digits.
std::optional<std::string> decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        if (i + 2 >= text.size()) return std::nullopt;
        const int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
        if (high < 0 || low < 0) return std::nullopt;
        out += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return out;
}

// As the history's own "time" is written, to the second.
std::optional<std::int64_t> milliseconds_of(const std::string& text) {
    std::tm utc{};
    int read = 0;
    const bool parts =
        text.size() == 20 &&
        std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2dZ%n", &utc.tm_year, &utc.tm_mon,
                    &utc.tm_mday, &utc.tm_hour, &utc.tm_min, &utc.tm_sec, &read) == 6;
    if (!parts || read != 20) return std::nullopt;
    utc.tm_year -= 1900;
    utc.tm_mon -= 1;
    const std::int64_t ms = static_cast<std::int64_t>(::timegm(&utc)) * 1000;
    // A 31st of February is none, and comes back as another day.
    return rfc3339(ms) == text ? std::optional(ms) : std::nullopt;
}

std::string unknown(std::string_view what, const std::string& word,
                    const std::set<std::string>& known) {
    const std::vector<std::string_view> views(known.begin(), known.end());
    const std::string_view meant = did_you_mean(word, views);
    return fmt::format("no {} '{}'{}", what, word,
                       meant.empty() ? "" : fmt::format("; did you mean '{}'?", meant));
}

// One "key=value"; empty when it was taken, else what is wrong with it.
std::string take(HistoryQuery& into, std::string_view key, const std::string& value,
                 const Status& status) {
    std::set<std::string> groups, servers;
    for (const GroupStatus& group : status.groups) {
        groups.insert(group.name);
        for (const ServerStatus& server : group.servers) servers.emplace(server.id.text());
    }
    // And who was dropped from the configuration since.
    for (const Decision& one : status.history)
        for (const std::optional<ServerId>& id : {one.note.server, one.note.from})
            if (id) servers.emplace(id->text());
    if (key == "group") {
        into.group = value;
        return groups.count(value) ? "" : unknown("group", value, groups);
    }
    if (key == "server") {
        into.server = value;
        return servers.count(value) ? "" : unknown("server", value, servers);
    }
    if (key == "since") {
        const auto since = milliseconds_of(value);
        into.since_ms = since.value_or(0);
        return since ? "" : "\"since\" is a time as in 2026-11-22T10:19:07Z";
    }
    if (key == "limit") {
        const auto [end, error] =
            std::from_chars(value.data(), value.data() + value.size(), into.limit);
        const bool good = error == std::errc() && end == value.data() + value.size();
        return good && into.limit > 0 && into.limit <= HistoryQuery().limit
                   ? ""
                   : fmt::format("\"limit\" is a number from 1 to {}", HistoryQuery().limit);
    }
    return fmt::format("no \"{}\" can be asked for; group, server, since and limit can",
                       key.substr(0, 64));
}

}  // namespace

bool HistoryQuery::takes(const Decision& one) const {
    if (!group.empty() && one.group != group) return false;
    if (one.time_ms < since_ms) return false;
    if (server.empty()) return true;
    const auto is = [&](const std::optional<ServerId>& id) { return id && id->text() == server; };
    return is(one.note.server) || is(one.note.from);
}

tl::expected<HistoryQuery, std::string> read_history_query(std::string_view query,
                                                           const Status& status) {
    HistoryQuery out;
    std::set<std::string_view> said;
    while (!query.empty()) {
        const std::string_view part = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(part.size() + 1, query.size()));
        const std::size_t equals = part.find('=');
        if (part.empty()) continue;
        if (equals == part.npos)
            return Error(fmt::format("\"{}\" has no value", part.substr(0, 64)));
        const std::string_view key = part.substr(0, equals);
        const auto value = decoded(part.substr(equals + 1));
        if (!value) return Error("a '%' stands before two hexadecimal digits");
        if (!said.insert(key).second) return Error(fmt::format("\"{}\" is said twice", key));
        if (const std::string wrong = take(out, key, *value, status); !wrong.empty())
            return Error(wrong);
    }
    return out;
}

std::string history_json(const Status& status, const HistoryQuery& query) {
    using Json = nlohmann::ordered_json;
    Json lines = Json::array();
    for (const Decision& one : status.history) {
        if (lines.size() == query.limit) break;
        if (query.takes(one)) lines.push_back(decision_json(one));
    }
    return Json({{"format", 1}, {"time", rfc3339(status.time_ms)}, {"history", std::move(lines)}})
        .dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace dnsd

#include "dnsd/ctl/render.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace dnsd {

namespace {

using Json = nlohmann::ordered_json;

// ---- Reading what may not be there
// ---------------------------------------------------------------

const Json& at(const Json& object, const char* key) {
    static const Json nothing;
    if (!object.is_object()) return nothing;
    const auto found = object.find(key);
    return found == object.end() ? nothing : *found;
}

std::string word(const Json& object, const char* key) {
    const Json& value = at(object, key);
    if (value.is_string()) return ascii(value.get_ref<const std::string&>());
    if (value.is_number()) return value.dump();
    return {};
}

bool yes(const Json& object, const char* key) {
    const Json& value = at(object, key);
    return value.is_boolean() && value.get<bool>();
}

std::optional<double> number(const Json& object, const char* key) {
    const Json& value = at(object, key);
    if (!value.is_number()) return std::nullopt;
    return value.get<double>();
}

std::vector<Json> list(const Json& object, const char* key) {
    const Json& value = at(object, key);
    return value.is_array() ? value.get<std::vector<Json>>() : std::vector<Json>();
}

std::string or_dash(std::string text) {
    return text.empty() ? "-" : text;
}

std::string upper(std::string text) {
    for (char& c : text)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return text;
}

std::string joined(const std::vector<std::string>& words, std::string_view between) {
    std::string text;
    for (const std::string& each : words) {
        if (!text.empty()) text += between;
        text += each;
    }
    return text;
}

// ---- Time
// ----------------------------------------------------------------------------------------

// RFC 3339 as the daemon writes it, "2026-11-22T10:23:22Z".
std::optional<std::time_t> instant(const std::string& text) {
    std::tm parts{};
    int read = 0;
    if (std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d%n", &parts.tm_year, &parts.tm_mon,
                    &parts.tm_mday, &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &read) != 6)
        return std::nullopt;
    if (text.substr(static_cast<std::size_t>(read)) != "Z" || parts.tm_mon < 1 || parts.tm_mon > 12)
        return std::nullopt;
    parts.tm_year -= 1900;
    parts.tm_mon -= 1;
    return ::timegm(&parts);
}

std::string date(std::time_t when) {
    constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    std::tm parts{};
    ::gmtime_r(&when, &parts);
    return fmt::format("{} {} {} {:02}:{:02}:{:02} UTC", parts.tm_mday,
                       months[static_cast<std::size_t>(parts.tm_mon)], parts.tm_year + 1900,
                       parts.tm_hour, parts.tm_min, parts.tm_sec);
}

// The time of day of `seconds` before `now`; the date too when that was not today.
std::string moment(std::time_t now, double seconds) {
    const std::string today = date(now);
    const std::string then = date(now - static_cast<std::time_t>(seconds));
    const std::size_t clock = then.size() - std::string_view("10:23:22 UTC").size();
    if (today.substr(0, today.size() - 12) == then.substr(0, clock)) return then.substr(clock, 8);
    return then;
}

// ---- The table of servers
// --------------------------------------------------------------------------

Table::Cell check(const Json& health, const char* key) {
    const Json& value = at(health, key);
    if (!value.is_boolean()) return {"-", false};
    return value.get<bool>() ? Table::Cell{"ok", false} : Table::Cell{"FAIL", true};
}

Table::Cell role(const Json& server) {
    const std::string name = word(server, "role");
    if (name == "fenced") return {"FENCED", true};
    if (name == "unknown" || name.empty()) return {"-", false};
    return {name, false};
}

Table::Cell heard(const Json& server) {
    const auto ago = number(server, "last_heard_seconds");
    if (!ago) return {"NEVER", true};
    return {fine_age(*ago), !yes(server, "alive")};
}

std::string optional_age(const Json& server, const char* key) {
    const auto seconds = number(server, key);
    return seconds ? age(*seconds) : "-";
}

std::string addresses(const Json& server) {
    std::vector<std::string> all;
    for (const Json& each : list(server, "addresses"))
        if (each.is_string()) all.push_back(ascii(each.get<std::string>()));
    return or_dash(joined(all, " "));
}

std::string servers_table(const Json& group, Paint paint) {
    Table table(
        {"SERVER", "ADDRESS", "WWW", "ROLE", "WEB", "PAGE", "DB", "LAG", "HEARD", "SINCE", "WHY"});
    for (const Json& server : list(group, "servers")) {
        const bool in = yes(server, "in_pool");
        const Json& health = at(server, "health");
        table.add({{or_dash(word(server, "name"))},
                   {addresses(server)},
                   {in ? "in" : "OUT", !in},
                   role(server),
                   check(health, "web"),
                   check(health, "page"),
                   check(health, "database"),
                   {optional_age(server, "lag_seconds")},
                   heard(server),
                   {optional_age(server, "since_seconds")},
                   {word(server, "why")}});
    }
    return table.text(paint);
}

// ---- The lines above it
// ----------------------------------------------------------------------------

std::string www_line(const Json& group, Paint paint) {
    const std::vector<Json> servers = list(group, "servers");
    std::vector<std::string> in;
    for (const Json& server : servers)
        if (yes(server, "in_pool")) in.push_back(or_dash(word(server, "name")));
    std::string line = "www      ";
    if (yes(group, "fail_open")) line += trouble("FAILS OPEN", paint) + ", ";
    line += fmt::format("{} of {} servers", in.size(), servers.size());
    if (!in.empty()) line += ": " + joined(in, " ");
    return line + '\n';
}

std::string master_line(const Json& group, Paint paint) {
    const std::string master = word(group, "master");
    const std::string holder = word(group, "holder");
    const std::string state = word(group, "state");
    std::string line = "master   ";
    line += master.empty() ? trouble("NONE", paint) : master;
    line += ", epoch " + or_dash(word(group, "epoch"));
    if (state == "held") {
        if (!holder.empty() && holder != master) line += ", " + holder + " takes over";
        if (const auto left = number(group, "lease_left_seconds"))
            line += ", lease " + fine_age(*left) + " left";
    } else {
        line += ", lease " + trouble(or_dash(upper(state)), paint);
    }
    const std::string waiting = word(group, "waiting_for");
    if (!waiting.empty()) line += ", waiting for " + waiting;
    return line + '\n';
}

std::string head_line(const Json& status) {
    const std::vector<Json> zones = list(status, "zones");
    std::string left;
    if (zones.size() == 1)
        left = fmt::format("{}  serial {}   ", or_dash(word(zones[0], "name")),
                           or_dash(word(zones[0], "serial")));
    left += fmt::format("{}, up {}, mode {}", or_dash(word(status, "host")),
                        optional_age(status, "uptime_seconds"), or_dash(word(status, "mode")));
    const auto now = instant(word(status, "time"));
    const std::string right = now ? date(*now) : or_dash(word(status, "time"));
    constexpr std::size_t right_edge = 82;
    const std::size_t used = left.size() + right.size();
    left.append(used + 3 < right_edge ? right_edge - used : 3, ' ');
    std::string lines = left + right + '\n';
    if (zones.size() > 1) {
        for (const Json& zone : zones)
            lines += fmt::format("zone     {}  serial {}\n", or_dash(word(zone, "name")),
                                 or_dash(word(zone, "serial")));
    }
    return lines;
}

// ---- The table of secondaries
// ----------------------------------------------------------------------

// `behind` counts versions, or says yes or no.
bool is_behind(const Json& secondary) {
    const auto count = number(secondary, "behind");
    return count ? *count > 0 : yes(secondary, "behind");
}

Table::Cell behind(const Json& secondary) {
    if (yes(secondary, "ahead")) return {"AHEAD", true};
    if (!is_behind(secondary)) return {"-", false};
    const auto count = number(secondary, "behind");
    std::string text = count ? fmt::format("{:.0f}", *count) : "YES";
    if (const auto seconds = number(secondary, "behind_seconds")) text += ", " + age(*seconds);
    return {text, true};
}

// A NOTIFY that was just sent is not answered yet, which is no trouble.
constexpr double unanswered_bearable = 2;

Table::Cell notify(const Json& secondary) {
    const std::string how = word(secondary, "notify");
    if (how.empty() || how == "acknowledged" || how == "none") return {or_dash(how), false};
    if (how != "unanswered") return {upper(how), true};
    const std::string count = word(secondary, "unanswered");
    const bool bad =
        number(secondary, "unanswered").value_or(unanswered_bearable + 1) > unanswered_bearable;
    return {(count.empty() ? "" : count + ' ') + (bad ? "UNANSWERED" : "unanswered"), bad};
}

// Its host's name, short when it is in the zone itself; its address when the zone does not tell.
std::string secondary_name(const Json& secondary) {
    const std::string name = word(secondary, "name");
    const std::string tail = "." + word(secondary, "zone");
    if (name.empty()) return or_dash(word(secondary, "address"));
    return name.ends_with(tail) ? name.substr(0, name.size() - tail.size()) : name;
}

Table::Cell last_transfer(const Json& secondary, std::optional<std::time_t> now) {
    const Json& last = at(secondary, "last_transfer");
    const auto when = instant(word(last, "time"));
    if (!when) return {yes(secondary, "transferring") ? "under way" : "-"};
    const std::string kind = word(last, "kind");
    const std::string result = word(last, "result");
    std::string text = kind == "udp" ? "IXFR by UDP" : upper(or_dash(kind));
    if (result != "done") text += ' ' + upper(result);
    text += ' ' + moment(now.value_or(*when), now ? std::difftime(*now, *when) : 0);
    if (const auto took = number(last, "seconds"))
        text += *took < 10 ? fmt::format(", {:.2f} s", *took) : ", " + age(*took);
    return {text, result != "done"};
}

std::string secondaries_table(const Json& status, Paint paint) {
    const std::vector<Json> secondaries = list(status, "secondaries");
    if (secondaries.empty()) return {};
    // With one zone, the first line of all has its name.
    const bool zones = list(status, "zones").size() != 1;
    const auto now = instant(word(status, "time"));
    std::vector<std::string> heads{"SECONDARY", "ADDRESS", "SERIAL",
                                   "BEHIND",    "NOTIFY",  "LAST TRANSFER"};
    if (zones) heads.insert(heads.begin() + 2, "ZONE");
    Table table(std::move(heads));
    for (const Json& each : secondaries) {
        std::vector<Table::Cell> cells{{secondary_name(each)},
                                       {or_dash(word(each, "address"))},
                                       {or_dash(word(each, "serial"))},
                                       behind(each),
                                       notify(each),
                                       last_transfer(each, now)};
        if (zones) cells.insert(cells.begin() + 2, {or_dash(word(each, "zone"))});
        table.add(std::move(cells));
    }
    return '\n' + table.text(paint);
}

std::string warnings(const Json& status) {
    std::vector<std::string> all;
    std::string first_out;
    for (const Json& group : list(status, "groups")) {
        const std::string name = or_dash(word(group, "name"));
        if (yes(group, "fail_open")) all.push_back("www of " + name + " fails open");
        if (word(group, "master").empty()) all.push_back(name + " has no master");
        for (const Json& server : list(group, "servers")) {
            if (yes(server, "in_pool")) continue;
            const std::string out = or_dash(word(server, "name"));
            all.push_back(out + " is out of www");
            if (first_out.empty()) first_out = out;
        }
    }
    for (const Json& secondary : list(status, "secondaries"))
        if (is_behind(secondary))
            all.push_back(secondary_name(secondary) + " is behind");
        else if (yes(secondary, "ahead"))
            all.push_back(secondary_name(secondary) + " is ahead of us");
    if (all.empty()) return {};
    std::string line = fmt::format("\n{} {}: {}.", all.size(),
                                   all.size() == 1 ? "warning" : "warnings", joined(all, "; "));
    if (!first_out.empty()) line += "   arbiterctl explain " + first_out;
    return line + '\n';
}

// ---- Explaining
// ------------------------------------------------------------------------------------

std::string pool_sentence(const Json& group, const Json& server, std::optional<std::time_t> now) {
    const bool in = yes(server, "in_pool");
    std::string text = in ? "In www" : "OUT of www";
    if (const auto since = number(server, "since_seconds"); since && now)
        text += fmt::format(" since {} ({})", moment(*now, *since), long_age(*since));
    if (in && !yes(server, "alive"))
        text += yes(group, "fail_open") ? ", because www fails open" : ", though it is silent";
    const std::string why = word(server, "why");
    if (!why.empty()) text += ": " + why;
    return text + '.';
}

std::string heard_sentence(const Json& server) {
    const auto ago = number(server, "last_heard_seconds");
    if (!ago) return "Never heard since the arbiter started.";
    std::string text = fmt::format("Last heard {} ago", fine_age(*ago));
    std::vector<std::string> good;
    std::vector<std::string> bad;
    const Json& health = at(server, "health");
    for (const char* key : {"database", "web", "page", "replication", "guard"})
        if (at(health, key).is_boolean()) (yes(health, key) ? good : bad).emplace_back(key);
    if (!good.empty()) text += "; ok: " + joined(good, ", ");
    if (!bad.empty()) text += "; FAIL: " + joined(bad, ", ");
    return text + '.';
}

std::string role_sentence(const Json& group, const Json& server) {
    const std::string name = word(server, "name");
    std::string text = "Role: " + or_dash(word(server, "role"));
    if (const auto lag = number(server, "lag_seconds")) text += ", lag " + age(*lag);
    const std::string gtid = word(server, "gtid");
    if (!gtid.empty()) text += ", at " + gtid;
    if (name == word(group, "holder"))
        text += ", holds the lease of epoch " + or_dash(word(group, "epoch"));
    text += yes(server, "may_lead") ? ". May lead: yes." : ". May lead: no.";
    const std::string waiting = word(group, "waiting_for");
    if (!waiting.empty()) text += " The group waits for " + waiting + '.';
    return text;
}

bool is_age(std::string_view key) {
    return key == "time" || key == "gtid" || key.ends_with("_seconds");
}

}  // namespace

std::string render_status(const Json& status, Paint paint) {
    const std::vector<Json> groups = list(status, "groups");
    std::string text = head_line(status);
    for (const Json& group : groups) {
        if (groups.size() > 1) text += "\ngroup    " + or_dash(word(group, "name")) + '\n';
        text += www_line(group, paint) + master_line(group, paint);
        text += '\n' + servers_table(group, paint);
    }
    return text + secondaries_table(status, paint) + warnings(status);
}

std::string render_explanation(const Json& status, std::string_view server) {
    const std::vector<Json> groups = list(status, "groups");
    const auto now = instant(word(status, "time"));
    std::string text;
    for (const Json& group : groups) {
        for (const Json& each : list(group, "servers")) {
            if (word(each, "name") != server) continue;
            if (groups.size() > 1) text += "In group " + or_dash(word(group, "name")) + ":\n";
            text += pool_sentence(group, each, now) + '\n' + heard_sentence(each) + '\n' +
                    role_sentence(group, each) + '\n';
        }
    }
    return text;
}

Json server_part(const Json& status, std::string_view server) {
    Json parts = Json::array();
    for (const Json& group : list(status, "groups"))
        for (const Json& each : list(group, "servers"))
            if (word(each, "name") == server)
                parts.push_back({{"group", word(group, "name")},
                                 {"epoch", at(group, "epoch")},
                                 {"master", at(group, "master")},
                                 {"state", at(group, "state")},
                                 {"server", each}});
    return parts;
}

std::vector<std::string> server_names(const Json& status) {
    std::set<std::string> names;
    for (const Json& group : list(status, "groups"))
        for (const Json& server : list(group, "servers")) names.insert(word(server, "name"));
    return {names.begin(), names.end()};
}

Json without_ages(const Json& status) {
    if (status.is_array()) {
        Json kept = Json::array();
        for (const Json& each : status) kept.push_back(without_ages(each));
        return kept;
    }
    if (!status.is_object()) return status;
    Json kept = Json::object();
    for (const auto& [key, value] : status.items())
        if (!is_age(key)) kept[key] = without_ages(value);
    return kept;
}

}  // namespace dnsd

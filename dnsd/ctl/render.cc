#include "dnsd/ctl/render.h"

#include "dnsd/ctl/explain.h"
#include "dnsd/ctl/reading.h"

#include <optional>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace dnsd {

namespace {

using Json = nlohmann::ordered_json;
using namespace reading;

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

// As the page judges it: whoever holds the lease says that it is master.
bool writes(const Json& group) {
    const std::string holder = word(group, "holder");
    for (const Json& server : list(group, "servers"))
        if (!holder.empty() && word(server, "name") == holder)
            return word(server, "role") == "master";
    return false;
}

std::string warnings(const Json& status) {
    std::vector<std::string> all;
    std::string first_out;
    const std::vector<Json> groups = list(status, "groups");
    for (const Json& group : groups) {
        const std::string name = or_dash(word(group, "name"));
        for (const Json& alarm : list(group, "alarms"))
            if (alarm.is_string())
                all.push_back((groups.size() > 1 ? name + ": " : "") +
                              ascii(alarm.get<std::string>()));
        if (yes(group, "fail_open")) all.push_back("www of " + name + " fails open");
        if (word(group, "master").empty())
            all.push_back(name + " has no master");
        else if (!writes(group))
            all.push_back(name + " has no writer");
        for (const Json& server : list(group, "servers")) {
            // A drain within its time is as it should be, and said above.
            if (yes(server, "in_pool") || at(server, "drained").is_object()) continue;
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
    if (const Json& reload = at(status, "reload"); reload.is_object() && !yes(reload, "ok"))
        all.push_back("the last " + word(reload, "why"));
    if (all.empty()) return {};
    std::string line = fmt::format("\n{} {}: {}.", all.size(),
                                   all.size() == 1 ? "warning" : "warnings", joined(all, "; "));
    if (!first_out.empty()) line += "   arbiterctl explain " + first_out;
    return line + '\n';
}

bool is_age(std::string_view key) {
    return key == "time" || key == "gtid" || key == "penalty" || key.ends_with("_seconds");
}

bool part_of_number(char c) {
    return (c >= '0' && c <= '9') || c == '.';
}

// "silent for 12.5 s" is "silent for  s", as it is a second later; "HTTP 503" stays.
std::string without_lengths(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        std::size_t end = at;
        while (end < text.size() && part_of_number(text[end])) ++end;
        const bool length = end > at && end + 1 < text.size() && text[end] == ' ' &&
                            std::string_view("smhd").find(text[end + 1]) != std::string_view::npos;
        if (end == at) ++end;
        if (!length) out += text.substr(at, end - at);
        at = end;
    }
    return out;
}

// Sentences, in which ages stand.
bool tells(std::string_view key) {
    return key == "why" || key.ends_with("_why") || key == "waiting_for" || key == "gate_waits" ||
           key == "would" || key == "alarms" || key == "reasons";
}

Json without_lengths(const Json& sentences) {
    if (sentences.is_string())
        return without_lengths(std::string_view(sentences.get_ref<const std::string&>()));
    if (!sentences.is_array()) return sentences;
    Json kept = Json::array();
    for (const Json& one : sentences) kept.push_back(without_lengths(one));
    return kept;
}

}  // namespace

std::string render_status(const Json& status, Paint paint) {
    const std::vector<Json> groups = list(status, "groups");
    std::string text = head_line(status);
    for (const Json& group : groups) {
        if (groups.size() > 1) text += "\ngroup    " + or_dash(word(group, "name")) + '\n';
        text += www_line(group, paint) + master_line(group, paint) + render_in_force(group);
        text += '\n' + servers_table(group, paint);
    }
    return text + secondaries_table(status, paint) + warnings(status);
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
        if (!is_age(key)) kept[key] = tells(key) ? without_lengths(value) : without_ages(value);
    return kept;
}

}  // namespace dnsd

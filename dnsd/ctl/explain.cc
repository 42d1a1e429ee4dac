#include "dnsd/ctl/explain.h"

#include "dnsd/ctl/act.h"
#include "dnsd/ctl/reading.h"
#include "dnsd/ctl/table.h"

#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace dnsd {

namespace {

using Json = nlohmann::ordered_json;
using namespace reading;

constexpr std::size_t events_shown = 5;

std::string text_of(const Json& object, const char* key) {
    const Json& value = at(object, key);
    return value.is_string() ? ascii(value.get_ref<const std::string&>()) : std::string();
}

// "for 20 m more", "until it is undone"
std::string left_of(const Json& in_force) {
    const auto left = number(in_force, "left_seconds");
    return left ? "for " + long_age(*left) + " more" : "until it is undone";
}

std::string members_of(const Json& semi_sync) {
    std::string out;
    const Json& members = at(semi_sync, "members");
    if (!members.is_array()) return out;
    for (const Json& one : members) {
        out += (out.empty() ? "" : ", ") + text_of(one, "name");
        if (at(one, "leaving") == Json(true))
            out += " (leaving)";
        else if (at(one, "whole") == Json(false))
            out += " (not caught up yet)";
    }
    return out;
}

// Nobody leads for certain but who holds the lease.
std::string who_leads(const std::string& state, const std::string& holder) {
    if (holder.empty()) return "nobody leads";
    if (state == "expiring") return "the lease of " + holder + " runs out";
    if (state == "quarantine") return "the last lease that is known is that of " + holder;
    return holder + " leads";
}

std::string about_state(const Json& group) {
    const std::string state = text_of(group, "state");
    const std::string holder = text_of(group, "holder");
    if (state == "quarantine")
        return "The arbiter has just started: it grants nobody who might lead beside an older "
               "lease.\n";
    if (state == "window") return "An election is under way.\n";
    if (state != "held") return {};
    for (const Json& server : list(group, "servers")) {
        if (word(server, "name") != holder || word(server, "role") == "master") continue;
        if (yes(server, "alive")) return holder + " has the lease and is not writable yet.\n";
        if (const auto heard = number(server, "last_heard_seconds"))
            return fmt::format("{} is silent for {}, and leads until its lease ends.\n", holder,
                               fine_age(*heard));
    }
    return {};
}

void add_lead(std::string& out, const Json& group) {
    const Json& epoch = at(group, "epoch");
    out += text_of(group, "name") + ": " +
           who_leads(text_of(group, "state"), text_of(group, "holder"));
    if (epoch.is_number()) out += fmt::format(", epoch {}", epoch.dump());
    if (const auto left = number(group, "lease_left_seconds"); left && *left > 0)
        out += fmt::format(", lease {} left", fine_age(*left));
    out += ".\n" + about_state(group);
    if (const std::string why = text_of(group, "waiting_for"); !why.empty())
        out += "Waits for: " + why + ".\n";
}

void add_blocks(std::string& out, const Json& group) {
    if (const Json& pause = at(group, "paused"); pause.is_object())
        out += "Paused " + left_of(pause) + ": nobody is elected without your word.\n";
    if (const auto block = number(group, "block_left_seconds"); block && *block > 0)
        out +=
            fmt::format("The damping blocks automatic failovers for {} more.\n", long_age(*block));
    if (at(group, "manual") == Json(true))
        out += "Too many failovers in an hour: only your word elects, until arbiterctl resume.\n";
    if (text_of(group, "mode") == "observe") {
        const std::string would = text_of(group, "would");
        out +=
            "Mode observe: nothing is moved" + (would.empty() ? "" : "; would: " + would) + ".\n";
    }
    const Json& switchover = at(group, "switchover");
    if (switchover.is_object())
        out += fmt::format("A switchover from {} to {} is {}, {}.\n", text_of(switchover, "from"),
                           text_of(switchover, "to"), text_of(switchover, "stage"),
                           text_of(switchover, "cause"));
    for (const Json& server : list(group, "servers"))
        if (const Json& drained = at(server, "drained"); drained.is_object())
            out += text_of(server, "name") + " is drained " + left_of(drained) + ".\n";
}

void add_commits(std::string& out, const Json& group) {
    const Json& semi_sync = at(group, "semi_sync");
    if (!semi_sync.is_object()) return;
    const std::string members = members_of(semi_sync);
    out += "Commits are acknowledged by " + (members.empty() ? "nobody" : members);
    if (at(semi_sync, "unknown") == Json(true))
        out += "; who did before is not known, so all with data must report";
    else if (at(semi_sync, "covered") == Json(true))
        out += "; each acknowledged commit is with one of them";
    else
        out += "; not yet is each acknowledged commit with one of them";
    out += ".\n";
    const Json& alarms = at(group, "alarms");
    if (!alarms.is_array()) return;
    for (const Json& alarm : alarms)
        if (alarm.is_string()) out += "ALARM: " + ascii(alarm.get<std::string>()) + ".\n";
}

std::string pool_sentence(const Json& group, const Json& server, std::optional<std::time_t> now) {
    const bool in = yes(server, "in_pool");
    std::string text = in ? "In www" : "OUT of www";
    if (const auto since = number(server, "since_seconds"); since && now)
        text += fmt::format(" since {} ({})", moment(*now, *since), long_age(*since));
    // Of one that stands, what keeps it from leading is told where that is.
    if (in && !yes(server, "alive")) {
        const auto heard = number(server, "last_heard_seconds");
        text += yes(group, "fail_open") ? ", because www fails open:" : ", though";
        text += heard ? " silent for " + fine_age(*heard) : " not heard yet";
    } else if (!in) {
        const std::string out_why = word(server, "out_why");
        const std::string why = out_why.empty() ? word(server, "why") : out_why;
        if (!why.empty()) text += ": " + why;
    }
    text += '.';
    if (in) return text;
    const auto good = number(server, "good_heartbeats");
    const auto needed = number(server, "good_heartbeats_needed");
    if (const Json& drained = at(server, "drained"); drained.is_object())
        text += fmt::format(" Drained {}; arbiterctl undrain {} ends it.", left_of(drained),
                            word(server, "name"));
    else if (good && needed && *good < *needed)
        text += fmt::format(" Back in after {:.0f} good heartbeats in a row; {:.0f} so far.",
                            *needed, *good);
    return text;
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
    const std::string not_why = word(server, "may_not_lead_why");
    text += yes(server, "may_lead") ? ". May lead: yes."
            : not_why.empty()       ? ". May lead: no."
                                    : ". May lead: no, " + not_why + '.';
    const std::string errant = word(server, "errant");
    if (!errant.empty() && errant != word(server, "why") && errant != not_why)
        text += " Errant: " + errant + '.';
    if (yes(server, "cloned"))
        text += " Two machines speak under its name: give one a name and a key of its own.";
    if (yes(server, "rejoining"))
        text += " It was master, and has not been seen to have caught up since.";
    if (const auto penalty = number(server, "penalty"); penalty && *penalty >= 0.01)
        text += fmt::format(" It lost leases lately and ranks behind its equals: penalty {:.2f}.",
                            *penalty);
    const std::string waiting = word(group, "waiting_for");
    if (!waiting.empty()) text += " The group waits for " + waiting + '.';
    return text;
}

}  // namespace

std::string render_in_force(const Json& group) {
    std::string out;
    if (const std::string who = text_of(group, "gate_waits"); !who.empty())
        out += "The zero-loss gate waits: " + who + ".\n";
    add_blocks(out, group);
    return out;
}

std::string render_groups_explanation(const Json& status) {
    std::string out;
    const Json& groups = at(status, "groups");
    if (!groups.is_array()) return out;
    for (const Json& group : groups) {
        if (!out.empty()) out += "\n";
        add_lead(out, group);
        out += render_in_force(group);
        add_commits(out, group);
    }
    return out;
}

std::string render_last_events(const Json& status, std::string_view server) {
    Json shown{{"history", Json::array()}};
    const Json& history = at(status, "history");
    if (!history.is_array()) return {};
    for (const Json& one : history) {
        bool its = server.empty();
        for (const char* key : {"server", "from", "to"})
            its = its || (at(one, key).is_string() && at(one, key) == Json(server));
        if (its && shown["history"].size() < events_shown) shown["history"].push_back(one);
    }
    return shown["history"].empty() ? std::string() : "\n" + render_history(shown);
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

}  // namespace dnsd

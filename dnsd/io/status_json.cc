#include "dnsd/io/status_json.h"

#include "dnsd/io/decision_json.h"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace dnsd {

namespace {

using Json = nlohmann::ordered_json;
using Notify = SecondaryStatus::Notify;

// Milliseconds are all that means anything, and all that a reader wants to see.
double seconds(Duration duration) {
    return std::round(std::chrono::duration<double, std::milli>(duration).count()) / 1000;
}

template <typename T>
Json or_null(const std::optional<T>& value) {
    return value ? Json(*value) : Json(nullptr);
}

Json seconds_or_null(const std::optional<Duration>& duration) {
    return duration ? Json(seconds(*duration)) : Json(nullptr);
}

Json name_or_null(const std::optional<ServerId>& id) {
    return id ? Json(std::string(id->text())) : Json(nullptr);
}

Json health_json(const heartbeat::Health& health) {
    return {{"database", health.database},
            {"web", health.web},
            {"page", health.page},
            {"replication", health.replication},
            {"guard", health.guard}};
}

// What an operator began: null when nothing is in force, else how long it still is, null again when
// it has no end of its own.
Json in_force_json(const std::optional<InForce>& in_force) {
    if (!in_force) return nullptr;
    return {{"left_seconds", seconds_or_null(in_force->left)}};
}

Json semi_sync_json(const GroupStatus& group) {
    Json members = Json::array();
    for (const AckerStatus& acker : group.semi_sync)
        members.push_back({{"name", std::string(acker.id.text())},
                           {"whole", acker.whole},
                           {"leaving", acker.leaving}});
    return {{"members", std::move(members)},
            {"covered", group.covered},
            {"unknown", group.semi_sync_unknown}};
}

Json switchover_json(const std::optional<SwitchoverStatus>& switchover) {
    if (!switchover) return nullptr;
    return {{"from", std::string(switchover->from.text())},
            {"to", std::string(switchover->to.text())},
            {"epoch", switchover->epoch.value},
            {"stage", name_of(switchover->stage)},
            {"running_seconds", seconds(switchover->running)},
            {"cause", switchover->cause},
            {"by", switchover->by.empty() ? "arbiter" : switchover->by}};
}

Json counts_json(const FailoverCounts::Counts& counts) {
    return {{"done", counts.done}, {"failed", counts.failed}, {"refused", counts.refused}};
}

Json server_json(const ServerStatus& server) {
    Json addresses = Json::array();
    for (const Address& address : server.addresses) addresses.push_back(address.text());
    Json out = {{"name", std::string(server.id.text())},
                {"addresses", std::move(addresses)},
                {"alive", server.alive},
                {"in_pool", server.in_pool},
                {"may_lead", server.may_lead},
                {"role", name_of(server.role)},
                {"why", server.why},
                {"last_heard_seconds", seconds_or_null(server.last_heard)},
                {"since_seconds", seconds_or_null(server.since)}};
    const auto& last = server.last;
    out["gtid"] = last && last->applied ? Json(last->applied->text()) : Json(nullptr);
    out["lag_seconds"] = last ? seconds_or_null(last->lag) : Json(nullptr);
    out["weight"] = server.weight;
    out["health"] = last ? health_json(last->health) : Json(nullptr);
    out["out_why"] = server.out_why;
    out["may_not_lead_why"] = server.may_not_lead;
    out["good_heartbeats"] = server.good;
    out["good_heartbeats_needed"] = server.good_needed;
    out["drained"] = in_force_json(server.drained);
    out["cloned"] = server.cloned;
    out["penalty"] = std::round(server.penalty * 100) / 100;
    out["rejoining"] = server.rejoining;
    out["errant"] = server.errant;
    return out;
}

Json group_json(const GroupStatus& group) {
    Json servers = Json::array();
    for (const ServerStatus& server : group.servers) servers.push_back(server_json(server));
    return {{"name", group.name},
            {"epoch", group.epoch.value},
            {"holder", name_or_null(group.holder)},
            {"master", name_or_null(group.master)},
            {"state", name_of(group.state)},
            {"lease_left_seconds", seconds(group.lease_left)},
            {"fail_open", group.fail_open},
            {"waiting_for", group.waiting_for},
            {"servers", std::move(servers)},
            {"zone", group.zone},
            {"mode", group.mode == Mode::act ? "act" : "observe"},
            {"paused", in_force_json(group.paused)},
            {"block_left_seconds", seconds_or_null(group.block_left)},
            {"manual", group.manual},
            {"failovers_last_hour", group.failovers_last_hour},
            {"semi_sync", semi_sync_json(group)},
            {"gate_waits", group.gate_waits},
            {"would", group.would},
            {"switchover", switchover_json(group.switchover)},
            {"alarms", group.alarms},
            {"failovers",
             {{"failover", counts_json(group.counts.failover)},
              {"switchover", counts_json(group.counts.switchover)},
              {"adoption", counts_json(group.counts.adoption)},
              {"loss_accepted", group.counts.loss_accepted}}}};
}

// When it ended, by the clock of whoever reads this.
Json transfer_json(const SecondaryStatus& secondary, std::int64_t now_ms) {
    if (!secondary.last_transfer) return nullptr;
    const TransferSeen& seen = *secondary.last_transfer;
    const auto ago = std::chrono::duration_cast<std::chrono::milliseconds>(
        secondary.last_transfer_ago.value_or(Duration::zero()));
    return {{"kind", name_of(seen.kind)},
            {"result", name_of(seen.result)},
            {"serial", seen.serial ? Json(seen.serial->value()) : Json(nullptr)},
            {"time", rfc3339(now_ms - ago.count())},
            {"seconds", seconds(seen.took)},
            {"bytes", seen.bytes}};
}

Json secondary_json(const SecondaryStatus& secondary, std::int64_t now_ms) {
    return {{"address", secondary.address.text()},
            {"port", secondary.port},
            {"zone", secondary.zone.text()},
            {"serial", secondary.serial ? Json(secondary.serial->value()) : Json(nullptr)},
            {"behind", or_null(secondary.behind)},
            {"behind_seconds", seconds_or_null(secondary.behind_for)},
            {"ahead", secondary.ahead},
            {"notify", name_of(secondary.notify)},
            {"unanswered", secondary.unanswered},
            {"unanswered_seconds", seconds_or_null(secondary.unanswered_for)},
            {"name", secondary.name.empty() ? Json(nullptr) : Json(secondary.name)},
            {"configured", secondary.configured},
            {"key", secondary.key ? Json(secondary.key->text()) : Json(nullptr)},
            {"asked_serial", secondary.asked ? Json(secondary.asked->value()) : Json(nullptr)},
            {"asked_seconds", seconds_or_null(secondary.asked_ago)},
            {"transferring", secondary.transferring},
            {"last_transfer", transfer_json(secondary, now_ms)}};
}

Json newest_history(const Status& status) {
    Json out = Json::array();
    for (std::size_t i = 0; i < std::min(history_in_status_max, status.history.size()); ++i)
        out.push_back(decision_json(status.history[i]));
    return out;
}

// What servers say about themselves may be any bytes: never an exception, never broken JSON.
std::string dump(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

bool is_behind(const SecondaryStatus& secondary) {
    return secondary.behind_for.value_or(Duration::zero()) > behind_bearable;
}

void judge_group(const GroupStatus& group, Verdict& critical, Verdict& warning) {
    const auto master = std::find_if(
        group.servers.begin(), group.servers.end(),
        [&](const auto& s) { return group.holder == s.id && s.role == heartbeat::Role::master; });
    if (master == group.servers.end())
        critical.reasons.push_back(fmt::format("{} has no writer{}{}", group.name,
                                               group.waiting_for.empty() ? "" : ": ",
                                               group.waiting_for));
    if (group.fail_open)
        critical.reasons.push_back(fmt::format(
            "{} fails open: its servers are not heard and stand all the same", group.name));
    for (const std::string& alarm : group.alarms)
        warning.reasons.push_back(fmt::format("{}: {}", group.name, alarm));
    if (group.manual)
        warning.reasons.push_back(
            fmt::format("{} elects nobody by itself: too many failovers in an hour; arbiterctl "
                        "resume ends that",
                        group.name));
    for (const ServerStatus& server : group.servers)
        if (!server.in_pool && !server.drained)  // a drain within its time is as it should be
            warning.reasons.push_back(fmt::format("{} is out of the pool{}{}", server.id.text(),
                                                  server.why.empty() ? "" : ": ", server.why));
}

void judge_secondaries(const Status& status, Verdict& critical, Verdict& warning) {
    struct Zone {
        std::size_t all = 0;
        std::size_t behind = 0;
    };
    std::map<zones::Name, Zone> zones;
    for (const SecondaryStatus& secondary : status.secondaries) {
        Zone& zone = zones[secondary.zone];
        ++zone.all;
        if (is_behind(secondary)) ++zone.behind;
        const std::string who = display_name(secondary);
        if (is_behind(secondary))
            warning.reasons.push_back(fmt::format("{} is {} behind in {}", who, *secondary.behind,
                                                  secondary.zone.text()));
        else if (secondary.ahead)
            warning.reasons.push_back(
                fmt::format("{} is ahead of us in {}", who, secondary.zone.text()));
        else if (secondary.notify == Notify::refused)
            warning.reasons.push_back(
                fmt::format("{} refuses NOTIFY of {}", who, secondary.zone.text()));
        else if (secondary.notify == Notify::unanswered && secondary.unanswered > 2)
            warning.reasons.push_back(fmt::format("{} does not answer NOTIFY of {}, {} times", who,
                                                  secondary.zone.text(), secondary.unanswered));
    }
    for (const auto& [name, zone] : zones)
        if (zone.behind == zone.all)
            critical.reasons.push_back(fmt::format("every secondary of {} is behind", name.text()));
}

}  // namespace

std::string display_name(const SecondaryStatus& secondary) {
    if (secondary.name.empty()) return secondary.address.text();
    const std::string tail = "." + secondary.zone.text();
    return secondary.name.ends_with(tail)
               ? secondary.name.substr(0, secondary.name.size() - tail.size())
               : secondary.name;
}

std::string_view name_of(heartbeat::Role role) {
    switch (role) {
        case heartbeat::Role::master:
            return "master";
        case heartbeat::Role::replica:
            return "replica";
        case heartbeat::Role::fenced:
            return "fenced";
        case heartbeat::Role::unknown:
            return "unknown";
    }
    return "unknown";
}

std::string_view name_of(Verdict::Level level) {
    switch (level) {
        case Verdict::Level::ok:
            return "ok";
        case Verdict::Level::warning:
            return "warning";
        case Verdict::Level::critical:
            return "critical";
    }
    return "critical";
}

Verdict judge(const Status& status) {
    Verdict critical, warning;
    if (!status.ready) critical.reasons.push_back("not ready: " + status.not_ready_why);
    for (const GroupStatus& group : status.groups) judge_group(group, critical, warning);
    judge_secondaries(status, critical, warning);
    if (!status.reload_ok)
        warning.reasons.push_back("the last " + (status.reload_why.empty()
                                                     ? "reload: what was before stays"
                                                     : status.reload_why));
    Verdict out = std::move(critical);
    out.level = !out.reasons.empty()       ? Verdict::Level::critical
                : !warning.reasons.empty() ? Verdict::Level::warning
                                           : Verdict::Level::ok;
    out.reasons.insert(out.reasons.end(), warning.reasons.begin(), warning.reasons.end());
    return out;
}

std::string rfc3339(std::int64_t time_ms) {
    const std::time_t time = static_cast<std::time_t>(time_ms / 1000);
    std::tm utc{};
    if (!::gmtime_r(&time, &utc)) return "1970-01-01T00:00:00Z";  // a year beyond what an int holds
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", utc.tm_year + 1900, utc.tm_mon + 1,
                       utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

std::string status_json(const Status& status) {
    const Verdict verdict = judge(status);
    Json groups = Json::array(), zone_list = Json::array(), secondaries = Json::array();
    for (const GroupStatus& group : status.groups) groups.push_back(group_json(group));
    for (const ZoneStatus& zone : status.zones)
        zone_list.push_back({{"name", zone.name}, {"serial", zone.serial}});
    for (const SecondaryStatus& secondary : status.secondaries)
        secondaries.push_back(secondary_json(secondary, status.time_ms));
    return dump({{"format", 1},
                 {"host", status.host},
                 {"version", ARBITER_VERSION},
                 {"mode", status.mode},
                 {"uptime_seconds", seconds(status.uptime)},
                 {"time", rfc3339(status.time_ms)},
                 {"ready", status.ready},
                 {"state", name_of(verdict.level)},
                 {"reasons", verdict.reasons},
                 {"groups", std::move(groups)},
                 {"zones", std::move(zone_list)},
                 {"secondaries", std::move(secondaries)},
                 {"history", newest_history(status)},
                 {"reload",
                  {{"ok", status.reload_ok},
                   {"why", status.reload_why},
                   {"time", rfc3339(status.reload_time_ms)}}}});
}

}  // namespace dnsd

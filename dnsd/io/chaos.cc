#include "dnsd/io/chaos.h"

#include "dnsd/config/endpoint.h"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

namespace dnsd {

namespace {

using Strings = zones::ChaosRecords::Strings;

constexpr std::uint16_t dns_port = 53;
constexpr std::string_view cut_mark = "...";
constexpr std::size_t string_max = 255;  // RFC 1035 §3.3

// "key=value" of printable ASCII; what is cut shows that it was. Values may be what servers said.
std::string told(std::string_view key, std::string_view value) {
    std::string text = fmt::format("{}={}", key, value);
    for (char& c : text)
        if (c < 0x20 || c > 0x7e) c = '?';
    if (text.size() > string_max)
        text.replace(string_max - cut_mark.size(), std::string::npos, cut_mark);
    return text;
}

std::string told_seconds(std::string_view key, Duration duration) {
    return told(key, fmt::format("{:.1f}", std::chrono::duration<double>(duration).count()));
}

// The instant that long before the status was taken.
std::string told_since(const Status& status, Duration ago) {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(ago).count();
    return told("since", rfc3339(status.time_ms - ms));
}

std::string_view name_or_none(const std::optional<ServerId>& id) {
    return id ? id->text() : std::string_view("none");
}

zones::Name under_arbiter(std::string_view label) {
    return *zones::Name::parse("arbiter")->with_label(label);
}

std::string told_serial(const Status& status, const std::string& zone) {
    const auto found =
        std::find_if(status.zones.begin(), status.zones.end(),
                     [&](const ZoneStatus& candidate) { return candidate.name == zone; });
    return found == status.zones.end() ? told("serial", "none")
                                       : told("serial", std::to_string(found->serial));
}

// A record for each group; a daemon without groups has one.
std::vector<Strings> standing(const Status& status) {
    const std::string state = told("state", name_of(judge(status).level));
    if (status.groups.empty()) {
        Strings one{state, told("zones", std::to_string(status.zones.size()))};
        if (!status.mode.empty()) one.push_back(told("mode", status.mode));
        return {std::move(one)};
    }
    std::vector<Strings> all;
    for (const GroupStatus& group : status.groups) {
        const auto in = std::count_if(group.servers.begin(), group.servers.end(),
                                      [](const ServerStatus& server) { return server.in_pool; });
        Strings one{state,
                    told_serial(status, group.zone),
                    told("epoch", std::to_string(group.epoch.value)),
                    told("master", name_or_none(group.master)),
                    told("www", fmt::format("{}/{}", in, group.servers.size())),
                    told("fail_open", group.fail_open ? "yes" : "no"),
                    told("mode", group.mode == Mode::act ? "act" : "observe"),
                    told("group", group.name),
                    told("zone", group.zone)};
        if (group.paused) one.push_back(told("paused", "yes"));
        if (group.manual) one.push_back(told("manual", "yes"));
        all.push_back(std::move(one));
    }
    return all;
}

std::vector<Strings> leases(const Status& status) {
    std::vector<Strings> all;
    for (const GroupStatus& group : status.groups) {
        Strings one{told("state", name_of(group.state)), told("holder", name_or_none(group.holder)),
                    told("epoch", std::to_string(group.epoch.value)),
                    told_seconds("left", group.lease_left)};
        if (!group.waiting_for.empty()) one.push_back(told("waiting_for", group.waiting_for));
        if (!group.gate_waits.empty()) one.push_back(told("gate_waits", group.gate_waits));
        if (group.block_left) one.push_back(told_seconds("blocked", *group.block_left));
        one.push_back(told("group", group.name));
        all.push_back(std::move(one));
    }
    return all;
}

Strings told_of(const Status& status, const GroupStatus& group, const ServerStatus& server) {
    Strings one{told("www", server.in_pool ? "in" : "out"), told("role", name_of(server.role))};
    if (server.since) one.push_back(told_since(status, *server.since));
    one.push_back(server.last_heard ? told_seconds("heard", *server.last_heard)
                                    : told("heard", "never"));
    if (!server.why.empty()) one.push_back(told("why", server.why));
    if (server.drained) one.push_back(told("drained", "yes"));
    one.push_back(told("group", group.name));
    return one;
}

void add_servers(zones::ChaosRecords& records, const Status& status) {
    const zones::Name above = under_arbiter("server");
    std::map<ServerId, std::vector<Strings>> servers;
    for (const GroupStatus& group : status.groups)
        for (const ServerStatus& server : group.servers)
            servers[server.id].push_back(told_of(status, group, server));
    for (const auto& [id, each] : servers)
        if (const auto name = above.with_label(id.text())) records.add(*name, each);
}

// The first label of its host's name, or else its address: "192-0-2-1", "2001-db8--1".
std::string label_of(const SecondaryStatus& secondary) {
    const bool plain = !secondary.name.empty() && secondary.name.find('\\') == std::string::npos;
    std::string label =
        plain ? secondary.name.substr(0, secondary.name.find('.')) : secondary.address.text();
    for (char& c : label) {
        if (c == '.' || c == ':') c = '-';
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return label;
}

Strings told_of(const Status& status, const SecondaryStatus& secondary) {
    const auto number = [](const auto& value) { return std::to_string(value); };
    Strings one{told("serial", secondary.serial ? number(secondary.serial->value()) : "unknown"),
                told("behind", secondary.behind ? number(*secondary.behind) : "unknown")};
    if (secondary.behind_for) one.push_back(told_since(status, *secondary.behind_for));
    one.push_back(told("zone", secondary.zone.text()));
    one.push_back(told("address", secondary.port == dns_port
                                      ? secondary.address.text()
                                      : Endpoint{secondary.address, secondary.port}.text()));
    return one;
}

void add_secondaries(zones::ChaosRecords& records, const Status& status) {
    const zones::Name above = under_arbiter("secondary");
    std::map<std::string, std::vector<const SecondaryStatus*>> by_label;
    for (const SecondaryStatus& secondary : status.secondaries)
        by_label[label_of(secondary)].push_back(&secondary);
    for (auto& [label, all] : by_label) {
        const auto name = above.with_label(label);
        if (!name) continue;
        std::stable_partition(all.begin(), all.end(), [](const SecondaryStatus* one) {
            return one->behind.value_or(0) != 0 || one->behind_for;
        });
        std::vector<Strings> each;
        const std::size_t count = std::min(all.size(), chaos_zones_max);
        for (std::size_t i = 0; i < count; ++i) each.push_back(told_of(status, *all[i]));
        records.add(*name, each, all.size() - count);
    }
}

}  // namespace

zones::ChaosRecords chaos_records(const Status& status) {
    zones::ChaosRecords records;
    records.add(under_arbiter("standing"), standing(status));
    records.add(under_arbiter("lease"), leases(status));
    add_servers(records, status);
    add_secondaries(records, status);
    return records;
}

}  // namespace dnsd

#include "dnsd/config/config.h"
#include "dnsd/config/fields.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

namespace dnsd {

namespace {

class Differences {
public:
    std::vector<std::string> lines;

    void added(std::string_view kind, std::string_view name) {
        lines.push_back(fmt::format("+ {} {}", kind, name));
    }
    void removed(std::string_view kind, std::string_view name) {
        lines.push_back(fmt::format("- {} {}", kind, name));
    }
    void value(std::string_view key, const std::string& before, const std::string& after) {
        if (before != after) lines.push_back(fmt::format("~ {} {} -> {}", key, before, after));
    }
    void value(std::string_view key, Duration before, Duration after) {
        value(key, duration_text(before), duration_text(after));
    }
};

template <typename List>
std::string joined(const List& list) {
    std::vector<std::string> texts;
    for (const auto& entry : list) texts.push_back(entry.text());
    return texts.empty() ? "none" : fmt::format("{}", fmt::join(texts, " "));
}

std::string rules(const std::vector<zones::TransferRule>& list) {
    std::vector<std::string> texts;
    for (const auto& rule : list) texts.push_back(rule_text(rule));
    return texts.empty() ? "none" : fmt::format("{}", fmt::join(texts, ", "));
}

std::string flag(bool value) {
    return value ? "true" : "false";
}

std::string choose_text(Choose choose) {
    return choose == Choose::first_request ? "first-request" : "most-advanced";
}

// `only_in_one` for what is there but once, `both` for what is there before and after.
template <typename List, typename Key, typename One, typename Both>
void match(const List& before, const List& after, Key key, One only_in_one, Both both) {
    const auto find = [&](const List& list, const auto& wanted) {
        return std::find_if(list.begin(), list.end(),
                            [&](const auto& entry) { return key(entry) == key(wanted); });
    };
    for (const auto& entry : before)
        if (find(after, entry) == after.end()) only_in_one(entry, false);
    for (const auto& entry : after) {
        const auto old = find(before, entry);
        if (old == before.end())
            only_in_one(entry, true);
        else
            both(*old, entry);
    }
}

// Bytes that are to be seen in one line of a log.
std::string printable(const std::string& bytes) {
    std::string text = "\"";
    for (const char c : bytes)
        text += c >= ' ' && c < 127 ? std::string(1, c)
                                    : fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    return text + "\"";
}

// What a running arbiter takes as it goes.
void compare_rules(Differences& out, const std::string& prefix, const ArbiterRules& before,
                   const ArbiterRules& after) {
    const std::string www = prefix + "www.";
    const std::string master = prefix + "master.";
    const auto number = [&](const std::string& key, unsigned old_value, unsigned new_value) {
        out.value(key, std::to_string(old_value), std::to_string(new_value));
    };
    const auto share = [&](const char* key, const std::optional<Duration>& old_value,
                           const std::optional<Duration>& new_value) {
        const auto text = [](const std::optional<Duration>& said) {
            return said ? duration_text(*said) : std::string("default");
        };
        out.value(master + key, text(old_value), text(new_value));
    };
    out.value(www + "down_after", before.down_after, after.down_after);
    number(www + "up_after", before.up_after, after.up_after);
    out.value(master + "heartbeat", before.heartbeat, after.heartbeat);
    out.value(master + "lease", before.lease, after.lease);
    out.value(master + "max_lag", before.max_lag, after.max_lag);
    out.value(master + "choose", choose_text(before.choose), choose_text(after.choose));
    const auto loss = [](Loss one) { return one == Loss::allow ? "allow" : "none"; };
    out.value(master + "loss", loss(before.loss), loss(after.loss));
    out.value(master + "semi_sync", flag(before.semi_sync), flag(after.semi_sync));
    number(master + "ackers", before.ackers, after.ackers);
    out.value(master + "damping", before.block, after.block);
    out.value(master + "damping_max", before.block_max, after.block_max);
    number(master + "failovers_per_hour", before.failovers_an_hour, after.failovers_an_hour);
    out.value(master + "penalty_half_life", before.penalty_half_life, after.penalty_half_life);
    share("demotion", before.demotion_said, after.demotion_said);
    share("guard", before.guard_said, after.guard_said);
    share("window", before.window_said, after.window_said);
    const auto drift = [](double rho) { return static_cast<unsigned>(std::lround(rho * 1e6)); };
    number(master + "clock_drift", drift(before.rho), drift(after.rho));
    out.value(master + "allow_confirm_dead", flag(before.confirm_dead), flag(after.confirm_dead));
    const auto mode = [](Mode one) { return one == Mode::act ? "act" : "observe"; };
    out.value(prefix + "mode", mode(before.mode), mode(after.mode));
    match(
        before.servers, after.servers, [](const ServerRules& s) { return s.id; },
        [&](const ServerRules& s, bool is_new) {
            if (!is_new) out.removed("server", s.id.text());
        },
        [&](const ServerRules& a, const ServerRules& b) {
            const std::string name = fmt::format("server {} ", b.id.text());
            number(name + "weight", a.weight, b.weight);
            number(name + "priority", a.priority, b.priority);
            out.value(name + "may_lead", flag(a.may_lead), flag(b.may_lead));
        });
}

// What is fixed at the start: names that the zone is watched for, keys, and from where who speaks.
void compare_fixed(Differences& out, const std::string& prefix, const GroupConfig& before,
                   const GroupConfig& after) {
    const std::string www = prefix + "www.";
    const std::string master = prefix + "master.";
    out.value(prefix + "zone", before.zone.text(), after.zone.text());
    out.value(www + "name", before.www_name.text(), after.www_name.text());
    out.value(www + "ttl", std::chrono::seconds(before.www_ttl),
              std::chrono::seconds(after.www_ttl));
    out.value(master + "name", before.master_name.text(), after.master_name.text());
    out.value(master + "ttl", std::chrono::seconds(before.master_ttl),
              std::chrono::seconds(after.master_ttl));
    match(
        before.rules.servers, after.rules.servers, [](const ServerRules& s) { return s.id; },
        [&](const ServerRules& s, bool is_new) {
            if (is_new) out.added("server", s.id.text());
        },
        [&](const ServerRules& a, const ServerRules& b) {
            out.value(fmt::format("server {}", b.id.text()), joined(a.addresses),
                      joined(b.addresses));
        });
}

void compare_tcp(Differences& out, const TcpLimits& before, const TcpLimits& after) {
    const auto count = [&](const char* key, std::size_t old_value, std::size_t new_value) {
        out.value(fmt::format("dns.tcp.{}", key), std::to_string(old_value),
                  std::to_string(new_value));
    };
    count("connections", before.connections_max, after.connections_max);
    count("reserve", before.reserve, after.reserve);
    count("per_address", before.connections_per_address_max, after.connections_per_address_max);
    count("transfers", before.transfers_max, after.transfers_max);
    count("transfers_per_address", before.transfers_per_address_max,
          after.transfers_per_address_max);
    out.value("dns.tcp.idle", before.idle, after.idle);
    out.value("dns.tcp.request", before.request, after.request);
    out.value("dns.tcp.write", before.write, after.write);
}

void compare_settings(Differences& out, const Config& before, const Config& after) {
    const auto monitor = [](const Config& c) {
        return c.monitor_listen ? c.monitor_listen->text() : std::string("none");
    };
    const auto told = [](const std::optional<std::string>& text) {
        return !text ? std::string("default") : printable(*text);
    };
    out.value("dns.listen", joined(before.dns_listen), joined(after.dns_listen));
    out.value("dns.workers", std::to_string(before.workers), std::to_string(after.workers));
    out.value("dns.udp_size", std::to_string(before.udp_size_max),
              std::to_string(after.udp_size_max));
    out.value("dns.nsid", printable(before.nsid), printable(after.nsid));
    out.value("dns.version", told(before.chaos_version), told(after.chaos_version));
    out.value("dns.id", told(before.chaos_id), told(after.chaos_id));
    out.value("dns.cookies", before.cookies, after.cookies);
    out.value("dns.cookie_file", printable(before.cookie_file), printable(after.cookie_file));
    compare_tcp(out, before.tcp, after.tcp);
    out.value("heartbeat.name", before.name, after.name);
    out.value("heartbeat.cluster", std::string(before.cluster.text()),
              std::string(after.cluster.text()));
    out.value("heartbeat.listen", joined(before.heartbeat_listen), joined(after.heartbeat_listen));
    out.value("heartbeat.key_file", before.key_file, after.key_file);
    out.value("heartbeat.keys", before.keys_directory, after.keys_directory);
    out.value("state.directory", before.state_directory, after.state_directory);
    out.value("state.control", before.control_socket, after.control_socket);
    out.value("transfer.history.versions", std::to_string(before.transfer.history.deltas_max),
              std::to_string(after.transfer.history.deltas_max));
    out.value("transfer.history.bytes", bytes_text(before.transfer.history.bytes_max),
              bytes_text(after.transfer.history.bytes_max));
    out.value("monitor.listen", monitor(before), monitor(after));
    out.value("monitor.allow", joined(before.monitor_allow), joined(after.monitor_allow));
}

}  // namespace

std::vector<std::string> zone_differences(const std::vector<ZoneConfig>& before,
                                          const std::vector<ZoneConfig>& after) {
    Differences out;
    // There may be ten thousand: each is looked up.
    std::map<zones::Name, const ZoneConfig*> old, now;
    for (const ZoneConfig& zone : before) old.emplace(zone.name, &zone);
    for (const ZoneConfig& zone : after) now.emplace(zone.name, &zone);
    for (const ZoneConfig& zone : before)
        if (!now.contains(zone.name)) out.removed("zone", zone.name.text());
    for (const ZoneConfig& zone : after) {
        const auto found = old.find(zone.name);
        if (found == old.end()) {
            out.added("zone", zone.name.text());
            continue;
        }
        const std::string name = "zone " + zone.name.text() + " ";
        out.value(name + "file", found->second->file, zone.file);
        out.value(name + "secondaries", joined(found->second->secondaries),
                  joined(zone.secondaries));
        out.value(name + "allow", rules(found->second->allow), rules(zone.allow));
        out.value(name + "notify_ns", flag(found->second->notify_ns), flag(zone.notify_ns));
        out.value(name + "serial", std::string(name_of(found->second->serial)),
                  std::string(name_of(zone.serial)));
    }
    return out.lines;
}

// Never what is secret of a key.
std::vector<std::string> transfer_differences(const TransferConfig& before,
                                              const TransferConfig& after) {
    Differences out;
    out.value("transfer.key_file", printable(before.key_file), printable(after.key_file));
    match(
        before.keys, after.keys, [](const zones::TsigKey& k) { return k.name; },
        [&](const zones::TsigKey& k, bool is_new) {
            is_new ? out.added("key", k.name.text()) : out.removed("key", k.name.text());
        },
        [&](const zones::TsigKey& a, const zones::TsigKey& b) {
            if (a != b) out.lines.push_back(fmt::format("~ key {} changed", b.name.text()));
        });
    out.value("transfer.allow", rules(before.allow), rules(after.allow));
    out.value("transfer.notify_ns", flag(before.notify_ns), flag(after.notify_ns));
    out.value("transfer.weak_algorithms", flag(before.weak_algorithms),
              flag(after.weak_algorithms));
    out.value("transfer.mac_bytes_min", std::to_string(before.mac_bytes_min),
              std::to_string(after.mac_bytes_min));
    return out.lines;
}

std::vector<std::string> live_differences(const GroupConfig& before, const GroupConfig& after,
                                          bool alone) {
    Differences out;
    compare_rules(out, alone ? "" : "group " + after.rules.group + " ", before.rules, after.rules);
    return out.lines;
}

std::vector<std::string> restart_differences(const Config& before, const Config& after) {
    Differences out;
    compare_settings(out, before, after);
    const bool alone = before.groups.size() == 1 && after.groups.size() == 1;
    match(
        before.groups, after.groups, [](const GroupConfig& g) { return g.rules.group; },
        [&](const GroupConfig& g, bool is_new) {
            is_new ? out.added("group", g.rules.group) : out.removed("group", g.rules.group);
        },
        [&](const GroupConfig& a, const GroupConfig& b) {
            compare_fixed(out, alone ? "" : "group " + b.rules.group + " ", a, b);
        });
    return out.lines;
}

std::vector<std::string> differences(const Config& before, const Config& after) {
    std::vector<std::string> lines = restart_differences(before, after);
    const bool alone = before.groups.size() == 1 && after.groups.size() == 1;
    for (const GroupConfig& old : before.groups)
        for (const GroupConfig& now : after.groups)
            if (old.rules.group == now.rules.group)
                for (std::string& line : live_differences(old, now, alone))
                    lines.push_back(std::move(line));
    for (auto& more : {transfer_differences(before.transfer, after.transfer),
                       zone_differences(before.zones, after.zones)})
        lines.insert(lines.end(), more.begin(), more.end());
    return lines;
}

}  // namespace dnsd

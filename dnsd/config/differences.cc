#include "dnsd/config/config.h"
#include "dnsd/config/fields.h"

#include <algorithm>
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

std::string describe(const ServerRules& server) {
    std::string out = joined(server.addresses);
    if (server.weight != 1) out += fmt::format(" weight {}", server.weight);
    if (server.priority != 0) out += fmt::format(" priority {}", server.priority);
    if (!server.may_lead) out += " may not lead";
    return out;
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

void compare_groups(Differences& out, const std::string& prefix, const GroupConfig& before,
                    const GroupConfig& after) {
    const std::string www = prefix + "www.";
    const std::string master = prefix + "master.";
    out.value(prefix + "zone", before.zone.text(), after.zone.text());
    out.value(www + "name", before.www_name.text(), after.www_name.text());
    out.value(www + "ttl", std::chrono::seconds(before.www_ttl),
              std::chrono::seconds(after.www_ttl));
    out.value(www + "down_after", before.rules.down_after, after.rules.down_after);
    out.value(www + "up_after", std::to_string(before.rules.up_after),
              std::to_string(after.rules.up_after));
    out.value(master + "name", before.master_name.text(), after.master_name.text());
    out.value(master + "ttl", std::chrono::seconds(before.master_ttl),
              std::chrono::seconds(after.master_ttl));
    out.value(master + "heartbeat", before.rules.heartbeat, after.rules.heartbeat);
    out.value(master + "lease", before.rules.lease, after.rules.lease);
    out.value(master + "max_lag", before.rules.max_lag, after.rules.max_lag);
    out.value(master + "choose", choose_text(before.rules.choose), choose_text(after.rules.choose));
    match(
        before.rules.servers, after.rules.servers, [](const ServerRules& s) { return s.id; },
        [&](const ServerRules& s, bool is_new) {
            is_new ? out.added("server", s.id.text()) : out.removed("server", s.id.text());
        },
        [&](const ServerRules& a, const ServerRules& b) {
            out.value(fmt::format("server {}", b.id.text()), describe(a), describe(b));
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
    out.value("mode", before.mode, after.mode);
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
            compare_groups(out, alone ? "" : "group " + b.rules.group + " ", a, b);
        });
    return out.lines;
}

std::vector<std::string> differences(const Config& before, const Config& after) {
    std::vector<std::string> lines = restart_differences(before, after);
    for (auto& more : {transfer_differences(before.transfer, after.transfer),
                       zone_differences(before.zones, after.zones)})
        lines.insert(lines.end(), more.begin(), more.end());
    return lines;
}

}  // namespace dnsd

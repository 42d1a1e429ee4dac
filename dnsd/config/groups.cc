#include "dnsd/config/groups.h"

#include "dnsd/config/arbitration.h"
#include "heartbeat/message.h"

#include <algorithm>
#include <array>
#include <map>

#include <fmt/format.h>

namespace dnsd {

namespace {

using namespace std::chrono_literals;

constexpr Duration heartbeat_default = 1s;
constexpr Duration lease_default = 6s;
constexpr Duration down_after_default = 3s;
constexpr Duration max_lag_default = 30s;
constexpr unsigned ttl_default = 5;
// docs/PROTOCOL.md, "Time": L is at most 60 s. What is verified of one key in a second is bounded
// for heartbeats that are 100 ms apart (heartbeat/session.h).
constexpr Duration heartbeat_min = 100ms;
constexpr Duration lease_max = 60s;

struct Timing {
    Field<Duration> heartbeat;
    Field<Duration> lease;
};

// 3H + L/4 ≤ L, in the operator's own numbers; what breaks it is wrong from then on.
void check_lease(Document& document, const Timing& timing, RuleKeys& keys) {
    const Duration heartbeat = timing.heartbeat.value;
    const Duration lease = timing.lease.value;
    if (lease >= 4 * heartbeat || timing.heartbeat.wrong || timing.lease.wrong) return;
    const std::string why = "3 heartbeats and a quarter of the lease to fence must fit: ";
    keys.wrong.push_back(timing.lease.said ? "lease" : "heartbeat");
    if (timing.lease.said)
        document.error(timing.lease.place,
                       fmt::format("lease \"{}\" is too short for heartbeat \"{}\"",
                                   duration_text(lease), duration_text(heartbeat)),
                       fmt::format("{}at least \"{}\"; \"{}\" is the default", why,
                                   duration_text(4 * heartbeat), duration_text(lease_default)));
    else
        document.error(timing.heartbeat.place,
                       fmt::format("heartbeat \"{}\" is too long for lease \"{}\"",
                                   duration_text(heartbeat), duration_text(lease)),
                       fmt::format("{}at most \"{}\"; \"{}\" is the default", why,
                                   duration_text(lease / 4), duration_text(heartbeat_default)));
}

// "www", "www.live" or "www.wiki.example.": under the zone, and not the zone itself.
std::optional<zones::Name> live_name(Document& document, const Field<std::string>& field,
                                     const zones::Name& zone) {
    const auto name = zones::Name::parse(field.value, zone);
    if (!name) {
        document.error(field.place,
                       fmt::format("\"{}\" is no name: {}", field.value, name.error()));
        return std::nullopt;
    }
    if (!name->under(zone) || *name == zone) {
        document.error(field.place,
                       fmt::format("{} is not a name in the zone {}", name->text(), zone.text()),
                       "a name without a dot at its end is taken as one in the zone");
        return std::nullopt;
    }
    return *name;
}

// `addresses_told`: what is wrong with them as a whole was said already.
std::optional<ServerRules> read_server(Document& document, const std::string& name, Place place,
                                       std::optional<Table> table,
                                       const std::vector<Field<std::string>>& addresses,
                                       bool addresses_told) {
    const auto id = ServerId::parse(name);
    if (!id)
        document.error_shown(place, name.size(),
                             fmt::format("'{}' can not be the name of a server", name),
                             "1 to 32 of a-z, 0-9 and '-', with no '-' at either end");
    ServerRules rules{id ? *id : *ServerId::parse("x"), {}};
    for (const auto& field : addresses) {
        const auto address = Address::parse(field.value);
        if (!address)
            document.error(field.place,
                           fmt::format("\"{}\" is no IPv4 or IPv6 address", field.value),
                           "a host's name will not do: DNS must not wait for DNS");
        else if (std::count(rules.addresses.begin(), rules.addresses.end(), *address) > 0)
            document.error(field.place, fmt::format("{} has {} twice", name, address->text()));
        else
            rules.addresses.push_back(*address);
    }
    if (addresses.empty() && !addresses_told)
        document.error_shown(place, name.size(), fmt::format("server '{}' has no address", name),
                             fmt::format("{} = \"192.0.2.11\"", name));
    std::sort(rules.addresses.begin(), rules.addresses.end());
    if (table) {
        rules.weight = table->number("weight", 1, 1, 1000).value;
        rules.may_lead = table->flag("may_lead", true).value;
        rules.priority = table->number("priority", 0, 0, 65535).value;
        table->finish();
    }
    if (!id) return std::nullopt;
    return rules;
}

std::vector<ServerRules> read_servers(Document& document, Table& table) {
    std::vector<ServerRules> servers;
    std::map<Address, std::string> owners;
    if (table.raw().size() > servers_max) {
        document.error(table.place(),
                       fmt::format("{} servers are more than {}", table.raw().size(), servers_max));
        return servers;
    }
    for (const auto& [key, node] : table.raw()) {
        const std::string name(key.str());
        std::optional<Table> inner;
        std::vector<Field<std::string>> addresses;
        const std::size_t before = document.count();
        if (node.is_table()) {
            inner = table.table(name);
            addresses = inner->texts("address", heartbeat::addresses_max);
        } else {
            addresses = table.texts(name, heartbeat::addresses_max);
        }
        const auto rules = read_server(document, name, place_of(key.source()), std::move(inner),
                                       addresses, document.count() != before);
        if (!rules) continue;
        for (const Address& address : rules->addresses) {
            const auto [owner, fresh] = owners.emplace(address, name);
            if (!fresh)
                document.error_shown(
                    place_of(key.source()), name.size(),
                    fmt::format("'{}' and '{}' both have {}", owner->second, name, address.text()),
                    "two servers behind one address can not be told apart in 'www'");
        }
        servers.push_back(*rules);
    }
    std::sort(servers.begin(), servers.end(),
              [](const auto& a, const auto& b) { return a.id < b.id; });
    return servers;
}

void warn_of_nobody(Document& document, const ArbiterRules& rules, Place place) {
    const std::vector<ServerRules>& servers = rules.servers;
    if (servers.empty() || std::any_of(servers.begin(), servers.end(),
                                       [](const ServerRules& one) { return one.may_lead; }))
        return;
    document.warning(place,
                     fmt::format("no server of {} may lead: nobody is ever elected", rules.group),
                     "may_lead = true, the default, for those whose database may be the master");
}

// Clients that still believe an old `master` write into nowhere: PROTOCOL.md bounds how long.
void check_master_ttl(Document& document, const Field<unsigned>& ttl, unsigned most,
                      Duration lease) {
    if (ttl.value <= most) return;
    document.error(ttl.place,
                   fmt::format("ttl \"{}s\" of the master is above the lease \"{}\"", ttl.value,
                               duration_text(lease)),
                   fmt::format("clients would look for the old master: at most \"{}s\"", most));
}

}  // namespace

GroupConfig read_group(Document& document, Place place, std::string name, const zones::Name& zone,
                       GroupTables tables) {
    const toml::table nothing;
    Table www = tables.www.value_or(Table(document, "[www]", nothing));
    Table master = tables.master.value_or(Table(document, "[master]", nothing));
    GroupConfig group{{}, zone, {}, {}};
    group.rules.group = std::move(name);

    const auto www_field = www.text("name", "www");
    const auto www_name = live_name(document, www_field, zone);
    RuleKeys keys;
    group.rules.down_after =
        keys.take("down_after", www.duration("down_after", down_after_default, 100ms, 1h));
    group.rules.up_after = keys.take("up_after", www.number("up_after", 2, 1, 100));
    group.www_ttl = www.ttl("ttl", ttl_default).value;

    const auto master_field = master.text("name", "master");
    const auto master_name = live_name(document, master_field, zone);
    Timing timing{master.duration("heartbeat", heartbeat_default, heartbeat_min, lease_max / 4),
                  master.duration("lease", lease_default, 4 * heartbeat_min, lease_max)};
    group.rules.heartbeat = keys.take("heartbeat", timing.heartbeat);
    group.rules.lease = keys.take("lease", timing.lease);
    const auto most_ttl =
        static_cast<unsigned>(std::chrono::ceil<std::chrono::seconds>(timing.lease.value).count());
    const auto master_ttl = master.ttl("ttl", std::min(ttl_default, most_ttl));
    group.rules.max_lag =
        keys.take("max_lag", master.duration("max_lag", max_lag_default, 0s, 24h));
    const auto choose = master.word("choose", "most-advanced", {"most-advanced", "first-request"});
    group.rules.choose =
        choose.value == "first-request" ? Choose::first_request : Choose::most_advanced;
    read_arbitration(master, group.rules, keys);
    if (!group.rules.demotion_said) check_lease(document, timing, keys);

    if (www_name && master_name && *www_name == *master_name)
        document.error(master_field.said ? master_field.place : www_field.place,
                       fmt::format("the pool and the master can not both be {}", www_name->text()));
    group.www_name = www_name.value_or(zone);
    group.master_name = master_name.value_or(zone);
    group.master_ttl = master_ttl.value;
    if (!keys.is_wrong("lease"))
        check_master_ttl(document, master_ttl, most_ttl, timing.lease.value);
    www.finish();
    master.finish();

    const std::size_t before_servers = document.count();
    if (tables.servers) group.rules.servers = read_servers(document, *tables.servers);
    if (!tables.servers_wrong && (!tables.servers || tables.servers->raw().empty()))
        document.error(tables.servers ? tables.servers->place() : place,
                       fmt::format("no server is configured for {}", group.rules.group),
                       fmt::format("{} with a line for each: wiki1 = \"192.0.2.11\"",
                                   tables.servers ? tables.servers->title() : "[servers]"));
    const bool servers_wrong = tables.servers_wrong || document.count() != before_servers;
    if (servers_wrong) keys.wrong.insert(keys.wrong.end(), {"server", "servers"});
    check_rules(document, group.rules, keys, place);
    if (!servers_wrong)
        warn_of_nobody(document, group.rules, tables.servers ? tables.servers->place() : place);
    return group;
}

}  // namespace dnsd

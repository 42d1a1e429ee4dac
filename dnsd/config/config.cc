#include "dnsd/config/config.h"

#include "dnsd/config/answering.h"
#include "dnsd/config/groups.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

namespace dnsd {

namespace {

constexpr std::uint16_t dns_port = 53;
constexpr std::uint16_t heartbeat_port = 5399;
constexpr std::uint16_t monitor_port = 9453;
constexpr std::size_t monitor_allow_max = 1024;

class Reading {
public:
    Reading(const std::string& path, Document& document, const toml::table& root,
            const zones::Opener& open_secret)
        : document_(document), top_(document, "", root), transfers_(document, open_secret) {
        const std::size_t slash = path.rfind('/');
        directory_ = slash == std::string::npos ? "" : path.substr(0, slash + 1);
    }

    Config all() {
        const auto mode = top_.word("mode", "act", {"act", "observe"});
        config_.mode = mode.value;
        dns();
        heartbeats();
        state();
        config_.transfer = transfers_.read(top_.table("transfer"), directory_);
        monitor();
        hooks();
        zones_and_groups();
        for (GroupConfig& group : config_.groups)
            group.rules.mode = mode.value == "observe" ? Mode::observe : Mode::act;
        config_.tcp = read_tcp_limits(document_, tcp_, secondaries());
        top_.finish();
        return std::move(config_);
    }

private:
    std::string absolute(const std::string& path) const {
        return path.starts_with('/') ? path : directory_ + path;
    }

    std::optional<Endpoint> endpoint(const Field<std::string>& field, std::uint16_t port) {
        const auto parsed = Endpoint::parse(field.value, port);
        if (!parsed)
            document_.error(
                field.place, fmt::format("\"{}\" is no address with a port", field.value),
                fmt::format("as in \"192.0.2.1\", \"192.0.2.1:{0}\" or \"[2001:db8::1]:{0}\"",
                            port));
        return parsed;
    }

    std::vector<Endpoint> endpoints(Table& table, std::string_view key, std::uint16_t port,
                                    std::size_t most) {
        std::vector<Endpoint> out;
        for (const auto& field : table.texts(key, most)) {
            const auto parsed = endpoint(field, port);
            if (!parsed) continue;
            if (std::find(out.begin(), out.end(), *parsed) != out.end())
                document_.error(field.place, fmt::format("{} is there twice", parsed->text()));
            else
                out.push_back(*parsed);
        }
        return out;
    }

    std::vector<Endpoint> listen(std::optional<Table>& table, std::uint16_t port) {
        if (table && table->has("listen")) return endpoints(*table, "listen", port, listen_max);
        return {*Endpoint::parse("0.0.0.0", port), *Endpoint::parse("::", port)};
    }

    void dns() {
        auto table = top_.table("dns");
        config_.dns_listen = listen(table, dns_port);
        if (!table) return;
        config_.workers = table->number("workers", 0, 0, 256).value;
        // RFC 6891 §6.2.5: 512 is the least that every client takes.
        config_.udp_size_max = table->number("udp_size", 1232, 512, 4096).value;
        read_answering(*table, config_);
        if (!config_.cookie_file.empty()) config_.cookie_file = absolute(config_.cookie_file);
        tcp_ = table->table("tcp");
        table->finish();
    }

    // Addresses of all zones' secondaries, each once.
    std::size_t secondaries() const {
        std::set<Address> addresses;
        for (const ZoneConfig& zone : config_.zones)
            for (const Secondary& secondary : zone.secondaries)
                addresses.insert(secondary.endpoint.address);
        return addresses.size();
    }

    std::optional<ServerId> id(Table& table, std::string_view key, std::string otherwise) {
        const auto field = table.text(key, std::move(otherwise));
        const auto parsed = ServerId::parse(field.value);
        if (!parsed)
            document_.error(field.place, fmt::format("\"{}\" can not be a name here", field.value),
                            "1 to 32 of a-z, 0-9 and '-', with no '-' at either end");
        return parsed;
    }

    void heartbeats() {
        auto table = top_.table("heartbeat");
        config_.heartbeat_listen = listen(table, heartbeat_port);
        if (!table) return;
        config_.key_file = absolute(table->text("key_file", config_.key_file).value);
        config_.keys_directory = absolute(table->text("keys", config_.keys_directory).value);
        if (const auto name = id(*table, "name", config_.name)) {
            config_.name = std::string(name->text());
            config_.arbiter_id = *name;
        }
        if (const auto cluster = id(*table, "cluster", "arbiter")) config_.cluster = *cluster;
        table->finish();
    }

    void state() {
        auto table = top_.table("state");
        if (!table) return;
        config_.state_directory = absolute(table->text("directory", config_.state_directory).value);
        const auto control = table->text("control", config_.control_socket);
        config_.control_socket = absolute(control.value);
        // sun_path has 108 bytes, the final zero included (unix(7)).
        if (config_.control_socket.size() > 107)
            document_.error(
                control.place,
                fmt::format("the path of the control socket has {} bytes, more than 107",
                            config_.control_socket.size()));
        table->finish();
    }

    void monitor() {
        auto table = top_.table("monitor");
        config_.monitor_allow = {*Address::parse("127.0.0.1"), *Address::parse("::1")};
        config_.monitor_listen = Endpoint::parse("127.0.0.1", monitor_port);
        if (!table) return;
        const auto field = table->text("listen", config_.monitor_listen->text());
        config_.monitor_listen = field.value.empty() ? std::nullopt : endpoint(field, monitor_port);
        if (table->has("allow")) config_.monitor_allow.clear();
        for (const auto& entry : table->texts("allow", monitor_allow_max)) {
            if (const auto address = Address::parse(entry.value))
                config_.monitor_allow.push_back(*address);
            else
                document_.error(entry.place,
                                fmt::format("\"{}\" is no IPv4 or IPv6 address", entry.value));
        }
        table->finish();
    }

    void hooks() {
        auto table = top_.table("hooks");
        if (!table) return;
        const auto on_change = table->text("on_change", "");
        if (!on_change.value.empty())
            document_.error(on_change.place, "programs on change are not possible in this version",
                            "on_change = \"\"");
        table->finish();
    }

    void zones_and_groups() {
        const auto* zone = top_.raw().get("zone");
        const bool long_form = (zone && zone->is_array()) || top_.has("group");
        if (long_form) {
            std::vector<Table> zone_tables = top_.tables("zone", zones_max);
            for (Table& table : zone_tables) zone_table(table);
            zones_known_ = config_.zones.size() == zone_tables.size();
            for (Table& table : top_.tables("group", groups_max)) group_table(table);
            refuse_short_form();
            unique_names();
        } else {
            short_form();
        }
    }

    void refuse_short_form() {
        for (const std::string_view key :
             {"zone_file", "secondaries", "serial", "www", "master", "servers"}) {
            if (!top_.has(key)) continue;
            const bool of_zone = key == "zone_file" || key == "secondaries" || key == "serial";
            document_.error(
                place_of(top_.raw().get(key)->source()),
                fmt::format("'{}' is of the short form and does not go with [[zone]] and [[group]]",
                            key),
                of_zone ? fmt::format("'{}' in [[zone]]", key == "zone_file" ? "file" : key)
                        : fmt::format("[group.{}] after its [[group]]", key));
        }
    }

    std::optional<zones::Name> zone_name(const Field<std::string>& field) {
        const auto name = zones::Name::parse(field.value);
        if (name) return *name;
        document_.error(field.place,
                        fmt::format("\"{}\" is no name of a zone: {}", field.value, name.error()));
        return std::nullopt;
    }

    void add_zone(const Field<std::string>& name_field, const Field<std::string>& file,
                  ZoneConfig zone) {
        const auto name = zone_name(name_field);
        if (!name) return;
        if (!zone_at_.emplace(*name, config_.zones.size()).second)
            return document_.error(name_field.place,
                                   fmt::format("the zone {} is there twice", name->text()));
        zone.name = *name;
        zone.file = absolute(file.value);
        config_.zones.push_back(std::move(zone));
    }

    const ZoneConfig* find_zone(const zones::Name& name) const {
        const auto found = zone_at_.find(name);
        return found == zone_at_.end() ? nullptr : &config_.zones[found->second];
    }

    // All but its name and its file.
    ZoneConfig rest_of_zone(Table& table) {
        ZoneConfig zone;
        zone.secondaries = transfers_.secondaries(table, dns_port, secondaries_max);
        zone.notify_ns = config_.transfer.notify_ns;
        const auto serial = table.word("serial", "counter", {"counter", "date", "unixtime"});
        zone.serial = serial_style(serial.value).value_or(zone.serial);
        return zone;
    }

    void short_form() {
        const auto name = top_.text("zone", "");
        const auto file = top_.text("zone_file", "");
        ZoneConfig rest = rest_of_zone(top_);
        GroupTables tables = group_tables(top_);
        if (!top_.has("zone")) {
            document_.error({}, "no zone is configured",
                            "zone = \"wiki.example\" and zone_file = \"wiki.example.zone\"");
        } else if (name.said && !top_.has("zone_file")) {
            document_.error_shown(key_place("zone"), 4,
                                  fmt::format("the zone {} has no zone_file", name.value),
                                  fmt::format("zone_file = \"{}.zone\"", name.value));
        }
        if (name.said) add_zone(name, file, std::move(rest));
        const zones::Name zone = config_.zones.empty() ? zones::Name() : config_.zones.front().name;
        if (tables.www || tables.master || tables.servers || name.said)
            config_.groups.push_back(read_group(document_, name.said ? key_place("zone") : Place{},
                                                zone.text(), zone, std::move(tables)));
    }

    Place key_place(std::string_view wanted) const {
        for (const auto& [key, node] : top_.raw())
            if (key.str() == wanted) return place_of(key.source());
        return {};
    }

    void zone_table(Table& table) {
        const auto name = table.text("name", "");
        const auto file = table.text("file", "");
        ZoneConfig rest = rest_of_zone(table);
        rest.allow = transfers_.allow(table);
        rest.notify_ns = table.flag("notify_ns", rest.notify_ns).value;
        if (!table.has("name"))
            document_.error(table.place(), "a [[zone]] has no name", "name = \"wiki.example\"");
        else if (name.said && !table.has("file"))
            document_.error(table.place(), fmt::format("the zone {} has no file", name.value),
                            fmt::format("file = \"{}.zone\"", name.value));
        if (name.said) add_zone(name, file, std::move(rest));
        table.finish();
    }

    void group_table(Table& table) {
        const auto zone_field = table.text("zone", "");
        GroupTables tables = group_tables(table);
        const ZoneConfig* zone = nullptr;
        if (!table.has("zone") && config_.zones.size() == 1 && zones_known_) {
            zone = &config_.zones.front();
        } else if (!table.has("zone")) {
            if (zones_known_)
                document_.error(table.place(),
                                "a [[group]] does not say in which zone its names are",
                                "zone = \"wiki.example\"");
        } else if (zone_field.said) {
            if (const auto name = zone_name(zone_field)) {
                zone = find_zone(*name);
                if (!zone && zones_known_) unknown_zone(zone_field);
            }
        }
        const zones::Name origin = zone ? zone->name : zones::Name();
        const auto name = table.text("name", origin.text());
        table.finish();
        // Ids of journal lines, metrics and the ledger's rows.
        if (name.value.empty() || name.value.size() > zones::name_size_max ||
            !std::all_of(name.value.begin(), name.value.end(),
                         [](char c) { return c > ' ' && c < 127; }))
            document_.error(name.place, "the name of a group is 1 to 255 visible ASCII characters");
        for (const GroupConfig& other : config_.groups)
            if (other.rules.group == name.value && (zone || name.said))
                document_.error(name.place, fmt::format("the group {} is there twice", name.value),
                                "name = \"...\" tells groups of one zone apart");
        if (tables.servers) unique_servers(*tables.servers, name.value);
        config_.groups.push_back(
            read_group(document_, table.place(), name.value, origin, std::move(tables)));
        groups_seen_.push_back({table.place(), zone != nullptr});
    }

    static GroupTables group_tables(Table& table) {
        GroupTables tables{table.table("www"), table.table("master"), table.table("servers")};
        tables.servers_wrong = table.has("servers") && !tables.servers;
        return tables;
    }

    // A server's key is its name: whose heartbeat it is says which group is meant.
    void unique_servers(const Table& servers, const std::string& group) {
        for (const auto& [key, node] : servers.raw()) {
            const std::string name(key.str());
            const auto [other, fresh] = group_of_.emplace(name, group);
            if (fresh || !ServerId::parse(name)) continue;
            document_.error_shown(
                place_of(key.source()), name.size(),
                fmt::format("server '{}' is in the group {} already", name, other->second),
                "an agent speaks for one group: a second agent, with a name and a key of its own, "
                "may run on the same machine");
        }
    }

    void unknown_zone(const Field<std::string>& field) {
        std::vector<std::string> names;
        for (const ZoneConfig& zone : config_.zones) names.push_back(zone.name.text());
        const std::vector<std::string_view> views(names.begin(), names.end());
        const std::string_view meant = did_you_mean(field.value, views);
        document_.error(field.place, fmt::format("no [[zone]] is called \"{}\"", field.value),
                        meant.empty() ? "" : fmt::format("did you mean \"{}\"?", meant));
    }

    // Two groups that made one name would each undo what the other did.
    void unique_names() {
        std::map<zones::Name, std::size_t> makers;
        for (std::size_t i = 0; i < config_.groups.size(); ++i) {
            if (!groups_seen_[i].zone_known) continue;
            for (const zones::Name& name : live_names(config_.groups[i])) {
                if (name == config_.groups[i].zone) continue;  // stands in for what is no name
                const auto [maker, fresh] = makers.emplace(name, i);
                if (fresh || maker->second == i) continue;
                document_.error(groups_seen_[i].place,
                                fmt::format("two groups make {}", name.text()),
                                "name = \"...\" in [group.www] and [group.master]");
            }
        }
    }

    Document& document_;
    Table top_;
    std::optional<Table> tcp_;  // [dns.tcp]
    TransferReader transfers_;
    std::string directory_;
    Config config_;
    std::map<zones::Name, std::size_t> zone_at_;  // in config_.zones: there may be 100,000
    bool zones_known_ = true;  // each [[zone]] has a name that can be read, and its own
    struct GroupSeen {
        Place place;
        bool zone_known;
    };
    std::vector<GroupSeen> groups_seen_;           // of config_.groups, in the long form
    std::map<std::string, std::string> group_of_;  // by the server's name
};

}  // namespace

ConfigRead read_config(const std::string& path, const zones::Opener& open,
                       const zones::Opener& open_secret) {
    ConfigRead out;
    const auto text = open(path);
    if (!text || text->size() > config_bytes_max) {
        Mistake mistake;
        mistake.file = path;
        mistake.what =
            text ? fmt::format("{} bytes are more than a configuration may have", text->size())
                 : text.error();
        out.mistakes.push_back(std::move(mistake));
        return out;
    }
    Document document(path, *text);
    try {
        const toml::table root = toml::parse(*text, path);
        Config config = Reading(path, document, root, open_secret).all();
        if (document.clean()) out.config = std::move(config);
    } catch (const toml::parse_error& error) {
        document.error_shown(place_of(error.source()), 1, std::string(error.description()));
    }
    out.mistakes = document.take();
    sort_mistakes(out.mistakes);
    return out;
}

std::vector<zones::Name> live_names(const GroupConfig& group) {
    return {group.www_name, group.master_name};
}

std::vector<zones::Mistake> live_names_in(const zones::Loaded& loaded, const GroupConfig& group) {
    std::vector<zones::Mistake> out;
    for (const zones::Place& place : loaded.seen) {
        const bool is_www = place.name == group.www_name;
        if (!is_www && place.name != group.master_name) continue;
        // Said as it stands in the file, which is mostly the first label alone.
        std::string label = place.name.text();
        if (place.name.parent() == group.zone) label = label.substr(0, label.find('.'));
        zones::Mistake mistake;
        mistake.file = place.file;
        mistake.line = place.line;
        mistake.column = place.column;
        mistake.what =
            fmt::format("'{}' is made by Arbiter and may not stand in the zone file", label);
        mistake.hint =
            is_www ? fmt::format(
                         "until the first heartbeat '{}' is every configured server; "
                         "delete the line",
                         label)
                   : fmt::format(
                         "'{}' has no record until a server has been writable under a lease; "
                         "delete the line",
                         label);
        out.push_back(std::move(mistake));
    }
    for (const zones::Cover& cover : loaded.covers)
        for (const zones::Name& name : live_names(group)) {
            if (name == cover.place.name || !name.under(cover.place.name)) continue;
            zones::Mistake mistake;
            mistake.file = cover.place.file;
            mistake.line = cover.place.line;
            mistake.column = cover.place.column;
            const bool dname = cover.type == zones::Type::dname;
            mistake.what =
                fmt::format("the {} of '{}' takes '{}' away, which is made by Arbiter",
                            dname ? "DNAME" : "NS", cover.place.name.text(), name.text());
            mistake.hint =
                dname ? "below a DNAME a zone has no names of its own (RFC 6672 §2.3): delete the "
                        "line, or move the group's names"
                      : "what is below NS is another zone's (RFC 1034 §4.2.1): delete the line, or "
                        "move the group's names";
            out.push_back(std::move(mistake));
        }
    return out;
}

}  // namespace dnsd

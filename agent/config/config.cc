#include "agent/config/config.h"

#include "agent/config/toml_reader.h"

#include <algorithm>
#include <charconv>
#include <sstream>

#include <fmt/format.h>

namespace agent {

namespace {

using Need = TableReader::Need;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::uint16_t arbiter_port = 5399;
constexpr std::uint16_t dns_port = 53;
constexpr std::uint16_t mysql_port = 3306;

std::optional<HostPort> host_port(TableReader& table, const std::string& text,
                                  const toml::source_region& where, std::uint16_t port) {
    auto parsed = HostPort::parse(text);
    // A bare IPv4 address or name may leave the port out.
    if (!parsed && text.find(':') == std::string::npos) {
        parsed = HostPort::parse(fmt::format("{}:{}", text, port));
    }
    if (!parsed) {
        table.wrong_at(where, fmt::format("'{}' is not a host and port", text),
                       fmt::format("\"ns0.wiki.example:{0}\", \"192.0.2.1:{0}\" or "
                                   "\"[2001:db8::1]:{0}\"",
                                   port));
    }
    return parsed;
}

std::optional<ServerId> server_id(TableReader& table, const std::string& key, Need need) {
    const auto text = table.text(key, need);
    if (!text) return std::nullopt;
    const auto id = ServerId::parse(*text);
    if (!id) {
        table.wrong(key, fmt::format("'{}' is not a name", *text),
                    "1 to 32 of a-z, 0-9 and '-', no '-' at either end");
    }
    return id;
}

// What an arbiter verifies of one key in a second is bounded for this (heartbeat/session.h).
constexpr milliseconds heartbeat_min{100};

// So many are read, to be refused one by one.
constexpr std::size_t arbiters_listed_max = 8;

void read_arbiters(TableReader& top, Config& config) {
    const auto places = top.texts("arbiters", Need::required, arbiters_listed_max);
    // Each would grant by its own ledger: two leases, two masters.
    for (std::size_t i = Config::arbiters_max; i < places.size(); ++i)
        top.wrong_at(places[i].where, "a second arbiter is not possible in this version",
                     "name one: two that do not know of each other would each make a master");
    // Two keys of one name are one arbiter whose key is being changed.
    std::vector<std::vector<heartbeat::PublicKeys>> keys;
    bool all_parsed = true;
    for (const auto& [text, where] :
         top.texts("arbiter_key", Need::required, 2 * arbiters_listed_max)) {
        auto key = heartbeat::PublicKeys::parse(text);
        if (!key) {
            top.wrong_at(where, fmt::format("not a public key: {}", key.error()),
                         "the line of the arbiter's .pub file, \"arb-public-1:NAME:...\"");
            all_parsed = false;
            continue;
        }
        const auto same = std::find_if(keys.begin(), keys.end(), [&](const auto& known) {
            return known.front().name == key->name;
        });
        if (same == keys.end()) {
            keys.push_back({*key});
        } else if (same->size() < heartbeat::AgentIdentity::keys_max) {
            same->push_back(*key);
        } else {
            top.wrong_at(where, fmt::format("a third key of '{}'", key->name.text()));
        }
    }
    if (all_parsed && !places.empty() && !keys.empty() && places.size() != keys.size()) {
        top.wrong("arbiter_key",
                  fmt::format("{} arbiters, but keys of {}", places.size(), keys.size()),
                  "a list with a public key for each of 'arbiters', in the same order");
    }
    for (std::size_t i = 0; i < places.size(); ++i) {
        const auto at = host_port(top, places[i].text, places[i].where, arbiter_port);
        if (at && i < keys.size()) config.arbiters.push_back({*at, keys[i]});
    }
}

void read_addresses(TableReader& top, Config& config) {
    for (const auto& [text, where] : top.texts("address", Need::optional, 2)) {
        const auto address = heartbeat::Address::parse(text);
        const bool second =
            address && !config.from.empty() && config.from.front().is_v4() == address->is_v4();
        if (!address) {
            top.wrong_at(where, fmt::format("'{}' is not an address", text),
                         "the local address to speak from, one IPv4 and one IPv6 at most");
        } else if (second) {
            top.wrong_at(where, fmt::format("'{}' is a second address of its kind", text),
                         "one IPv4 and one IPv6 at most");
        } else {
            config.from.push_back(*address);
        }
    }
}

void read_page(TableReader page, Config& config) {
    if (!page.present()) return;
    if (const auto text = page.text("url", Need::required)) {
        auto url = parse_url(*text);
        if (url) {
            config.page.url = *url;
        } else {
            page.wrong("url", url.error(), "\"http://127.0.0.1/wiki/Main_Page\"");
        }
    }
    config.page.deadline =
        page.duration("deadline", milliseconds(10), minutes(1)).value_or(seconds(2));
    TableReader expect = page.table("expect");
    config.page.status =
        static_cast<unsigned>(expect.integer("status", 100, 599).value_or(config.page.status));
    config.page.contains = expect.text("contains").value_or("");
    expect.finish();
    page.finish();
}

// What the configuration names, relative to the folder that it lies in.
struct Surroundings {
    const Files& files;
    std::string folder;  // with a '/' at its end, or empty

    std::string absolute(const std::string& path) const {
        return path.empty() || path.front() == '/' ? path : folder + path;
    }
};

std::string read_password(TableReader& table, const Surroundings& around) {
    const auto path = table.text("password_file");
    if (!path) return {};
    auto text = around.files.open_secret(around.absolute(*path));
    if (!text) {
        table.wrong("password_file", text.error());
        return {};
    }
    while (!text->empty() && (text->back() == '\n' || text->back() == '\r')) text->pop_back();
    if (text->empty() || text->find('\0') != std::string::npos) {
        table.wrong("password_file", fmt::format("{} holds no password", *path));
    }
    return *text;
}

void read_replication(TableReader replication, DatabaseRules& rules, const Surroundings& around) {
    if (!replication.present()) return;
    rules.replication_user = replication.text("user", Need::required).value_or("");
    rules.replication_password = read_password(replication, around);
    rules.replication_port =
        static_cast<std::uint16_t>(replication.integer("port", 1, 65535).value_or(rules.port));
    const auto mode = replication.text("mode");
    if (mode && *mode != "gtid") {
        replication.wrong("mode", fmt::format("mode '{}' is not known", *mode),
                          "\"gtid\" is the one there is");
    }
    replication.finish();
}

void read_database(TableReader database, Config& config, const Surroundings& around) {
    if (!database.present()) return;
    const auto kind = database.text("kind", Need::required);
    DatabaseRules rules;
    rules.socket = around.absolute(database.text("socket").value_or(""));
    rules.host = database.text("host").value_or("");
    rules.port =
        static_cast<std::uint16_t>(database.integer("port", 1, 65535).value_or(mysql_port));
    rules.user = database.text("user").value_or("");
    rules.password = read_password(database, around);
    rules.deadline =
        database.duration("deadline", milliseconds(10), minutes(1)).value_or(seconds(2));
    read_replication(database.table("replication"), rules, around);
    if (kind == "mariadb") {
        if (rules.user.empty()) database.missing("user", "the agent's own account at the database");
        if (rules.socket.empty() == rules.host.empty()) {
            database.missing("socket", "either 'socket', or 'host' and 'port'");
        }
        if (!database.has("replication")) {
            database.missing("replication",
                             "{ user = \"repl\", password_file = \"/etc/arbiter/repl.pw\" }");
        }
        config.database = std::move(rules);
    } else if (kind && *kind != "none") {
        database.wrong("kind", fmt::format("kind '{}' is not known", *kind),
                       "\"mariadb\" or \"none\"");
    }
    database.finish();
}

void read_dns(TableReader dns, Config& config) {
    if (!dns.present()) return;
    MasterName master;
    if (const auto name = dns.text("name", Need::required)) {
        master.name = *name;
        const bool shape = name->size() <= 253 && name->front() != '.' &&
                           name->find("..") == std::string::npos &&
                           name->find_first_of(" \t\\\"") == std::string::npos;
        if (!shape) dns.wrong("name", fmt::format("'{}' is not a domain name", *name));
    }
    std::optional<HostPort> server;
    for (const auto& [text, where] : dns.texts("server", Need::optional, 1)) {
        server = host_port(dns, text, where, dns_port);
    }
    // The arbiters serve the zone themselves.
    if (!server && !config.arbiters.empty()) {
        server = HostPort{config.arbiters.front().at.host, dns_port};
    }
    if (server) master.server = *server;
    config.master_name = std::move(master);
    dns.finish();
}

void read_hooks(TableReader hooks, Config& config) {
    for (const auto& [key, path] :
         {std::pair{"promote", &config.hooks.promote}, std::pair{"demote", &config.hooks.demote},
          std::pair{"follow", &config.hooks.follow}}) {
        *path = hooks.text(key).value_or("");
        if (!path->empty() && path->front() != '/') {
            hooks.wrong(key, fmt::format("'{}' is not an absolute path", *path));
        }
    }
    config.hooks.deadline =
        hooks.duration("deadline", milliseconds(100), minutes(10)).value_or(config.hooks.deadline);
    hooks.finish();
}

std::optional<Config> read_all(const toml::table& document, const Surroundings& around,
                               Mistakes& mistakes) {
    toml::source_region start;
    start.begin = start.end = {1, 1};
    TableReader top(&document, "", start, mistakes);
    const auto self = server_id(top, "server", Need::required);
    const auto cluster = server_id(top, "cluster", Need::optional);
    const auto fallback = ServerId::parse("arbiter");
    Config config(cluster.value_or(*fallback), self.value_or(*fallback));
    read_arbiters(top, config);
    read_addresses(top, config);
    if (const auto path = top.text("key_file", Need::required)) {
        auto keys = around.files.keys(around.absolute(*path));
        if (!keys) {
            top.wrong("key_file", keys.error());
        } else if (self && keys->name() != *self) {
            top.wrong("key_file", fmt::format("{} holds the keys of '{}', this is '{}'", *path,
                                              keys->name().text(), self->text()));
        } else {
            config.keys = std::move(*keys);
        }
    }
    config.state_directory =
        around.absolute(top.text("state_directory").value_or("/var/lib/arbiter-agent"));
    config.duty.heartbeat =
        top.duration("heartbeat", heartbeat_min, minutes(1)).value_or(seconds(1));
    config.duty.weight = static_cast<std::uint16_t>(top.integer("weight", 0, 1000).value_or(1));
    config.duty.priority = static_cast<std::uint16_t>(top.integer("priority", 0, 1000).value_or(0));
    config.duty.may_lead = top.yes_or_no("may_lead").value_or(true);
    read_page(top.table("page", Need::required), config);
    read_database(top.table("database", Need::required), config, around);
    config.duty.has_database = config.database.has_value();
    read_dns(top.table("dns"), config);
    read_hooks(top.table("hooks"), config);
    top.finish();
    if (!mistakes.empty()) return std::nullopt;
    return config;
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) {
        if (!line.empty() && line.back() == '\r') line.pop_back();
        lines.push_back(line);
    }
    return lines;
}

// The source line is shown as it is but for what would move a terminal's cursor.
std::string printable(const std::string& line) {
    std::string out;
    for (const char c : line.substr(0, 200)) {
        const auto byte = static_cast<unsigned char>(c);
        out += byte < 0x20 || byte == 0x7f ? ' ' : c;
    }
    return out;
}

std::string report_of(const std::string& path, const std::string& text,
                      const std::vector<Mistake>& mistakes) {
    if (mistakes.empty()) return {};
    const auto lines = lines_of(text);
    std::string out;
    for (const Mistake& m : mistakes) {
        out += fmt::format("{}:{}:{}: error: {}\n", path, m.line, m.column, m.text);
        if (m.line <= lines.size()) {
            const std::string shown = printable(lines[m.line - 1]);
            const std::size_t start = std::min<std::size_t>(m.column - 1, shown.size());
            const std::size_t room = std::max<std::size_t>(1, shown.size() - start);
            const std::size_t width = std::clamp<std::size_t>(m.width, 1, room);
            out += fmt::format("{:>5} | {}\n      | {}^{}\n", m.line, shown,
                               std::string(start, ' '), std::string(width - 1, '~'));
        }
        if (!m.hint.empty()) out += fmt::format("      hint: {}\n", m.hint);
    }
    out += mistakes.size() == 1 ? "1 error.\n" : fmt::format("{} errors.\n", mistakes.size());
    return out;
}

}  // namespace

std::string HostPort::text() const {
    return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port)
                                               : fmt::format("[{}]:{}", host, port);
}

std::optional<HostPort> HostPort::parse(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || colon == 0) return std::nullopt;
    std::string_view host = text.substr(0, colon);
    const std::string_view digits = text.substr(colon + 1);
    std::uint16_t port = 0;
    const auto [rest, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error != std::errc() || rest != digits.data() + digits.size() || port == 0) {
        return std::nullopt;
    }
    if (host.front() == '[') {
        if (host.back() != ']' || host.size() < 4) return std::nullopt;
        host = host.substr(1, host.size() - 2);
        const auto address = heartbeat::Address::parse(host);
        if (!address || address->is_v4()) return std::nullopt;
        return HostPort{std::string(host), port};
    }
    const bool plain = host.size() <= 253 && std::all_of(host.begin(), host.end(), [](char c) {
                           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                  (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
                       });
    if (!plain) return std::nullopt;
    return HostPort{std::string(host), port};
}

ConfigRead read_config(const std::string& path, const Files& files) {
    ConfigRead read;
    const auto text = files.open(path);
    if (!text) {
        read.mistakes.push_back({1, 1, 1, text.error(), {}});
        read.report = fmt::format("error: {}\n1 error.\n", text.error());
        return read;
    }
    Mistakes mistakes;
    if (text->size() > Config::file_size_max) {
        mistakes.at({}, fmt::format("the file has {} bytes, at most {} are read", text->size(),
                                    Config::file_size_max));
    } else {
        try {
            const toml::table document = toml::parse(*text, path);
            const std::size_t slash = path.rfind('/');
            const std::string folder =
                slash == std::string::npos ? std::string() : path.substr(0, slash + 1);
            read.config = read_all(document, {files, folder}, mistakes);
        } catch (const toml::parse_error& error) {
            // After a broken line nothing else can be told apart: this mistake comes alone.
            mistakes.at(error.source(), std::string(error.description()));
        }
    }
    read.mistakes = mistakes.in_file_order();
    read.report = report_of(path, *text, read.mistakes);
    return read;
}

}  // namespace agent

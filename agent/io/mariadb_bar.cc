// A master's closed door: replicas that are barred have no connection, and get none.
//
// MariaDB chooses an account by the most specific host first. So one for the replica's own address,
// locked, goes before whatever the operator has ('repl'@'%', '10.0.0.%'), and lets nobody in. Where
// the operator has one for just that address it is renamed meanwhile, with password and rights, and
// gets its name back. Nothing of this is in the binary log: it is this server's door alone.

#include "agent/io/mariadb.h"
#include "agent/io/mariadb_rows.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include <fmt/format.h>

namespace agent::mariadb {

namespace {

using heartbeat::Address;

constexpr std::chrono::milliseconds poll_every{10};
// Beside a name whose accounts the server has put aside.
constexpr const char* aside = "arbiter-aside-";

struct Account {
    std::string user;
    std::string host;
    bool ours = false;  // locked, and without a password or a right: nobody else makes such a one
};

std::string account(const std::string& user, const std::string& host) {
    return quoted(user) + "@" + quoted(host);
}

tl::expected<std::vector<Account>, SqlError> accounts(Session& session,
                                                      const DatabaseRules& rules) {
    const auto rows = session.ask(
        fmt::format("SELECT User, Host, JSON_VALUE(Priv, '$.account_locked') AS locked, "
                    "JSON_VALUE(Priv, '$.access') AS access, "
                    "JSON_VALUE(Priv, '$.authentication_string') AS secret "
                    "FROM mysql.global_priv WHERE User IN ({}, {})",
                    quoted(rules.replication_user), quoted(aside + rules.replication_user)));
    if (!rows) return tl::unexpected(rows.error());
    std::vector<Account> found;
    for (const Row& row : *rows) {
        const bool ours = text_of(row, "User") == rules.replication_user &&
                          text_of(row, "locked") == "1" && text_of(row, "access") == "0" &&
                          text_of(row, "secret").empty();
        found.push_back({text_of(row, "User"), text_of(row, "Host"), ours});
    }
    return found;
}

Result run(Session& session, const std::string& statement) {
    const auto done = session.run(statement);
    if (!done) return failed(done.error());
    return {};
}

bool has(const std::vector<Account>& accounts, const std::string& user, const std::string& host) {
    return std::any_of(accounts.begin(), accounts.end(),
                       [&](const Account& each) { return each.user == user && each.host == host; });
}

bool is_ours(const std::vector<Account>& accounts, const std::string& host) {
    return std::any_of(accounts.begin(), accounts.end(),
                       [&](const Account& each) { return each.ours && each.host == host; });
}

// Which of two accounts without a wildcard goes first is nobody's promise: by a host's name, or by
// a netmask, a replica might still get in.
const Account* way_around(const std::vector<Account>& accounts, const DatabaseRules& rules) {
    const auto found = std::find_if(accounts.begin(), accounts.end(), [&](const Account& each) {
        return each.user == rules.replication_user && each.host != "localhost" &&
               each.host.find_first_of("%_") == std::string::npos && !Address::parse(each.host);
    });
    return found == accounts.end() ? nullptr : &*found;
}

Result close(Session& session, const DatabaseRules& rules, const std::vector<Account>& accounts,
             const std::string& host) {
    if (is_ours(accounts, host)) return {};
    if (has(accounts, rules.replication_user, host)) {
        auto renamed =
            run(session, fmt::format("RENAME USER {} TO {}", account(rules.replication_user, host),
                                     account(aside + rules.replication_user, host)));
        if (!renamed) return renamed;
    }
    return run(session,
               fmt::format("CREATE USER {} ACCOUNT LOCK", account(rules.replication_user, host)));
}

Result open(Session& session, const DatabaseRules& rules, const std::vector<Account>& accounts,
            const std::string& host) {
    if (is_ours(accounts, host)) {
        auto dropped = run(session, "DROP USER " + account(rules.replication_user, host));
        if (!dropped) return dropped;
    }
    if (!has(accounts, aside + rules.replication_user, host)) return {};
    return run(session,
               fmt::format("RENAME USER {} TO {}", account(aside + rules.replication_user, host),
                           account(rules.replication_user, host)));
}

// Connections of the replication user from a barred address, or from a name that may stand for one,
// up to `last`; each is killed. How many are still there.
tl::expected<std::size_t, SqlError> kill_replicas(Session& session, const DatabaseRules& rules,
                                                  const std::vector<std::string>& hosts,
                                                  std::uint64_t last) {
    const auto rows =
        session.ask(fmt::format("SELECT ID, HOST, COMMAND FROM information_schema.PROCESSLIST "
                                "WHERE USER={} AND ID <= {}",
                                quoted(rules.replication_user), last));
    if (!rows) return tl::unexpected(rows.error());
    std::size_t left = 0;
    for (const Row& row : *rows) {
        const std::string place = text_of(row, "HOST");
        const std::string host = place.substr(0, place.rfind(':'));
        const bool other = Address::parse(host).has_value() &&
                           std::find(hosts.begin(), hosts.end(), host) == hosts.end();
        if (other) continue;
        ++left;
        if (text_of(row, "COMMAND") == "Killed") continue;
        const auto done = session.run("KILL HARD CONNECTION " + text_of(row, "ID"));
        // 1094: it has gone by itself.
        if (!done && done.error().code != 1094) return tl::unexpected(done.error());
    }
    return left;
}

}  // namespace

Result bar(Session& session, const DatabaseRules& rules,
           const std::vector<heartbeat::Barred>& barred, const Leave& leave) {
    std::vector<std::string> hosts;
    for (const heartbeat::Barred& server : barred)
        for (const Address& address : server.addresses) hosts.push_back(address.text());
    const auto known = accounts(session, rules);
    if (!known) {
        // 1142: it may not see them, so it has never closed one either.
        if (hosts.empty() && known.error().code == 1142) return {};
        return failed(known.error());
    }
    std::vector<std::string> freed;
    for (const Account& each : *known) {
        const bool put_aside = each.user != rules.replication_user;
        if (!each.ours && !put_aside) continue;
        if (std::find(hosts.begin(), hosts.end(), each.host) == hosts.end() &&
            std::find(freed.begin(), freed.end(), each.host) == freed.end())
            freed.push_back(each.host);
    }
    if (hosts.empty() && freed.empty()) return {};
    if (auto done = run(session, "SET SESSION sql_log_bin=0"); !done) return done;
    for (const std::string& host : freed)
        if (auto done = open(session, rules, *known, host); !done) return done;
    if (hosts.empty()) return {};
    if (const Account* around = way_around(*known, rules))
        return tl::unexpected(
            fmt::format("the account {} is for a host by its name or mask, so that nobody can be "
                        "barred: accounts for addresses or patterns are needed",
                        account(around->user, around->host)));
    for (const std::string& host : hosts)
        if (auto done = close(session, rules, *known, host); !done) return done;
    const auto last = last_connection(session);
    if (!last) return failed(last.error());
    while (true) {
        const auto left = kill_replicas(session, rules, hosts, *last);
        if (!left) return failed(left.error());
        if (*left == 0) return {};
        if (leave.ended())
            return tl::unexpected<std::string>("a barred replica is still connected");
        std::this_thread::sleep_for(poll_every);
    }
}

}  // namespace agent::mariadb

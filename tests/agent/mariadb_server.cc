#include "tests/agent/mariadb_server.h"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

namespace agent::test {

namespace {

// As slow as a loaded machine with a slow disk may be.
constexpr auto ready_within = std::chrono::seconds(90);

void wait_ready(const DatabaseRules& rules, lab::Process& server, const std::string& log) {
    const auto end = std::chrono::steady_clock::now() + ready_within;
    while (std::chrono::steady_clock::now() < end && server.running()) {
        if (Session::open(rules, {})) return;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    throw std::runtime_error(std::string("a MariaDB server ") +
                             (server.running() ? "does not answer" : "ended at its start") + ": " +
                             lab::read_file(log));
}

DatabaseRules as_root(const std::filesystem::path& folder) {
    DatabaseRules rules;
    rules.socket = (folder / "s").string();
    rules.user = "root";
    return rules;
}

std::vector<std::string> command(const std::filesystem::path& data,
                                 const std::filesystem::path& folder) {
    return {"mariadbd", "--no-defaults", "--user=root", "--datadir=" + data.string(),
            "--socket=" + (folder / "s").string(), "--pid-file=" + (folder / "pid").string(),
            // A server that starts removes what others have in a temporary folder of them all.
            "--tmpdir=" + folder.string(), "--innodb-buffer-pool-size=16M",
            "--innodb-log-file-size=4M", "--performance-schema=off", "--skip-name-resolve"};
}

}  // namespace

Template::Template() : folder_(scratch_.path()) {
    data_ = folder_ / "template";
    const std::string install_log = (folder_ / "install.log").string();
    lab::Process install(
        {{"mariadb-install-db", "--no-defaults", "--user=root", "--datadir=" + data_.string(),
          "--auth-root-authentication-method=normal", "--skip-test-db",
          "--tmpdir=" + folder_.string()},
         {},
         install_log});
    if (!install.wait(ready_within) || install.status() != 0)
        throw std::runtime_error("mariadb-install-db failed: " + lab::read_file(install_log));
    auto arguments = command(data_, folder_);
    arguments.emplace_back("--skip-networking");
    const std::string log = (folder_ / "template.log").string();
    lab::Process server({arguments, {}, log});
    const DatabaseRules rules = as_root(folder_);
    wait_ready(rules, server, log);
    {
        Session root = *Session::open(rules, {std::chrono::seconds(2), std::chrono::seconds(30)});
        for (const std::string& statement : {
                 fmt::format("CREATE USER {}@'%' IDENTIFIED BY {}",
                             quoted(MariaDbServer::agent_user),
                             quoted(MariaDbServer::agent_password)),
                 // What docs/OPERATIONS.md tells the operator to grant.
                 fmt::format(
                     "GRANT PROCESS, RELOAD, CONNECTION ADMIN, READ_ONLY ADMIN, REPLICA MONITOR, "
                     "REPLICATION SLAVE ADMIN, REPLICATION MASTER ADMIN, BINLOG ADMIN, CREATE USER "
                     "ON *.* TO {}@'%'",
                     quoted(MariaDbServer::agent_user)),
                 fmt::format("GRANT SELECT ON mysql.global_priv TO {}@'%'",
                             quoted(MariaDbServer::agent_user)),
                 fmt::format("CREATE USER 'repl'@'%' IDENTIFIED BY {}",
                             quoted(MariaDbServer::replication_password)),
                 std::string("GRANT REPLICATION SLAVE ON *.* TO 'repl'@'%'"),
                 std::string("CREATE USER 'app'@'%' IDENTIFIED BY 'app'"),
                 std::string("GRANT ALL ON wiki.* TO 'app'@'%'"),
             }) {
            const auto done = root.run(statement);
            if (!done) throw std::runtime_error(statement + ": " + done.error().text);
        }
    }
    server.stop(ready_within);
}

std::uint16_t own_port() {
    return static_cast<std::uint16_t>(15'532 + ::getpid() % 4096);
}

MariaDbServer::MariaDbServer(const Template& made, unsigned id)
    : id_(id), folder_(made.folder() / fmt::format("s{}", id)) {
    // Nothing is left of one that did not start: the next test has a server of the same number.
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    std::filesystem::copy(made.data(), folder_ / "data", std::filesystem::copy_options::recursive);
    start();
}

MariaDbServer::~MariaDbServer() {
    kill();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

void MariaDbServer::start() {
    auto arguments = command(folder_ / "data", folder_);
    for (const std::string& more :
         {std::string("--port=") + std::to_string(own_port()), "--bind-address=" + address().text(),
          "--server-id=" + std::to_string(id_), "--log-bin=" + (folder_ / "data" / "bin").string(),
          "--relay-log=" + (folder_ / "data" / "relay").string(),
          std::string("--log-slave-updates"), std::string("--gtid-strict-mode=1"),
          std::string("--read-only=1"), std::string("--skip-slave-start"),
          std::string("--init-rpl-role=SLAVE"), std::string("--sync-binlog=1"),
          std::string("--slave-parallel-threads=4")}) {
        arguments.push_back(more);
    }
    const std::string log = (folder_ / "log").string();
    process_.emplace(lab::Command{arguments, {}, log});
    wait_ready(as_root(folder_), *process_, log);
}

void MariaDbServer::kill() {
    if (process_) process_->kill();
    process_.reset();
}

void MariaDbServer::freeze() {
    process_->signal(SIGSTOP);
    // Its threads stop one by one; until the last has, it could still answer.
    siginfo_t stopped;
    ::waitid(P_PID, static_cast<id_t>(process_->pid()), &stopped, WSTOPPED);
}
void MariaDbServer::thaw() {
    process_->signal(SIGCONT);
}

DatabaseRules MariaDbServer::rules() const {
    DatabaseRules rules;
    rules.host = address().text();
    rules.port = own_port();
    rules.user = agent_user;
    rules.password = agent_password;
    rules.deadline = std::chrono::milliseconds(1500);
    rules.replication_user = "repl";
    rules.replication_password = replication_password;
    rules.replication_port = own_port();
    return rules;
}

heartbeat::Address MariaDbServer::address() const {
    return heartbeat::Address::v4({127, 0, 5, static_cast<std::uint8_t>(id_)});
}

Session MariaDbServer::root() const {
    auto session =
        Session::open(as_root(folder_), {std::chrono::seconds(2), std::chrono::seconds(30)});
    if (!session) throw std::runtime_error(session.error().text);
    return std::move(*session);
}

Session MariaDbServer::application() const {
    DatabaseRules rules = this->rules();
    rules.user = rules.password = "app";
    auto session = Session::open(rules, {std::chrono::seconds(2), std::chrono::seconds(60)});
    if (!session) throw std::runtime_error(session.error().text);
    return std::move(*session);
}

std::string MariaDbServer::value(const std::string& query) const {
    auto value = root().value(query);
    if (!value) throw std::runtime_error(query + ": " + value.error().text);
    return value->value_or("NULL");
}

void MariaDbServer::run(const std::string& statement) const {
    const auto done = root().run(statement);
    if (!done) throw std::runtime_error(statement + ": " + done.error().text);
}

}  // namespace agent::test

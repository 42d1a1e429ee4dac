#include "tests/agent/mariadb_server.h"

#include "tests/lab/program.h"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

namespace agent::test {

namespace {

pid_t spawn(const std::vector<std::string>& arguments, const std::filesystem::path& log) {
    const std::string program = lab::found_program(arguments.at(0));
    const pid_t pid = ::fork();
    if (pid < 0) throw std::runtime_error("fork failed");
    if (pid > 0) return pid;
    const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    ::dup2(out, 1);
    ::dup2(out, 2);
    std::vector<char*> argv;
    for (const std::string& argument : arguments)
        argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    ::execv(program.c_str(), argv.data());
    ::_exit(127);
}

int wait_for(pid_t pid) {
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

void wait_ready(const DatabaseRules& rules) {
    for (int i = 0; i < 600; ++i) {
        if (Session::open(rules, {})) return;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    throw std::runtime_error("a MariaDB server did not start: " + rules.socket);
}

DatabaseRules as_root(const std::filesystem::path& folder) {
    DatabaseRules rules;
    rules.socket = (folder / "s").string();
    rules.user = "root";
    return rules;
}

std::vector<std::string> command(const std::filesystem::path& data,
                                 const std::filesystem::path& folder) {
    return {"mariadbd",
            "--no-defaults",
            "--user=root",
            "--datadir=" + data.string(),
            "--socket=" + (folder / "s").string(),
            "--pid-file=" + (folder / "pid").string(),
            "--innodb-buffer-pool-size=16M",
            "--innodb-log-file-size=4M",
            "--performance-schema=off",
            "--skip-name-resolve"};
}

}  // namespace

Template::Template() {
    std::string pattern = (std::filesystem::temp_directory_path() / "arbiter-db-XXXXXX").string();
    if (!::mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp failed");
    folder_ = pattern;
    data_ = folder_ / "template";
    const pid_t install =
        spawn({"mariadb-install-db", "--no-defaults", "--user=root", "--datadir=" + data_.string(),
               "--auth-root-authentication-method=normal", "--skip-test-db"},
              folder_ / "install.log");
    if (wait_for(install) != 0) throw std::runtime_error("mariadb-install-db failed");
    auto arguments = command(data_, folder_);
    arguments.emplace_back("--skip-networking");
    const pid_t server = spawn(arguments, folder_ / "template.log");
    const DatabaseRules rules = as_root(folder_);
    wait_ready(rules);
    {
        Session root = *Session::open(rules, {});
        for (const std::string& statement : {
                 fmt::format("CREATE USER {}@'%' IDENTIFIED BY {}",
                             quoted(MariaDbServer::agent_user),
                             quoted(MariaDbServer::agent_password)),
                 // What docs/OPERATIONS.md tells the operator to grant.
                 fmt::format(
                     "GRANT PROCESS, RELOAD, CONNECTION ADMIN, READ_ONLY ADMIN, REPLICA MONITOR, "
                     "REPLICATION SLAVE ADMIN ON *.* TO {}@'%'",
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
    ::kill(server, SIGTERM);
    wait_for(server);
}

Template::~Template() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

MariaDbServer::MariaDbServer(const Template& made, unsigned id, std::uint16_t port)
    : id_(id), port_(port), folder_(made.folder() / fmt::format("s{}", id)) {
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
         {std::string("--port=") + std::to_string(port_), "--bind-address=" + address().text(),
          "--server-id=" + std::to_string(id_), "--log-bin=" + (folder_ / "data" / "bin").string(),
          "--relay-log=" + (folder_ / "data" / "relay").string(),
          std::string("--log-slave-updates"), std::string("--gtid-strict-mode=1"),
          std::string("--read-only=1"), std::string("--skip-slave-start"),
          std::string("--init-rpl-role=SLAVE"), std::string("--sync-binlog=1"),
          std::string("--slave-parallel-threads=4")}) {
        arguments.push_back(more);
    }
    pid_ = spawn(arguments, folder_ / "log");
    wait_ready(as_root(folder_));
}

void MariaDbServer::kill() {
    if (pid_ < 0) return;
    ::kill(pid_, SIGKILL);
    wait_for(pid_);
    pid_ = -1;
}

void MariaDbServer::freeze() {
    ::kill(pid_, SIGSTOP);
}
void MariaDbServer::thaw() {
    ::kill(pid_, SIGCONT);
}

DatabaseRules MariaDbServer::rules() const {
    DatabaseRules rules;
    rules.host = address().text();
    rules.port = port_;
    rules.user = agent_user;
    rules.password = agent_password;
    rules.deadline = std::chrono::milliseconds(1500);
    rules.replication_user = "repl";
    rules.replication_password = replication_password;
    rules.replication_port = port_;
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

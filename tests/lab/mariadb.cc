#include "tests/lab/mariadb.h"

#include <filesystem>
#include <stdexcept>

#include <pwd.h>
#include <signal.h>
#include <unistd.h>

namespace lab {

namespace {

// mariadbd refuses to run as root unless it is told to.
std::string user_option() {
    const passwd* who = getpwuid(getuid());
    return std::string("--user=") + (who != nullptr ? who->pw_name : "root");
}

std::string tail(const std::string& text) {
    return text.size() <= 2000 ? text : "…" + text.substr(text.size() - 2000);
}

const char* const accounts_sql = R"(
CREATE DATABASE wiki;
USE wiki;
CREATE TABLE page (id INT PRIMARY KEY, title VARCHAR(80) NOT NULL, text TEXT NOT NULL) ENGINE=InnoDB;
CREATE TABLE edit (id BIGINT AUTO_INCREMENT PRIMARY KEY, at TIMESTAMP(3) NOT NULL DEFAULT NOW(3),
                   author VARCHAR(40) NOT NULL, text VARCHAR(255) NOT NULL) ENGINE=InnoDB;
INSERT INTO page VALUES (1, 'Main Page', 'This wiki works.');
CREATE USER arbiter@'127.%' IDENTIFIED BY 'agent-pw', arbiter@localhost IDENTIFIED BY 'agent-pw';
GRANT PROCESS, RELOAD, CONNECTION ADMIN, READ_ONLY ADMIN, REPLICA MONITOR,
      REPLICATION SLAVE ADMIN, REPLICATION MASTER ADMIN, BINLOG ADMIN, CREATE USER
      ON *.* TO arbiter@'127.%', arbiter@localhost;
GRANT SELECT ON mysql.global_priv TO arbiter@'127.%', arbiter@localhost;
CREATE USER repl@'127.%' IDENTIFIED BY 'repl-pw';
GRANT REPLICATION SLAVE ON *.* TO repl@'127.%';
CREATE USER wiki@'127.%' IDENTIFIED BY 'wiki-pw';
GRANT SELECT, INSERT, UPDATE, DELETE ON wiki.* TO wiki@'127.%';
FLUSH PRIVILEGES;
)";

}  // namespace

MariaDbTemplate::MariaDbTemplate(const std::string& folder) : data_(folder + "/data") {
    std::filesystem::create_directories(folder);
    // A server that starts removes what others have in a temporary folder of them all.
    const Outcome installed =
        run({"mariadb-install-db", "--no-defaults", "--datadir=" + data_, user_option(),
             "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve",
             "--innodb-log-file-size=16M", "--tmpdir=" + folder},
            {}, 120s);
    if (installed.status != 0)
        throw std::runtime_error("mariadb-install-db failed: " +
                                 tail(installed.out + installed.err));
    const std::string socket = folder + "/mysqld.sock";
    Process server({{"mariadbd", "--no-defaults", "--datadir=" + data_, "--socket=" + socket,
                     "--skip-networking", user_option(), "--innodb-log-file-size=16M",
                     "--pid-file=" + folder + "/pid", "--tmpdir=" + folder},
                    {},
                    folder + "/log"});
    const std::vector<std::string> client = {"mariadb", "--no-defaults", "--socket=" + socket,
                                             "-uroot"};
    const bool up = until(60s, [&] { return run(client, "SELECT 1").status == 0; });
    const Outcome made = up ? run(client, accounts_sql) : Outcome{1, {}, "it does not answer"};
    server.stop(60s);
    if (made.status != 0)
        throw std::runtime_error("the accounts could not be made: " + made.err +
                                 tail(read_file(folder + "/log")));
}

void MariaDbTemplate::copy_to(const std::string& data_folder) const {
    std::filesystem::copy(data_, data_folder, std::filesystem::copy_options::recursive);
}

MariaDb::MariaDb(const MariaDbTemplate& installed, Place place) : place_(std::move(place)) {
    std::filesystem::create_directories(place_.folder);
    installed.copy_to(place_.folder + "/data");
    write_file(place_.folder + "/my.cnf",
               "[mariadbd]\n"
               "datadir=" +
                   place_.folder +
                   "/data\n"
                   "socket=" +
                   socket() +
                   "\n"
                   "pid-file=" +
                   place_.folder +
                   "/mysqld.pid\n"
                   "tmpdir=" +
                   place_.folder +
                   "\n"
                   "bind-address=" +
                   place_.address +
                   "\n"
                   "port=" +
                   std::to_string(place_.port) +
                   "\n"
                   "server-id=" +
                   std::to_string(place_.server_id) +
                   "\n"
                   "skip-name-resolve\n"
                   "log-bin=binlog\nbinlog-format=ROW\nlog-slave-updates=1\n"
                   "gtid-strict-mode=1\nread-only=1\nskip-slave-start=1\ninit-rpl-role=SLAVE\n"
                   "sync-binlog=1\ninnodb-flush-log-at-trx-commit=1\n"
                   "slave-parallel-threads=4\nslave-net-timeout=10\n"
                   "innodb-log-file-size=16M\ninnodb-buffer-pool-size=32M\nkey-buffer-size=1M\n"
                   "performance-schema=0\nmax-connections=60\nreport-host=" +
                   place_.address + "\n");
}

void MariaDb::start() {
    process_ = std::make_unique<Process>(
        Command{{"mariadbd", "--defaults-file=" + place_.folder + "/my.cnf", user_option()},
                {std::string("LD_PRELOAD=") + ARBITER_LAB_SOURCE_LIBRARY,
                 "ARBITER_LAB_SOURCE=" + place_.address},
                place_.folder + "/log"});
    const bool up = until(60s, [&] {
        if (!process_->running()) return true;
        return run({"mariadb", "--no-defaults", "--socket=" + socket(), "-uroot"}, "SELECT 1")
                   .status == 0;
    });
    if (!up || !process_->running())
        throw std::runtime_error("MariaDB at " + place_.address +
                                 " does not start: " + tail(read_file(place_.folder + "/log")));
}

void MariaDb::stop() {
    if (process_) process_->stop(30s);
}
void MariaDb::kill() {
    if (process_) process_->kill();
}
void MariaDb::signal(int number) {
    if (process_) process_->signal(number);
}
bool MariaDb::running() {
    return process_ && process_->running();
}

std::string MariaDb::query(const std::string& sql) const {
    Outcome done = run(
        {"mariadb", "--no-defaults", "--socket=" + socket(), "-uroot", "-N", "--batch", "--raw"},
        sql, 30s);
    if (done.status != 0) throw std::runtime_error(place_.address + ": " + sql + ": " + done.err);
    while (!done.out.empty() && done.out.back() == '\n') done.out.pop_back();
    return done.out;
}

bool MariaDb::write(const std::string& address, int port, const std::string& sql) {
    return run({"mariadb", "--no-defaults", "--host=" + address, "--port=" + std::to_string(port),
                std::string("-u") + Accounts::wiki, std::string("-p") + Accounts::wiki_password,
                "--connect-timeout=1", "wiki"},
               sql, 3s)
               .status == 0;
}

}  // namespace lab

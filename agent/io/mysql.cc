#include "agent/io/mysql.h"

#include <utility>

#include <cppconn/connection.h>
#include <cppconn/driver.h>
#include <cppconn/exception.h>
#include <cppconn/resultset.h>
#include <cppconn/resultset_metadata.h>
#include <cppconn/statement.h>
#include <fmt/format.h>
#include <mysql_driver.h>

namespace agent {

namespace {

// Made once, before any thread uses it, and never deleted (LAB.md, C).
sql::Driver& driver() {
    static sql::Driver* const instance = sql::mysql::get_mysql_driver_instance();
    return *instance;
}

// The client library keeps state of its own a thread.
struct ThreadOfDriver {
    ThreadOfDriver() { driver().threadInit(); }
    ~ThreadOfDriver() { driver().threadEnd(); }
};

SqlError error_of(const sql::SQLException& e) {
    return {e.getErrorCode(), fmt::format("{}: {}", e.getErrorCode(), e.what())};
}

}  // namespace

struct Session::Connection {
    std::unique_ptr<sql::Connection> connection;
};

Session::Session(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

tl::expected<Session, SqlError> Session::open(const DatabaseRules& rules,
                                              const Patience& patience) {
    thread_local const ThreadOfDriver this_thread;
    sql::ConnectOptionsMap options;
    // An option of the wrong type throws, an unknown one is silently ignored: names as in LAB.md,
    // C.
    if (rules.socket.empty()) {
        options["hostName"] = sql::SQLString(rules.host);
        options["port"] = static_cast<int>(rules.port);
    } else {
        options["hostName"] = sql::SQLString("unix://" + rules.socket);
    }
    options["userName"] = sql::SQLString(rules.user);
    options["password"] = sql::SQLString(rules.password);
    options["OPT_CONNECT_TIMEOUT"] = static_cast<int>(patience.connect.count());
    options["OPT_READ_TIMEOUT"] = static_cast<int>(patience.answer.count());
    options["OPT_WRITE_TIMEOUT"] = static_cast<int>(patience.answer.count());
    // A session that comes back by itself has lost its settings, and nobody was told.
    options["OPT_RECONNECT"] = false;
    options["OPT_CHARSET_NAME"] = sql::SQLString("utf8mb4");
    try {
        auto inside = std::make_unique<Connection>();
        inside->connection.reset(driver().connect(options));
        Session session(std::move(inside));
        // lock_wait_timeout: behind a semi-sync waiter SET GLOBAL read_only would wait for ever.
        auto set = session.run(
            "SET SESSION sql_mode='NO_BACKSLASH_ESCAPES', time_zone='+00:00', lock_wait_timeout=1, "
            "wait_timeout=31536000");
        if (!set) return tl::unexpected(set.error());
        const auto id = session.value("SELECT CONNECTION_ID()");
        if (!id) return tl::unexpected(id.error());
        session.id_ = id->has_value() ? std::stoull(**id) : 0;
        return session;
    } catch (const sql::SQLException& e) {
        return tl::unexpected(error_of(e));
    } catch (const std::exception& e) {
        return tl::unexpected(SqlError{0, e.what()});
    }
}

tl::expected<void, SqlError> Session::run(const std::string& statement) {
    try {
        const std::unique_ptr<sql::Statement> s(connection_->connection->createStatement());
        s->execute(statement);
        return {};
    } catch (const sql::SQLException& e) {
        return tl::unexpected(error_of(e));
    } catch (const std::exception& e) {
        return tl::unexpected(SqlError{0, e.what()});
    }
}

tl::expected<std::vector<Row>, SqlError> Session::ask(const std::string& query) {
    try {
        const std::unique_ptr<sql::Statement> s(connection_->connection->createStatement());
        const std::unique_ptr<sql::ResultSet> result(s->executeQuery(query));
        sql::ResultSetMetaData* const meta = result->getMetaData();
        std::vector<Row> rows;
        while (result->next()) {
            Row row;
            for (unsigned i = 1; i <= meta->getColumnCount(); ++i) {
                auto& value = row[meta->getColumnLabel(i).asStdString()];
                if (!result->isNull(i)) value = result->getString(i).asStdString();
            }
            rows.push_back(std::move(row));
        }
        return rows;
    } catch (const sql::SQLException& e) {
        return tl::unexpected(error_of(e));
    } catch (const std::exception& e) {
        return tl::unexpected(SqlError{0, e.what()});
    }
}

tl::expected<std::optional<std::string>, SqlError> Session::value(const std::string& query) {
    auto rows = ask(query);
    if (!rows) return tl::unexpected(rows.error());
    if (rows->empty() || rows->front().empty()) return std::nullopt;
    return rows->front().begin()->second;
}

std::string quoted(const std::string& text) {
    std::string out = "'";
    for (const char c : text) {
        if (c == '\'') out += '\'';
        out += c;
    }
    return out + "'";
}

}  // namespace agent

#pragma once
// What every room that talks to MariaDB takes a row apart with.

#include "agent/io/mariadb.h"

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>

namespace agent::mariadb {

inline std::string text_of(const Row& row, const char* column) {
    const auto found = row.find(column);
    return found == row.end() ? std::string() : found->second.value_or("");
}

inline std::uint64_t number_of(const std::string& text) {
    std::uint64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

inline tl::unexpected<std::string> failed(const SqlError& error) {
    return tl::unexpected(error.text);
}

// The default connection's; empty when the server is not configured as a replica.
inline tl::expected<std::optional<Row>, SqlError> replica_status(Session& session) {
    auto rows = session.ask("SHOW SLAVE STATUS");
    if (!rows) return tl::unexpected(rows.error());
    if (rows->empty()) return std::nullopt;
    return rows->front();
}

struct Positions {
    heartbeat::GtidPosition binlog;
    heartbeat::GtidPosition slave;
    // With log_slave_updates the binary log has all that was applied; gtid_slave_pos alone knows
    // where a copy that came from a backup stands.
    heartbeat::GtidPosition applied() const { return binlog.merged(slave); }
};

tl::expected<Positions, SqlError> positions(Session& session);
// What SHOW SLAVE STATUS says of it.
void add_replica(DatabaseView& view, const Row& status);

}  // namespace agent::mariadb

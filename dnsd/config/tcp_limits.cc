#include "dnsd/config/tcp_limits.h"

#include "dnsd/config/fields.h"

#include <algorithm>

#include <fmt/format.h>

namespace dnsd {
namespace {

using namespace std::chrono_literals;

constexpr unsigned connections_most = 100'000;  // 2 to 3 KiB each in the kernel alone

std::chrono::milliseconds wait(Table& table, std::string_view key,
                               std::chrono::milliseconds otherwise, Duration least, Duration most) {
    return std::chrono::ceil<std::chrono::milliseconds>(
        table.duration(key, otherwise, least, most).value);
}

void read_transfers(Document& document, Table& table, TcpLimits& limits) {
    const auto transfers =
        table.number("transfers", static_cast<unsigned>(limits.transfers_max), 2, connections_most);
    limits.transfers_max = transfers.value;
    const auto per_address = table.number(
        "transfers_per_address",
        static_cast<unsigned>(std::min(limits.transfers_per_address_max, limits.transfers_max)), 1,
        connections_most);
    limits.transfers_per_address_max = per_address.value;
    if (per_address.value > transfers.value)
        document.error(per_address.place,
                       fmt::format("{} transfers to one address are more than the {} of all",
                                   per_address.value, transfers.value));
}

}  // namespace

TcpLimits fitted(TcpLimits limits, std::size_t descriptors) {
    if (descriptors >= limits.connections_max) return limits;
    const std::size_t fit = std::max<std::size_t>(descriptors, 2);
    limits.reserve = std::min(limits.reserve * fit / limits.connections_max, fit - 1);
    limits.connections_max = fit;
    limits.connections_per_address_max = std::min(limits.connections_per_address_max, fit);
    return limits;
}

TcpLimits read_tcp_limits(Document& document, std::optional<Table>& table,
                          std::size_t secondaries) {
    TcpLimits limits;
    limits.reserve = std::max(limits.reserve, 2 * secondaries);
    limits.transfers_max = std::max(limits.transfers_max, 2 * secondaries);
    if (!table) {
        limits.connections_max = std::max(limits.connections_max, 2 * limits.reserve);
        return limits;
    }
    const auto connections = table->number(
        "connections", static_cast<unsigned>(std::max(limits.connections_max, 2 * limits.reserve)),
        2, connections_most);
    limits.connections_max = connections.value;
    // A tenth, and two for each: one secondary may ask for a serial while it transfers.
    const auto reserve = table->number(
        "reserve", static_cast<unsigned>(std::max(limits.connections_max / 10, 2 * secondaries)), 0,
        connections_most);
    limits.reserve = reserve.value;
    if (reserve.value >= connections.value)
        document.error(
            reserve.said ? reserve.place : connections.place,
            fmt::format("of {} connections a reserve of {} leaves none to anybody but secondaries",
                        connections.value, reserve.value),
            fmt::format("connections = {}", std::size_t{10} * reserve.value));
    else if (reserve.said && reserve.value < secondaries)
        document.error(
            reserve.place,
            fmt::format("a reserve of {} connections is not one for each of the {} secondaries",
                        reserve.value, secondaries),
            fmt::format("reserve = {}", 2 * secondaries));
    const auto per_address = table->number(
        "per_address",
        static_cast<unsigned>(std::min(limits.connections_per_address_max, limits.connections_max)),
        1, connections_most);
    limits.connections_per_address_max = per_address.value;
    if (per_address.value > connections.value)
        document.error(per_address.place,
                       fmt::format("{} connections from one address are more than the {} of all",
                                   per_address.value, connections.value));
    read_transfers(document, *table, limits);
    limits.idle = wait(*table, "idle", limits.idle, 500ms, 1h);
    limits.request = wait(*table, "request", limits.request, 500ms, 1min);
    limits.write = wait(*table, "write", limits.write, 1s, 10min);
    table->finish();
    return limits;
}

}  // namespace dnsd

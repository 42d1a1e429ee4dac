#pragma once
// What a client of DNS over TCP may take (RFC 7766 §6.2, RFC 9210 §4).

#include <chrono>
#include <cstddef>
#include <optional>

namespace dnsd {

struct TcpLimits {
    // When all are taken, the stranger that has been idle the longest makes room; when none is
    // idle, the new one goes.
    std::size_t connections_max = 1000;
    // Among them, those that only an address may take that transfers are allowed to: however many
    // strangers come, a secondary is let in.
    std::size_t reserve = 100;
    // From one IPv4 address or one IPv6 /64, which is what one customer is given; a secondary's
    // own address counts for itself.
    std::size_t connections_per_address_max = 100;
    // Transfers under way. What is over a bound waits for its place, secondaries before others, and
    // others never have more than half of all. Two at least.
    std::size_t transfers_max = 250;
    std::size_t transfers_per_address_max = 16;  // addresses as above
    std::chrono::milliseconds idle{10'000};      // between requests; RFC 7766 §6.2.3
    std::chrono::milliseconds request{5'000};    // from the first byte of a request to its last
    // For the client to take in 64 KiB of answers.
    std::chrono::milliseconds write{15'000};
};

// As many connections as `descriptors` are left for, when that is less; the reserve in proportion.
TcpLimits fitted(TcpLimits limits, std::size_t descriptors);

class Document;
class Table;
// [dns.tcp], or the defaults for so many secondaries; what does not go together is a mistake.
TcpLimits read_tcp_limits(Document& document, std::optional<Table>& table, std::size_t secondaries);

}  // namespace dnsd

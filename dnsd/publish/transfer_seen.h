#pragma once
// A zone transfer as the one who serves it saw it: of what kind, how it ended, what it cost.

#include "heartbeat/identity.h"
#include "zones/serial.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace dnsd {

enum class TransferKind : std::uint8_t { axfr, ixfr, udp };  // udp: IXFR in one datagram
constexpr std::size_t transfer_kinds = 3;
enum class TransferResult : std::uint8_t {
    done,       // its last byte was handed to the kernel
    current,    // the SOA alone: who asked had this version (RFC 1995 §2)
    fallback,   // by UDP, the SOA alone: it does not fit in a datagram, and is asked for by TCP
    aborted,    // the client went away
    timed_out,  // the client did not take it in
};
constexpr std::size_t transfer_results = 5;
std::string_view name_of(TransferKind);
std::string_view name_of(TransferResult);

// A datagram is sent, or it is not; a stream may end in other ways.
constexpr bool possible(TransferKind kind, TransferResult result) {
    if (kind == TransferKind::udp)
        return result == TransferResult::done || result == TransferResult::current ||
               result == TransferResult::fallback;
    return result != TransferResult::fallback &&
           (kind == TransferKind::ixfr || result != TransferResult::current);
}

struct TransferSeen {
    TransferKind kind = TransferKind::axfr;
    TransferResult result = TransferResult::done;
    std::optional<zones::Serial> serial;  // of the version that was sent
    heartbeat::Instant ended{};
    heartbeat::Duration took{0};
    std::uint64_t bytes = 0;
};
// How many, by kind and result.
struct TransferCounts {
    std::array<std::array<std::uint64_t, transfer_results>, transfer_kinds> of{};
    void add(TransferKind kind, TransferResult result) {
        ++of[static_cast<std::size_t>(kind)][static_cast<std::size_t>(result)];
    }
};

}  // namespace dnsd

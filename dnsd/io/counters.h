#pragma once
// What the query threads count. Each thread writes its own block of cache lines and never waits for
// another; readers add the blocks up.

#include "zones/wire.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace dnsd {

// Written by one thread, read by any: a plain add, without a locked instruction.
class Counter {
public:
    void add(std::uint64_t n = 1) {
        value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }
    std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> value_{0};
};

// Why a datagram or a response was not served.
enum class Dropped : std::uint8_t {
    source_port_zero,       // nobody can be answered there
    source_port_reflector,  // a service that would answer our answer
    too_long,               // longer than the receive buffer
    silent,                 // the door said: not a request (a response, or shorter than a header)
    send_failed,            // sendmsg refused this one: no route, forbidden, no memory
    send_full,              // the socket's send buffer stayed full
};
constexpr std::size_t dropped_kinds = 6;

struct alignas(64) QueryCounters {
    Counter requests;
    std::array<Counter, zones::rcodes_max> responses;  // by RCODE, as an OPT extends it
    std::array<Counter, dropped_kinds> dropped;
    Counter receive_errors;

    void drop(Dropped why) { dropped[static_cast<std::size_t>(why)].add(); }
};

// The same, added up over threads, as plain numbers.
struct QueryTotals {
    std::uint64_t requests = 0;
    std::array<std::uint64_t, zones::rcodes_max> responses{};
    std::array<std::uint64_t, dropped_kinds> dropped{};
    std::uint64_t receive_errors = 0;

    void add(const QueryCounters& one) {
        requests += one.requests.value();
        for (std::size_t i = 0; i < responses.size(); ++i) responses[i] += one.responses[i].value();
        for (std::size_t i = 0; i < dropped.size(); ++i) dropped[i] += one.dropped[i].value();
        receive_errors += one.receive_errors.value();
    }
};

}  // namespace dnsd

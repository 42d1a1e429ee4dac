#pragma once
// The one snapshot that table, JSON, page, CH records and metrics are drawn from, and its JSON form
// (docs/UX.md, "arbiterctl"): "format" 1, keys are added and never renamed.

#include "dnsd/arbiter/status.h"
#include "dnsd/io/decision.h"
#include "dnsd/publish/notifier.h"

#include <cstdint>
#include <string>
#include <vector>

namespace dnsd {

struct ZoneStatus {
    std::string name;
    std::uint32_t serial = 0;
};

// One line of a counter: the values of its labels, in the order that the field names.
struct Count {
    std::vector<std::string> labels;
    std::uint64_t value = 0;
};

// Since start; a counter that may come should be there at 0 before its first event.
struct Counters {
    std::vector<Count> dns_requests;           // transport
    std::vector<Count> dns_responses;          // rcode
    std::vector<Count> dns_dropped;            // reason
    std::vector<Count> tcp_connections;        // peer; open now, not since start
    std::vector<Count> tcp_transfers;          // as well
    std::vector<Count> tcp_transfers_waiting;  // as well
    std::vector<Count> tcp_held_bytes;         // as well
    std::vector<Count> heartbeats;             // server, reply
    std::vector<Count> decisions_lost;         // no label
    std::vector<Count> heartbeats_rejected;    // reason
    std::vector<Count> notify_datagrams;       // result
    std::vector<Count> notifies;               // secondary, result
    std::vector<Count> transfers;              // secondary, kind, result
    std::vector<Count> refused_transfers;      // reason
    std::vector<Count> transfers_left_out;     // of permitted ones: begins and ends
};

struct Status {
    std::string host;  // the arbiter's own name
    std::string mode;  // "act" or "observe"
    Duration uptime{0};
    std::int64_t time_ms = 0;  // when this was taken, since 1970, UTC
    bool ready = false;        // answers queries and hears heartbeats
    std::string not_ready_why;
    std::vector<GroupStatus> groups;
    std::vector<ZoneStatus> zones;
    std::vector<SecondaryStatus> secondaries;
    std::vector<Decision> history;  // newest first, bounded by the one who fills it in
    Counters counters;
    bool reload_ok = true;            // of the last reload
    std::string reload_why;           // when it was not: its sum, as the log has it
    std::int64_t reload_time_ms = 0;  // when the running configuration was taken
};

// What a person should know first. Critical: a group without a writer or failing open, or every
// secondary of a zone behind; warning: a server out of the pool, one secondary behind or silent.
struct Verdict {
    enum class Level { ok, warning, critical };
    Level level = Level::ok;
    std::vector<std::string> reasons;  // the worst first
};
std::string_view name_of(Verdict::Level);
Verdict judge(const Status&);

// Its host's name, relative to the zone, or its address.
std::string display_name(const SecondaryStatus&);

// Secondaries fetch within milliseconds; one that takes longer than this is said to be behind.
constexpr Duration behind_bearable = std::chrono::seconds(2);

std::string_view name_of(heartbeat::Role);
// "2026-11-22T10:19:07Z"
std::string rfc3339(std::int64_t time_ms);
// Of the history the status has the newest alone: it is asked for each second.
constexpr std::size_t history_in_status_max = 100;
std::string status_json(const Status&);  // one line, without a newline at its end
// Prometheus text format 0.0.4 (metrics.cc).
std::string metrics_text(const Status&);

}  // namespace dnsd

#pragma once
// Status documents as the daemon writes them.

#include <string>

namespace dnsd::test {

// UX.md's example: wiki4's page fails, ns2 did not answer its NOTIFY.
inline std::string busy_document() {
    return R"({
"format": 1, "host": "ns0", "mode": "act", "uptime_seconds": 3542400.5,
"time": "2026-11-22T10:23:22Z",
"groups": [{"name": "wiki", "epoch": 17, "holder": "wiki2", "master": "wiki2", "state": "held",
 "lease_left_seconds": 5.1, "fail_open": false, "waiting_for": "", "servers": [
 {"name": "wiki1", "addresses": ["192.0.2.11"], "alive": true, "in_pool": true, "may_lead": true,
  "role": "replica", "why": "", "last_heard_seconds": 0.4, "since_seconds": 90000,
  "gtid": "0-1-42", "lag_seconds": 0, "weight": 1,
  "health": {"database": true, "web": true, "page": true, "replication": true, "guard": true}},
 {"name": "wiki2", "addresses": ["192.0.2.12", "2001:db8::12"], "alive": true, "in_pool": true,
  "may_lead": true, "role": "master", "why": "", "last_heard_seconds": 0.1,
  "since_seconds": 1040000, "gtid": "0-1-42", "lag_seconds": null, "weight": 1,
  "health": {"database": true, "web": true, "page": true, "replication": true, "guard": true}},
 {"name": "wiki4", "addresses": ["192.0.2.14"], "alive": true, "in_pool": false,
  "may_lead": false, "role": "replica", "why": "page: HTTP 503, want 200",
  "last_heard_seconds": 0.3, "since_seconds": 255, "gtid": "0-1-42", "lag_seconds": 38.2,
  "weight": 1,
  "health": {"database": true, "web": true, "page": false, "replication": true, "guard": true}},
 {"name": "wiki5", "addresses": ["192.0.2.15"], "alive": false, "in_pool": false,
  "may_lead": false, "role": "unknown", "why": "never heard", "last_heard_seconds": null,
  "since_seconds": null, "gtid": null, "lag_seconds": null, "weight": 1, "health": null}]}],
"zones": [{"name": "wiki.example", "serial": 1742}],
"secondaries": [
 {"address": "198.51.100.1", "zone": "wiki.example", "serial": 1742, "behind": 0,
  "behind_seconds": 0, "notify": "acknowledged", "unanswered": 0, "name": "ns1.wiki.example",
  "last_transfer": {"kind": "ixfr", "result": "done", "serial": 1742,
   "time": "2026-11-22T10:19:07Z", "seconds": 0.04, "bytes": 412}},
 {"address": "203.0.113.9", "zone": "wiki.example", "serial": 1741, "behind": 1,
  "behind_seconds": 250, "notify": "unanswered", "unanswered": 2, "name": "ns2.wiki.example",
  "last_transfer": {"kind": "ixfr", "result": "done", "serial": 1741,
   "time": "2026-11-22T10:14:50Z", "seconds": 0.05, "bytes": 398}}]})";
}

// A daemon that has just started on two groups and two zones.
inline std::string young_document() {
    return R"({
"format": 1, "host": "ns0", "mode": "observe", "uptime_seconds": 3, "time": "2026-01-02T00:00:09Z",
"groups": [
 {"name": "a", "epoch": 0, "holder": null, "master": null, "state": "free",
  "lease_left_seconds": 0, "fail_open": false, "waiting_for": "a first report of every server",
  "servers": []},
 {"name": "b", "epoch": 4, "holder": "x", "master": "y", "state": "expiring",
  "lease_left_seconds": 0, "fail_open": true, "waiting_for": "", "servers": [
  {"name": "x", "addresses": ["192.0.2.1"], "alive": false, "in_pool": true, "may_lead": false,
   "role": "fenced", "why": "silent for 12.5 s", "last_heard_seconds": 12.5,
   "since_seconds": 30, "gtid": "", "lag_seconds": null, "weight": 1, "health": {}}]}],
"zones": [{"name": "a.example", "serial": 1}, {"name": "b.example", "serial": 4294967295}],
"secondaries": []})";
}

}  // namespace dnsd::test

#include "tests/lab/secondary_text.h"

namespace lab {

// Their data lies under data/, so that it can be wiped. Each may be asked for the zone by anybody.
// They retry a transfer that broke after the SOA's retry; BIND's and Knot's own floors are lowered
// so that a test need not wait for them.

std::string bind_text(const Secondary::Place& place) {
    const std::string& folder = place.folder;
    const std::string primary = place.primary + " port " + std::to_string(place.primary_port) +
                                (place.key ? " key \"" + place.key->name + "\"" : "");
    return (place.key ? place.key->named() : "") +
           "options {\n"
           "  directory \"" +
           folder + "/data\";\n  pid-file none; session-keyfile none;\n" +
           "  managed-keys-directory \"" + folder + "/data\";\n  listen-on port " +
           std::to_string(place.port) + " { " + place.address +
           "; }; listen-on-v6 { none; };\n"
           "  recursion no; dnssec-validation no; notify no; allow-transfer { any; };\n"
           "  transfer-source " +
           place.address + "; min-retry-time 1; min-refresh-time 1;\n  serial-query-rate " +
           std::to_string(place.serial_query_rate) +
           ";\n};\ncontrols { };\n"
           "zone \"" +
           place.zone +
           "\" { type secondary; file \"secondary.db\"; masterfile-format text;\n"
           "  primaries { " +
           primary + "; }; };\n";
}

std::string nsd_text(const Secondary::Place& place) {
    const std::string& folder = place.folder;
    const std::string key = place.key ? place.key->name : "NOKEY";
    return "server:\n  ip-address: " + place.address + "@" + std::to_string(place.port) +
           "\n  zonesdir: \"" + folder +
           "/data\"\n  database: \"\"\n  username: \"\"\n  pidfile: \"\"\n  xfrdfile: \"" + folder +
           "/data/xfrd.state\"\n  xfrdir: \"" + folder + "/data\"\n  zonelistfile: \"" + folder +
           "/data/zone.list\"\n  server-count: 1\n  verbosity: 3\n  rrl-ratelimit: 0\n"
           "  xfrd-reload-timeout: " +
           std::to_string(place.xfrd_reload_timeout) + "\nremote-control:\n  control-enable: no\n" +
           (place.key
                ? "key:\n  name: \"" + place.key->name +
                      "\"\n  algorithm: hmac-sha256\n  secret: \"" + place.key->secret + "\"\n"
                : "") +
           "zone:\n  name: \"" + place.zone + "\"\n  zonefile: \"secondary.zone\"\n" +
           "  allow-notify: " + place.primary + " " + key + "\n  request-xfr: " + place.primary +
           "@" + std::to_string(place.primary_port) + " " + key +
           "\n  outgoing-interface: " + place.address + "\n  provide-xfr: 0.0.0.0/0 NOKEY\n";
}

std::string knot_text(const Secondary::Place& place) {
    const std::string& folder = place.folder;
    const std::string key = place.key ? "    key: \"" + place.key->name + "\"\n" : "";
    return "server:\n    listen: " + place.address + "@" + std::to_string(place.port) +
           "\n    rundir: \"" + folder +
           "\"\n    udp-workers: 1\n    tcp-workers: 1\n    background-workers: 1\n"
           "database:\n    storage: \"" +
           folder + "/data\"\nlog:\n  - target: stderr\n    any: info\n" +
           (place.key
                ? "key:\n  - id: \"" + place.key->name +
                      "\"\n    algorithm: hmac-sha256\n    secret: \"" + place.key->secret + "\"\n"
                : "") +
           "remote:\n  - id: primary\n    address: " + place.primary + "@" +
           std::to_string(place.primary_port) + "\n    via: " + place.address + "\n" + key +
           "acl:\n  - id: notify\n    address: " + place.primary + "\n    action: notify\n" + key +
           "  - id: readers\n    address: 0.0.0.0/0\n    action: transfer\n"
           "template:\n  - id: default\n    storage: \"" +
           folder +
           "/data\"\n    zonefile-sync: -1\n    zonefile-load: none\n    journal-content: all\n"
           "zone:\n  - domain: \"" +
           place.zone + "\"\n    file: secondary.zone\n    master: primary\n" +
           "    acl: [notify, readers]\n";
}

}  // namespace lab

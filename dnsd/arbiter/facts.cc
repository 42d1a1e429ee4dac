#include "dnsd/arbiter/facts.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <utility>

namespace dnsd {

namespace {

using std::chrono::milliseconds;

// As the configuration writes it: "250ms", "6s".
std::string configured(Duration duration) {
    const auto ms = std::chrono::duration_cast<milliseconds>(duration).count();
    if (ms % 1000 == 0) return "\"" + std::to_string(ms / 1000) + "s\"";
    return "\"" + std::to_string(ms) + "ms\"";
}

void check_times(const ArbiterRules& rules, std::vector<std::string>& broken) {
    const std::string lease = "lease " + configured(rules.lease);
    const std::string heartbeat = "heartbeat " + configured(rules.heartbeat);
    if (rules.heartbeat < milliseconds(10))
        broken.push_back(heartbeat + " is too short: at least \"10ms\"");
    else if (rules.lease < 3 * rules.heartbeat + rules.demotion())
        broken.push_back(lease + " is too short for " + heartbeat +
                         ": 3 heartbeats and a quarter of the lease to fence must fit, at least " +
                         configured(4 * rules.heartbeat));
    if (rules.lease > ArbiterRules::lease_max)
        broken.push_back(lease + " is too long: at most " + configured(ArbiterRules::lease_max));
    if (rules.lease % milliseconds(1) != Duration::zero())
        broken.push_back(lease + " is told in whole milliseconds");
    if (rules.down_after < 2 * rules.heartbeat)
        broken.push_back("down_after " + configured(rules.down_after) + " is too short for " +
                         heartbeat + ": two heartbeats must fit, at least " +
                         configured(2 * rules.heartbeat));
    if (rules.up_after < 1 || rules.up_after > 100)
        broken.push_back("up_after " + std::to_string(rules.up_after) +
                         " is not between 1 and 100");
    if (rules.max_lag < Duration::zero()) broken.push_back("max_lag must not be below 0");
    // Written so that a NaN fails too.
    if (!(rules.rho >= 0 && rules.rho <= 0.05))
        broken.push_back("the clocks' rate error rho must be between 0 and 0.05");
}

void check_servers(const ArbiterRules& rules, std::vector<std::string>& broken) {
    if (rules.servers.empty()) broken.push_back("no server is configured");
    if (rules.servers.size() > ArbiterRules::servers_max)
        broken.push_back(std::to_string(rules.servers.size()) + " servers are too many: at most " +
                         std::to_string(ArbiterRules::servers_max));
    for (std::size_t i = 0; i < rules.servers.size(); ++i) {
        const ServerRules& server = rules.servers[i];
        const std::string name = "server " + std::string(server.id.text());
        if (server.addresses.empty()) broken.push_back(name + " has no address");
        if (server.addresses.size() > heartbeat::addresses_max)
            broken.push_back(name + " has " + std::to_string(server.addresses.size()) +
                             " addresses: at most " + std::to_string(heartbeat::addresses_max));
        if (i > 0 && !(rules.servers[i - 1].id < server.id))
            broken.push_back(name + " stands twice, or the servers are not sorted");
    }
}

}  // namespace

Duration ArbiterRules::expiry(Duration told) const {
    // Rounded up: waiting a nanosecond longer is safe, a nanosecond less is not.
    const double stretched = std::ceil(static_cast<double>(told.count()) * (1.0 + rho));
    return Duration(static_cast<Duration::rep>(stretched)) + std::max(guard(), told / 12);
}

Duration ArbiterRules::window() const {
    return std::min<Duration>(milliseconds(300), lease / 6);
}

Duration ArbiterRules::lapse() const {
    return std::max<Duration>(2 * lease, std::chrono::seconds(10));
}

std::vector<std::string> ArbiterRules::check() const {
    // D < L and G > 0 hold by construction, as both are fractions of L.
    std::vector<std::string> broken;
    check_times(*this, broken);
    check_servers(*this, broken);
    return broken;
}

std::string_view name_of(Kind kind) {
    switch (kind) {
        case Kind::started:
            return "started";
        case Kind::server_up:
            return "server_up";
        case Kind::server_down:
            return "server_down";
        case Kind::server_unwell:
            return "server_unwell";
        case Kind::joined_pool:
            return "joined_pool";
        case Kind::left_pool:
            return "left_pool";
        case Kind::fail_open:
            return "fail_open";
        case Kind::fail_open_ended:
            return "fail_open_ended";
        case Kind::expiring:
            return "expiring";
        case Kind::freed:
            return "freed";
        case Kind::window_opened:
            return "window_opened";
        case Kind::granted:
            return "granted";
        case Kind::writable:
            return "writable";
        case Kind::grant_lapsed:
            return "grant_lapsed";
        case Kind::refused:
            return "refused";
        case Kind::ledger_failed:
            return "ledger_failed";
    }
    return "unknown";
}

std::string_view name_of(Choose choose) {
    return choose == Choose::most_advanced ? "most-advanced" : "first-request";
}

std::string spoken(Duration duration) {
    const double seconds = std::chrono::duration<double>(duration).count();
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), seconds < 0.95 ? "%.2f s" : "%.1f s", seconds);
    return text.data();
}

std::string log_line(std::string_view group, const Note& note) {
    std::string line = "event=" + std::string(name_of(note.kind)) + " group=" + std::string(group);
    if (note.server) line += " server=" + std::string(note.server->text());
    line += " epoch=" + std::to_string(note.epoch.value);
    if (note.why.empty()) return line;
    line += " why=\"";
    for (const char c : note.why) {
        if (c == '"' || c == '\\') line += '\\';
        line += c >= ' ' && c <= '~' ? c : '?';
    }
    return line + '"';
}

std::string sentence(const Note& note) {
    const std::string who = note.server ? std::string(note.server->text()) : "nobody";
    const std::string epoch = "epoch " + std::to_string(note.epoch.value);
    const std::string colon = note.why.empty() ? "" : ": " + note.why;
    switch (note.kind) {
        case Kind::started:
            return "the arbiter started at " + epoch + colon;
        case Kind::server_up:
            return who + " reports" + colon;
        case Kind::server_down:
            return who + " is down" + colon;
        case Kind::server_unwell:
            return who + " is unwell" + colon;
        case Kind::joined_pool:
            return who + " joins www" + colon;
        case Kind::left_pool:
            return who + " leaves www" + colon;
        case Kind::fail_open:
            return "www fails open" + colon;
        case Kind::fail_open_ended:
            return "www no longer fails open" + colon;
        case Kind::expiring:
            return "the lease of " + who + " under " + epoch + " runs out" + colon;
        case Kind::freed:
            return "the lease of " + who + " under " + epoch + " has ended" + colon;
        case Kind::window_opened:
            return "candidates are heard for " + epoch + colon;
        case Kind::granted:
            return who + " is granted " + epoch + colon;
        case Kind::writable:
            return who + " leads under " + epoch + colon;
        case Kind::grant_lapsed:
            return who + " did not become writable under " + epoch + colon;
        case Kind::refused:
            return "no automatic grant" + colon;
        case Kind::ledger_failed:
            return "the ledger can not be written" + colon;
    }
    return {};
}

}  // namespace dnsd

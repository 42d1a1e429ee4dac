#include "dnsd/arbiter/facts.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <utility>

namespace dnsd {

namespace {

using std::chrono::milliseconds;

// As the configuration writes it: "250ms", "6s", "60s", "90m", "2h".
std::string configured(Duration duration) {
    const auto ms = std::chrono::duration_cast<milliseconds>(duration).count();
    constexpr std::int64_t minute = 60'000, hour = 60 * minute;
    if (ms % hour == 0 && ms > 0) return "\"" + std::to_string(ms / hour) + "h\"";
    if (ms % minute == 0 && ms > minute) return "\"" + std::to_string(ms / minute) + "m\"";
    if (ms % 1000 == 0) return "\"" + std::to_string(ms / 1000) + "s\"";
    return "\"" + std::to_string(ms) + "ms\"";
}

void check_times(const ArbiterRules& rules, std::vector<std::string>& broken) {
    const std::string lease = "lease " + configured(rules.lease);
    const std::string heartbeat = "heartbeat " + configured(rules.heartbeat);
    const Duration fits = 3 * rules.heartbeat + rules.demotion();
    if (rules.heartbeat < milliseconds(10))
        broken.push_back(heartbeat + " is too short: at least \"10ms\"");
    else if (rules.lease < fits && rules.demotion_said && rules.lease >= 4 * rules.heartbeat)
        // The lease would do by itself.
        broken.push_back("demotion " + configured(*rules.demotion_said) + " is too long for " +
                         lease + " and " + heartbeat +
                         ": 3 heartbeats must fit beside it, at most " +
                         configured(rules.lease - 3 * rules.heartbeat));
    else if (rules.lease < fits && rules.demotion_said)
        broken.push_back(lease + " is too short for " + heartbeat + ": 3 heartbeats and demotion " +
                         configured(*rules.demotion_said) + " must fit, at least " +
                         configured(fits));
    else if (rules.lease < fits)
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

// What was said of D, G and W, each a share of the lease otherwise.
void check_shares(const ArbiterRules& rules, std::vector<std::string>& broken) {
    const std::string lease = " the lease " + configured(rules.lease);
    const auto check = [&](const char* name, std::optional<Duration> said, Duration most) {
        if (!said) return;
        if (*said < milliseconds(1))
            broken.push_back(name + (" " + configured(*said)) + " is too short: at least \"1ms\"");
        else if (*said > most)
            broken.push_back(name + (" " + configured(*said)) + " is too long for" + lease +
                             ": at most " + configured(most));
    };
    // D has its bound by the heartbeats that must fit beside it.
    check("demotion", rules.demotion_said, Duration::max());
    check("guard", rules.guard_said, rules.lease);
    check("window", rules.window_said, rules.lease);
}

void check_damping(const ArbiterRules& rules, std::vector<std::string>& broken) {
    if (rules.block < Duration::zero() || rules.block_max < Duration::zero())
        broken.push_back("damping must not be below 0");
    else if (rules.block_max < rules.block)
        broken.push_back("damping_max " + configured(rules.block_max) + " is below damping " +
                         configured(rules.block) +
                         ": the block doubles from damping up to damping_max");
    if (rules.failovers_an_hour > Damping::failovers_max)
        broken.push_back("failovers_per_hour " + std::to_string(rules.failovers_an_hour) +
                         " is too many: at most " + std::to_string(Damping::failovers_max) +
                         ", or 0 for no bound");
    if (rules.penalty_half_life < Duration::zero())
        broken.push_back("penalty_half_life must not be below 0");
    if (rules.ackers < 1 || rules.ackers > ArbiterRules::ackers_max)
        broken.push_back("ackers " + std::to_string(rules.ackers) + " is not between 1 and " +
                         std::to_string(ArbiterRules::ackers_max));
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
    // A guard that nobody said is a share of the lease: of the longer one.
    const Duration guarded = guard_said ? *guard_said : std::max(guard(), told / 12);
    return Duration(static_cast<Duration::rep>(stretched)) + guarded;
}

Duration ArbiterRules::window() const {
    return window_said.value_or(std::min<Duration>(milliseconds(300), lease / 6));
}

Duration ArbiterRules::lapse() const {
    return std::max<Duration>(2 * lease, std::chrono::seconds(10));
}

std::vector<std::string> ArbiterRules::check() const {
    std::vector<std::string> broken;
    check_times(*this, broken);
    check_shares(*this, broken);
    check_damping(*this, broken);
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
        case Kind::gate_waits:
            return "gate_waits";
        case Kind::acker_joined:
            return "acker_joined";
        case Kind::acker_leaving:
            return "acker_leaving";
        case Kind::acker_left:
            return "acker_left";
        case Kind::alarm:
            return "alarm";
        case Kind::switchover_begun:
            return "switchover_begun";
        case Kind::switchover_failed:
            return "switchover_failed";
        case Kind::lost_accepted:
            return "lost_accepted";
        case Kind::damped:
            return "damped";
        case Kind::drained:
            return "drained";
        case Kind::undrained:
            return "undrained";
        case Kind::paused:
            return "paused";
        case Kind::resumed:
            return "resumed";
        case Kind::adopted:
            return "adopted";
        case Kind::confirmed_dead:
            return "confirmed_dead";
        case Kind::mode_changed:
            return "mode_changed";
        case Kind::rules_changed:
            return "rules_changed";
        case Kind::would:
            return "would";
    }
    return "unknown";
}

std::string_view name_of(Choose choose) {
    return choose == Choose::most_advanced ? "most-advanced" : "first-request";
}

namespace {

// "30 m", "4 m 15 s", "1 d 7 h": the two largest units, and no smaller one of which there are none.
std::string in_two_units(long long seconds) {
    struct Unit {
        long long seconds;
        const char* name;
    };
    constexpr std::array<Unit, 4> units{{{86400, " d"}, {3600, " h"}, {60, " m"}, {1, " s"}}};
    std::size_t largest = 0;
    while (seconds < units[largest].seconds) ++largest;
    const auto [one, name] = units[largest];
    const std::string text = std::to_string(seconds / one) + name;
    if (largest + 1 == units.size()) return text;
    const long long rest = seconds % one / units[largest + 1].seconds;
    return rest == 0 ? text : text + " " + std::to_string(rest) + units[largest + 1].name;
}

}  // namespace

std::string spoken(Duration duration) {
    const double seconds = std::chrono::duration<double>(duration).count();
    if (seconds >= 119.95) return in_two_units(std::llround(seconds));
    std::array<char, 32> text{};
    const bool whole = seconds >= 9.95 && std::llround(seconds * 10) % 10 == 0;
    std::snprintf(text.data(), text.size(),
                  seconds < 0.95 ? "%.2f s"
                  : whole        ? "%.0f s"
                                 : "%.1f s",
                  seconds);
    return text.data();
}

namespace {

std::string quotable(std::string_view text) {
    std::string safe;
    for (const char c : text) {
        if (c == '"' || c == '\\') safe += '\\';
        safe += c >= ' ' && c <= '~' ? c : '?';
    }
    return safe;
}

// "6.942": for machines, whatever the locale.
std::string seconds_of(Duration duration) {
    const auto ms = std::chrono::duration_cast<milliseconds>(duration).count();
    const std::string part = std::to_string(1000 + ms % 1000);
    return std::to_string(ms / 1000) + "." + part.substr(1);
}

}  // namespace

std::string log_line(std::string_view group, const Note& note) {
    std::string line = "event=" + std::string(name_of(note.kind)) + " group=" + std::string(group);
    if (note.server) line += " server=" + std::string(note.server->text());
    if (note.from) line += " from=" + std::string(note.from->text());
    line += " epoch=" + std::to_string(note.epoch.value);
    if (note.planned) line += " planned=yes";
    if (note.no_writer) line += " no_writer=" + seconds_of(*note.no_writer);
    if (!note.by.empty()) line += " by=\"" + quotable(note.by) + '"';
    if (note.why.empty()) return line;
    return line + " why=\"" + quotable(note.why) + '"';
}

std::string sentence(const Note& note) {
    const std::string who = note.server ? std::string(note.server->text()) : "nobody";
    const std::string epoch = "epoch " + std::to_string(note.epoch.value);
    std::string colon = note.why.empty() ? "" : ": " + note.why;
    if (note.no_writer) colon += "; no writer for " + spoken(*note.no_writer);
    if (!note.by.empty()) colon += " (" + note.by + ")";
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
        case Kind::gate_waits:
            return "the zero-loss gate waits" + colon;
        case Kind::acker_joined:
            return who + " joins the semi-sync set" + colon;
        case Kind::acker_leaving:
            return who + " is taken out of the semi-sync set" + colon;
        case Kind::acker_left:
            return who + " has left the semi-sync set" + colon;
        case Kind::alarm:
            return note.server ? who + colon : note.why;
        case Kind::switchover_begun:
            return "a switchover to " + who + " begins" + colon;
        case Kind::switchover_failed:
            return "the switchover to " + who + " failed" + colon;
        case Kind::lost_accepted:
            return "the zero-loss gate is passed over for " + who + colon;
        case Kind::damped:
            return "automatic failovers are blocked" + colon;
        case Kind::drained:
            return who + " is drained" + colon;
        case Kind::undrained:
            return who + " is drained no more" + colon;
        case Kind::paused:
            return "automatic failovers are paused" + colon;
        case Kind::resumed:
            return "automatic failovers go on" + colon;
        case Kind::adopted:
            return who + " is adopted as master" + colon;
        case Kind::confirmed_dead:
            return who + " is confirmed to be dead" + colon;
        case Kind::mode_changed:
            return "the mode is changed" + colon;
        case Kind::rules_changed:
            return "the configuration is read anew" + colon;
        case Kind::would:
            return "would: " + note.why;
    }
    return {};
}

}  // namespace dnsd

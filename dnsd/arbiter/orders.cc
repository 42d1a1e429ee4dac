#include "dnsd/arbiter/orders.h"

#include "heartbeat/sim_points.h"

#include <algorithm>

namespace dnsd {

namespace {

bool over(const Term& term, Instant now) {
    return term.over(now) && !SIM_BROKEN(pauses_and_drains_end);
}

}  // namespace

Orders::Orders(const Record& record, const Wall& wall) {
    if (record.pause) SIM_SOMETIMES(a_pause_outlived_a_restart);
    if (!record.drains.empty()) SIM_SOMETIMES(a_drain_outlived_a_restart);
    if (record.pause && !SIM_BROKEN(pause_over_restart)) pause_.emplace(*record.pause, wall);
    if (SIM_BROKEN(drain_over_restart)) return;
    for (const Drained& drained : record.drains)
        drains_.push_back({drained.id, Term(drained.until, wall)});
}

bool Orders::paused(Instant now) const {
    return pause_ && !over(*pause_, now);
}

std::optional<InForce> Orders::pause_left(Instant now) const {
    if (!paused(now)) return std::nullopt;
    return InForce{pause_->left(now)};
}

std::string Orders::pause_why(Instant now) const {
    return paused(now) ? "paused " + pause_->spoken_left(now) : std::string();
}

const Orders::Drain* Orders::find(const ServerId& server) const {
    const auto at = std::find_if(drains_.begin(), drains_.end(),
                                 [&](const Drain& drain) { return drain.id == server; });
    return at == drains_.end() ? nullptr : &*at;
}

bool Orders::drained(const ServerId& server, Instant now) const {
    const Drain* drain = find(server);
    return drain && !over(drain->term, now);
}

std::optional<InForce> Orders::drain_left(const ServerId& server, Instant now) const {
    if (!drained(server, now)) return std::nullopt;
    return InForce{find(server)->term.left(now)};
}

std::vector<ServerId> Orders::drained(Instant now) const {
    std::vector<ServerId> ids;
    for (const Drain& drain : drains_)
        if (!over(drain.term, now)) ids.push_back(drain.id);
    return ids;
}

void Orders::pause(std::optional<Duration> length, Instant now, std::int64_t unix_seconds,
                   Record& record) {
    pause_.emplace(length, now);
    record.pause = Term::recorded(length, unix_seconds);
}

void Orders::resume(Record& record) {
    pause_.reset();
    record.pause.reset();
}

void Orders::drain(const ServerId& server, std::optional<Duration> length, Instant now,
                   std::int64_t unix_seconds, Record& record) {
    undrain(server, record);
    drains_.push_back({server, Term(length, now)});
    record.drains.push_back({server, Term::recorded(length, unix_seconds)});
    const auto by_id = [](const auto& a, const auto& b) { return a.id < b.id; };
    std::sort(drains_.begin(), drains_.end(), by_id);
    std::sort(record.drains.begin(), record.drains.end(), by_id);
}

void Orders::undrain(const ServerId& server, Record& record) {
    const auto its = [&](const auto& drain) { return drain.id == server; };
    std::erase_if(drains_, its);
    std::erase_if(record.drains, its);
}

void Orders::end(Instant now, Record& record, std::vector<Note>& story) {
    if (pause_ && over(*pause_, now)) {
        SIM_SOMETIMES(a_pause_ended);
        resume(record);
        story.push_back({Kind::resumed, std::nullopt, record.epoch, "the pause has ended"});
    }
    for (const Drain& drain : std::vector<Drain>(drains_)) {
        if (!over(drain.term, now)) continue;
        SIM_SOMETIMES(a_drain_ended);
        undrain(drain.id, record);
        story.push_back({Kind::undrained, drain.id, record.epoch, "the drain has ended"});
    }
}

void Orders::keep_only(const std::vector<ServerRules>& servers, Record& record) {
    const auto dropped = [&](const auto& drain) {
        return std::none_of(servers.begin(), servers.end(),
                            [&](const ServerRules& server) { return server.id == drain.id; });
    };
    std::erase_if(drains_, dropped);
    std::erase_if(record.drains, dropped);
}

Instant Orders::ends() const {
    if (SIM_BROKEN(pauses_and_drains_end)) return Instant::max();
    Instant at = pause_ ? pause_->ends() : Instant::max();
    for (const Drain& drain : drains_) at = std::min(at, drain.term.ends());
    return at;
}

}  // namespace dnsd

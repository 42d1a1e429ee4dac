#include "dnsd/io/stored_machine.h"

#include <fmt/format.h>

namespace dnsd {

StoredMachine::StoredMachine(RecordStore records, ArbiterRules rules, Teller teller, Instant now,
                             std::int64_t unix_seconds)
    : records_(std::move(records)),
      teller_(std::move(teller)),
      name_(rules.group),
      machine_(load(rules, now, unix_seconds, false)) {}

Arbiter StoredMachine::load(const ArbiterRules& rules, Instant now, std::int64_t unix_seconds,
                            bool anew) {
    auto record = records_.load(name_);
    // That there never was one can not be: this run has stored one, or read it.
    if (record && !*record && anew) record = tl::unexpected(std::string("it is there no more"));
    if (!record) {
        teller_.complain(
            fmt::format("group {}: its record in the ledger is lost, {}: who led, and who "
                        "acknowledged, is not known any more. Nobody is granted for {} s, and "
                        "before all that may lead have reported",
                        name_, record.error(), ArbiterRules::lease_max / std::chrono::seconds(1)));
        revision_.reset();
        return Arbiter::after_damage(rules, now, unix_seconds);
    }
    revision_ = *record ? std::optional((*record)->revision) : std::nullopt;
    if (anew) return Arbiter::after_conflict(rules, **record, now, unix_seconds);
    return Arbiter(rules, std::move(*record), now, unix_seconds);
}

Kept StoredMachine::remember(const Record& record, const std::vector<Note>& notes, Instant now) {
    const auto kept = records_.store(name_, revision_, record, teller_.with_record(notes));
    if (kept) {
        revision_ = record.revision;
        teller_.stored(notes.size());
        return Kept::durable;
    }
    if (kept.error().kind == StoreError::Kind::failed) {
        teller_.complain(
            fmt::format("group {}: the ledger cannot be written: {}", name_, kept.error().text));
        return Kept::failed;
    }
    teller_.complain(fmt::format(
        "group {}: another decides beside this arbiter: {}. Nobody is granted or renewed here; in "
        "{} s it begins anew from what is stored, and then grants nobody for {} s",
        name_, kept.error().text, stands_by / std::chrono::seconds(1),
        ArbiterRules::lease_max / std::chrono::seconds(1)));
    anew_at_ = now + stands_by;
    return Kept::conflict;
}

Stepped StoredMachine::carry(const Event& event, Instant now, const Hands& hands) {
    if (walk(machine_, event, now, hands)) return Stepped::done;
    return anew_at_ ? Stepped::another_decides : Stepped::not_written;
}

// False: it stands by again.
bool StoredMachine::begin_anew(Instant now, std::int64_t unix_seconds, const Hands& hands) {
    anew_at_.reset();
    machine_ = load(machine_.rules(), now, unix_seconds, true);
    for (const Event& event : {Event(ClockTicked{}), Event(serial_), Event(clones_)})
        if (carry(event, now, hands) == Stepped::another_decides) return false;
    return true;
}

Stepped StoredMachine::step(const Event& event, Instant now, std::int64_t unix_seconds,
                            Hands hands) {
    if (const auto* serial = std::get_if<Published>(&event)) serial_ = *serial;
    if (const auto* clones = std::get_if<ClonesSeen>(&event)) clones_ = *clones;
    if (anew_at_ && now < *anew_at_) return Stepped::another_decides;
    hands.remember = [this, now](const Record& record, const std::vector<Note>& notes) {
        return remember(record, notes, now);
    };
    if (anew_at_ && !begin_anew(now, unix_seconds, hands)) return Stepped::another_decides;
    return carry(event, now, hands);
}

std::string refused_rules(const ArbiterRules& rules, const Arbiter& machine) {
    if (rules.servers.empty())
        return "no server of those that run is left, and new ones wait for a restart";
    const std::vector<std::string> broken = rules.check();
    return broken.empty() ? machine.objection(rules) : broken.front();
}

}  // namespace dnsd

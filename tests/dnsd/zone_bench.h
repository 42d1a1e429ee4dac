#pragma once
// A folder of zone files and the store that they are read into, without a daemon around them.

#include "dnsd/io/zone_store.h"
#include "tests/dnsd/support.h"

namespace test {

// A folder, a reader and a store: what a daemon does between SIGHUPs.
struct Bench {
    explicit Bench(dnsd::Ledger* ledger = nullptr) : store(zones::Catalog(), ledger) {}

    dnsd::ZoneStore::Outcome load() {
        auto lines = store.take(reader.read(dnsd::zones_in(folder.path()).value().sources));
        dnsd::ZoneStore::Outcome outcome = publish();
        outcome.lines.insert(outcome.lines.begin(), lines.begin(), lines.end());
        return outcome;
    }
    // A second after the one before: nothing is held back.
    dnsd::ZoneStore::Outcome publish() {
        now.now += 1s;
        ++now.unix_seconds;
        return store.publish(now);
    }
    std::uint32_t serial() const { return store.serial(name("example.org")).value().value(); }
    bool has_www() const {
        const auto served = store.catalog()->zone(name("example.org"))->newest();
        return served->rrset(name("www.example.org"), zones::Type::a).has_value();
    }

    Folder folder;
    dnsd::ZoneReader reader;
    dnsd::ZoneStore store;
    dnsd::ZoneStore::Moment now{heartbeat::Instant(1h), 1'795'348'800};
};

}  // namespace test

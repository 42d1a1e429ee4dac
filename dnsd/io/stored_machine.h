#pragma once
// One group's machine together with the record that it stands on: loaded once, compared and stored
// before anything of it is spoken. When the store holds another record than the machine wrote,
// somebody else decides for this group too: then nothing is granted and nothing renewed here, and
// after a while the machine begins anew from what is there, in the long quarantine.

#include "dnsd/arbiter/arbiter.h"
#include "dnsd/io/effect_walk.h"
#include "dnsd/io/record_store.h"

#include <functional>
#include <string>

namespace dnsd {

// effect: the step was carried out. not_written: the store failed, and the machine never heard of
// the event. another_decides: nor did it, and it is not asked any more.
enum class Stepped { done, not_written, another_decides };

class StoredMachine {
public:
    // How long nothing is said, before the record is loaded again.
    static constexpr Duration stands_by = std::chrono::seconds(1);

    // What is decided, on its way to where the record goes.
    struct Teller {
        std::function<std::vector<Decision>(const std::vector<Note>&)> with_record;
        std::function<void(std::size_t notes)> stored;
        // What people must know: a sentence.
        std::function<void(const std::string&)> complain;
    };

    StoredMachine(RecordStore records, ArbiterRules rules, Teller teller, Instant now,
                  std::int64_t unix_seconds);

    // `hands` without `remember`, which is the machine's own part.
    Stepped step(const Event& event, Instant now, std::int64_t unix_seconds, Hands hands);
    Instant wakes_at() const { return anew_at_ ? *anew_at_ : machine_.wakes_at(); }
    // False: another does.
    bool decides() const { return !anew_at_; }
    const Arbiter& machine() const { return machine_; }

private:
    Arbiter load(const ArbiterRules& rules, Instant now, std::int64_t unix_seconds, bool anew);
    Kept remember(const Record& record, const std::vector<Note>& notes, Instant now);
    Stepped carry(const Event& event, Instant now, const Hands& hands);
    bool begin_anew(Instant now, std::int64_t unix_seconds, const Hands& hands);

    RecordStore records_;
    Teller teller_;
    std::string name_;
    std::optional<std::uint64_t> revision_;  // of the record that is stored
    Arbiter machine_;
    std::optional<Instant> anew_at_;
    // What a machine that begins anew must be told.
    Published serial_;
    ClonesSeen clones_;
};

// Why the machine can not go by these rules from now on; empty: it can. Each file that is read anew
// is right by itself, and what of it a running group takes need not be.
std::string refused_rules(const ArbiterRules& rules, const Arbiter& machine);

}  // namespace dnsd

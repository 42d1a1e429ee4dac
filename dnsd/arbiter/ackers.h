#pragma once
// The semi-sync set S: who may acknowledge what the master commits. A commit waits for exactly one
// acknowledgement, so what was acknowledged is certain to be found only if all that may have
// acknowledged are asked (docs/decisions/0012). What of it must survive a restart is in the Record;
// here is what this run of the arbiter knows. S changes only while a heartbeat of the writable
// holder is answered: whoever falls silent together with the holder stays a member.

#include "dnsd/arbiter/outsiders.h"
#include "heartbeat/sim_points.h"

namespace dnsd {

// The member of that name; nullptr: it is none.
const Acker* acker_of(const Record& record, const ServerId& id);
// Its replication runs, from this one.
bool follows(const Watched& server, const ServerId& holder);
// Members that replies name: those that are not leaving, without the holder itself.
std::vector<ServerId> told_set(const Record& record);
bool tells_anybody(const Record& record);
bool in_told_set(const Record& record, const ServerId& id);
// It left S without having said that it acknowledges no more: no master lets it in.
bool is_barred(const Record& record, const ServerId& id);
// It is a member, and its database has not restarted since it had all that it acknowledged.
bool whole(const Acker& acker, const Watched& server);

class Ackers {
public:
    // What is looked at, as the holder's heartbeat is answered.
    struct Sight {
        const ArbiterRules& rules;
        const Roster& roster;
        const Watched& holder;  // writable under the record's epoch
        std::uint64_t mark;     // of the last reply of this run
        Instant now;
        std::vector<Note>& story;
    };

    // Anybody's heartbeat.
    void hear(Record& record, const Watched& server, std::vector<Note>& story);
    // A heartbeat of the writable holder is about to be renewed, and the ledger works.
    void judge(Record& record, const Sight& sight);
    // `winner` is about to be granted the next epoch: `record` still is of the last.
    void granted(Record& record, const Watched& winner, const ArbiterRules& rules,
                 const Roster& roster, std::uint64_t mark, Instant now);
    // The holder is heard to be writable under its epoch for the first time.
    void writable(Record& record, const Sight& sight);
    // What an ACK says of who is to be kept out.
    std::vector<heartbeat::Barred> barred(const Record& record, const Roster& roster) const;
    // It was granted though it lacks what was acknowledged: what it has is not all.
    void granted_with_loss() { lossy_ = true; }
    // All that there was when the holder was granted it; until it is heard to be writable, and
    // nullopt when this run did not grant, or accepted a loss.
    std::optional<heartbeat::GtidPosition> granted_at() const {
        return lossy_ ? std::nullopt : granted_at_;
    }
    // It was master before the holder, and was not let in since: it has nothing of this epoch.
    // It is a member, and has received nothing since it became one: it acknowledged nothing.
    bool received_nothing(const Watched& member) const;
    // This run barred it, or granted the epoch in which it is. What another run left may be an
    // older copy, and the server have been let in since.
    bool knows_bar_of(const ServerId& server) const;
    bool never_followed(const Record& record, const ServerId& id, const ArbiterRules& rules) const;
    // So long a master must have been heard to write since: by then its engine has on disk what it
    // had committed, and a crash of its database cuts off none of that (docs/decisions/0012).
    static Duration settling(const ArbiterRules& rules) {
        return std::max<Duration>(rules.down_after, std::chrono::seconds(2));
    }
    // Somebody outside S acknowledges what the holder commits: a clause; empty when nobody does.
    const std::string& outsider() const { return outsiders_.alarm(); }
    // Some should be barred and can not be, as so many are: a clause; empty when there is room.
    const std::string& crowded() const { return crowded_; }

private:
    // A position of the holder's that was read after something was known: by a look that began
    // after a reply newer than `after` had been obeyed.
    struct Line {
        std::uint64_t after = 0;
        std::optional<heartbeat::GtidPosition> at{};
        void see(const heartbeat::Heartbeat& holder);
        bool passed_by(const std::optional<heartbeat::GtidPosition>& position) const;
    };
    struct Known {  // of a member, or of one that is barred or rejoining
        ServerId id;
        std::uint64_t left_mark = 0;  // the last that was told before it was to leave
        std::uint64_t bar_mark = 0;   // the last that was told before it was barred
        std::optional<Instant> leaves_since{};
        std::optional<Instant> ill_since{};
        Instant shy_until{Instant::min()};  // it left as it could not follow
        std::optional<Line> gone{};         // it can acknowledge no more: what the others need
        std::optional<Instant> gone_since{};
        std::uint64_t start = 0;          // of its database, that has to catch up ...
        std::optional<Line> caught_up{};  // ... to here
        std::optional<Line> rejoined{};
        std::uint64_t rejoined_start = 0;         // of its database, in which that is so
        std::optional<Instant> rejoined_since{};  // that the line was seen passed
        std::uint64_t tried_start = 0;  // of its database, when it was asked though errant
        Instant joined{Instant::min()};
        std::optional<heartbeat::GtidPosition> joined_at{};  // what it had received by then
    };
    // How S comes to cover what the master has.
    struct Cover {
        std::uint64_t told = 0;    // the last mark before an S was told that is not empty
        std::optional<Line> on{};  // commits wait: what a member must have
    };

    Known& known(const ServerId& id);
    void see_lines(const heartbeat::Heartbeat& holder);
    void disband(Record& record, const Sight& sight);
    void judge_cover(Record& record, const Sight& sight);
    void judge_whole(Record& record, const Sight& sight);
    void judge_rejoining(Record& record, const Sight& sight);
    void judge_losses(Record& record, const Sight& sight);
    void judge_unwanted(Record& record, const Sight& sight);
    void leave(Record& record, Acker& acker, std::string why, const Sight& sight);
    void judge_leavers(Record& record, const Sight& sight);
    void note_crowd(const Record& record, const std::vector<ServerId>& waiting, const Sight& sight);
    void judge_joins(Record& record, const Sight& sight);
    bool admit(Record& record, const Watched& server, const char* why, const Sight& sight);
    void judge_barred(Record& record, const Sight& sight);
    void note_places(Record& record, const Roster& roster);

    std::vector<Known> known_;     // at most one a server
    std::uint64_t base_mark_ = 0;  // of the last reply before this epoch, in this run
    Cover cover_;
    bool saw_the_grant_ = false;                         // this run granted the record's epoch
    std::optional<heartbeat::GtidPosition> granted_at_;  // what the winner had received
    bool lossy_ = false;                                 // … and others had more
    // Between these it was heard to be writable under its epoch, in this run.
    std::optional<Instant> writable_from_;
    Instant writable_to_{Instant::min()};
    Outsiders outsiders_;
    std::string crowded_;
};

}  // namespace dnsd

#pragma once
// The agent's shell: brings what is seen and heard to the machine, and carries out what it answers,
// in order. It decides nothing.

#include "agent/duty/duty.h"
#include "agent/io/cadence.h"
#include "agent/io/database.h"
#include "agent/io/hooks.h"
#include "agent/io/master_record.h"
#include "agent/io/probe.h"
#include "agent/io/record.h"
#include "agent/io/say.h"
#include "heartbeat/io/channel.h"
#include "heartbeat/io/timer.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace agent {

struct ControlParts {
    DutyRules duty;
    PageRules page;
    std::optional<DatabaseRules> database;
    std::optional<MasterRecordRules> master_record;
    HookRules hooks;
    std::vector<heartbeat::ArbiterPeer> arbiters;
    std::vector<Address> from;
};

class Control {
public:
    // What `once` has to know of the way it goes; each may be empty.
    struct Watch {
        std::function<void(const heartbeat::Reply& reply)> replied;
        std::function<void(const Note& note)> noted;
        std::function<void(const VerbDone& done)> verb_done;
        // Both were looked at; before the machine hears of the newer one.
        std::function<void(const PageView& page, const DatabaseView& database)> looked;
    };

    // Throws std::runtime_error when it cannot start: the record is damaged, no address to speak
    // from, no timer.
    Control(boost::asio::io_context& loop, ControlParts parts, RecordFile record, Watch watch);
    ~Control();

    // SIGTERM's way: demote, give the lease back, leave; then the loop is stopped.
    void stop();
    // It has left, and owes something (Duty::left_undone): the process must not end with 0.
    bool left_undone() const { return duty_.left_undone(); }
    // Silent, it looks and acts but sends no heartbeat: `once` of a server that is unwell.
    void set_silent(bool silent) { silent_ = silent; }
    const Duty& duty() const { return duty_; }
    bool busy() const { return verbs_running_ > 0; }
    bool has_database() const { return database_.has_value(); }

private:
    void step(const Event& event);
    bool perform(const Effect& effect);
    void perform_one(const SendHeartbeat& effect);
    void perform_one(const Promote& effect);
    void perform_one(const Demote& effect);
    void perform_one(const Follow& effect);
    void perform_one(const Prepare& effect);
    void perform_one(const Configure& effect);
    void perform_one(const LookAtDatabase& effect);
    void perform_one(const AskMasterRecord& effect);
    void perform_one(const Note& effect);
    // For a fence outside of the agent; there is none yet that listens.
    void perform_one(const LeaseExtended&) {}
    void perform_one(const LeaseEnded&) {}

    Database::Done verb(VerbDone::Verb verb, Epoch epoch, std::function<void()> hook);
    Hooks::Facts facts(Epoch epoch) const;
    void set_alarm();
    void tick();
    void look_at_page();
    void look_at_database();
    void tell_looked();
    void schedule_looks();

    struct Timer;

    boost::asio::io_context& loop_;
    const DutyRules rules_;
    RecordFile record_;
    Watch watch_;
    Duty duty_;
    Cadence cadence_;
    Hooks hooks_;
    Probe probe_;
    std::optional<Database> database_;
    std::optional<MasterRecord> master_record_;
    heartbeat::AgentChannel channel_;
    heartbeat::BootTimer alarm_;
    std::unique_ptr<Timer> looks_;
    std::optional<PageView> page_;  // as last seen
    std::optional<DatabaseView> database_view_;
    bool page_running_ = false;
    bool look_running_ = false;
    bool look_again_ = false;
    bool record_asked_ = false;
    bool record_failing_ = false;
    int verbs_running_ = 0;
    bool silent_ = false;
    bool left_ = false;
};

}  // namespace agent

#include "agent/duty/duty.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>

using namespace agent;
using namespace std::chrono_literals;
using heartbeat::Ack;
using heartbeat::Deny;
using heartbeat::DenyReason;
using heartbeat::Heartbeat;
using heartbeat::Role;
using heartbeat::Wish;
using Verb = VerbDone::Verb;
using Stage = Duty::Stage;

namespace {

ServerId id(const char* text) {
    return *ServerId::parse(text);
}
Address address(std::uint8_t last) {
    return Address::v4({192, 0, 2, last});
}
Instant t0() {
    return Instant(1h);
}
DutyRules rules() {
    DutyRules rules{.self = id("wiki1"), .heartbeat = 1s};
    return rules;
}

// The machine, and a shell that does what it is told when the test says so.
struct Post {
    Duty duty;
    Instant now = t0();
    std::vector<Effect> last;   // of the last step
    std::vector<Effect> story;  // of all
    DatabaseView database;
    AgentRecord disk;
    bool disk_fails = false;

    explicit Post(AgentRecord remembered = {}, DutyRules r = rules())
        : duty(r, remembered, t0()), disk(remembered) {
        database.reachable = true;
        database.start = 7;
        database.flavour = heartbeat::GtidFlavour::mariadb;
        database.received = database.applied = *heartbeat::GtidPosition::parse("0-1-100");
        database.replica_configured = database.io_running = database.sql_running = true;
        database.io_connected = true;
        database.upstream = address(12);
    }
    Post& step(const Event& event) {
        const Duty before = duty;
        last = duty.step(event, now);
        for (const Effect& effect : last) {
            if (const auto* remember = std::get_if<Remember>(&effect)) {
                if (disk_fails) {
                    duty = before;
                    return step(RecordFailed{});
                }
                disk = remember->record;
            }
            story.push_back(effect);
        }
        return *this;
    }
    // What the machine asked for at once.
    Post& tick() {
        for (int ticks = 0; duty.wakes_at() <= now && ticks < 100; ++ticks) step(ClockTicked{});
        return *this;
    }
    Post& pass(Duration time) {
        const Instant end = now + time;
        for (int ticks = 0; duty.wakes_at() <= end && ticks < 10'000; ++ticks) {
            now = std::max(now, duty.wakes_at());
            step(ClockTicked{});
        }
        now = end;
        return *this;
    }
    Post& look() {
        step(DatabaseSeen{database, now});
        return tick();
    }
    Post& begin() {
        step(PageSeen{{true, true, ""}});
        return look();
    }
    Post& page(bool good) {
        step(PageSeen{{true, good, good ? "" : "HTTP 503, want 200"}});
        return tick();
    }
    template <typename T>
    std::size_t count(const std::vector<Effect>& effects) const {
        return static_cast<std::size_t>(
            std::count_if(effects.begin(), effects.end(),
                          [](const Effect& effect) { return std::holds_alternative<T>(effect); }));
    }
    template <typename T>
    const T* find() const {  // the latest
        for (auto effect = story.rbegin(); effect != story.rend(); ++effect)
            if (const auto* found = std::get_if<T>(&*effect)) return found;
        return nullptr;
    }
    template <typename T>
    bool asked() const {
        return find<T>() != nullptr;
    }
    const Heartbeat& said() const { return find<SendHeartbeat>()->beat; }
    bool noted(Kind kind) const {
        return std::any_of(story.begin(), story.end(), [&](const Effect& effect) {
            const auto* note = std::get_if<Note>(&effect);
            return note && note->kind == kind;
        });
    }
    Post& ack(Epoch epoch, std::uint64_t request, Duration lease = 6s) {
        Ack ack;
        ack.request = request;
        ack.epoch = epoch;
        ack.lease = lease;
        step(ReplyHeard{ack});
        return tick();
    }
    Post& ack(Epoch epoch) { return ack(epoch, said().request); }
    Post& deny(Epoch epoch, heartbeat::Order order = heartbeat::NoOrder{},
               DenyReason reason = DenyReason::other_holds) {
        Deny deny;
        deny.request = said().request;
        deny.epoch = epoch;
        deny.reason = reason;
        deny.order = order;
        if (std::holds_alternative<heartbeat::FollowOrder>(order)) {
            deny.master = id("wiki2");
            deny.master_addresses = {address(12)};
        }
        step(ReplyHeard{deny});
        return tick();
    }
    Post& done(Verb verb, Epoch epoch, bool ok = true) {
        step(VerbDone{verb, epoch, ok, ok ? "" : "broken"});
        return tick();
    }
    Post& follow(Epoch epoch) { return deny(epoch, heartbeat::FollowOrder{}); }
    Post& prepare(Epoch epoch) {
        return deny(epoch.value > 0 ? Epoch{epoch.value - 1} : epoch,
                    heartbeat::PrepareOrder{epoch}, DenyReason::electing);
    }
    Post& lead(Epoch epoch) {
        begin();
        ack(epoch);
        now += 20ms;
        done(Verb::promote, epoch);
        database.read_only = database.replica_configured = false;
        database.io_running = database.sql_running = false;
        return look();
    }
};

}  // namespace

// ---- Heartbeats
// ------------------------------------------------------------------------------------

TEST_CASE("the first heartbeat waits for the first looks, but not for ever") {
    Post post;
    post.step(ClockTicked{});
    CHECK_FALSE(post.asked<SendHeartbeat>());
    SUBCASE("they come") {
        post.begin();
        CHECK(post.said().wants == Wish::master);
        CHECK(post.said().role == Role::replica);
    }
    SUBCASE("they do not") {
        post.pass(3s);
        REQUIRE(post.asked<SendHeartbeat>());
        CHECK(post.said().wants == Wish::nothing);
    }
}

TEST_CASE("a heartbeat goes out every H, and again after H/4 and H/2 of silence, newly numbered") {
    Post post;
    post.begin();
    const auto sent = [&] { return post.count<SendHeartbeat>(post.story); };
    REQUIRE(sent() == 1);
    post.pass(249ms);
    CHECK(sent() == 1);
    post.pass(1ms);
    CHECK(sent() == 2);
    post.pass(250ms);
    CHECK(sent() == 3);
    CHECK(post.said().request == 3);
    post.pass(499ms);
    CHECK(sent() == 3);
    post.pass(1ms);
    CHECK(sent() == 4);
    post.deny(Epoch{});
    post.pass(999ms);
    CHECK(sent() == 4);  // answered: nothing to resend
}

TEST_CASE("a change of a fact is said at once, a position that grows is not") {
    Post post;
    post.begin();
    post.deny(Epoch{});
    post.pass(100ms);
    post.database.received = *heartbeat::GtidPosition::parse("0-1-101");
    post.look();
    CHECK(post.said().request == 1);
    post.page(false);
    CHECK(post.said().request == 2);
    CHECK(post.said().why == "page: HTTP 503, want 200");
    CHECK(post.said().wants == Wish::nothing);
}

TEST_CASE("a fact that flutters makes no flood") {
    Post post;
    post.begin();
    for (int i = 0; i < 1000; ++i) {
        post.page(i % 2 == 0);
        post.pass(1ms);
    }
    CHECK(post.said().request > Duty::outstanding_max / 2);
    CHECK(post.said().request <= 50 + 8 + 4);
}

TEST_CASE("a DENY that says so is asked again after its time, and not after H") {
    Post post;
    post.begin();
    Deny deny;
    deny.request = 1;
    deny.retry_after = 100ms;
    post.step(ReplyHeard{deny});
    post.pass(99ms);
    CHECK(post.said().request == 1);
    post.pass(1ms);
    CHECK(post.said().request == 2);
}

TEST_CASE("a why is cut to what fits, and printable") {
    Post post;
    post.step(PageSeen{{false, false, std::string(200, '\n')}});
    post.look();
    CHECK(post.said().why.size() == Heartbeat::why_max);
    CHECK(post.said().why.find('\n') == std::string::npos);
}

// ---- Which replies count
// ---------------------------------------------------------------------------

TEST_CASE("a reply to what was never asked, or heard before, is not obeyed") {
    Post post;
    post.begin();
    post.ack(Epoch{1}, 99);
    CHECK(post.duty.epoch() == Epoch{});
    post.ack(Epoch{1}, 1);
    const auto deadline = post.duty.deadline();
    REQUIRE(deadline);
    post.pass(100ms);
    post.ack(Epoch{1}, 1);
    CHECK(post.duty.deadline() == deadline);
}

TEST_CASE("a reply that is older than one that was obeyed is not obeyed") {
    Post post;
    post.begin();
    post.pass(250ms);
    REQUIRE(post.said().request == 2);
    post.deny(Epoch{3});
    post.ack(Epoch{3}, 1);
    CHECK(post.duty.epoch() == Epoch{});
}

TEST_CASE("an epoch below the highest seen, the promise or the fence is not obeyed") {
    SUBCASE("seen") {
        Post post({Epoch{5}, Epoch{}, Epoch{}});
        post.begin().ack(Epoch{4});
        CHECK(post.duty.epoch() == Epoch{});
    }
    SUBCASE("promised") {
        Post post({Epoch{5}, Epoch{7}, Epoch{}});
        post.begin().ack(Epoch{6});
        CHECK(post.duty.epoch() == Epoch{});
        post.pass(1s);
        post.ack(Epoch{7});
        CHECK(post.duty.epoch() == Epoch{7});
    }
    SUBCASE("fenced") {
        Post post({Epoch{5}, Epoch{}, Epoch{5}});
        post.begin().ack(Epoch{5});
        CHECK(post.duty.epoch() == Epoch{});
    }
    SUBCASE("impossible") {
        Post post;
        post.begin().ack(Epoch{UINT64_MAX});
        CHECK(post.duty.epoch() == Epoch{});
    }
}

TEST_CASE("an ACK to a heartbeat that did not ask is not obeyed, nor one with a senseless lease") {
    Post post;
    post.begin();
    SUBCASE("it asked for nothing") {
        post.pass(10ms).page(false);
        post.pass(20ms);
        REQUIRE(post.said().wants == Wish::nothing);
        post.ack(Epoch{1});
    }
    SUBCASE("no lease") {
        post.ack(Epoch{1}, 1, 0s);
    }
    SUBCASE("too long") {
        post.ack(Epoch{1}, 1, 61s);
    }
    CHECK(post.duty.epoch() == Epoch{});
}

TEST_CASE("requests are remembered up to a bound, the oldest go first") {
    Post post;
    post.begin();
    while (post.said().request <= Duty::outstanding_max) post.pass(250ms);
    const std::uint64_t newest = post.said().request;
    post.deny(Epoch{}, heartbeat::NoOrder{});  // of the newest
    Post other;
    other.begin();
    while (other.said().request <= Duty::outstanding_max) other.pass(250ms);
    other.ack(Epoch{1}, 1, 60s);  // fell out, though its lease would still live
    CHECK(other.duty.epoch() == Epoch{});
    other.ack(Epoch{1}, 2, 60s);
    CHECK(other.duty.epoch() == Epoch{1});
    CHECK(newest == Duty::outstanding_max + 1);
}

// ---- The lease
// -------------------------------------------------------------------------------------

TEST_CASE("an ACK makes a server promote itself, its epoch on disk first") {
    Post post;
    post.begin();
    Ack ack;
    ack.request = 1;
    ack.epoch = Epoch{3};
    ack.lease = 6s;
    post.now += 100ms;
    post.step(ReplyHeard{ack});
    CHECK_FALSE(post.asked<Promote>());
    CHECK(post.duty.wakes_at() <= post.now);
    post.tick();
    CHECK(post.disk.seen == Epoch{3});
    REQUIRE(post.asked<Promote>());
    CHECK(post.find<Promote>()->epoch == Epoch{3});
    // Counted from when it was sent, by the slowest clock.
    CHECK(post.find<Promote>()->give_up == t0() + 5994ms);
    CHECK(post.find<LeaseExtended>()->deadline == t0() + 5994ms);
    CHECK(post.said().role == Role::replica);
    post.now += 20ms;
    post.done(Verb::promote, Epoch{3});
    CHECK(post.said().role == Role::replica);  // the database has not been seen writable
    post.database.read_only = false;
    post.look();
    CHECK(post.said().role == Role::master);
    CHECK(post.said().held == Epoch{3});
    CHECK(post.noted(Kind::writable));
}

TEST_CASE("a look that began before the promotion ended says nothing of it") {
    Post post;
    post.begin().ack(Epoch{3});
    const Instant before = post.now;
    post.now += 20ms;
    post.done(Verb::promote, Epoch{3});
    post.step(DatabaseSeen{post.database, before});  // read-only, as it was
    CHECK(post.duty.stage() == Stage::promoting);
}

TEST_CASE(
    "the deadline is the latest that any obeyed ACK allows, and demotion begins a quarter before") {
    Post post;
    post.lead(Epoch{3});
    post.pass(1s);
    post.ack(Epoch{3});
    const Instant deadline = *post.duty.deadline();
    post.ack(Epoch{3}, post.said().request, 1s);  // heard before: moves nothing
    CHECK(post.duty.deadline() == deadline);
    post.pass(deadline - 1500ms - 1ns - post.now);
    CHECK_FALSE(post.asked<Demote>());
    post.pass(1ns);
    CHECK(post.asked<Demote>());
    CHECK(post.said().role == Role::unknown);
}

TEST_CASE(
    "what is lost is fenced for ever: on disk before it is said, and then it asks for a higher "
    "epoch") {
    Post post;
    post.lead(Epoch{3});
    post.pass(5s);
    REQUIRE(post.asked<Demote>());
    const std::uint64_t before = post.said().request;
    post.database.read_only = true;
    post.step(VerbDone{Verb::demote, Epoch{}, true, ""});
    CHECK(post.disk.fenced == Epoch{});
    CHECK(post.said().role != Role::fenced);
    CHECK(post.asked<LeaseEnded>());
    post.pass(100ms);
    CHECK(post.disk.fenced == Epoch{3});
    CHECK(post.said().role == Role::fenced);
    CHECK(post.said().held == Epoch{3});
    CHECK(post.said().wants == Wish::master);
    post.ack(Epoch{3});
    CHECK(post.duty.epoch() == Epoch{});
    post.ack(Epoch{4}, before);  // asked before it said that it is fenced
    CHECK(post.duty.epoch() == Epoch{});
    post.pass(1s);
    post.ack(Epoch{4});
    CHECK(post.duty.epoch() == Epoch{4});
}

TEST_CASE("an agent that was stopped finds its lease gone before it hears anything") {
    Post post;
    post.lead(Epoch{3});
    const std::uint64_t request = post.said().request;
    post.now += 60s;
    post.ack(Epoch{3}, request, 60s);  // it would still count by its time
    CHECK(post.asked<Demote>());
    CHECK(post.duty.stage() == Stage::demoting);
}

TEST_CASE("a demotion that fails is tried again until it succeeds") {
    Post post;
    post.lead(Epoch{3});
    post.pass(5s);
    post.done(Verb::demote, Epoch{}, false);
    const auto demotes = [&] { return post.count<Demote>(post.story); };
    CHECK(demotes() == 1);
    post.pass(250ms);
    CHECK(demotes() == 2);
    post.done(Verb::demote, Epoch{}, false);
    post.pass(499ms);
    CHECK(demotes() == 2);
    post.pass(1ms);
    CHECK(demotes() == 3);
    CHECK(post.disk.fenced == Epoch{});
}

TEST_CASE("a master that is denied demotes itself at once") {
    Post post;
    post.lead(Epoch{3});
    post.pass(1s);
    post.deny(Epoch{3}, heartbeat::NoOrder{}, DenyReason::closed_epoch);
    CHECK(post.asked<Demote>());
}

TEST_CASE("a master whose page is unwell still wants its renewal") {
    Post post;
    post.lead(Epoch{3});
    post.page(false);
    CHECK(post.said().wants == Wish::master);
    CHECK(post.said().role == Role::master);
    CHECK_FALSE(post.said().health.page);
}

TEST_CASE("a master whose database is gone asks for nothing, and after a second look demotes") {
    Post post;
    post.lead(Epoch{3});
    post.pass(100ms);
    post.database.reachable = false;
    post.look();
    CHECK(post.said().wants == Wish::nothing);
    // Still master: one that says anything else is never renewed again.
    CHECK(post.said().role == Role::master);
    CHECK(post.said().held == Epoch{3});
    CHECK_FALSE(post.asked<Demote>());
    CHECK(post.count<LookAtDatabase>(post.last) == 1);
    SUBCASE("it was the look's fault") {
        post.database.reachable = true;
        post.pass(100ms).look();
        CHECK(post.said().wants == Wish::master);
    }
    SUBCASE("it is gone") {
        post.look();
        CHECK(post.asked<Demote>());
        CHECK(post.said().role == Role::unknown);
    }
}

TEST_CASE("a restart of the database ends writability for that epoch") {
    Post post;
    post.lead(Epoch{3});
    post.pass(100ms);
    post.database.start = 8;
    post.database.read_only = true;
    post.look();
    CHECK_FALSE(post.asked<Demote>());  // it came back read-only: there is nothing to demote
    CHECK(post.disk.fenced == Epoch{3});
    CHECK(post.said().role == Role::fenced);
    CHECK(post.said().held == Epoch{3});
    CHECK(post.asked<LeaseEnded>());
}

TEST_CASE("a database that restarted writable is demoted first") {
    Post post;
    post.lead(Epoch{3});
    post.database.start = 8;
    post.pass(100ms).look();
    CHECK(post.asked<Demote>());
    CHECK(post.disk.fenced == Epoch{});
}

TEST_CASE("a promotion that fails gives the lease back, and leaves others their chance") {
    Post post;
    post.begin().ack(Epoch{3});
    post.now += 20ms;
    post.done(Verb::promote, Epoch{3}, false);
    CHECK(post.asked<Demote>());
    post.done(Verb::demote, Epoch{});
    post.pass(100ms);
    CHECK(post.said().role == Role::fenced);
    CHECK(post.said().wants == Wish::release);
    post.pass(12s);  // twice the lease
    CHECK(post.said().wants == Wish::master);
}

TEST_CASE("a promotion that ran out of time goes on under the lease that was renewed meanwhile") {
    Post post;
    post.begin().ack(Epoch{3});
    for (int i = 0; i < 5; ++i) {
        post.pass(1s);
        post.ack(Epoch{3});
    }
    post.done(Verb::promote, Epoch{3}, false);
    CHECK(post.count<Promote>(post.story) == 2);
    CHECK_FALSE(post.asked<Demote>());
}

TEST_CASE("a demotion overtakes a promotion, and the late end of that changes nothing") {
    Post post;
    post.begin().ack(Epoch{3});
    post.pass(5s);
    CHECK(post.asked<Demote>());
    post.done(Verb::promote, Epoch{3});
    CHECK(post.duty.stage() == Stage::demoting);
    post.done(Verb::demote, Epoch{});
    CHECK(post.disk.fenced == Epoch{3});
}

// ---- Following and preparing
// -----------------------------------------------------------------------

TEST_CASE("on DENY a replica that follows another is put right, and asks the DNS") {
    Post post;
    post.database.upstream = address(13);
    post.begin().follow(Epoch{3});
    CHECK(post.asked<AskMasterRecord>());
    REQUIRE(post.asked<Follow>());
    CHECK(post.find<Follow>()->addresses == std::vector{address(12)});
    CHECK(post.find<Follow>()->epoch == Epoch{3});
    CHECK(post.disk.seen == Epoch{3});
    post.database.upstream = address(12);
    post.now += 50ms;
    post.done(Verb::follow, Epoch{3});
    post.look();
    CHECK(post.noted(Kind::following));
    CHECK(post.said().role == Role::replica);
    CHECK(post.said().upstream == id("wiki2"));
    SUBCASE("and later somebody points it elsewhere: it is mended") {
        post.database.upstream = address(14);
        post.pass(1s).look();
        CHECK(post.noted(Kind::mended));
        CHECK(post.count<Follow>(post.story) == 2);
    }
}

TEST_CASE(
    "a replica that is as it should be is left alone, and the DNS is asked at most once in H") {
    Post post;
    post.begin();
    for (int i = 0; i < 10; ++i) {
        post.follow(Epoch{3});
        post.pass(1s).look();
    }
    CHECK_FALSE(post.asked<Follow>());
    CHECK(post.count<AskMasterRecord>(post.story) == 10);
    post.follow(Epoch{3});
    post.pass(10ms).page(false);
    post.follow(Epoch{3});
    CHECK(post.count<AskMasterRecord>(post.story) == 11);
}

TEST_CASE(
    "replication that waits for a dead master is left to it, and a prepare comes through at once") {
    Post post;
    post.begin().follow(Epoch{3});
    post.database.io_connected = false;  // "Connecting": the thread is there, the master is not
    for (int i = 0; i < 20; ++i) post.pass(1s).look();
    CHECK_FALSE(post.asked<Follow>());
    CHECK_FALSE(post.said().health.replication);
    post.prepare(Epoch{4});
    CHECK(post.asked<Prepare>());
    post.now += 10ms;
    post.done(Verb::prepare, Epoch{4});
    post.pass(1ms).look();
    CHECK(post.said().promised == Epoch{});  // it may still connect: that is no promise
    CHECK(post.count<Prepare>(post.story) == 2);
    post.now += 10ms;
    post.done(Verb::prepare, Epoch{4});
    post.database.io_running = false;
    post.pass(100ms).look();
    CHECK(post.said().promised == Epoch{4});
}

TEST_CASE("a follow that fails is tried again, with longer and longer pauses") {
    Post post;
    post.database.replica_configured = post.database.io_running = false;
    post.database.io_connected = false;
    post.begin().follow(Epoch{3});
    std::vector<Instant> tries;
    for (int i = 0; i < 400; ++i) {
        if (post.count<Follow>(post.story) > tries.size()) {
            tries.push_back(post.now);
            post.done(Verb::follow, Epoch{3}, false);
        }
        post.pass(1s).look();
    }
    REQUIRE(tries.size() >= 7);
    CHECK(tries[1] - tries[0] >= 4s);
    CHECK(tries[2] - tries[1] >= 8s);
    CHECK(tries[6] - tries[5] >= 60s);
    CHECK(tries[6] - tries[5] <= 62s);
}

TEST_CASE("prepare: stop receiving, promise on disk, look, and then say it with the positions") {
    Post post;
    post.begin().prepare(Epoch{4});
    REQUIRE(post.asked<Prepare>());
    CHECK(post.find<Prepare>()->epoch == Epoch{4});
    post.now += 10ms;
    post.step(VerbDone{Verb::prepare, Epoch{4}, true, ""});
    CHECK(post.disk.promised == Epoch{});
    post.tick();
    CHECK(post.disk.promised == Epoch{4});
    CHECK(post.asked<LookAtDatabase>());
    post.pass(1s);
    CHECK(post.said().promised == Epoch{});  // what it has is not known yet
    post.database.io_running = false;
    post.database.received = *heartbeat::GtidPosition::parse("0-1-200");
    post.look();
    CHECK(post.said().promised == Epoch{4});
    CHECK(post.said().received->text() == "0-1-200");
    CHECK(post.said().seen == Epoch{3});  // a prepare is not an epoch that was granted
    CHECK(post.duty.stage() == Stage::candidate);
}

TEST_CASE("nobody below the promise is followed, and one that receives again is stopped again") {
    Post post;
    post.begin().prepare(Epoch{4});
    post.now += 10ms;
    post.done(Verb::prepare, Epoch{4});
    post.database.io_running = false;
    post.look();
    post.pass(1s);
    post.follow(Epoch{3});
    CHECK_FALSE(post.asked<Follow>());
    post.database.io_running = true;  // somebody said START SLAVE
    post.pass(100ms).look();
    CHECK(post.count<Prepare>(post.story) == 2);
    post.pass(1s).follow(Epoch{4});
    CHECK_FALSE(post.asked<Follow>());  // one verb at a time
    post.database.upstream = address(13);
    post.done(Verb::prepare, Epoch{4});
    post.pass(1ms).look();
    CHECK(post.asked<Follow>());
}

TEST_CASE("the arbiter's word wins over the DNS, and a difference that stays is told once") {
    Post post;
    post.begin().follow(Epoch{3});
    post.step(MasterRecordSeen{{address(13)}});
    CHECK_FALSE(post.noted(Kind::mismatch));  // the record may be a moment behind
    for (int i = 0; i < 3; ++i) post.step(MasterRecordSeen{{address(13)}});
    CHECK(std::count_if(post.story.begin(), post.story.end(), [](const Effect& effect) {
              const auto* note = std::get_if<Note>(&effect);
              return note && note->kind == Kind::mismatch;
          }) == 1);
    CHECK_FALSE(post.asked<Follow>());
}

TEST_CASE("a server that was told it has what its master lacks is errant until a master takes it") {
    Post post;
    post.begin().follow(Epoch{3});
    post.database.errant = true;
    post.database.replication_error = "1236: not in the master's binlog";
    post.database.io_running = post.database.io_connected = false;
    post.pass(1s).look();
    REQUIRE(post.said().errant);
    // The master dies, and the error with the connection: it knows no better now.
    post.database.errant = false;
    post.database.replication_error = "2003: no connection";
    post.database.io_running = true;
    post.pass(1s).look();
    CHECK(post.said().errant);
    CHECK(post.said().wants == Wish::nothing);
    post.database.replication_error.clear();
    post.pass(1s).look();
    CHECK(post.said().errant);
    // Nor does a restart of the database, which forgets all errors.
    post.database.start = 8;
    post.database.io_running = post.database.sql_running = false;
    post.pass(1s).look();
    CHECK(post.said().errant);
    CHECK(post.said().wants == Wish::nothing);
    SUBCASE("a master takes it again") {
        post.database.io_running = post.database.io_connected = post.database.sql_running = true;
        post.pass(1s).look();
        CHECK_FALSE(post.said().errant);
        CHECK(post.said().wants == Wish::master);
    }
    SUBCASE("connected, and what it is sent can not be applied") {
        post.database.io_running = post.database.io_connected = post.database.sql_running = true;
        post.database.replication_error = "1950: out of order";
        post.pass(1s).look();
        CHECK(post.said().errant);
    }
}

TEST_CASE("a prepare that fails is tried again later, but one for a higher epoch at once") {
    Post post;
    post.begin().prepare(Epoch{4});
    for (int i = 0; i < 5; ++i) {
        post.done(Verb::prepare, Epoch{4}, false);
        post.pass(10s);
    }
    post.done(Verb::prepare, Epoch{4}, false);
    const std::size_t before = post.count<Prepare>(post.story);
    post.pass(1s).prepare(Epoch{4});
    CHECK(post.count<Prepare>(post.story) == before);
    post.pass(1s).prepare(Epoch{5});
    CHECK(post.count<Prepare>(post.story) == before + 1);
    CHECK(post.find<Prepare>()->epoch == Epoch{5});
}

// ---- Starts and ends
// -------------------------------------------------------------------------------

TEST_CASE("a writable database without a lease is demoted") {
    Post post({Epoch{3}, Epoch{}, Epoch{}});
    post.database.read_only = false;
    post.begin();
    REQUIRE(post.asked<Demote>());
    CHECK(post.find<Demote>()->why == "writable without a lease");
    post.database.read_only = true;
    post.now += 10ms;
    post.done(Verb::demote, Epoch{});
    post.look();
    CHECK(post.said().role == Role::fenced);
    CHECK(post.said().held == Epoch{3});
}

TEST_CASE("an agent that was never told anything leaves a writable database until it is told") {
    Post post;
    post.database.read_only = false;
    post.database.replica_configured = false;
    post.begin();
    CHECK(post.said().role == Role::unknown);
    CHECK(post.said().wants == Wish::master);
    CHECK_FALSE(post.said().read_only);
    post.deny(Epoch{}, heartbeat::WaitOrder{}, DenyReason::awaiting_first);
    CHECK_FALSE(post.asked<Demote>());
    SUBCASE("it is given the lease") {
        post.pass(1s).ack(Epoch{1});
        CHECK(post.asked<Promote>());
    }
    SUBCASE("another leads") {
        post.pass(1s).follow(Epoch{1});
        CHECK(post.asked<Demote>());
        CHECK_FALSE(post.asked<Follow>());
    }
    SUBCASE("a window is open") {
        post.pass(1s).prepare(Epoch{1});
        CHECK(post.asked<Demote>());
        CHECK_FALSE(post.asked<Prepare>());
    }
}

TEST_CASE(
    "a restarted agent is fenced for every epoch that it knew, and says so until another leads") {
    Post post({Epoch{3}, Epoch{2}, Epoch{}});
    post.begin();
    post.pass(30ms);
    CHECK(post.disk.fenced == Epoch{3});
    CHECK(post.said().role == Role::fenced);
    CHECK(post.said().held == Epoch{3});
    post.follow(Epoch{4});
    post.pass(30ms);
    CHECK(post.said().role == Role::replica);
    CHECK(post.said().held == Epoch{});
}

TEST_CASE("an agent whose disk fails asks for nothing, and says nothing that is not on it") {
    Post post;
    post.begin();
    post.disk_fails = true;
    post.ack(Epoch{3});
    CHECK_FALSE(post.asked<Promote>());
    post.pass(30ms);
    CHECK(post.said().wants == Wish::nothing);
    CHECK(post.said().seen == Epoch{});
    SUBCASE("it is tried again") {
        post.disk_fails = false;
        post.pass(1s);
        CHECK(post.disk.seen == Epoch{3});
        CHECK(post.asked<Promote>());
    }
    SUBCASE("what was done is not forgotten meanwhile") {
        post.pass(5s);  // the lease is over
        REQUIRE(post.asked<Demote>());
        post.done(Verb::demote, Epoch{});
        post.pass(3s);
        CHECK(post.said().role == Role::unknown);
        post.disk_fails = false;
        post.pass(2s);
        CHECK(post.disk.fenced == Epoch{3});
        CHECK(post.said().role == Role::fenced);
    }
}

TEST_CASE("a master that is told to stop demotes itself, gives the lease back and leaves") {
    Post post;
    post.lead(Epoch{3});
    post.step(Stopping{});
    CHECK(post.asked<Demote>());
    CHECK_FALSE(post.noted(Kind::left));
    post.done(Verb::demote, Epoch{});
    CHECK(post.disk.fenced == Epoch{3});
    CHECK(post.said().wants == Wish::release);
    CHECK(post.said().role == Role::fenced);
    CHECK(post.said().held == Epoch{3});
    CHECK(post.noted(Kind::left));
    CHECK(post.duty.wakes_at() == Instant::max());
}

TEST_CASE("an agent that can not demote its database tries beyond its deadline, and then says so") {
    Post post;
    post.lead(Epoch{3});
    post.step(Stopping{});
    const Instant deadline = *post.duty.deadline();
    const auto go_on = [&](Instant until) {
        while (post.now < until && !post.noted(Kind::left) && !post.noted(Kind::left_undone)) {
            post.done(Verb::demote, Epoch{}, false);
            post.pass(500ms);
        }
    };
    go_on(deadline + Duty::stop_bound - 2500ms);
    CHECK(post.duty.stage() == Stage::demoting);
    CHECK(post.asked<LeaseEnded>());
    SUBCASE("it succeeds at last") {
        post.pass(1s);  // the longest pause between two tries
        post.done(Verb::demote, Epoch{});
        CHECK(post.noted(Kind::left));
        CHECK(post.said().wants == Wish::release);
        CHECK_FALSE(post.duty.left_undone());
    }
    SUBCASE("it never does") {
        go_on(deadline + Duty::stop_bound + 500ms);
        CHECK(post.noted(Kind::left_undone));
        CHECK_FALSE(post.noted(Kind::left));
        CHECK(post.duty.left_undone());
        CHECK(post.said().wants != Wish::release);
        CHECK(post.disk.fenced == Epoch{});
    }
}

TEST_CASE("an agent that stops and whose record can not be written says that, and leaves") {
    Post post;
    post.begin().follow(Epoch{3});
    post.disk_fails = true;
    post.pass(1s).follow(Epoch{4});
    post.step(Stopping{}).pass(Duty::stop_bound);
    REQUIRE(post.noted(Kind::left_undone));
    CHECK(post.find<Note>()->why == "its record could not be written");
}

TEST_CASE("while a demotion hangs an agent that stops sleeps") {
    Post post;
    post.lead(Epoch{3});
    post.step(Stopping{});
    for (int i = 0; i < 10; ++i) {
        post.pass(700ms);  // heartbeats and their repetitions would be due
        CHECK(post.duty.wakes_at() > post.now);
    }
}

TEST_CASE("a replica that is told to stop leaves at once") {
    Post post;
    post.begin().follow(Epoch{3});
    post.step(Stopping{}).tick();
    CHECK(post.noted(Kind::left));
    CHECK_FALSE(post.asked<Demote>());
}

TEST_CASE("a server without a database never leads, and is well by its page alone") {
    DutyRules page_only = rules();
    page_only.has_database = false;
    Post post({}, page_only);
    post.page(true);
    REQUIRE(post.asked<SendHeartbeat>());
    CHECK(post.said().health.database);
    CHECK(post.said().may_not_lead);
    CHECK(post.said().wants == Wish::nothing);
    CHECK(post.said().flavour == heartbeat::GtidFlavour::none);
    post.follow(Epoch{3});
    post.prepare(Epoch{4});
    CHECK_FALSE(post.asked<Follow>());
    CHECK_FALSE(post.asked<Prepare>());
}

TEST_CASE("a server that may not lead promises and follows like the others, and asks for nothing") {
    DutyRules shy = rules();
    shy.may_lead = false;
    Post post({}, shy);
    post.begin();
    CHECK(post.said().may_not_lead);
    CHECK(post.said().wants == Wish::nothing);
    post.prepare(Epoch{4});
    CHECK(post.asked<Prepare>());
}

TEST_CASE("an agent's note becomes one line for the journal") {
    CHECK(log_line(id("wiki1"), {Kind::lease_lost, Epoch{3}, "no acknowledgement"}) ==
          "event=lease_lost server=wiki1 epoch=3 why=\"no acknowledgement\"");
}

// The shell around the arbiters' machines, with real sockets and a real ledger, in one process.
#include "dnsd/io/groups.h"

#include "tests/dnsd/group_site.h"

#include <sys/resource.h>

using namespace test;
using namespace dnsd;

namespace {

// Files of this process do not grow beyond what they have: a full disk, for the ledger.
class FullDisk {
public:
    explicit FullDisk(const std::string& file) : before_(::signal(SIGXFSZ, SIG_IGN)) {
        REQUIRE(::getrlimit(RLIMIT_FSIZE, &limit_) == 0);
        rlimit none = limit_;
        none.rlim_cur = std::filesystem::exists(file) ? std::filesystem::file_size(file) : 0;
        REQUIRE(::setrlimit(RLIMIT_FSIZE, &none) == 0);
    }
    ~FullDisk() {
        ::setrlimit(RLIMIT_FSIZE, &limit_);
        ::signal(SIGXFSZ, before_);
    }
    FullDisk(const FullDisk&) = delete;
    FullDisk& operator=(const FullDisk&) = delete;

private:
    rlimit limit_{};
    void (*before_)(int);
};

struct House {
    explicit House(const std::string& tables = "", const Record& record = {}) : tables_(tables) {
        REQUIRE(Ledger::create(site.ledger));
        ledger.emplace(*Ledger::open(site.ledger));
        if (record != Record{})
            REQUIRE(
                ledger->store(site.read(file).groups.front().rules.group, std::nullopt, record));
        groups.emplace(loop, site.read(file), *ledger, [](const Standing&) {});
        groups->open();
    }
    // Answered at once; a command that is still under way has no answer yet.
    std::vector<Answer> ask(Command command) {
        std::vector<Answer> said;
        groups->ask({0, std::move(command), "", false}, "anna",
                    [&](const Answer& answer) { said.push_back(answer); });
        return said;
    }
    GroupStatus status() const { return groups->status().front(); }
    bool decided(Kind kind) const {
        for (const Decision& one : groups->story().read("", 1000, 0, 0))
            if (one.note.kind == kind) return true;
        return false;
    }
    std::string tables_;
    Site site;
    std::string file = site.config("a", "", tables_);
    boost::asio::io_context loop{1};
    std::optional<Ledger> ledger;
    std::optional<Groups> groups;
};

const ServerId wiki2 = *ServerId::parse("wiki2");

}  // namespace

TEST_CASE("a server that is configured no more can be named as long as it is barred") {
    const ServerId scrapped = *ServerId::parse("wiki9");
    Record record;
    record.revision = 1;
    record.barred = {wiki2, scrapped};
    const House house("", record);
    CHECK(house.groups->askable().front().servers ==
          std::vector{*ServerId::parse("wiki1"), wiki2, scrapped});
}

TEST_CASE(
    "a command that the ledger can not keep is refused with the reason, and nothing is done") {
    House house;
    const auto untouched = [&] {
        const GroupStatus status = house.status();
        return !status.paused && !status.servers[1].drained && status.mode == Mode::act;
    };
    const std::vector<std::pair<Command, Kind>> commands{
        {PauseCommand{}, Kind::paused},
        {DrainCommand{wiki2, 30min}, Kind::drained},
        {ModeCommand{Mode::observe}, Kind::mode_changed}};
    for (const auto& [command, kind] : commands) {
        CAPTURE(name_of(kind));
        {
            const FullDisk full(house.site.ledger + "-wal");
            const std::vector<Answer> first = house.ask(command);
            REQUIRE(first.size() == 1);
            CHECK(first[0].kind == Answer::Kind::refused);
            CHECK_FALSE(first[0].changed);
            CHECK(first[0].text == "the ledger can not be written; nothing was changed");
            CHECK(untouched());
            CHECK(house.status().waiting_for == "the ledger can not be written");
            // It is not tried with each question.
            const std::vector<Answer> second = house.ask(command);
            REQUIRE(second.size() == 1);
            CHECK(
                second[0].text.starts_with("the ledger can not be written; it is tried again in "));
            CHECK(untouched());
            CHECK_FALSE(house.decided(kind));
        }
        // There is room again.
        std::vector<Answer> answer;
        CHECK(speaking(house.loop, {}, [&] {
            answer = house.ask(command);
            return answer.back().kind == Answer::Kind::done;
        }));
        CHECK_FALSE(untouched());
        CHECK(house.decided(kind));
        // As it was, for the next command.
        house.ask(ResumeCommand{});
        house.ask(UndrainCommand{wiki2});
        house.ask(ModeCommand{Mode::act});
        CHECK(untouched());
    }
}

TEST_CASE("eight commands wait for their end, and the ninth is refused at once") {
    House house("[www]\ndown_after = \"300ms\"\n[master]\nheartbeat = \"100ms\"\nlease = \"9s\"\n");
    Speaker one(house.loop, house.site, "wiki1", 1), two(house.loop, house.site, "wiki2", 2);
    two.beat.upstream = *ServerId::parse("wiki1");
    two.beat.lag = 0ms;
    two.beat.may_not_lead = true;  // so that the first leads
    REQUIRE(speaking(house.loop, {&one, &two}, [&] { return one.leads; }));
    two.beat.may_not_lead = false;
    REQUIRE(speaking(house.loop, {&one, &two}, [&] {
        const GroupStatus status = house.status();
        return status.servers[0].role == heartbeat::Role::master && status.servers[1].may_lead;
    }));
    // A drain of the master joins the switchover that is under way: each waits for its end.
    std::size_t ended = 0;
    std::vector<Answer> last;
    const auto ask = [&](const Command& command) {
        last.clear();
        auto said = std::make_shared<std::vector<Answer>>();
        house.groups->ask({0, command, "", false}, "anna", [&ended, said](const Answer& answer) {
            said->push_back(answer);
            if (answer.kind != Answer::Kind::going_on) ++ended;
        });
        last = *said;
    };
    ask(SwitchoverCommand{wiki2});
    REQUIRE(last.size() == 1);
    REQUIRE_MESSAGE(last[0].kind == Answer::Kind::going_on, last[0].text);
    for (std::size_t i = 1; i < Groups::asked_max; ++i) {
        ask(DrainCommand{*ServerId::parse("wiki1"), 30min});
        REQUIRE(last.size() == 1);
        REQUIRE(last[0].kind == Answer::Kind::going_on);
    }
    CHECK(ended == 0);
    ask(PauseCommand{});
    REQUIRE(last.size() == 1);
    CHECK(last[0].kind == Answer::Kind::refused);
    CHECK(last[0].text ==
          "8 commands wait for their end already; nothing was changed. arbiterctl status says what "
          "goes on");
    CHECK_FALSE(house.status().paused);
    CHECK(ended == 1);
    // The switchover fails for want of heartbeats: all are answered, and there is room again.
    CHECK(speaking(house.loop, {}, [&] { return ended == 1 + Groups::asked_max; }));
    ask(PauseCommand{});
    CHECK(last.at(0).kind == Answer::Kind::done);
}

TEST_CASE("two machines under one name are seen, told, and neither is granted") {
    House house("[www]\ndown_after = \"300ms\"\n[master]\nheartbeat = \"100ms\"\nlease = \"1s\"\n");
    Speaker one(house.loop, house.site, "wiki1", 1), two(house.loop, house.site, "wiki2", 2);
    two.beat.may_not_lead = true;
    REQUIRE(speaking(house.loop, {&one, &two}, [&] { return one.leads; }));
    CHECK(house.status().clones.empty());
    // The same key, another boot: the first goes on to speak.
    Speaker twin(house.loop, house.site, "wiki1", 1);
    twin.beat.may_not_lead = true;
    CHECK(
        speaking(house.loop, {&one, &twin, &two}, [&] { return !house.status().clones.empty(); }));
    const GroupStatus status = house.status();
    CHECK(status.clones == std::vector<ServerId>{*ServerId::parse("wiki1")});
    CHECK(status.servers[0].cloned);
    CHECK_FALSE(status.servers[0].may_lead);
    CHECK(std::find(status.alarms.begin(), status.alarms.end(),
                    "two machines speak under the name wiki1") != status.alarms.end());
    CHECK(house.decided(Kind::alarm));
    // Its lease runs out, as neither of them is renewed.
    CHECK(speaking(house.loop, {&one, &twin, &two}, [&] { return !house.status().holder; }));
    CHECK_FALSE(twin.leads);
}

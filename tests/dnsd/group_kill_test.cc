// The daemon is killed while an operator's command is carried out: after the next start the command
// is in force, history and all, or it never was; what was answered as done is in force.
#include "tests/dnsd/group_site.h"
#include "tests/dnsd_state/client.h"

#include <thread>

using namespace test;

namespace {

constexpr auto fast =
    "[www]\ndown_after = \"300ms\"\n[master]\nheartbeat = \"100ms\"\nlease = \"60s\"\n"
    "allow_confirm_dead = true\n";

// Moments of the kill after the question was sent: before it is read, in the midst of the write,
// after the answer.
const std::vector<std::chrono::microseconds> moments{0us,    100us,  300us,  600us,  1000us, 1500us,
                                                     2200us, 3000us, 5000us, 8000us, 20000us};

struct Killed {
    std::string said;  // until the end
    bool done() const { return said.find("\"ok\":true,\"going_on\":false") != said.npos; }
};

Killed ask_and_kill(const Site& site, Daemon& daemon, const std::string& question,
                    std::chrono::microseconds after) {
    Client client(site.folder.path("a.sock"));
    REQUIRE(client.connected());
    client.send(question + "\n");
    std::this_thread::sleep_for(after);
    daemon.signal(SIGKILL);
    Killed out{client.rest(5s)};
    CHECK(daemon.exit_code() == -1);
    return out;
}

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

// Of the group, which stands before all that was decided.
std::uint64_t epoch_of(const std::string& status) {
    constexpr std::string_view key = "\"epoch\": ";
    const std::size_t at = status.find(key);
    REQUIRE(at != status.npos);
    return std::stoull(status.substr(at + key.size()));
}

// A new group for each moment; how often the command was in force in the end.
template <typename Kill>
std::size_t at_each_moment(Kill kill) {
    std::size_t in_force = 0;
    for (const auto after : moments) {
        CAPTURE(after.count());
        const Site site;
        const std::string config = site.config("a", "", fast);
        site.init(config);
        in_force += kill(site, config, after) ? 1 : 0;
    }
    return in_force;
}

}  // namespace

TEST_CASE("a kill in the midst of a change of mode leaves it done or not begun") {
    const Site site;
    const std::string config = site.config("a");
    site.init(config);
    std::string mode = "act";
    std::size_t changes = 0;
    for (const auto after : moments) {
        CAPTURE(after.count());
        const std::string wanted = mode == "act" ? "observe" : "act";
        Killed killed;
        {
            Daemon daemon(site.folder, {"--config", config});
            REQUIRE(daemon.says("ready"));
            CHECK(has(site.ctl("status"), ", mode " + mode + " "));
            killed = ask_and_kill(site, daemon, R"({"command":"mode","mode":")" + wanted + R"("})",
                                  after);
        }
        Daemon again(site.folder, {"--config", config});
        REQUIRE(again.says("ready"));
        const bool in_force = has(site.ctl("status"), ", mode " + wanted + " ");
        if (killed.done()) CHECK(in_force);
        if (in_force) {
            mode = wanted;
            ++changes;
        }
        // One line of history for each change that is in force, and none for another.
        const std::string history = site.ctl("history --limit 1000");
        std::size_t lines = 0;
        for (const std::string_view line : {"it observes from now on", "it acts from now on"})
            for (std::size_t at = history.find(line); at != history.npos;
                 at = history.find(line, at + 1))
                ++lines;
        CHECK(lines == changes);
    }
    CHECK(changes > 0);
}

TEST_CASE("a kill in the midst of confirm-dead leaves the lease ended or alive") {
    const auto ended = at_each_moment([](const Site& site, const std::string& config, auto after) {
        Killed killed;
        {
            Daemon daemon(site.folder, {"--config", config});
            REQUIRE(daemon.says("ready"));
            boost::asio::io_context loop{1};
            Speaker one(loop, site, "wiki1", 1), two(loop, site, "wiki2", 2);
            two.beat.may_not_lead = true;
            REQUIRE(speaking(loop, {&one, &two}, [&] { return one.leads; }));
            CHECK(speaking(loop, {&two}, [&] {  // the holder is silent
                return has(site.ctl("status --json"), "\"alive\": false");
            }));
            killed =
                ask_and_kill(site, daemon, R"({"command":"confirm-dead","server":"wiki1"})", after);
        }
        CAPTURE(killed.said);
        Daemon again(site.folder, {"--config", config});
        REQUIRE(again.says("ready"));
        // What it waits for says what its ledger holds.
        const bool alive = has(site.ctl("status"), "leases of before the arbiter's start to end");
        CHECK(has(site.ctl("history"), "confirmed dead") != alive);
        if (killed.done()) CHECK_FALSE(alive);
        return !alive;
    });
    CHECK(ended > 0);
}

TEST_CASE("a kill in the midst of adopt leaves an epoch that is on disk, or none that was told") {
    const auto adopted =
        at_each_moment([](const Site& site, const std::string& config, auto after) {
            Killed killed;
            bool told = false;
            {
                Daemon daemon(site.folder, {"--config", config});
                REQUIRE(daemon.says("ready"));
                boost::asio::io_context loop{1};
                Speaker one(loop, site, "wiki1", 1);
                // The first election waits for wiki2, which has never been heard.
                CHECK(speaking(loop, {&one},
                               [&] { return has(site.ctl("explain wiki1"), "May lead: yes"); }));
                Client client(site.folder.path("a.sock"));
                client.send("{\"command\":\"adopt\",\"server\":\"wiki1\"}\n");
                // It is told of the window, promises, and is granted: a few heartbeats.
                const auto end = std::chrono::steady_clock::now() + 10 * after;
                speaking(loop, {&one}, [&] { return std::chrono::steady_clock::now() >= end; });
                daemon.signal(SIGKILL);
                killed.said = client.rest(5s);
                CHECK(daemon.exit_code() == -1);
                loop.restart();
                loop.run_for(20ms);  // what it still sent
                told = one.leads;
            }
            CAPTURE(killed.said);
            Daemon again(site.folder, {"--config", config});
            REQUIRE(again.says("ready"));
            const std::uint64_t epoch = epoch_of(site.ctl("status --json"));
            const bool granted = epoch > 0;
            if (told || killed.done()) CHECK(granted);
            CHECK(has(site.ctl("history"), "adopted") == granted);
            CHECK(epoch <= 1);
            return granted;
        });
    CHECK(adopted > 0);
}

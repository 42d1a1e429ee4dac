// An operator's commands at the real daemon, with real databases behind it: what they do, what a
// crash of the daemon in the midst of one leaves behind, and what a second daemon may do.

#include "tests/interop/running.h"

#include <algorithm>
#include <cstdio>

#include <signal.h>

#include <nlohmann/json.hpp>

#include <doctest/doctest.h>

namespace {

using namespace lab;
using Json = nlohmann::json;

ClusterPlan plan() {
    return plan_at(3, 15320);
}

struct Operators : Running {
    Operators() : Running("operators", plan()) {}

    std::vector<std::string> command(std::vector<std::string> words) const {
        std::vector<std::string> argv = {cluster.plan().programs + "/arbiterctl", "--socket",
                                         cluster.control_socket()};
        argv.insert(argv.end(), words.begin(), words.end());
        return argv;
    }
    Outcome tell(std::vector<std::string> words) const { return run(command(std::move(words))); }
    Json ask(std::vector<std::string> words) const {
        words.insert(words.begin(), "--json");
        return Json::parse(tell(std::move(words)).out);
    }
    Json group() const { return ask({"status"})["groups"][0]; }
    std::string leader() {
        const auto address = cluster.master_at_secondary();
        const Machine* machine = address ? cluster.at(*address) : nullptr;
        return machine == nullptr ? std::string() : machine->name;
    }
    // One that follows.
    std::string other() { return leader() == "wiki1" ? "wiki2" : "wiki1"; }
    // Somebody is writable, and named by the secondary.
    bool writable() {
        const auto address = cluster.master_at_secondary();
        return address && edit(cluster, *address);
    }
    bool could_switch() {
        const Outcome outcome = tell({"switchover", "--to", other(), "--dry-run"});
        return outcome.out.find("Nothing was changed.") != std::string::npos;
    }
    // Lines of the journals, the arbiter's and the agents', that tell this.
    std::size_t count_of(const std::string& event) const {
        const std::string logs = cluster.logs();
        std::size_t count = 0;
        for (std::size_t at = 0; (at = logs.find("event=" + event + " ", at)) != std::string::npos;)
            ++count, ++at;
        return count;
    }
    void restart() {
        cluster.arbiter().kill();
        cluster.start_arbiter();
    }
};

struct Edits {
    int saved = 0;
    double longest_gap = 0;  // seconds between two that were saved
};

// A client of the site writes without a pause, at whom the secondary names, until `act` has ended
// and for another second.
Edits edits_during(Operators& it, Process& act) {
    Edits edits;
    auto last = now();
    auto ended = last;
    bool over = false;
    while (!over || seconds_since(ended) < 1.0) {
        if (!over && !act.running()) {
            over = true;
            ended = now();
        }
        if (!it.writable()) continue;
        edits.longest_gap = std::max(edits.longest_gap, seconds_since(last));
        last = now();
        ++edits.saved;
    }
    return edits;
}

}  // namespace

TEST_CASE("a switchover that is rehearsed changes nothing; a real one loses no edit") {
    Operators it;
    const std::string from = it.leader();
    const std::string to = it.other();

    const Json rehearsed = it.ask({"switchover", "--to", to, "--dry-run"});
    CHECK(rehearsed["ok"] == true);
    CHECK(rehearsed["changed"] == false);
    CHECK(rehearsed["candidates"].size() == 2);
    CHECK(rehearsed["steps"].size() == 4);
    CHECK(it.leader() == from);

    Process act(Command{it.command({"--json", "switchover", "--to", to, "--reason", "rehearsed"}),
                        {},
                        it.scratch / "answer"});
    const Edits edits = edits_during(it, act);
    REQUIRE_MESSAGE(act.status() == 0, read_file(it.scratch / "answer"));
    const Json answer = Json::parse(read_file(it.scratch / "answer"));
    CHECK(answer["changed"] == true);
    const double no_writer = answer["no_writer_seconds"];
    std::printf("switchover: %.2f s without a writer, longest pause of a client %.2f s\n",
                no_writer, edits.longest_gap);
    CHECK(no_writer < 1.0);
    CHECK(edits.longest_gap < 3.0);
    CHECK(it.leader() == to);
    const std::string count = std::to_string(edits.saved);
    CHECK_MESSAGE(all_have(it.cluster, count) == each(count), it.cluster.logs());

    const Json history = it.ask({"history", "--limit", "50"})["history"];
    const auto told = std::find_if(history.begin(), history.end(),
                                   [](const Json& one) { return one["what"] == "switchover"; });
    REQUIRE(told != history.end());
    CHECK((*told)["from"] == from);
    CHECK((*told)["to"] == to);
    CHECK((*told)["no_writer_seconds"] == no_writer);
}

TEST_CASE("what must not be is refused with the reason, and changes nothing") {
    Operators it;
    const std::string leads = it.leader();
    const auto refused = [&](std::vector<std::string> words, const std::string& why, int status) {
        const Outcome outcome = it.tell(std::move(words));
        CHECK(outcome.status == status);
        CHECK_MESSAGE(outcome.err.find(why) != std::string::npos, outcome.err);
    };
    refused({"confirm-dead", leads}, "allow_confirm_dead = true under [master]", 1);
    refused({"adopt", "--master", it.other()}, "a switchover moves it", 1);
    refused({"mode", "observe"}, "a pause stops", 1);
    refused({"switchover", "--to", leads}, "leads already", 1);
    refused({"switchover", "--to", "wiki9"}, "did you mean", 2);
    refused({"drain", it.other()}, "needs an end", 2);

    // A second daemon beside it, on the same ledger.
    const Outcome second = run({it.cluster.plan().programs + "/arbiter-dnsd", "--config",
                                it.cluster.folder() + "/dnsd.toml"});
    CHECK(second.status == 75);
    CHECK_MESSAGE(second.err.find("is held by another arbiter-dnsd") != std::string::npos,
                  second.err);
    CHECK(it.leader() == leads);
    CHECK(it.writable());
}

TEST_CASE(
    "what was answered as done outlives a crash of the daemon; what was not is undone or done") {
    Operators it;
    SUBCASE("a drain and a pause") {
        const std::string drained = it.other();
        REQUIRE(it.tell({"drain", drained, "--for", "1h"}).status == 0);
        REQUIRE(it.tell({"pause", "--until-undone"}).status == 0);
        it.restart();
        const Outcome undone = it.tell({"undrain", drained});
        CHECK(undone.out.find("is drained no more") != std::string::npos);
        const Outcome resumed = it.tell({"resume"});
        CHECK(resumed.out.find("automatic failovers go on") != std::string::npos);
        it.restart();
        CHECK(it.tell({"undrain", drained}).out.find("is not drained") != std::string::npos);
        CHECK(it.tell({"resume"}).out.find("nothing is paused") != std::string::npos);
        CHECK(it.writable());
    }
    SUBCASE("a switchover, at each of its moments") {
        const std::vector<std::string> moments = {"switchover_begun", "lease_lost", "freed",
                                                  "granted", "writable"};
        for (const std::string& moment : moments) {
            CAPTURE(moment);
            const std::size_t before = it.count_of(moment);
            const std::string to = it.other();
            Process act(Command{it.command({"switchover", "--to", to}), {}, it.scratch / "answer"});
            REQUIRE_MESSAGE(until(
                                20s, [&] { return it.count_of(moment) > before; }, 1ms),
                            it.cluster.logs());
            it.restart();
            REQUIRE(act.wait(20s));
            // Told "done" only if it is; else that nobody answers any more.
            CHECK((act.status() == 3 || (act.status() == 0 && it.leader() == to)));
            // The lease of before may live: at worst it runs out, and an election follows.
            CHECK_MESSAGE(until(30s, [&] { return it.writable(); }), it.cluster.logs());
            // The next one begins when one leads again, and not by a word to a quarantine.
            CHECK_MESSAGE(until(60s, [&] { return it.could_switch(); }), it.cluster.logs());
        }
        const auto edits = it.cluster.at(*it.cluster.master_at_secondary())
                               ->database->query("SELECT COUNT(*) FROM wiki.edit");
        CHECK_MESSAGE(all_have(it.cluster, edits) == each(edits), it.cluster.logs());
    }
}

TEST_CASE("a damaged row of a group: the daemon starts, waits out the longest lease and says so") {
    Operators it;
    const std::string leads = it.leader();
    it.cluster.arbiter().kill();
    const Outcome damaged =
        run({"sqlite3", it.cluster.folder() + "/state/ledger.sqlite",
             "UPDATE facts SET text = replace(text, 'epoch', 'epocH') WHERE kind = 'group'; "
             "SELECT changes();"});
    REQUIRE_MESSAGE(damaged.out == "1\n", damaged.err);
    it.cluster.start_arbiter();
    CHECK(read_file(it.cluster.arbiter_log()).find("its record in the ledger is lost") !=
          std::string::npos);
    const Outcome adopted = it.tell({"adopt", "--master", leads});
    CHECK(adopted.status == 1);
    CHECK_MESSAGE(adopted.err.find("may hold a lease for another") != std::string::npos,
                  adopted.err);
    // Nobody renews it: the master of before is unwritable when its lease is over.
    CHECK(until(20s, [&] { return !it.writable(); }));
    CHECK(it.tell({"explain"}).status == 0);
}

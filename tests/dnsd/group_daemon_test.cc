// The real program with a group: its ledger as operators find it, and what they may ask of it.
#include "dnsd/io/start_error.h"
#include "tests/dnsd/group_site.h"

#include <nlohmann/json.hpp>

using namespace test;
using namespace dnsd;

namespace {

struct GroupSite : Site {
    int ends(const std::string& file, std::string& log) const {
        Daemon daemon(folder, {"--config", file});
        const int code = daemon.exit_code();
        log = daemon.log();
        return code;
    }
};

}  // namespace

TEST_CASE("a second daemon on one ledger refuses, and says who has it") {
    const GroupSite site;
    const std::string one = site.config("a"), other = site.config("b");
    site.init(one);
    Daemon first(site.folder, {"--config", one});
    REQUIRE(first.says("ready"));
    const Folder elsewhere;
    Daemon second(elsewhere, {"--config", other});
    CHECK(second.exit_code() == exit_try_again);
    CHECK(second.log().find("is held by another arbiter-dnsd, process " +
                            std::to_string(first.pid())) != std::string::npos);
    CHECK(site.ctl("status").find("ns0") != std::string::npos);
}

TEST_CASE("a ledger that is missing or damaged is told at the start, with what to do") {
    const GroupSite site;
    const std::string config = site.config("a");
    std::string log;
    CHECK(site.ends(config, log) == exit_config);
    CHECK(log.find("there is no ledger " + site.ledger + "; arbiterctl init makes one") !=
          std::string::npos);
    site.init(config);
    {
        Daemon daemon(site.folder, {"--config", config});
        REQUIRE(daemon.says("ready"));
        daemon.signal(SIGTERM);
        CHECK(daemon.exit_code() == exit_ok);
    }
    const std::string check = Site::daemon_program + " --check --config " + config;
    CHECK(run(check).find("is good") != std::string::npos);
    SUBCASE("the record of a group") {
        site.sql(
            "INSERT INTO facts VALUES ('group', 'z.test', 'revision=1', 1);"
            "UPDATE seal SET rows = rows + 1, sum = sum + 1");
        CHECK(run(check).find("warning: the record of z.test in the ledger is lost") !=
              std::string::npos);
        Daemon daemon(site.folder, {"--config", config});
        REQUIRE(daemon.says("ready"));
        CHECK(daemon.log().find("group z.test: its record in the ledger is lost") !=
              std::string::npos);
        CHECK(site.ctl("status --json").find("\"state\": \"quarantine\"") != std::string::npos);
    }
    SUBCASE("anything else") {
        site.sql("UPDATE seal SET sum = sum + 1");
        CHECK(run(check).find("is damaged: its rows do not add up") != std::string::npos);
        CHECK(site.ends(config, log) == exit_data);
        CHECK(log.find("run arbiterctl init") != std::string::npos);
    }
}

TEST_CASE("what was decided is told over restarts, and a reload changes the rules of a group") {
    const GroupSite site;
    std::string config = site.config("a");
    site.init(config);
    for (std::size_t start = 1; start <= 2; ++start) {
        Daemon daemon(site.folder, {"--config", config});
        REQUIRE(daemon.says("ready"));
        const std::string history = site.ctl("history");
        CHECK(history.find("TIME (UTC)") == 0);
        std::size_t starts = 0;
        for (std::size_t at = history.find("started"); at != std::string::npos;
             at = history.find("started", at + 1))
            ++starts;
        CHECK(starts == start);
        CHECK(site.ctl("undrain wiky1").find("did you mean 'wiki1'?") != std::string::npos);
        if (start == 1) {
            std::ifstream before(config);
            std::string text{std::istreambuf_iterator<char>(before), {}};
            text.replace(text.find("[servers]"), 0, "[master]\nlease = \"9s\"\n");
            site.folder.write("a.toml", text);
            daemon.signal(SIGHUP);
            CHECK(daemon.says("~ master.lease 6s -> 9s"));
            CHECK(daemon.log().find("take effect at a restart") == std::string::npos);
        }
        daemon.signal(SIGTERM);
        CHECK(daemon.exit_code() == exit_ok);
    }
}

TEST_CASE("who asks for a reload is told how it ended") {
    const GroupSite site;
    const std::string config = site.config("a");
    CHECK(run(Site::daemon_program + " --init --config " + config) ==
          "made the empty ledger of " + config + "\n");
    std::ifstream file(config);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const auto with = [&](const std::string& from, const std::string& to) {
        std::string changed = text;
        changed.replace(changed.find(from), from.size(), to);
        site.folder.write("a.toml", changed);
        return site.ctl("reload 2>&1; echo exit $?");
    };
    const auto has = [](const std::string& said, const std::string& what) {
        CAPTURE(said);
        CHECK(said.find(what) != std::string::npos);
    };
    Daemon daemon(site.folder, {"--config", config});
    REQUIRE(daemon.says("ready"));
    const std::string wrong =
        with("[servers]\n", "[master]\nlease = \"2s\"\nloss = \"some\"\n[servers]\n");
    has(wrong, "lease \"2s\" is too short for heartbeat \"1s\"");
    has(wrong, "2 errors.\n");
    has(wrong, "arbiterctl: reload: the configuration has errors; nothing was taken\nexit 2\n");
    has(site.ctl("status"), "the last reload: the configuration has errors; nothing was taken");
    // Files without a mistake, of which the group can take nothing: not its lease either.
    const std::string nobody = with("[servers]\nwiki1 = \"127.0.0.1\"\nwiki2 = \"127.0.0.2\"\n",
                                    "[master]\nlease = \"9s\"\n[servers]\nwiki7 = \"127.0.0.1\"\n");
    has(nobody,
        "group z.test: its settings stay as they are: no server of those that run is left, and new "
        "ones wait for a restart\n");
    has(nobody, "1 group with the settings from before\nexit 1\n");
    CHECK(nobody.find("9s") == std::string::npos);
    const std::string taken =
        with("[servers]\n", "[master]\nlease = \"9s\"\n[servers]\nwiki3 = \"127.0.0.3\"\n");
    has(taken, "~ master.lease 6s -> 9s\n");
    has(taken, "+ server wiki3 (waits for a restart)\n");
    has(taken, "reload: 0 zones read anew, 1 unchanged\nexit 0\n");
    CHECK(site.ctl("status").find("the last reload") == std::string::npos);
    // One that a reload dropped comes back at a restart alone, though the file is as at the start.
    has(with("wiki2 = \"127.0.0.2\"\n", ""), "- server wiki2\n");
    has(with("zone", "zone"), "+ server wiki2 (waits for a restart)\n");
    CHECK(site.ctl("status").find("wiki2") == std::string::npos);
    site.folder.write("z.zone", "nonsense\n");
    const std::string zone = site.ctl("reload 2>&1; echo exit $?");
    has(zone, "z.zone:1:1");
    has(zone, "1 with errors: served as before\nexit 2\n");
    const auto json = nlohmann::json::parse(site.ctl("--json reload"), nullptr, false);
    REQUIRE(json.is_object());
    CHECK(json["ok"] == false);
    CHECK(json["mistakes"].size() > 0);
    daemon.signal(SIGTERM);
    CHECK(daemon.exit_code() == exit_ok);
}

TEST_CASE("operators are answered by the machine itself, and what they did lasts over a restart") {
    const GroupSite site;
    const std::string config = site.config("a");
    site.init(config);
    {
        Daemon daemon(site.folder, {"--config", config});
        REQUIRE(daemon.says("ready"));
        const auto says = [&](const std::string& words, const std::string& text) {
            const std::string said = site.ctl(words);
            CAPTURE(words);
            CAPTURE(said);
            CHECK(said.find(text) != std::string::npos);
        };
        says("pause --for 30m --reason 'network work'", "paused");
        says("drain wiki2 --until-undone --reason disk", "wiki2 is drained");
        says("switchover --to wiki1 --dry-run", "CANDIDATE  MAY LEAD  WHY\nwiki1      no");
        says("switchover --to wiki1 --dry-run", "nothing was changed");
        says("confirm-dead wiki1", "allow_confirm_dead = true under [master]");
        says("adopt --master wiki1", "not heard yet");
        says("mode observe", "observes");
        says("status", "mode observe");
        says("status", "Paused for 29 m");
        says("explain", "z.test: nobody leads, epoch 0.");
        says("explain wiki2", "until undone; disk");
        daemon.signal(SIGTERM);
        CHECK(daemon.exit_code() == exit_ok);
    }
    Daemon daemon(site.folder, {"--config", config});
    REQUIRE(daemon.says("ready"));
    CHECK(site.ctl("status").find("Paused for 29 m") != std::string::npos);
    CHECK(site.ctl("resume").find("go on") != std::string::npos);
    CHECK(site.ctl("undrain wiki2") == "wiki2 is drained no more\n");
    CHECK(site.ctl("undrain wiki2") == "wiki2 is not drained\n");
    const std::string history = site.ctl("history");
    CAPTURE(history);
    for (const char* what : {"paused", "network work", "drained", "undrained", "resumed", "mode"})
        CHECK(history.find(what) != std::string::npos);
}

// One daemon with two groups: one ledger, one zone or two, one socket for heartbeats. What is said
// of one group, or happens in it, is nothing to the other.
#include "dnsd/io/groups.h"

#include "dnsd/io/start_error.h"
#include "tests/dnsd/two_groups.h"

using namespace test;

TEST_CASE("two groups elect each for itself, into one zone or into two") {
    for (const std::string zone : {"z.test", "y.test"}) {
        CAPTURE(zone);
        const TwoGroups site(zone);
        site.init(site.config_file);
        Daemon daemon(site.folder, {"--config", site.config_file});
        REQUIRE(daemon.says("ready"));
        Agents agents(site);
        // Nobody of z.test was heard yet.
        REQUIRE(speaking(agents.loop, {&agents.search1, &agents.search2},
                         [&] { return agents.search1.leads; }));
        CHECK(site.group("z.test")["epoch"] == 0);
        CHECK(site.group("search")["epoch"] == 1);
        REQUIRE(agents.both_led());
        CHECK(agents.search1.beat.held == heartbeat::Epoch{1});
        CHECK_FALSE(agents.wiki2.leads);
        CHECK_FALSE(agents.search2.leads);
        using Set = std::set<std::string>;
        CHECK(agents.speak_until([&] {
            return site.addresses("master.z.test") == Set{"127.0.0.1"} &&
                   site.addresses("search-master." + zone) == Set{"127.0.0.3"};
        }));
        CHECK(site.addresses("www.z.test") == Set{"127.0.0.1", "127.0.0.2"});
        CHECK(site.addresses("search." + zone) == Set{"127.0.0.3", "127.0.0.4"});
    }
}

TEST_CASE("a command changes the group that it names, and no other") {
    const TwoGroups site;
    site.init(site.config_file);
    Daemon daemon(site.folder, {"--config", site.config_file});
    REQUIRE(daemon.says("ready"));
    Agents agents(site);
    REQUIRE(agents.both_settled(site));
    const auto says = [&](const std::string& words, const std::string& text) {
        const std::string said = agents.ctl(site, words);
        CAPTURE(words);
        CAPTURE(said);
        CHECK(has(said, text));
    };
    const std::string search_before = site.history("search");

    // A server says which group is meant; what names none must name the group.
    for (const char* words : {"pause --for 30m", "resume", "mode observe", "switchover"})
        says(words, "which group is meant? Say it with --group; groups: z.test, search");
    says("pause --group serach --for 30m", "did you mean 'search'?");
    says("drain wiki2 --group search --for 30m", "no server 'wiki2' in group search");
    says("switchover --to search2 --group z.test", "no server 'search2' in group z.test");
    CHECK(site.history("search") == search_before);

    says("pause --group z.test --for 30m --reason network", "paused");
    says("drain wiki2 --until-undone", "wiki2 is drained");
    CHECK_FALSE(site.group("z.test")["paused"].is_null());
    CHECK(site.group("search")["paused"].is_null());
    says("resume --group z.test", "go on");
    says("undrain wiki2", "wiki2 is drained no more");
    agents.switch_wiki_over(site);
    CHECK(site.group("z.test")["epoch"] == 2);
    CHECK(site.group("z.test")["holder"] == "wiki2");

    const json search = site.group("search");
    CHECK(search["epoch"] == 1);
    CHECK(search["holder"] == "search1");
    CHECK(search["state"] == "held");
    CHECK(agents.search1.leads);
    CHECK(site.history("search") == search_before);
    const std::string wiki = site.history("z.test");
    CAPTURE(wiki);
    for (const char* what : {"paused", "drained", "resumed", "undrained", "switchover", "kernel"})
        CHECK(has(wiki, what));
    CHECK_FALSE(has(wiki, "search1"));
    CHECK(has(site.ctl("history"), "GROUP"));
}

TEST_CASE("every face says of which of two groups it speaks") {
    const TwoGroups site;
    site.init(site.config_file);
    Daemon daemon(site.folder, {"--config", site.config_file});
    REQUIRE(daemon.says("ready"));
    Agents agents(site);
    REQUIRE(agents.both_settled(site));
    agents.switch_wiki_over(site);
    CHECK(has(agents.ctl(site, "pause --group search --until-undone"), "paused"));
    // The page's snapshot is a second old at most.
    REQUIRE(agents.speak_until(
        [&] { return has(site.get("/metrics"), "arbiter_paused{group=\"search\"} 1"); }));
    const std::string metrics = site.get("/metrics");
    for (const char* line :
         {"arbiter_paused{group=\"z.test\"} 0", "arbiter_lease_epoch{group=\"z.test\"} 2",
          "arbiter_lease_epoch{group=\"search\"} 1",
          "arbiter_server_master{group=\"z.test\",server=\"wiki2\"} 1",
          "arbiter_server_master{group=\"search\",server=\"search1\"} 1",
          "arbiter_failovers_total{group=\"z.test\",kind=\"switchover\",result=\"done\"} 1",
          "arbiter_failovers_total{group=\"search\",kind=\"switchover\",result=\"done\"} 0"})
        CHECK_MESSAGE(has(metrics, line), line);
    const std::string page = site.get("/");
    for (const char* part : {"<h2>z.test</h2>", "<h2>search</h2>", "data-label=\"group\">search<"})
        CHECK_MESSAGE(has(page, part), part);
    const std::string events = site.get("/api/v1/history?group=search");
    CHECK(has(events, "\"group\":\"search\""));
    CHECK_FALSE(has(events, "\"group\":\"z.test\""));
    const std::string ask = fmt::format("dig @127.0.0.1 -p {} +short CH TXT ", site.dns.port);
    const std::string standing = run(ask + "standing.arbiter");
    CAPTURE(standing);
    CHECK(has(standing, "\"epoch=2\" \"master=wiki2\""));
    CHECK(has(standing, "\"epoch=1\" \"master=search1\""));
    CHECK(has(standing, "\"group=search\""));
    CHECK(has(run(ask + "lease.arbiter"), "\"group=z.test\""));
    CHECK(has(run(ask + "search2.server.arbiter"), "\"group=search\""));
    CHECK(has(daemon.log(), "event=granted group=search server=search1"));
    CHECK(has(daemon.log(), "event=granted group=z.test server=wiki2"));
    const std::string status = site.ctl("status");
    CHECK(has(status, "\ngroup    z.test\n"));
    CHECK(has(status, "\ngroup    search\n"));
    CHECK(has(site.ctl("explain"), "search: search1 leads, epoch 1"));
    CHECK(has(site.ctl("explain search2"), "In group search:"));
}

TEST_CASE("after kill -9 each group goes on under its own epoch, with its own orders") {
    const TwoGroups site;
    site.init(site.config_file);
    std::set<std::string> search_names;
    std::uint32_t serial = 0;
    const auto serial_now = [&] {
        const auto answer = UdpClient(site.dns).ask("z.test", zones::Type::soa);
        return answer && answer->serial() ? answer->serial()->value() : 0;
    };
    Agents agents(site);
    {
        Daemon daemon(site.folder, {"--config", site.config_file});
        REQUIRE(daemon.says("ready"));
        REQUIRE(agents.both_settled(site));
        agents.switch_wiki_over(site);
        CHECK(has(agents.ctl(site, "pause --group search --until-undone"), "paused"));
        CHECK(has(agents.ctl(site, "drain wiki1 --until-undone"), "drained"));
        // Nothing is left that would be published.
        REQUIRE(agents.speak_until([&] {
            return site.addresses("www.z.test") == std::set<std::string>{"127.0.0.2"} &&
                   site.addresses("master.z.test") == std::set<std::string>{"127.0.0.2"};
        }));
        serial = serial_now();
        daemon.signal(SIGKILL);
        CHECK(daemon.exit_code() == -1);
    }
    Daemon daemon(site.folder, {"--config", site.config_file});
    REQUIRE(daemon.says("ready"));
    const json wiki = site.group("z.test"), search = site.group("search");
    CHECK(wiki["epoch"] == 2);
    CHECK(search["epoch"] == 1);
    CHECK(wiki["state"] == "quarantine");
    CHECK(search["state"] == "quarantine");
    CHECK(wiki["paused"].is_null());
    CHECK_FALSE(search["paused"].is_null());
    CHECK_FALSE(wiki["servers"][0]["drained"].is_null());
    // Both are as they were published, under the serial of before.
    CHECK(serial_now() == serial);
    CHECK(site.addresses("search-master.z.test") == std::set<std::string>{"127.0.0.3"});
    CHECK(site.addresses("master.z.test") == std::set<std::string>{"127.0.0.2"});
    // One is renewed; the other is waited for by itself.
    REQUIRE(speaking(agents.loop, {&agents.search1, &agents.search2},
                     [&] { return site.group("search")["state"] == "held"; }));
    CHECK(site.group("z.test")["state"] == "quarantine");
    REQUIRE(agents.speak_until([&] { return site.group("z.test")["state"] == "held"; }));
    CHECK(site.group("z.test")["holder"] == "wiki2");
    CHECK(site.group("search")["holder"] == "search1");
    CHECK(agents.wiki2.beat.held == heartbeat::Epoch{2});
    CHECK(agents.search1.beat.held == heartbeat::Epoch{1});
}

TEST_CASE("a group that a reload or a restart drops or adds is nothing to the other") {
    const TwoGroups site;
    site.init(site.config_file);
    Agents agents(site);
    const auto undisturbed = [&] {
        const json wiki = site.group("z.test");
        CHECK(wiki["epoch"] == 1);
        CHECK(wiki["holder"] == "wiki1");
        CHECK(wiki["state"] == "held");
        CHECK(agents.wiki1.leads);
    };
    const auto reload = [&](const Daemon& daemon, const std::string& line) {
        daemon.signal(SIGHUP);
        CHECK(agents.speak_until([&] { return has(daemon.log(), "reload: "); }));
        CHECK_MESSAGE(has(daemon.log(), line), daemon.log());
        CHECK(has(daemon.log(), "take effect at a restart"));
    };
    const auto ends = [](Daemon& daemon) {
        daemon.signal(SIGTERM);
        CHECK(daemon.exit_code() == dnsd::exit_ok);
    };
    {
        Daemon daemon(site.folder, {"--config", site.config_file});
        REQUIRE(daemon.says("ready"));
        REQUIRE(agents.both_settled(site));
        const std::string before = site.history("z.test");
        site.configure(false);
        reload(daemon, "- group search");
        undisturbed();
        CHECK(site.history("z.test") == before);
        // Until the restart it goes on, and takes commands.
        CHECK(site.group("search")["state"] == "held");
        CHECK(has(agents.ctl(site, "pause --group search --until-undone"), "paused"));
        CHECK(site.addresses("search-master.z.test") == std::set<std::string>{"127.0.0.3"});
        // What a reload can take of the group that stays is taken beside that.
        site.configure(false, "max_lag = \"20s\"\n");
        daemon.signal(SIGHUP);
        CHECK(agents.speak_until(
            [&] { return has(daemon.log(), "~ group z.test master.max_lag 30s -> 20s"); }));
        undisturbed();
        ends(daemon);
    }
    {
        Daemon daemon(site.folder, {"--config", site.config_file});
        REQUIRE(daemon.says("ready"));
        REQUIRE(agents.speak_until([&] {
            const json wiki = site.group("z.test");
            return wiki["state"] == "held" && wiki["semi_sync"]["covered"] == true;
        }));
        CHECK(site.groups() == 1);
        undisturbed();
        CHECK(site.addresses("search-master.z.test").empty());
        CHECK(site.addresses("search.z.test").empty());
        CHECK(site.addresses("master.z.test") == std::set<std::string>{"127.0.0.1"});
        const std::string before = site.history("z.test");
        site.configure(true, "max_lag = \"20s\"\n");
        reload(daemon, "+ group search");
        undisturbed();
        CHECK(site.history("z.test") == before);
        CHECK(site.groups() == 1);
        ends(daemon);
    }
    // It is again what it was: its epoch, who leads it, its pause.
    Daemon daemon(site.folder, {"--config", site.config_file});
    REQUIRE(daemon.says("ready"));
    CHECK(site.group("search")["epoch"] == 1);
    CHECK_FALSE(site.group("search")["paused"].is_null());
    REQUIRE(agents.speak_until([&] {
        return site.group("search")["state"] == "held" && site.group("z.test")["state"] == "held";
    }));
    undisturbed();
    CHECK(site.group("search")["holder"] == "search1");
    CHECK(site.addresses("search-master.z.test") == std::set<std::string>{"127.0.0.3"});
}

TEST_CASE("a failover of one group is nothing to the other") {
    const TwoGroups site;
    site.configure(true, "", "3s");
    site.init(site.config_file);
    Daemon daemon(site.folder, {"--config", site.config_file});
    REQUIRE(daemon.says("ready"));
    Agents agents(site);
    REQUIRE(agents.both_settled(site));
    const std::string before = site.history("search");
    REQUIRE(speaking(agents.loop, {&agents.wiki2, &agents.search1, &agents.search2},
                     [&] { return agents.wiki2.leads; }));
    CHECK(agents.wiki2.beat.held == heartbeat::Epoch{2});
    CHECK(has(site.history("z.test"), "failover"));
    CHECK(site.group("search")["epoch"] == 1);
    CHECK(site.group("search")["state"] == "held");
    CHECK(agents.search1.leads);
    CHECK(site.history("search") == before);
    CHECK(site.addresses("search-master.z.test") == std::set<std::string>{"127.0.0.3"});
}

TEST_CASE("a damaged record costs its own group the memory, and the other nothing") {
    const TwoGroups site;
    site.init(site.config_file);
    Agents agents(site);
    {
        Daemon daemon(site.folder, {"--config", site.config_file});
        REQUIRE(daemon.says("ready"));
        REQUIRE(agents.both_settled(site));
        daemon.signal(SIGTERM);
        CHECK(daemon.exit_code() == dnsd::exit_ok);
    }
    site.sql("UPDATE facts SET text = replace(text, 'search1', 'search2') WHERE name = 'search'");
    Daemon daemon(site.folder, {"--config", site.config_file});
    REQUIRE(daemon.says("ready"));
    CHECK(has(daemon.log(), "group search: its record in the ledger is lost"));
    CHECK_FALSE(has(daemon.log(), "group z.test: its record"));
    REQUIRE(agents.speak_until([&] { return site.group("z.test")["state"] == "held"; }));
    CHECK(site.group("z.test")["holder"] == "wiki1");
    CHECK(site.group("z.test")["epoch"] == 1);
    CHECK(site.group("search")["state"] == "quarantine");
    CHECK(site.group("search")["holder"].is_null());
}

TEST_CASE("another arbiter that decides for one group is nothing to the other") {
    const TwoGroups site;
    REQUIRE(dnsd::Ledger::create(site.ledger));
    auto ledger = dnsd::Ledger::open(site.ledger);
    REQUIRE(ledger);
    Agents agents(site);
    dnsd::Groups groups(agents.loop, site.read(site.config_file), *ledger,
                        [](const dnsd::Standing&) {});
    groups.open();
    REQUIRE(agents.both_led());
    using dnsd::Answer;
    // One of the first group is under way when the other meets somebody else's record.
    std::vector<Answer> switched;
    REQUIRE(agents.speak_until([&] {
        return groups.status()[0].servers[1].role == heartbeat::Role::replica &&
               agents.wiki2.beat.upstream;
    }));
    groups.ask({0, dnsd::SwitchoverCommand{heartbeat::ServerId::parse("wiki2")}, "", false}, "anna",
               [&](const Answer& answer) { switched.push_back(answer); });
    REQUIRE(switched.size() == 1);
    REQUIRE_MESSAGE(switched[0].kind == Answer::Kind::going_on, switched[0].text);
    const dnsd::RecordStore records = ledger->records();
    const auto record = records.load("search");
    REQUIRE(record);
    REQUIRE(*record);
    dnsd::Record theirs = **record;
    ++theirs.revision;
    REQUIRE(records.store("search", (*record)->revision, theirs, {}));

    const auto pause = [&](std::size_t group) {
        std::vector<Answer> said;
        groups.ask({group, dnsd::PauseCommand{}, "", false}, "anna",
                   [&](const Answer& answer) { said.push_back(answer); });
        REQUIRE(said.size() == 1);
        return said[0];
    };
    const Answer refused = pause(1);
    CHECK(refused.kind == Answer::Kind::refused);
    CHECK(has(refused.text, "another arbiter decides beside this one"));
    CHECK(switched.size() == 1);
    const auto alarm = [&](std::size_t group) {
        const std::vector<std::string> alarms = groups.status()[group].alarms;
        return std::find(alarms.begin(), alarms.end(), "another arbiter decides beside this one") !=
               alarms.end();
    };
    CHECK(alarm(1));
    CHECK_FALSE(alarm(0));
    // It stands by for a second, and then waits for what the other may have granted.
    REQUIRE(agents.speak_until([&] { return !alarm(1); }));
    CHECK(groups.status()[1].state == dnsd::LeaseState::quarantine);
    CHECK(groups.status()[0].state == dnsd::LeaseState::held);
    CHECK(agents.speak_until([&] { return switched.back().kind != Answer::Kind::going_on; }));
    CHECK_MESSAGE(switched.back().kind == Answer::Kind::done, switched.back().text);
    CHECK(groups.status()[0].holder == heartbeat::ServerId::parse("wiki2"));
    CHECK(groups.status()[0].epoch == heartbeat::Epoch{2});
    CHECK(pause(0).kind == Answer::Kind::done);
}

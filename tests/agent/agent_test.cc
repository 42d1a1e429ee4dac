// The program itself, with a real MariaDB and a pretended arbiter: what it does with what it is
// told.

#include "agent/io/record.h"
#include "heartbeat/io/asio.h"
#include "heartbeat/io/channel.h"
#include "heartbeat/io/clock.h"
#include "heartbeat/io/keyfile.h"
#include "tests/agent/mariadb_server.h"

#include <csignal>
#include <fstream>
#include <optional>
#include <string>
#include <thread>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace heartbeat;
using agent::test::MariaDbServer;
using agent::test::Template;
using std::chrono::milliseconds;
using std::chrono::seconds;
using tcp = boost::asio::ip::tcp;

namespace {

const ServerId wiki1 = *ServerId::parse("wiki1");
const ServerId cluster = *ServerId::parse("arbiter");

const Template& made() {
    static const Template once;
    return once;
}

SecretKeys keys_of(const char* name) {
    const Seed seed = fresh_seed();
    return SecretKeys::make(*ServerId::parse(name), seed);
}

// Answers each heartbeat as the test says; keeps the last one.
struct Arbiter {
    using Answer = std::function<std::optional<Reply>(const Heartbeat&)>;
    Arbiter(boost::asio::io_context& loop, const PublicKeys& peer, SecretKeys own)
        : channel(loop, {*Endpoint::parse("127.0.5.10:0")},
                  ArbiterSession(std::move(own), cluster,
                                 {{wiki1, {peer}, {*Address::parse("127.0.5.1")}}}, fresh_boot(),
                                 fresh_seed()),
                  [this](const ServerId& from, const Heartbeat& beat) {
                      last = beat;
                      ++heard;
                      if (!answer) return;
                      if (const auto reply = answer(beat)) channel.send(from, *reply);
                  }) {}
    Answer answer;
    std::optional<Heartbeat> last;
    int heard = 0;
    ArbiterChannel channel;
};

Arbiter::Answer granting(std::uint64_t epoch, Duration lease) {
    return [=](const Heartbeat& beat) -> std::optional<Reply> {
        if (beat.wants == Wish::master)
            return Ack{.request = beat.request, .epoch = Epoch{epoch}, .lease = lease, .serial = 1};
        Deny deny;
        deny.request = beat.request;
        deny.epoch = Epoch{epoch};
        deny.reason = DenyReason::not_fit;
        return deny;
    };
}

Arbiter::Answer denying(std::uint64_t epoch, const Address& master) {
    return [=](const Heartbeat& beat) -> std::optional<Reply> {
        Deny deny;
        deny.request = beat.request;
        deny.epoch = Epoch{epoch};
        deny.master = ServerId::parse("wiki2");
        deny.master_addresses = {master};
        deny.order = FollowOrder{};
        return deny;
    };
}

// Answers every request with the page, or with an error.
struct Wiki {
    explicit Wiki(boost::asio::io_context& loop)
        : acceptor(loop, {boost::asio::ip::make_address("127.0.5.1"), 0}) {
        accept();
    }
    void accept() {
        acceptor.async_accept([this](ErrorCode error, tcp::socket socket) {
            if (error) return;
            const auto client = std::make_shared<tcp::socket>(std::move(socket));
            const auto request = std::make_shared<boost::asio::streambuf>();
            boost::asio::async_read_until(
                *client, *request, "\r\n\r\n",
                [this, client, request](ErrorCode failed, std::size_t) {
                    if (failed) return;
                    const auto text = std::make_shared<std::string>(
                        well ? "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
                             : "HTTP/1.1 503 Down\r\nContent-Length: 0\r\n\r\n");
                    boost::asio::async_write(*client, boost::asio::buffer(*text),
                                             [client, text](ErrorCode, std::size_t) {});
                });
            accept();
        });
    }
    bool well = true;
    tcp::acceptor acceptor;
};

struct World {
    World() : own(keys_of("wiki1")), server(made(), 1), wiki(loop) {
        const SecretKeys arbiter_keys = keys_of("ns0");
        folder = made().folder() / "agent";
        std::filesystem::create_directories(folder);
        write_config(arbiter_keys.public_keys().text());
        arbiter.emplace(loop, own.public_keys(), arbiter_keys);
        write_config(arbiter_keys.public_keys().text());
    }
    ~World() {
        if (pid > 0) {
            ::kill(pid, SIGKILL);
            ::waitpid(pid, nullptr, 0);
        }
        std::filesystem::remove_all(folder);
    }
    std::string path(const char* name) const { return (folder / name).string(); }
    void secret(const char* name, const std::string& text) const {
        std::ofstream(path(name)) << text << '\n';
        ::chmod(path(name).c_str(), 0600);
    }
    void write_config(const std::string& arbiter_key) const {
        secret("key", own.text());
        secret("agent.pw", MariaDbServer::agent_password);
        secret("repl.pw", MariaDbServer::replication_password);
        std::ofstream(path("hook"))
            << "#!/bin/sh\nenv | grep ARBITER_ | sort > " << path("hook.out.new") << "\nmv "
            << path("hook.out.new") << " " << path("hook.out") << "\n";
        ::chmod(path("hook").c_str(), 0700);
        std::ofstream(path("agent.toml")) << fmt::format(
            "server = \"wiki1\"\narbiters = [\"{}\"]\nkey_file = \"{}\"\narbiter_key = \"{}\"\n"
            "address = \"127.0.5.1\"\nstate_directory = \"{}\"\nheartbeat = \"100ms\"\n"
            "[page]\nurl = \"http://127.0.5.1:{}/\"\nexpect = {{ contains = \"ok\" }}\n"
            "[database]\nkind = \"mariadb\"\nhost = \"127.0.5.1\"\nport = {}\nuser = \"arbiter\"\n"
            "password_file = \"{}\"\nreplication = {{ user = \"repl\", password_file = \"{}\" }}\n"
            "[hooks]\npromote = \"{}\"\n",
            arbiter ? arbiter->channel.endpoints().at(0).text() : "127.0.5.10:1", path("key"),
            arbiter_key, path("state"), wiki.acceptor.local_endpoint().port(),
            agent::test::own_port(), path("agent.pw"), path("repl.pw"), path("hook"));
    }
    void start(const char* mode = nullptr) {
        pid = ::fork();
        REQUIRE(pid >= 0);
        if (pid > 0) return;
        const int log = ::open(path("log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
        ::dup2(log, 1);
        ::dup2(log, 2);
        const std::string program = ARBITER_BIN_DIR "/arbiter-agent";
        const std::string config = path("agent.toml");
        ::execl(program.c_str(), program.c_str(), "--config", config.c_str(), mode, nullptr);
        ::_exit(127);
    }
    std::string log() const {
        std::ifstream in(path("log"));
        return {std::istreambuf_iterator<char>(in), {}};
    }
    template <typename Until>
    bool within(Duration time, Until until) {
        for (const Instant end = boot_now() + time; boot_now() < end;) {
            if (until()) return true;
            loop.restart();
            loop.run_for(milliseconds(10));
        }
        return until();
    }
    // Never to a process that has ended: its id would be -1, and that is everybody.
    void signal(int number) const {
        REQUIRE(pid > 0);
        ::kill(pid, number);
    }
    std::optional<int> exit_within(Duration time) {
        int status = 0;
        const bool ended = within(time, [&] { return ::waitpid(pid, &status, WNOHANG) == pid; });
        if (!ended) return std::nullopt;
        pid = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
    }
    // A demotion kills every client, also the one that asks.
    bool writable() const {
        for (int tries = 0;; ++tries) {
            try {
                return server.value("SELECT @@global.read_only") == "0";
            } catch (const std::exception&) {
                if (tries == 20) throw;
                std::this_thread::sleep_for(milliseconds(10));
            }
        }
    }
    bool lock_is_free() const {
        const auto free = agent::RecordFile::open(path("state"), wiki1, "test");
        return free.has_value();
    }

    boost::asio::io_context loop;
    SecretKeys own;
    MariaDbServer server;
    Wiki wiki;
    std::filesystem::path folder;
    std::optional<Arbiter> arbiter;
    pid_t pid = -1;
};

}  // namespace

TEST_CASE(
    "granted it is writable, unheard it is read-only by the end of the lease, and it leaves "
    "cleanly") {
    World world;
    world.arbiter->answer = granting(3, seconds(2));
    world.start();
    CHECK(world.within(seconds(15), [&] {
        return world.arbiter->last && world.arbiter->last->role == Role::master;
    }));
    CAPTURE(world.log());
    REQUIRE(world.writable());
    CHECK(world.arbiter->last->held == Epoch{3});
    CHECK(world.within(seconds(3),
                       [&] { return std::filesystem::exists(world.folder / "hook.out"); }));
    std::ifstream hook(world.folder / "hook.out");
    CHECK(std::string(std::istreambuf_iterator<char>(hook), {}) ==
          "ARBITER_EPOCH=3\nARBITER_HOOK=promote\nARBITER_SERVER=wiki1\n");

    // Renewed, it stays; then nobody answers any more.
    CHECK_FALSE(world.within(seconds(3), [&] { return !world.writable(); }));
    world.arbiter->answer = {};
    const Instant silent = boot_now();
    CHECK(world.within(seconds(5), [&] { return !world.writable(); }));
    CHECK(boot_now() - silent < seconds(2));
    CHECK(world.within(seconds(3), [&] { return world.arbiter->last->role == Role::fenced; }));
    CHECK(world.arbiter->last->held == Epoch{3});

    SUBCASE("the same epoch is never writable again, a higher one is; SIGTERM gives it back") {
        world.arbiter->answer = granting(3, seconds(2));
        CHECK_FALSE(world.within(seconds(1), [&] { return world.writable(); }));
        world.arbiter->answer = granting(4, seconds(2));
        CHECK(world.within(seconds(5), [&] { return world.arbiter->last->role == Role::master; }));
        CHECK(world.writable());
        world.signal(SIGTERM);
        CHECK(world.exit_within(seconds(5)) == 0);
        CHECK_FALSE(world.writable());
        CHECK(world.within(milliseconds(200),
                           [&] { return world.arbiter->last->role == Role::fenced; }));
        CHECK(world.arbiter->last->wants == Wish::release);
    }
    SUBCASE("a second agent on the same state is refused, and the first goes on") {
        const pid_t first = std::exchange(world.pid, -1);
        world.start();
        CHECK(world.exit_within(seconds(5)) == 75);
        CHECK(world.log().find("another arbiter-agent runs") != std::string::npos);
        world.pid = first;
    }
}

TEST_CASE("a reload is no end: SIGHUP changes nothing, SIGQUIT demotes and leaves") {
    World world;
    world.arbiter->answer = granting(3, seconds(2));
    world.start();
    REQUIRE(world.within(seconds(15), [&] {
        return world.arbiter->last && world.arbiter->last->role == Role::master;
    }));
    for (int i = 0; i < 2; ++i) {
        world.signal(SIGHUP);
        REQUIRE_FALSE(world.exit_within(milliseconds(300)));
    }
    CHECK(world.writable());
    CHECK(world.log().find("signal=SIGHUP") != std::string::npos);
    world.signal(SIGQUIT);
    CHECK(world.exit_within(seconds(5)) == 0);
    CHECK_FALSE(world.writable());
}

TEST_CASE("an agent that is stopped while its database hangs leaves late, and not with 0") {
    World world;
    world.arbiter->answer = granting(3, seconds(2));
    world.start();
    REQUIRE(world.within(seconds(15), [&] {
        return world.arbiter->last && world.arbiter->last->role == Role::master;
    }));
    world.server.freeze();
    const Instant stopped = boot_now();
    world.signal(SIGTERM);
    SUBCASE("for ever") {
        CHECK(world.exit_within(seconds(25)) == 69);
        CHECK(boot_now() - stopped > seconds(10));
        CHECK(world.log().find("event=left_undone") != std::string::npos);
        world.server.thaw();
    }
    SUBCASE("for a while: it is read-only before the agent leaves") {
        CHECK_FALSE(world.exit_within(seconds(4)));
        world.server.thaw();
        CHECK(world.exit_within(seconds(10)) == 0);
        CHECK_FALSE(world.writable());
    }
}

TEST_CASE("a page that is not well is said, and heard in the next heartbeat") {
    World world;
    world.wiki.well = false;
    world.start();
    REQUIRE(world.within(seconds(10), [&] { return world.arbiter->last.has_value(); }));
    CHECK_FALSE(world.arbiter->last->health.page);
    CHECK(world.arbiter->last->health.database);
    CHECK(world.arbiter->last->why == "page: HTTP 503, want 200");
    CHECK(world.arbiter->last->wants == Wish::nothing);
}

TEST_CASE("once: denied it follows whom it is told and says so by its exit code") {
    World world;
    MariaDbServer master(made(), 2);
    master.run("SET GLOBAL read_only=0");
    master.run("CREATE DATABASE wiki");
    world.arbiter->answer = denying(5, master.address());
    world.start("once");
    const auto code = world.exit_within(seconds(15));
    CAPTURE(world.log());
    CHECK(code == 1);
    CHECK(world.server.value(
              "SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME='wiki'") == "1");
}

TEST_CASE("once: an unwell server stays quiet") {
    World world;
    world.wiki.well = false;
    world.arbiter->answer = granting(3, seconds(2));
    world.start("once");
    CHECK(world.exit_within(seconds(15)) == 2);
    CHECK(world.arbiter->heard == 0);
}

TEST_CASE("once: without an answer it says so") {
    World world;
    world.start("once");
    CHECK(world.exit_within(seconds(20)) == 3);
}

TEST_CASE("once: granted, it keeps the lease in the background until that is lost") {
    World world;
    world.arbiter->answer = granting(3, seconds(2));
    world.start("once");
    const auto code = world.exit_within(seconds(15));
    CAPTURE(world.log());
    REQUIRE(code == 0);
    CHECK(world.writable());
    CHECK_FALSE(world.within(seconds(3), [&] { return !world.writable(); }));
    // The next round of cron finds it and leaves it in peace.
    world.start("once");
    CHECK(world.exit_within(seconds(5)) == 0);
    CHECK(world.writable());
    world.arbiter->answer = {};
    CHECK(world.within(seconds(5), [&] { return !world.writable(); }));
    CHECK(world.within(seconds(5), [&] { return world.lock_is_free(); }));
}

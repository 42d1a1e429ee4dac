#include "dnsd/io/admin.h"

#include "heartbeat/io/asio.h"
#include "tests/dnsd_state/client.h"

#include <pwd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

namespace {

using dnsd::Admin;
using namespace std::chrono_literals;

// An Admin on a context and a thread of its own, as the daemon's control thread has it.
struct Daemon {
    Daemon() {
        std::string pattern = "/tmp/arbiter-admin-XXXXXX";
        folder = ::mkdtemp(pattern.data());
        path = folder + "/run/control.sock";
        start();
    }
    void start() {
        admin = std::make_unique<Admin>(
            context, path,
            Admin::Handlers{
                [] { return std::string(R"({"format":1})"); },
                [](const Admin::Say& say) {
                    say(R"({"ok":true,"changes":["+ server wiki5"]})", true);
                },
                [](const std::string& request) { return "{\"heard\":" + request + "}"; },
                [this](const std::string& request, const std::string& by, const Admin::Say& say) {
                    asked = by + " " + request;
                    say(R"({"going_on":true})", false);
                    if (request.find("slow") == std::string::npos)
                        return say(R"({"ok":true})", true);
                    later = say;
                }});
        thread = std::thread([this] { context.run(); });
    }
    void stop() {
        if (!thread.joinable()) return;
        heartbeat::asio::post(context, [this] { admin.reset(); });
        thread.join();
        context.restart();
    }
    ~Daemon() {
        stop();
        std::filesystem::remove_all(folder);
    }
    // On the daemon's own thread.
    void end_later() {
        heartbeat::asio::post(context, [this] { later(R"({"ok":true,"late":true})", true); });
    }
    std::string folder, path;
    std::string asked;
    Admin::Say later;
    heartbeat::asio::io_context context{1};
    std::unique_ptr<Admin> admin;
    std::thread thread;
};

std::string ask(Client& client, const std::string& line) {
    return client.send(line + "\n").read_until("\n");
}

}  // namespace

TEST_CASE(
    "an operator's command is handed on with who asks, and answered by as many lines as it takes") {
    Daemon daemon;
    Client client(daemon.path);
    client.send("{\"command\":\"drain\",\"server\":\"wiki1\"}\n");
    CHECK(client.read_until("\"ok\":true}\n") == "{\"going_on\":true}\n{\"ok\":true}\n");
    CHECK(daemon.asked == std::string(::getpwuid(::geteuid())->pw_name) +
                              " {\"command\":\"drain\",\"server\":\"wiki1\"}");
    CHECK(ask(client, R"({"command":"history"})") == "{\"heard\":{\"command\":\"history\"}}\n");
    CHECK(ask(client, R"({"command":"dran"})").find("did you mean 'drain'?") != std::string::npos);
}

TEST_CASE(
    "what takes longer than a question may is waited for, and others are answered meanwhile") {
    Daemon daemon;
    Client client(daemon.path);
    client.send("{\"command\":\"pause\",\"reason\":\"slow\"}\n");
    CHECK(client.read_until("\n") == "{\"going_on\":true}\n");
    Client other(daemon.path);
    CHECK(ask(other, R"({"command":"status"})").starts_with("{\"ok\":true"));
    CHECK(client.read_until("late", Admin::deadline + 1s).empty());
    CHECK_FALSE(client.closed());
    daemon.end_later();
    CHECK(client.read_until("\n") == "{\"ok\":true,\"late\":true}\n");
    CHECK(ask(client, R"({"command":"status"})").starts_with("{\"ok\":true"));
}

TEST_CASE("who goes away while his command goes on leaves his place, and harms nobody") {
    Daemon daemon;
    for (std::size_t i = 0; i < 2 * Admin::connections_max; ++i) {
        Client client(daemon.path);
        client.send("{\"command\":\"pause\",\"reason\":\"slow\"}\n");
        CHECK(client.read_until("\n") == "{\"going_on\":true}\n");
    }
    daemon.end_later();
    Client client(daemon.path);
    CHECK(ask(client, R"({"command":"status"})").starts_with("{\"ok\":true"));
}

TEST_CASE("one JSON object a line each way, many on one connection") {
    const Daemon daemon;
    Client client(daemon.path);
    CHECK(ask(client, R"({"command":"status"})") == "{\"ok\":true,\"status\":{\"format\":1}}\n");
    CHECK(ask(client, R"({"command":"reload"})") ==
          "{\"ok\":true,\"changes\":[\"+ server wiki5\"]}\n");
    CHECK(ask(client, R"({"command":"status"})").starts_with("{\"ok\":true"));
    client.send("{\"command\":\"status\"}\n{\"command\":\"reload\"}\n");  // pipelined
    CHECK(client.read_until("wiki5").find("status") != std::string::npos);
}

TEST_CASE("what is no command is refused with a reason, and the connection lives on") {
    const Daemon daemon;
    Client client(daemon.path);
    CHECK(ask(client, R"({"command":"statsu"})") ==
          "{\"ok\":false,\"error\":\"unknown command 'statsu'; did you mean 'status'?\"}\n");
    for (const std::string& bad :
         {std::string("status"), std::string("{}"), std::string("[]"),
          std::string("{\"command\":7}"), std::string("{\"command\":\"\\ud800\"}"),
          std::string("\xff\xfe"), std::string(60'000, '['), std::string()}) {
        const std::string answer = ask(client, bad);
        CHECK(answer.starts_with("{\"ok\":false,\"error\":\""));
    }
    CHECK(ask(client, R"({"command":"status"})").starts_with("{\"ok\":true"));
}

TEST_CASE("a request beyond the bound is refused and ends the connection") {
    const Daemon daemon;
    Client client(daemon.path);
    client.send(std::string(Admin::request_bytes_max + 1, 'x'));
    CHECK(client.rest().find("at most 65536 bytes") != std::string::npos);
    CHECK(client.closed());
}

TEST_CASE("connections are bounded, and a silent one is closed at its deadline") {
    const Daemon daemon;
    std::vector<Client> clients;
    for (std::size_t i = 0; i < Admin::connections_max; ++i) clients.emplace_back(daemon.path);
    clients.back().send("{\"command\":\"status\"}\n").read_until("\n");  // all are accepted by now
    Client one_more(daemon.path);
    CHECK(one_more.rest().find("too many connections") != std::string::npos);
    const auto start = std::chrono::steady_clock::now();
    clients.front().send("{\"comm");  // a request that never ends
    CHECK(clients.front().rest().empty());
    CHECK(clients.front().closed());
    CHECK(std::chrono::steady_clock::now() - start < Admin::deadline + 5s);
}

TEST_CASE(
    "the socket is made for its group, in a directory that is made too, and goes at the end") {
    Daemon daemon;
    struct stat status {};
    REQUIRE(::stat(daemon.path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0660);
    REQUIRE(::stat((daemon.folder + "/run").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777 & ~0750) == 0);
    daemon.stop();
    CHECK_FALSE(std::filesystem::exists(daemon.path));
}

TEST_CASE("a live socket is not taken over, a dead one is, a file is left alone") {
    Daemon daemon;
    heartbeat::asio::io_context context;
    const auto handlers =
        Admin::Handlers{[] { return std::string("{}"); }, [](const Admin::Say&) {}};
    CHECK_THROWS_WITH_AS(Admin(context, daemon.path, handlers),
                         doctest::Contains("another arbiter-dnsd answers there"),
                         std::runtime_error);
    const std::string dead = daemon.folder + "/dead.sock";
    {
        const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        dead.copy(address.sun_path, sizeof address.sun_path - 1);
        REQUIRE(::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        ::close(socket);
    }
    CHECK_NOTHROW(Admin(context, dead, handlers));
    const std::string file = daemon.folder + "/precious";
    std::ofstream(file) << "text";
    CHECK_THROWS_WITH_AS(Admin(context, file, handlers),
                         doctest::Contains("something else than a socket"), std::runtime_error);
    CHECK(std::filesystem::file_size(file) == 4);
}

TEST_CASE("who is neither root, nor the same user, nor of the group gets no answer") {
    if (::geteuid() != 0) return;  // only root can become somebody else
    const Daemon daemon;
    ::chmod(daemon.folder.c_str(), 0755);
    ::chmod((daemon.folder + "/run").c_str(), 0755);
    ::chmod(daemon.path.c_str(), 0666);  // as if somebody had loosened it
    const pid_t child = ::fork();
    if (child == 0) {
        if (::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(2);
        Client client(daemon.path);
        const std::string answer = client.send("{\"command\":\"status\"}\n").rest(5s);
        ::_exit(answer.find("only root and the group") != std::string::npos ? 0 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WEXITSTATUS(status) == 0);
}

// The page probe against little servers that behave badly.

#include "agent/io/probe.h"
#include "heartbeat/io/asio.h"
#include "heartbeat/io/clock.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <doctest/doctest.h>

using namespace agent;
using heartbeat::boot_now;
using heartbeat::ErrorCode;
using std::chrono::milliseconds;
using tcp = boost::asio::ip::tcp;

namespace {

constexpr auto deadline = milliseconds(300);

// Takes one connection, reads the request if asked to, and then does what the test says.
struct Server {
    using Act = std::function<void(Server&)>;
    Server(boost::asio::io_context& loop, Act act)
        : acceptor(loop, {boost::asio::ip::make_address("127.0.5.9"), 0}),
          socket(loop),
          timer(loop) {
        acceptor.async_accept(socket, [this, act](ErrorCode error) {
            if (error) return;
            boost::asio::async_read_until(socket, request, "\r\n\r\n",
                                          [this, act](ErrorCode failed, std::size_t) {
                                              if (!failed) act(*this);
                                          });
        });
    }
    void write(std::string text, std::function<void()> then = {}) {
        const auto kept = std::make_shared<std::string>(std::move(text));
        boost::asio::async_write(socket, boost::asio::buffer(*kept),
                                 [kept, then](ErrorCode error, std::size_t) {
                                     if (!error && then) then();
                                 });
    }
    void close() {
        ErrorCode ignored;
        socket.shutdown(tcp::socket::shutdown_both, ignored);
        socket.close(ignored);
    }
    void again(const std::string& text, milliseconds pause) {
        write(text, [this, text, pause] {
            timer.expires_after(pause);
            timer.async_wait([this, text, pause](ErrorCode error) {
                if (!error) again(text, pause);
            });
        });
    }

    tcp::acceptor acceptor;
    tcp::socket socket;
    boost::asio::steady_timer timer;
    boost::asio::streambuf request;
};

struct Seen {
    PageView view;
    Duration took{};
    std::string request;
};

Seen probe(const Server::Act& act, const std::string& contains = "wgRevisionId",
           Duration within = deadline) {
    boost::asio::io_context loop;
    Server server(loop, act);
    PageRules rules{
        *parse_url("http://127.0.5.9:" + std::to_string(server.acceptor.local_endpoint().port()) +
                   "/wiki/Main?a=1"),
        200, contains, within};
    Probe probe(loop, rules);
    std::optional<PageView> view;
    const Instant begun = boot_now();
    probe.fetch([&](const PageView& seen) { view = seen; });
    while (!view && boot_now() < begun + std::chrono::seconds(5))
        loop.run_one_for(milliseconds(20));
    REQUIRE(view);
    const std::string request(boost::asio::buffers_begin(server.request.data()),
                              boost::asio::buffers_end(server.request.data()));
    return {*view, boot_now() - begun, request};
}

std::string response(const std::string& status, const std::string& body) {
    return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
}

}  // namespace

TEST_CASE("the expected page is a good view, and the server was asked for it") {
    const Seen seen = probe([](Server& s) { s.write(response("200 OK", "<p>wgRevisionId: 1")); });
    CHECK(seen.view == PageView{true, true, ""});
    CHECK(seen.request.find("GET /wiki/Main?a=1 HTTP/1.1\r\n") == 0);
    CHECK(seen.request.find("Host: 127.0.5.9:") != std::string::npos);
    SUBCASE("also in chunks") {
        const Seen chunked = probe([](Server& s) {
            s.write(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
                "chunked\r\n\r\n6\r\nwgRevi\r\n6\r\nsionId\r\n"
                "0\r\n\r\n");
        });
        CHECK(chunked.view.page);
    }
    SUBCASE("also when only the end of the stream ends it") {
        const Seen ended = probe(
            [](Server& s) { s.write("HTTP/1.0 200 OK\r\n\r\nwgRevisionId", [&s] { s.close(); }); });
        CHECK(ended.view.page);
    }
}

TEST_CASE("a page that is not the expected one says what is wrong with it") {
    const Seen status = probe([](Server& s) { s.write(response("503 Down", "wgRevisionId")); });
    CHECK(status.view == PageView{true, false, "HTTP 503, want 200"});
    const Seen body = probe([](Server& s) { s.write(response("200 OK", "set up your wiki")); });
    CHECK(body.view == PageView{true, false, "page lacks 'wgRevisionId'"});
}

TEST_CASE("a server that keeps us waiting is given up at the deadline") {
    SUBCASE("silent") {
        const Seen seen = probe([](Server&) {});
        CHECK_FALSE(seen.view.web);
        CHECK(seen.view.why == "no answer in 300 ms (the page)");
        CHECK(seen.took >= deadline);
        CHECK(seen.took < 3 * deadline);
    }
    SUBCASE("a byte at a time: each is in time, the whole is not") {
        const Seen seen = probe([](Server& s) {
            s.write("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
                    [&s] { s.again("w", milliseconds(10)); });
        });
        CHECK_FALSE(seen.view.web);
        CHECK(seen.took < 3 * deadline);
    }
    SUBCASE("a header without end") {
        const Seen seen =
            probe([](Server& s) { s.again("HTTP/1.1 200 OK\r\n", milliseconds(20)); });
        CHECK_FALSE(seen.view.web);
        CHECK(seen.took < 3 * deadline);
    }
}

TEST_CASE("a broken answer is a failed view with its reason") {
    CHECK(probe([](Server& s) { s.close(); }).view.why == "closed without an answer");
    CHECK(probe([](Server& s) {
              s.write("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nwgRevisionId",
                      [&s] { s.close(); });
          }).view == PageView{false, false, "closed in the middle of the page"});
    CHECK(probe([](Server& s) {
              s.write("SSH-2.0-OpenSSH_9.2\r\n\r\n");
          }).view.why.find("not HTTP") == 0);
    const Seen reset = probe([](Server& s) {
        s.socket.set_option(boost::asio::socket_base::linger(true, 0));
        s.socket.close();
    });
    CHECK_FALSE(reset.view.web);
    CHECK(reset.view.why.find("reading: ") == 0);
}

TEST_CASE("what is too large is refused at its bound") {
    CHECK(probe([](Server& s) {
              s.write("HTTP/1.1 200 OK\r\nX: " + std::string(Probe::header_max, 'x') + "\r\n\r\n");
          }).view.why == "HTTP header too large");
    const auto endless = [](Server& s) {
        s.write("HTTP/1.0 200 OK\r\n\r\n",
                [&s] { s.again(std::string(1 << 20, 'x'), milliseconds(0)); });
    };
    CHECK(probe(endless, "", std::chrono::seconds(4)).view.why == "page larger than 4 MiB");
    const auto exactly = [](Server& s) {
        s.write(response("200 OK", std::string(Probe::body_max, 'x')));
    };
    CHECK(probe(exactly, "", std::chrono::seconds(4)).view.page);
}

TEST_CASE("nobody there is told at once") {
    boost::asio::io_context loop;
    // A port that was free a moment ago.
    std::uint16_t port = 0;
    {
        tcp::acceptor probe_port(loop, {boost::asio::ip::make_address("127.0.5.9"), 0});
        port = probe_port.local_endpoint().port();
    }
    Probe probe(loop,
                {*parse_url("http://127.0.5.9:" + std::to_string(port) + "/"), 200, "", deadline});
    PageView view;
    probe.fetch([&](const PageView& seen) { view = seen; });
    loop.run();
    CHECK_FALSE(view.web);
    CHECK(view.why == "no connection: Connection refused");
}

TEST_CASE("a page's address is read or refused with a reason") {
    CHECK(parse_url("http://wiki.example")->target == "/");
    CHECK(parse_url("http://wiki.example?x")->target == "/?x");
    CHECK(parse_url("http://wiki.example/a#b")->target == "/a");
    CHECK(parse_url("http://[::1]/")->host == "::1");
    for (const char* bad : {"", "ftp://a/", "https://a/", "http://", "http:///x", "http://a:0/",
                            "http://a:70000/", "http://a:b/", "http://u@a/", "http://a/ b",
                            "http://[::1/", "http://[nonsense]/", "http://a:1:2/"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_url(bad));
    }
}

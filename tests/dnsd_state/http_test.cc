#include "dnsd/io/http.h"

#include "dnsd/io/history_query.h"
#include "dnsd/io/page.h"
#include "tests/dnsd_state/client.h"
#include "tests/dnsd_state/samples.h"

#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

namespace {

using dnsd::Endpoint;
using dnsd::Http;
using dnsd::Status;
using namespace std::chrono_literals;

const Endpoint any_port{*heartbeat::Address::parse("127.0.0.1"), 0};

std::shared_ptr<const Status> sample(std::uint32_t serial = 1742) {
    auto out = std::make_shared<Status>(samples::status());
    out->zones[0].serial = serial;
    return out;
}

std::string get(std::uint16_t port, const std::string& path, const std::string& method = "GET") {
    Client client(port);
    return client.send(method + " " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .rest();
}

// Publishing is taken over by the server's own thread.
void wait_for_standing(std::uint16_t port) {
    for (int i = 0; i < 500; ++i) {
        if (get(port, "/api/v1/standing").starts_with("HTTP/1.1 200")) return;
        std::this_thread::sleep_for(10ms);
    }
    FAIL("the standing never came");
}

std::string body(const std::string& response) {
    return response.substr(response.find("\r\n\r\n") + 4);
}

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("every face of the status answers, drawn from the one snapshot") {
    Http http(any_port);
    CHECK(get(http.port(), "/readyz").starts_with("HTTP/1.1 503"));
    CHECK(get(http.port(), "/").starts_with("HTTP/1.1 503"));
    CHECK(get(http.port(), "/livez").starts_with("HTTP/1.1 200"));
    http.publish(sample());
    wait_for_standing(http.port());
    CHECK(body(get(http.port(), "/api/v1/standing")) == status_json(*sample()) + "\n");
    CHECK(body(get(http.port(), "/api/v1/history")) == history_json(*sample()) + "\n");
    CHECK(body(get(http.port(), "/metrics")) == metrics_text(*sample()));
    CHECK(body(get(http.port(), "/")) == page_html(*sample()));
    CHECK(body(get(http.port(), "/?x=1")) == page_html(*sample()));
    CHECK(body(get(http.port(), "/page.js")) == dnsd::page_js);
    CHECK(body(get(http.port(), "/page.css")) == dnsd::page_css);
    CHECK(body(get(http.port(), "/livez")) == "{\"ok\":true}\n");
    CHECK(body(get(http.port(), "/readyz")) == "{\"ok\":true}\n");
    CHECK(has(get(http.port(), "/"), "Content-Security-Policy: default-src 'self'"));
}

TEST_CASE("the history is filtered by group, server, age and number, or the mistake is told") {
    Http http(any_port);
    auto status = std::make_shared<Status>(samples::status());
    status->groups.push_back(status->groups[0]);
    status->groups[1].name = "search";
    const std::int64_t newest = status->history[0].time_ms;  // 10:19:07
    const auto tell = [&](std::int64_t ago_ms, const char* group, const char* server) {
        dnsd::Note note{dnsd::Kind::joined_pool, dnsd::ServerId::parse(server), {17}, server};
        status->history.push_back({newest - ago_ms, group, note});
    };
    tell(1000, "search", "wiki2");
    tell(2000, "wiki.example", "wiki1");
    status->history.back().note.from = dnsd::ServerId::parse("wiki2");
    http.publish(status);
    wait_for_standing(http.port());
    const auto asked = [&](const std::string& query) {
        const std::string answer = get(http.port(), "/api/v1/history?" + query);
        CAPTURE(answer);
        REQUIRE(answer.starts_with("HTTP/1.1 200"));
        std::string whys;
        const auto document = nlohmann::json::parse(body(answer));
        for (const auto& line : document["history"]) whys += line["why"].get<std::string>() + ";";
        return whys;
    };
    CHECK(asked("") == "page: HTTP 503, want 200;wiki2;wiki1;");
    CHECK(asked("limit=1") == "page: HTTP 503, want 200;");
    CHECK(asked("group=search") == "wiki2;");
    CHECK(asked("group=wiki%2eexample&limit=9") == "page: HTTP 503, want 200;wiki1;");
    CHECK(asked("server=wiki2") == "wiki2;wiki1;");
    CHECK(asked("server=wiki4") == "page: HTTP 503, want 200;");  // configured no more
    CHECK(asked("since=2026-11-22T10:19:06Z&&server=wiki2") == "wiki2;");
    const auto refused = [&](const std::string& query) {
        const std::string answer = get(http.port(), "/api/v1/history?" + query);
        CHECK(answer.starts_with("HTTP/1.1 400"));
        return nlohmann::json::parse(body(answer))["why"].get<std::string>();
    };
    CHECK(refused("server=wiki9") == "no server 'wiki9'; did you mean 'wiki1'?");
    CHECK(refused("group=x") == "no group 'x'");
    CHECK(refused("before=3") ==
          "no \"before\" can be asked for; group, server, since and limit can");
    for (const auto* limit : {"limit=0", "limit=1001", "limit=", "limit=1x", "limit=-1"})
        CHECK(refused(limit) == "\"limit\" is a number from 1 to 1000");
    for (const auto* since : {"since=2h", "since=2026-02-31T00:00:00Z", "since=2026-11-22"})
        CHECK(refused(since) == "\"since\" is a time as in 2026-11-22T10:19:07Z");
    CHECK(refused("limit=1&limit=2") == "\"limit\" is said twice");
    CHECK(refused("limit") == "\"limit\" has no value");
    CHECK(refused("group=%2") == "a '%' stands before two hexadecimal digits");
}

TEST_CASE("a daemon that is not ready says why") {
    Http http(any_port);
    auto status = std::make_shared<Status>(samples::status());
    status->ready = false;
    status->not_ready_why = "port 53 is not bound";
    http.publish(status);
    wait_for_standing(http.port());
    const std::string answer = get(http.port(), "/readyz");
    CHECK(answer.starts_with("HTTP/1.1 503"));
    CHECK(has(answer, "{\"ok\":false,\"why\":\"port 53 is not bound\"}"));
}

TEST_CASE("HEAD is GET without a body, other methods and paths are refused") {
    Http http(any_port);
    http.publish(sample());
    wait_for_standing(http.port());
    const std::string head = get(http.port(), "/", "HEAD");
    CHECK(head.starts_with("HTTP/1.1 200"));
    CHECK(has(head, "Content-Length: " + std::to_string(page_html(*sample()).size()) + "\r\n"));
    CHECK(body(head).empty());
    CHECK(get(http.port(), "/nothing").starts_with("HTTP/1.1 404"));
    CHECK(get(http.port(), "/../etc/passwd").starts_with("HTTP/1.1 404"));
    for (const auto* method : {"POST", "PUT", "DELETE", "OPTIONS", "BREW"}) {
        CAPTURE(method);
        const std::string answer = get(http.port(), "/", method);
        CHECK(answer.starts_with("HTTP/1.1 405"));
        CHECK(has(answer, "Allow: GET, HEAD\r\n"));
    }
    CHECK(get(http.port(), "/nothing", "POST").starts_with("HTTP/1.1 404"));
    CHECK(get(http.port(), "/api/v1/events", "POST").starts_with("HTTP/1.1 405"));
}

TEST_CASE("bad requests are answered or closed, and the next one is served") {
    Http http(any_port);
    http.publish(sample());
    wait_for_standing(http.port());
    const auto raw = [&](const std::string& bytes) {
        return Client(http.port()).send(bytes).rest();
    };
    CHECK(raw("\r\n\r\nnonsense\r\n\r\n").starts_with("HTTP/1.1 400"));
    CHECK(raw("GET / HTTP/9.9\r\n\r\n").starts_with("HTTP/1.1 400"));
    CHECK(raw("GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n").starts_with("HTTP/1.1 400"));
    CHECK(raw(std::string(100, '\0') + "\r\n\r\n").starts_with("HTTP/1.1 400"));
    CHECK(raw("GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello").starts_with("HTTP/1.1 413"));
    CHECK(raw("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello").starts_with("HTTP/1.1 405"));
    CHECK(raw("GET / HTTP/1.1\r\nX: " + std::string(Http::header_bytes_max, 'x') + "\r\n\r\n")
              .starts_with("HTTP/1.1 431"));
    CHECK(raw("GET /" + std::string(Http::header_bytes_max, 'x')).starts_with("HTTP/1.1 431"));
    CHECK(get(http.port(), "/livez").starts_with("HTTP/1.1 200"));
}

TEST_CASE("a connection serves several requests, also pipelined") {
    Http http(any_port);
    Client client(http.port());
    const std::string request = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n";
    CHECK(client.send(request).read_until("true}\n").starts_with("HTTP/1.1 200"));
    CHECK(client.send(request).read_until("true}\n").starts_with("HTTP/1.1 200"));
    client.send(request + request);
    const std::string first = client.read_until("true}\n");
    const std::string both =
        first + (has(first.substr(20), "HTTP/1.1") ? "" : client.read_until("true}\n"));
    CHECK(has(both.substr(20), "HTTP/1.1 200"));
}

TEST_CASE("an event stream brings the standing now and again with every change") {
    Http http(any_port);
    http.publish(sample(1));
    wait_for_standing(http.port());
    Client client(http.port());
    client.send("GET /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n");
    std::string got = client.read_until("\"serial\":1}");
    CHECK(got.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"));
    CHECK(has(got, "event: standing\ndata: {\"format\":1"));
    http.publish(sample(2));
    CHECK(has(client.read_until("\"serial\":2}"), "\"serial\":2}"));
    client.read_until("\n\n", 200ms);
    client.send("x");  // nothing more is expected of it
    client.rest(5s);
    CHECK(client.closed());
}

TEST_CASE("a stream that nobody reads costs one standing, and publishing never waits for it") {
    Http http(any_port);
    auto large = std::make_shared<Status>(samples::status());
    for (int i = 0; i < 20'000; ++i) large->zones.push_back({"zone" + std::to_string(i), 1});
    http.publish(large);
    wait_for_standing(http.port());
    Client lazy(http.port());
    lazy.send("GET /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n");
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < 50; ++i) http.publish(large);
    CHECK(std::chrono::steady_clock::now() - start < 1s);
    CHECK(get(http.port(), "/livez").starts_with("HTTP/1.1 200"));
}

TEST_CASE("streams are bounded, and leave room for the rest") {
    Http http(any_port);
    http.publish(sample());
    wait_for_standing(http.port());
    std::vector<Client> clients;
    for (std::size_t i = 0; i < Http::streams_max; ++i) {
        clients.emplace_back(http.port());
        clients.back().send("GET /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n");
        REQUIRE(has(clients.back().read_until("event: standing"), "event: standing"));
    }
    CHECK(get(http.port(), "/api/v1/events").starts_with("HTTP/1.1 503"));
    CHECK(get(http.port(), "/livez").starts_with("HTTP/1.1 200"));
}

TEST_CASE("connections are bounded, and one that sends no request is closed at its deadline") {
    Http http(any_port);
    std::vector<Client> clients;
    const auto start = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < Http::connections_max; ++i) clients.emplace_back(http.port());
    CHECK(get(http.port(), "/page.css").empty());  // one too many
    clients.front().send("GET / HT");              // a request that never ends
    CHECK(clients.front().rest().empty());
    CHECK(clients.front().closed());
    CHECK(std::chrono::steady_clock::now() - start < Http::deadline + 5s);
    clients.clear();
    for (int i = 0; i < 100 && get(http.port(), "/page.css").empty(); ++i)
        std::this_thread::sleep_for(10ms);
    CHECK(get(http.port(), "/page.css").starts_with("HTTP/1.1 200"));
}

TEST_CASE("a control thread that stands still is seen at /livez") {
    Http http(any_port);
    http.publish(sample());
    wait_for_standing(http.port());
    std::this_thread::sleep_for(Http::stale_after + 500ms);
    const std::string answer = get(http.port(), "/livez");
    CHECK(answer.starts_with("HTTP/1.1 503"));
    CHECK(has(answer, "no standing was published for 1"));
    http.publish(sample());
    for (int i = 0; i < 100 && !get(http.port(), "/livez").starts_with("HTTP/1.1 200"); ++i)
        std::this_thread::sleep_for(10ms);
    CHECK(get(http.port(), "/livez").starts_with("HTTP/1.1 200"));
}

TEST_CASE("a port that is taken ends the start with one sentence") {
    Http http(any_port);
    const Endpoint taken{any_port.address, http.port()};
    CHECK_THROWS_WITH_AS(Http{taken},
                         doctest::Contains(("can not listen on " + taken.text() + ": ").c_str()),
                         std::runtime_error);
}

TEST_CASE("stop() ends open connections at once and may come twice") {
    auto http = std::make_unique<Http>(any_port);
    Client idle(http->port());
    http->stop();
    http->stop();
    CHECK(idle.rest(2s).empty());
    CHECK(idle.closed());
}

#include "dnsd/io/http.h"

#include "dnsd/io/history_query.h"
#include "dnsd/io/page.h"
#include "heartbeat/io/asio.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <nlohmann/json.hpp>

namespace dnsd {

namespace {

namespace asio = heartbeat::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using heartbeat::ErrorCode;
using SteadyClock = std::chrono::steady_clock;

constexpr unsigned requests_max = 100;  // of one connection
constexpr std::string_view html_type = "text/html; charset=utf-8";
constexpr std::string_view json_type = "application/json";
constexpr std::string_view text_type = "text/plain; charset=utf-8";
constexpr std::string_view stream_path = "/api/v1/events";
constexpr std::string_view security =
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

struct Reply {
    http::status status = http::status::ok;
    std::string_view type;
    std::string body;
};

// What one snapshot looks like, each form made when it is first asked for.
struct Snapshot {
    std::shared_ptr<const Status> status;
    SteadyClock::time_point taken;
    std::string page, standing, history, metrics;

    const std::string& drawn(std::string& form, std::string (*draw)(const Status&)) {
        if (form.empty()) form = draw(*status);
        return form;
    }
};

std::string reason(bool ok, std::string_view why) {
    nlohmann::ordered_json out = {{"ok", ok}};
    if (!ok) out["why"] = why;
    return out.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

tcp::endpoint endpoint_of(const Endpoint& endpoint) {
    if (endpoint.address.is_v4()) {
        asio::ip::address_v4::bytes_type bytes;
        std::copy_n(endpoint.address.data(), bytes.size(), bytes.begin());
        return {asio::ip::address_v4(bytes), endpoint.port};
    }
    asio::ip::address_v6::bytes_type bytes;
    std::copy_n(endpoint.address.data(), bytes.size(), bytes.begin());
    return {asio::ip::address_v6(bytes), endpoint.port};
}

}  // namespace

// All but publish() and stop() runs on `thread`.
struct Http::Server : std::enable_shared_from_this<Server> {
    class Session;

    void open(const Endpoint&);
    void run();
    void accept();
    void take();  // what was published last
    void close();
    Reply reply_to(std::string_view path, std::string_view query);
    Reply history(std::string_view query);
    Reply alive() const;
    bool may_stream() const { return streams.size() < streams_max; }

    asio::io_context context{1};
    tcp::acceptor acceptor{context};
    asio::steady_timer pause{context};
    std::uint16_t port = 0;
    std::thread thread;
    std::set<std::shared_ptr<Session>> sessions;
    std::set<Session*> streams;
    Snapshot snapshot;
    const SteadyClock::time_point started = SteadyClock::now();
    bool closed = false;

    std::mutex mutex;  // guards `published`
    std::shared_ptr<const Status> published;
    std::atomic<bool> posted = false;  // one wake-up at a time, however often it is published
};

class Http::Server::Session : public std::enable_shared_from_this<Session> {
public:
    Session(tcp::socket socket, Server& server)
        : socket_(std::move(socket)), timer_(socket_.get_executor()), server_(server) {}

    void read() {
        parser_.emplace();
        parser_->header_limit(header_bytes_max);
        parser_->body_limit(0);
        start_deadline();
        http::async_read(
            socket_, buffer_, *parser_,
            [self = shared_from_this()](ErrorCode error, std::size_t) { self->heard(error); });
    }

    // A newer standing is there. What a slow client has not taken yet is left out for it.
    void tell() {
        if (writing_) {
            pending_ = true;
            return;
        }
        pending_ = false;
        auto& snapshot = server_.snapshot;
        text_ = "event: standing\ndata: " + snapshot.drawn(snapshot.standing, status_json) + "\n\n";
        write_text();
    }

    void close() {
        ErrorCode ignored;
        timer_.cancel();
        socket_.shutdown(tcp::socket::shutdown_both, ignored);
        socket_.close(ignored);
        server_.streams.erase(this);
        server_.sessions.erase(shared_from_this());
    }

private:
    void start_deadline() {
        timer_.expires_after(deadline);
        timer_.async_wait([weak = weak_from_this()](ErrorCode error) {
            const auto self = weak.lock();
            if (!error && self) self->close();
        });
    }

    void heard(ErrorCode error) {
        // No error at all has the system's category too.
        const bool gone = error == http::error::end_of_stream ||
                          error.category() == asio::error::get_misc_category() ||
                          error.category() == boost::system::system_category();
        if (error && gone) return close();
        if (error == http::error::header_limit || error == http::error::buffer_overflow)
            return write({http::status::request_header_fields_too_large, text_type,
                          "the header is too long\n"},
                         false);
        const bool has_body =
            error == http::error::body_limit || error == http::error::unexpected_body;
        if (error && !has_body)
            return write({http::status::bad_request, text_type, "not understood\n"}, false);

        const auto& request = parser_->get();
        head_ = request.method() == http::verb::head;
        const auto target = request.target();
        const std::string_view whole(target.data(), target.size());
        const std::string_view path = whole.substr(0, whole.find('?'));
        const std::string_view query = whole.substr(std::min(path.size() + 1, whole.size()));
        const bool keep = !has_body && request.keep_alive() && ++requests_ < requests_max;
        const bool reads = head_ || request.method() == http::verb::get;
        if (has_body && reads)
            return write({http::status::payload_too_large, text_type, "no body is taken here\n"},
                         false);
        if (path == stream_path && reads && !head_) return stream();
        Reply reply = path == stream_path ? Reply{http::status::ok, "text/event-stream", {}}
                                          : server_.reply_to(path, query);
        if (!reads && reply.status != http::status::not_found)
            reply = {http::status::method_not_allowed, text_type, "this server only reads\n"};
        write(std::move(reply), keep);
    }

    void write(Reply reply, bool keep) {
        response_.emplace();
        auto& response = *response_;
        response.result(reply.status);
        response.version(11);
        response.set(http::field::content_type,
                     beast::string_view(reply.type.data(), reply.type.size()));
        response.set(http::field::cache_control, "no-store");
        response.set("Content-Security-Policy",
                     beast::string_view(security.data(), security.size()));
        response.set("X-Content-Type-Options", "nosniff");
        response.set("Referrer-Policy", "no-referrer");
        if (reply.status == http::status::method_not_allowed)
            response.set(http::field::allow, "GET, HEAD");
        response.keep_alive(keep);
        response.content_length(reply.body.size());
        if (!head_) response.body() = std::move(reply.body);
        start_deadline();
        http::async_write(socket_, response,
                          [self = shared_from_this(), keep](ErrorCode error, std::size_t) {
                              if (error || !keep) return self->close();
                              self->read();
                          });
    }

    // Server-sent events: the standing now, and again with every change. Without a length the end
    // of the connection ends it (RFC 9112 §6.3).
    void stream() {
        if (!server_.may_stream())
            return write({http::status::service_unavailable, text_type, "too many streams\n"},
                         false);
        server_.streams.insert(this);
        text_ = fmt::format(
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"
            "Content-Security-Policy: {}\r\nX-Content-Type-Options: nosniff\r\n"
            "X-Accel-Buffering: no\r\nConnection: close\r\n\r\nretry: 2000\n\n",
            security);
        pending_ = server_.snapshot.status != nullptr;
        write_text();
        await_end();
    }

    void write_text() {
        writing_ = true;
        start_deadline();
        asio::async_write(socket_, asio::buffer(text_),
                          [self = shared_from_this()](ErrorCode error, std::size_t) {
                              if (error) return self->close();
                              self->writing_ = false;
                              self->timer_.cancel();
                              if (self->pending_) self->tell();
                          });
    }

    // A client of a stream has nothing more to say: whatever comes, or its end, ends it.
    void await_end() {
        socket_.async_read_some(
            asio::buffer(rest_),
            [self = shared_from_this()](ErrorCode, std::size_t) { self->close(); });
    }

    tcp::socket socket_;
    asio::steady_timer timer_;
    Server& server_;
    beast::flat_buffer buffer_{header_bytes_max + 1024};
    std::optional<http::request_parser<http::empty_body>> parser_;
    std::optional<http::response<http::string_body>> response_;
    unsigned requests_ = 0;
    bool head_ = false;
    std::string text_;
    std::array<char, 1> rest_{};
    bool writing_ = false;
    bool pending_ = false;
};

void Http::Server::open(const Endpoint& endpoint) {
    const tcp::endpoint where = endpoint_of(endpoint);
    ErrorCode error;
    acceptor.open(where.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error && where.address().is_v6()) acceptor.set_option(asio::ip::v6_only(true), error);
    if (!error) acceptor.bind(where, error);
    if (!error) acceptor.listen(static_cast<int>(connections_max), error);
    if (error)
        throw std::runtime_error(fmt::format("the status page can not listen on {}: {}",
                                             endpoint.text(), error.message()));
    port = acceptor.local_endpoint().port();
}

void Http::Server::run() {
    // A page that can not be drawn (no memory) costs its connection and never the daemon.
    while (!closed) {
        try {
            context.run();
            return;
        } catch (const std::exception&) {
        }
    }
}

void Http::Server::accept() {
    acceptor.async_accept([this](ErrorCode error, tcp::socket socket) {
        if (closed) return;
        if (error) {
            // No descriptors left: they come back, and until then this must not spin.
            pause.expires_after(std::chrono::milliseconds(100));
            pause.async_wait([this](ErrorCode) {
                if (!closed) accept();
            });
            return;
        }
        accept();
        if (sessions.size() >= connections_max) return;  // closes it
        auto session = std::make_shared<Session>(std::move(socket), *this);
        sessions.insert(session);
        session->read();
    });
}

void Http::Server::take() {
    posted = false;
    {
        const std::lock_guard lock(mutex);
        snapshot = Snapshot{published, SteadyClock::now(), {}, {}, {}, {}};
    }
    for (Session* stream : streams) stream->tell();
}

void Http::Server::close() {
    closed = true;
    ErrorCode ignored;
    acceptor.close(ignored);
    pause.cancel();
    const auto open_sessions = std::move(sessions);
    sessions.clear();
    for (const auto& session : open_sessions) session->close();
}

// The control thread publishes at least every two seconds; when it stops, it stands still.
Reply Http::Server::alive() const {
    const auto age = SteadyClock::now() - (snapshot.status ? snapshot.taken : started);
    if (age <= stale_after) return {http::status::ok, json_type, reason(true, {})};
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(age).count();
    return {http::status::service_unavailable, json_type,
            reason(false, fmt::format("no standing was published for {} s", seconds))};
}

Reply Http::Server::history(std::string_view query) {
    if (query.empty()) {
        const auto draw = [](const Status& status) { return history_json(status); };
        return {http::status::ok, json_type, snapshot.drawn(snapshot.history, draw) + "\n"};
    }
    const auto asked = read_history_query(query, *snapshot.status);
    if (!asked) return {http::status::bad_request, json_type, reason(false, asked.error())};
    return {http::status::ok, json_type, history_json(*snapshot.status, *asked) + "\n"};
}

Reply Http::Server::reply_to(std::string_view path, std::string_view query) {
    if (path == "/livez") return alive();
    if (path == "/page.css")
        return {http::status::ok, "text/css; charset=utf-8", std::string(page_css)};
    if (path == "/page.js")
        return {http::status::ok, "text/javascript; charset=utf-8", std::string(page_js)};
    if (path == "/icon.svg" || path == "/favicon.ico")
        return {http::status::ok, "image/svg+xml", std::string(page_icon)};
    const bool known = path == "/" || path == "/api/v1/standing" || path == "/api/v1/history" ||
                       path == "/metrics" || path == "/readyz";
    if (!known) return {http::status::not_found, text_type, "there is no such page\n"};
    if (!snapshot.status)
        return {http::status::service_unavailable, json_type,
                reason(false, "the daemon is starting")};
    if (path == "/readyz") {
        if (Reply dead = alive(); dead.status != http::status::ok) return dead;
        return {snapshot.status->ready ? http::status::ok : http::status::service_unavailable,
                json_type, reason(snapshot.status->ready, snapshot.status->not_ready_why)};
    }
    if (path == "/api/v1/standing")
        return {http::status::ok, json_type, snapshot.drawn(snapshot.standing, status_json) + "\n"};
    if (path == "/api/v1/history") return history(query);
    if (path == "/metrics")
        return {http::status::ok, "text/plain; version=0.0.4; charset=utf-8",
                snapshot.drawn(snapshot.metrics, metrics_text)};
    return {http::status::ok, html_type, snapshot.drawn(snapshot.page, page_html)};
}

Http::Http(const Endpoint& endpoint) : server_(std::make_shared<Server>()) {
    server_->open(endpoint);
    server_->accept();
    server_->thread = std::thread([server = server_.get()] { server->run(); });
}

Http::~Http() {
    stop();
}

void Http::publish(std::shared_ptr<const Status> status) {
    {
        const std::lock_guard lock(server_->mutex);
        server_->published = std::move(status);
    }
    if (server_->posted.exchange(true)) return;
    asio::post(server_->context, [server = server_.get()] { server->take(); });
}

std::uint16_t Http::port() const {
    return server_->port;
}

void Http::stop() {
    if (!server_->thread.joinable()) return;
    asio::post(server_->context, [server = server_.get()] { server->close(); });
    server_->thread.join();
}

}  // namespace dnsd

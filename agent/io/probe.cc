#include "agent/io/probe.h"

#include "heartbeat/io/asio.h"

#include <charconv>
#include <chrono>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

namespace agent {

namespace {

namespace asio = heartbeat::asio;
namespace http = boost::beast::http;
using heartbeat::ErrorCode;
using tcp = asio::ip::tcp;

// One fetch: it ends once, by its result or by its deadline, and closes its socket with that.
class Fetch : public std::enable_shared_from_this<Fetch> {
public:
    Fetch(asio::io_context& loop, const PageRules& rules, Probe::Done done)
        : rules_(rules),
          done_(std::move(done)),
          timer_(loop),
          resolver_(loop),
          socket_(loop),
          buffer_(Probe::header_max + Probe::body_max) {
        parser_.header_limit(Probe::header_max);
        parser_.body_limit(Probe::body_max);
        request_.method(http::verb::get);
        request_.version(11);
        request_.target(rules_.url.target);
        request_.set(http::field::host, rules_.url.authority);
        request_.set(http::field::user_agent, "arbiter-agent/" ARBITER_VERSION);
        request_.set(http::field::connection, "close");
    }

    void start() {
        timer_.expires_after(rules_.deadline);
        timer_.async_wait([self = shared_from_this()](ErrorCode error) {
            if (!error) self->late();
        });
        ErrorCode literal;
        const auto address = asio::ip::make_address(rules_.url.host, literal);
        if (!literal) {
            std::uint16_t port = 0;  // parse_url has seen that it is one
            std::from_chars(rules_.url.port.data(), rules_.url.port.data() + rules_.url.port.size(),
                            port);
            socket_.async_connect({address, port}, [self = shared_from_this()](ErrorCode error) {
                self->connected(error);
            });
            return;
        }
        resolver_.async_resolve(
            rules_.url.host, rules_.url.port,
            [self = shared_from_this()](ErrorCode error, const tcp::resolver::results_type& found) {
                if (error) return self->fail("no address: ", error);
                if (!self->done_) return;
                asio::async_connect(
                    self->socket_, found,
                    [self](ErrorCode refused, const tcp::endpoint&) { self->connected(refused); });
            });
    }

private:
    void connected(ErrorCode error) {
        if (error) return fail("no connection: ", error);
        if (!done_) return;
        step_ = "sending";
        http::async_write(socket_, request_,
                          [self = shared_from_this()](ErrorCode failed, std::size_t) {
                              if (failed) return self->fail("sending: ", failed);
                              self->read();
                          });
    }
    void read() {
        if (!done_) return;
        step_ = "the page";
        http::async_read(
            socket_, buffer_, parser_,
            [self = shared_from_this()](ErrorCode error, std::size_t) { self->judge(error); });
    }
    void judge(ErrorCode error) {
        if (error == http::error::body_limit || error == http::error::buffer_overflow) {
            return finish(false, false,
                          fmt::format("page larger than {} MiB", Probe::body_max / 1024 / 1024));
        }
        if (error == http::error::header_limit)
            return finish(false, false, "HTTP header too large");
        if (error == http::error::end_of_stream) {
            return finish(false, false, "closed without an answer");
        }
        if (error == http::error::partial_message) {
            return finish(false, false, "closed in the middle of the page");
        }
        if (error &&
            error.category() == http::make_error_code(http::error::bad_version).category()) {
            return finish(false, false, "not HTTP: " + error.message());
        }
        if (error) return fail("reading: ", error);
        const auto& response = parser_.get();
        if (response.result_int() != rules_.status) {
            return finish(true, false,
                          fmt::format("HTTP {}, want {}", response.result_int(), rules_.status));
        }
        if (response.body().find(rules_.contains) == std::string::npos) {
            return finish(true, false, fmt::format("page lacks '{}'", rules_.contains));
        }
        finish(true, true, {});
    }
    void late() {
        const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(rules_.deadline);
        finish(false, false, fmt::format("no answer in {} ms ({})", ms.count(), step_));
    }
    void fail(const char* where, ErrorCode error) { finish(false, false, where + error.message()); }
    void finish(bool web, bool page, std::string why) {
        if (!done_) return;  // the deadline was first
        const Probe::Done done = std::exchange(done_, nullptr);
        timer_.cancel();
        resolver_.cancel();
        ErrorCode ignored;
        socket_.close(ignored);
        done(PageView{web, page, std::move(why)});
    }

    const PageRules rules_;
    Probe::Done done_;
    const char* step_ = "connecting";
    asio::steady_timer timer_;
    tcp::resolver resolver_;
    tcp::socket socket_;
    http::request<http::empty_body> request_;
    boost::beast::flat_buffer buffer_;
    http::response_parser<http::string_body> parser_;
};

}  // namespace

Probe::Probe(asio::io_context& loop, PageRules rules) : loop_(loop), rules_(std::move(rules)) {}

void Probe::fetch(Done done) {
    asio::post(loop_, [fetch = std::make_shared<Fetch>(loop_, rules_, std::move(done))] {
        fetch->start();
    });
}

}  // namespace agent

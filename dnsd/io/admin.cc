#include "dnsd/io/admin.h"

#include "dnsd/config/mistakes.h"
#include "heartbeat/io/asio.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <set>
#include <stdexcept>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace dnsd {

namespace {

namespace asio = heartbeat::asio;
using heartbeat::ErrorCode;
using Protocol = asio::local::stream_protocol;
using Json = nlohmann::ordered_json;

constexpr std::array<std::string_view, 2> commands{"status", "reload"};

std::string refusal(std::string_view why) {
    return Json{{"ok", false}, {"error", why}}.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Root, our own user, or a member of the socket's group: the same that its mode 0660 says, checked
// again because directories and modes get copied and changed.
bool may_ask(int socket, ::gid_t group) {
    ::ucred peer{};
    ::socklen_t size = sizeof peer;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
    if (peer.uid == 0 || peer.uid == ::geteuid() || peer.gid == group) return true;
    std::vector<::gid_t> groups(1024);
    size = static_cast<::socklen_t>(groups.size() * sizeof(::gid_t));
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) != 0) return false;
    groups.resize(size / sizeof(::gid_t));
    return std::find(groups.begin(), groups.end(), group) != groups.end();
}

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
    throw std::runtime_error(fmt::format("the control socket {} can not be opened: {}", path, why));
}

void make_directory(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos || slash == 0) return;
    const std::string directory = path.substr(0, slash);
    if (::mkdir(directory.c_str(), 0750) != 0 && errno != EEXIST)
        refuse(path, fmt::format("its directory can not be made: {}", std::strerror(errno)));
}

// A socket that nobody listens on is what a killed daemon left behind.
void remove_dead_socket(asio::io_context& context, const std::string& path) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) return;
    if (!S_ISSOCK(status.st_mode)) refuse(path, "there is something else than a socket");
    Protocol::socket probe(context);
    ErrorCode error;
    probe.connect(Protocol::endpoint(path), error);
    if (!error) refuse(path, "another arbiter-dnsd answers there");
    if (error != asio::error::connection_refused) refuse(path, error.message());
    ::unlink(path.c_str());
}

}  // namespace

struct Admin::Listener : std::enable_shared_from_this<Listener> {
    class Session;

    Listener(asio::io_context& context, std::string where, Handlers what)
        : acceptor(context), pause(context), path(std::move(where)), handlers(std::move(what)) {}

    void open();
    void accept();
    void close();
    std::string answer(const std::string& line) const;

    Protocol::acceptor acceptor;
    asio::steady_timer pause;
    std::string path;
    Handlers handlers;
    ::gid_t group = 0;
    bool closed = false;
    std::set<std::shared_ptr<Session>> sessions;
};

// One connection: a line in, a line out, again and again until it closes or stays silent.
class Admin::Listener::Session : public std::enable_shared_from_this<Session> {
public:
    Session(Protocol::socket socket, std::weak_ptr<Listener> listener)
        : socket_(std::move(socket)),
          timer_(socket_.get_executor()),
          listener_(std::move(listener)) {}

    int descriptor() { return socket_.native_handle(); }

    void read() {
        start_deadline();
        asio::async_read_until(
            socket_, asio::dynamic_buffer(buffer_, request_bytes_max), '\n',
            [self = shared_from_this()](ErrorCode error, std::size_t size) {
                if (error == asio::error::not_found)
                    return self->write(
                        refusal(fmt::format("a request has at most {} bytes", request_bytes_max)),
                        false);
                if (error) return self->close();
                const std::string line = self->buffer_.substr(0, size - 1);
                self->buffer_.erase(0, size);
                const auto listener = self->listener_.lock();
                if (!listener || listener->closed) return self->close();
                self->write(listener->answer(line), true);
            });
    }

    void write(std::string answer, bool go_on) {
        answer_ = std::move(answer) + "\n";
        start_deadline();
        asio::async_write(socket_, asio::buffer(answer_),
                          [self = shared_from_this(), go_on](ErrorCode error, std::size_t) {
                              if (error || !go_on) return self->close();
                              self->read();
                          });
    }

    void close() {
        ErrorCode ignored;
        timer_.cancel();
        socket_.close(ignored);
        if (const auto listener = listener_.lock()) listener->sessions.erase(shared_from_this());
    }

private:
    void start_deadline() {
        timer_.expires_after(deadline);
        timer_.async_wait([weak = weak_from_this()](ErrorCode error) {
            const auto self = weak.lock();
            if (!error && self) self->close();
        });
    }

    Protocol::socket socket_;
    asio::steady_timer timer_;
    std::weak_ptr<Listener> listener_;
    std::string buffer_;
    std::string answer_;
};

void Admin::Listener::open() {
    make_directory(path);
    auto& context = static_cast<asio::io_context&>(acceptor.get_executor().context());
    remove_dead_socket(context, path);
    ErrorCode error;
    acceptor.open(Protocol(), error);
    if (!error) acceptor.bind(Protocol::endpoint(path), error);
    if (error) refuse(path, error.message());
    // Who came in between bind and chmod is still asked for its credentials.
    struct stat status {};
    if (::chmod(path.c_str(), 0660) != 0 || ::lstat(path.c_str(), &status) != 0)
        refuse(path, std::strerror(errno));
    group = status.st_gid;
    acceptor.listen(static_cast<int>(connections_max), error);
    if (error) refuse(path, error.message());
}

void Admin::Listener::accept() {
    acceptor.async_accept([self = shared_from_this()](ErrorCode error, Protocol::socket socket) {
        if (self->closed) return;
        if (error) {
            // No descriptors left: they come back, and until then this must not spin.
            self->pause.expires_after(std::chrono::milliseconds(100));
            self->pause.async_wait([self](ErrorCode) {
                if (!self->closed) self->accept();
            });
            return;
        }
        auto session = std::make_shared<Session>(std::move(socket), self);
        const int descriptor = session->descriptor();
        if (!may_ask(descriptor, self->group)) {
            session->write(refusal("only root and the group of the control socket may ask"), false);
        } else if (self->sessions.size() >= connections_max) {
            session->write(refusal("too many connections at the control socket"), false);
        } else {
            self->sessions.insert(session);
            session->read();
        }
        self->accept();
    });
}

void Admin::Listener::close() {
    if (closed) return;
    closed = true;
    ErrorCode ignored;
    acceptor.close(ignored);
    pause.cancel();
    const auto open_sessions = std::move(sessions);
    sessions.clear();
    for (const auto& session : open_sessions) session->close();
    ::unlink(path.c_str());
}

std::string Admin::Listener::answer(const std::string& line) const {
    const Json request = Json::parse(line, nullptr, false);
    if (!request.is_object() || !request.contains("command") || !request["command"].is_string())
        return refusal("a request is one JSON object with a \"command\"");
    const auto command = request["command"].get<std::string>();
    if (command == "status") return "{\"ok\":true,\"status\":" + handlers.status_json() + "}";
    if (command == "reload") return handlers.reload();
    const std::string_view meant = did_you_mean(command, commands);
    return refusal(fmt::format("unknown command '{}'{}", command.substr(0, 64),
                               meant.empty() ? "" : fmt::format("; did you mean '{}'?", meant)));
}

Admin::Admin(asio::io_context& context, const std::string& path, Handlers handlers)
    : listener_(std::make_shared<Listener>(context, path, std::move(handlers))) {
    listener_->open();
    listener_->accept();
}

Admin::~Admin() {
    listener_->close();
}

}  // namespace dnsd

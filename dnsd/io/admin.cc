#include "dnsd/io/admin.h"

#include "dnsd/config/mistakes.h"
#include "dnsd/io/operator_request.h"
#include "heartbeat/io/asio.h"

#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace dnsd {

namespace {

namespace asio = heartbeat::asio;
using heartbeat::ErrorCode;
using Protocol = asio::local::stream_protocol;
using Json = nlohmann::ordered_json;

std::vector<std::string_view> commands() {
    std::vector<std::string_view> all{"status", "reload", "history"};
    all.insert(all.end(), operator_commands.begin(), operator_commands.end());
    return all;
}

std::string refusal(std::string_view why) {
    return Json{{"ok", false}, {"error", why}}.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Root, our own user, or a member of the socket's group: the same that its mode 0660 says, checked
// again because directories and modes get copied and changed.
bool may_ask(int socket, const ::ucred& peer, ::gid_t group) {
    if (peer.uid == 0 || peer.uid == ::geteuid() || peer.gid == group) return true;
    std::vector<::gid_t> groups(1024);
    auto size = static_cast<::socklen_t>(groups.size() * sizeof(::gid_t));
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) != 0) return false;
    groups.resize(size / sizeof(::gid_t));
    return std::find(groups.begin(), groups.end(), group) != groups.end();
}

std::optional<::ucred> peer_of(int socket) {
    ::ucred peer{};
    ::socklen_t size = sizeof peer;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return std::nullopt;
    return peer;
}

// By this machine's own file: a directory of users over the network could take its time, and every
// heartbeat with it.
std::string name_of_user(::uid_t uid) {
    const std::unique_ptr<FILE, int (*)(FILE*)> users(std::fopen("/etc/passwd", "re"), &::fclose);
    std::array<char, 4096> buffer;
    ::passwd entry{};
    ::passwd* found = nullptr;
    while (users && ::fgetpwent_r(users.get(), &entry, buffer.data(), buffer.size(), &found) == 0)
        if (found->pw_uid == uid) return found->pw_name;
    return fmt::format("uid {}", uid);
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
    // Says what is to be said of it at once, or leaves that to the handler.
    void answer(const std::string& line, const std::string& by, const Say& say) const;

    Protocol::acceptor acceptor;
    asio::steady_timer pause;
    std::string path;
    Handlers handlers;
    ::gid_t group = 0;
    bool closed = false;
    std::set<std::shared_ptr<Session>> sessions;
};

// One connection: a question in, its answer out, again and again until it closes or stays silent.
class Admin::Listener::Session : public std::enable_shared_from_this<Session> {
public:
    Session(Protocol::socket socket, std::string by, std::weak_ptr<Listener> listener)
        : socket_(std::move(socket)),
          by_(std::move(by)),
          timer_(socket_.get_executor()),
          listener_(std::move(listener)) {}

    void read() {
        start_deadline();
        asio::async_read_until(
            socket_, asio::dynamic_buffer(buffer_, request_bytes_max), '\n',
            [self = shared_from_this()](ErrorCode error, std::size_t size) {
                if (error == asio::error::not_found)
                    return self->write(
                        refusal(fmt::format("a request has at most {} bytes", request_bytes_max)),
                        Then::close);
                if (error) return self->close();
                const std::string line = self->buffer_.substr(0, size - 1);
                self->buffer_.erase(0, size);
                self->ask(line);
            });
    }

    void refuse(const std::string& why) { write(refusal(why), Then::close); }

    void close() {
        ErrorCode ignored;
        timer_.cancel();
        socket_.close(ignored);
        if (const auto listener = listener_.lock()) listener->sessions.erase(shared_from_this());
    }

private:
    enum class Then { wait, read, close };

    void ask(const std::string& line) {
        const auto listener = listener_.lock();
        if (!listener || listener->closed) return close();
        timer_.cancel();
        answering_ = true;
        await_end();
        listener->answer(line, by_, [weak = weak_from_this()](const std::string& said, bool last) {
            const auto self = weak.lock();
            if (self && self->socket_.is_open()) self->write(said, last ? Then::read : Then::wait);
        });
    }

    // Somebody who went away while his answer was prepared does not keep a place.
    void await_end() {
        socket_.async_wait(
            Protocol::socket::wait_read, [self = shared_from_this()](ErrorCode error) {
                char byte = 0;
                if (error || !self->answering_) return;
                if (::recv(self->socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
                    self->close();
            });
    }

    void write(std::string line, Then then) {
        if (lines_.size() >= lines_waiting_max) return close();
        lines_.emplace_back(std::move(line) + "\n", then);
        if (lines_.size() == 1) write_first();
    }

    void write_first() {
        start_deadline();
        asio::async_write(socket_, asio::buffer(lines_.front().first),
                          [self = shared_from_this()](ErrorCode error, std::size_t) {
                              if (error) return self->close();
                              self->written();
                          });
    }

    void written() {
        const Then then = lines_.front().second;
        lines_.pop_front();
        timer_.cancel();
        if (then == Then::close) return close();
        if (!lines_.empty()) return write_first();
        if (then == Then::wait) return;
        answering_ = false;
        read();
    }

    void start_deadline() {
        timer_.expires_after(deadline);
        timer_.async_wait([weak = weak_from_this()](ErrorCode error) {
            const auto self = weak.lock();
            if (!error && self) self->close();
        });
    }

    Protocol::socket socket_;
    std::string by_;
    asio::steady_timer timer_;
    std::weak_ptr<Listener> listener_;
    std::string buffer_;
    std::deque<std::pair<std::string, Then>> lines_;  // of answers, not yet taken
    bool answering_ = false;
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
        const int descriptor = socket.native_handle();
        const auto peer = peer_of(descriptor);
        const bool may = peer && may_ask(descriptor, *peer, self->group);
        auto session = std::make_shared<Session>(
            std::move(socket), may ? name_of_user(peer->uid) : std::string(), self);
        if (!may) {
            session->refuse("only root and the group of the control socket may ask");
        } else if (self->sessions.size() >= connections_max) {
            session->refuse("too many connections at the control socket");
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

void Admin::Listener::answer(const std::string& line, const std::string& by, const Say& say) const {
    const Json request = Json::parse(line, nullptr, false);
    if (!request.is_object() || !request.contains("command") || !request["command"].is_string())
        return say(refusal("a request is one JSON object with a \"command\""), true);
    const auto command = request["command"].get<std::string>();
    if (command == "status")
        return say("{\"ok\":true,\"status\":" + handlers.status_json() + "}", true);
    if (command == "reload") return handlers.reload(say);
    if (command == "history" && handlers.history) return say(handlers.history(line), true);
    const bool acts = std::find(operator_commands.begin(), operator_commands.end(), command) !=
                      operator_commands.end();
    if (acts && handlers.act) return handlers.act(line, by, say);
    const std::string_view meant = did_you_mean(command, commands());
    say(refusal(fmt::format("unknown command '{}'{}", command.substr(0, 64),
                            meant.empty() ? "" : fmt::format("; did you mean '{}'?", meant))),
        true);
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

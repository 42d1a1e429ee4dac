#include "tests/lab/remote.h"

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace lab {

namespace {

constexpr std::size_t line_max = 4096;

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        throw std::runtime_error("the path of this checkout is too long for a socket: " + path);
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return address;
}

int connected(const std::string& path) {
    const int peer = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_un address = address_of(path);
    if (connect(peer, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
        return peer;
    close(peer);
    return -1;
}

std::string read_line(int peer, int wait_ms) {
    std::string line;
    char one = 0;
    pollfd readable{peer, POLLIN, 0};
    while (line.size() < line_max && poll(&readable, 1, wait_ms) > 0 && read(peer, &one, 1) == 1 &&
           one != '\n')
        line += one;
    return line;
}

void write_line(int peer, const std::string& line) {
    const std::string whole = line + "\n";
    // The other side may be gone: nothing is lost by that.
    [[maybe_unused]] const auto sent = send(peer, whole.data(), whole.size(), MSG_NOSIGNAL);
}

}  // namespace

Remote::Remote(std::string path) : path_(std::move(path)) {
    if (const int other = connected(path_); other >= 0) {
        close(other);
        throw std::runtime_error("another ./run of this checkout is running");
    }
    unlink(path_.c_str());
    listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const sockaddr_un address = address_of(path_);
    if (bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        listen(listener_, 4) != 0)
        throw std::runtime_error(path_ + ": " + std::strerror(errno));
}

Remote::~Remote() {
    close(listener_);
    unlink(path_.c_str());
}

void Remote::serve(const std::function<std::string(const std::string&)>& answer) {
    for (;;) {
        const int peer = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (peer < 0) return;
        const std::string line = read_line(peer, 200);
        if (!line.empty()) write_line(peer, answer(line));
        close(peer);
    }
}

std::string ask_remote(const std::string& path, const std::string& line) {
    const int peer = connected(path);
    if (peer < 0) throw std::runtime_error("no ./run is running in this checkout");
    write_line(peer, line);
    const std::string answer = read_line(peer, 60'000);
    close(peer);
    return answer;
}

}  // namespace lab

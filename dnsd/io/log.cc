#include "dnsd/io/log.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <string>

#include <fmt/format.h>

namespace dnsd {
namespace {

std::string_view prefix(Urgency urgency) {
    static const bool journal = ::getenv("JOURNAL_STREAM") != nullptr;
    switch (urgency) {  // sd-daemon(3): SD_ERR, SD_WARNING, SD_INFO
        case Urgency::error:
            return journal ? "<3>" : "arbiter-dnsd: error: ";
        case Urgency::warning:
            return journal ? "<4>" : "arbiter-dnsd: warning: ";
        case Urgency::info:
            break;
    }
    return journal ? "<6>" : "arbiter-dnsd: ";
}

// A pipe that is writable has room for PIPE_BUF bytes, a socket or terminal for this many.
constexpr std::size_t chunk = 512;

// Never waits: who holds the other end, say a stopped pager, must not hold leases with it.
// O_NONBLOCK would do, but it belongs to the open file, which a shell or another program shares.
// Gives what could not be written.
std::string_view write_without_waiting(std::string_view text) {
    while (!text.empty()) {
        pollfd out{STDERR_FILENO, POLLOUT, 0};
        if (::poll(&out, 1, 0) != 1 || (out.revents & POLLOUT) == 0) break;
        const ssize_t written =
            ::write(STDERR_FILENO, text.data(), std::min<std::size_t>(text.size(), chunk));
        if (written <= 0) break;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return text;
}

std::string line_of(Urgency urgency, std::string_view text) {
    std::string line(prefix(urgency));
    for (const char c : text) {
        line += c;
        if (c == '\n') line += "    ";
    }
    return line + '\n';
}

// All threads write through this one: a line is never mixed with another's.
struct Out {
    std::mutex mutex;
    std::size_t lost = 0;
    bool cut = false;  // what went out last has no end of line
};

}  // namespace

void log(Urgency urgency, std::string_view text) {
    static Out out;
    while (text.ends_with('\n')) text.remove_suffix(1);
    const std::lock_guard lock(out.mutex);
    std::string whole = out.cut ? "\n" : "";
    if (out.lost != 0)
        whole += line_of(Urgency::warning, fmt::format("log messages lost before this, as nobody "
                                                       "read them: {}",
                                                       out.lost));
    whole += line_of(urgency, text);
    const std::string_view left = write_without_waiting(whole);
    if (left.empty()) {
        out.lost = 0;
        out.cut = false;
        return;
    }
    ++out.lost;
    if (left.size() < whole.size()) out.cut = whole[whole.size() - left.size() - 1] != '\n';
}

}  // namespace dnsd

#include "dnsd/io/log.h"

#include <cstdlib>

#include <unistd.h>

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

}  // namespace

void log(Urgency urgency, std::string_view text) {
    while (text.ends_with('\n')) text.remove_suffix(1);
    std::string line(prefix(urgency));
    for (const char c : text) {
        line += c;
        if (c == '\n') line += "    ";
    }
    line += '\n';
    std::string_view rest = line;
    while (!rest.empty()) {
        const ssize_t written = ::write(STDERR_FILENO, rest.data(), rest.size());
        if (written <= 0) return;  // nobody reads any more; the daemon must not stop for that
        rest.remove_prefix(static_cast<std::size_t>(written));
    }
}

}  // namespace dnsd

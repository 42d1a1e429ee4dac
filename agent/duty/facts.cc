#include "agent/duty/facts.h"

namespace agent {

std::string_view name_of(Kind kind) {
    switch (kind) {
        case Kind::started:
            return "started";
        case Kind::well:
            return "well";
        case Kind::unwell:
            return "unwell";
        case Kind::granted:
            return "granted";
        case Kind::writable:
            return "writable";
        case Kind::lease_lost:
            return "lease_lost";
        case Kind::demoted:
            return "demoted";
        case Kind::following:
            return "following";
        case Kind::prepared:
            return "prepared";
        case Kind::verb_failed:
            return "verb_failed";
        case Kind::mended:
            return "mended";
        case Kind::relay_lost:
            return "relay_lost";
        case Kind::mismatch:
            return "mismatch";
        case Kind::left:
            return "left";
        case Kind::left_undone:
            return "left_undone";
    }
    return "unknown";
}

std::string log_line(const ServerId& self, const Note& note) {
    std::string line = "event=" + std::string(name_of(note.kind)) +
                       " server=" + std::string(self.text()) +
                       " epoch=" + std::to_string(note.epoch.value);
    if (note.why.empty()) return line;
    line += " why=\"";
    for (const char c : note.why) {
        if (c == '"' || c == '\\') line += '\\';
        line += c >= ' ' && c <= '~' ? c : '?';
    }
    return line + '"';
}

}  // namespace agent

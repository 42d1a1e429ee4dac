#include "dnsd/io/forecast.h"

#include <fmt/format.h>

namespace dnsd {

std::vector<Duration> last_pauses(const std::vector<Decision>& newest_first) {
    std::vector<Duration> pauses;
    for (const Decision& one : newest_first) {
        if (pauses.size() == pauses_shown) break;
        if (one.note.kind == Kind::writable && one.note.planned && one.note.no_writer)
            pauses.push_back(*one.note.no_writer);
    }
    return pauses;
}

void tell_secondaries(Answer& answer, std::size_t secondaries) {
    if (answer.steps.empty() || !answer.steps.back().starts_with("serial ")) return;
    answer.steps.back() +=
        secondaries == 1 ? ", 1 secondary told" : fmt::format(", {} secondaries told", secondaries);
}

}  // namespace dnsd

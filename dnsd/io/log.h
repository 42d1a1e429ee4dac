#pragma once
// One line to stderr, for the journal or a terminal. It never waits for a reader: what cannot be
// written at once is lost, and the next line that goes out is led by how many were.

#include <string>
#include <string_view>

namespace dnsd {

enum class Urgency { info, warning, error };

// "arbiter-dnsd: warning: …"; under systemd (JOURNAL_STREAM is set) the prefix is the journal's
// "<4>" instead. Further lines of a text are indented.
void log(Urgency urgency, std::string_view text);

inline void log_info(std::string_view text) {
    log(Urgency::info, text);
}
inline void log_warning(std::string_view text) {
    log(Urgency::warning, text);
}
inline void log_error(std::string_view text) {
    log(Urgency::error, text);
}

}  // namespace dnsd

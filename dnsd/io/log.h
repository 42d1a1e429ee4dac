#pragma once
// One line to stderr, for the journal or a terminal. A line is one write, so that lines of several
// threads never mix.

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

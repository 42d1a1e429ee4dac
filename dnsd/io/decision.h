#pragma once
// What was decided, as history keeps and shows it (docs/UX.md, "arbiterctl history").

#include "dnsd/arbiter/facts.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dnsd {

struct Decision {
    std::int64_t time_ms = 0;  // since 1970, UTC
    std::string group;
    Note note;
    std::uint64_t number = 0;  // of its group, rising by one; 0: not yet in the ledger
};

// The columns of a table of decisions.
struct DecisionColumns {
    std::string_view what;  // "failover", "out of www"
    std::optional<ServerId> from, to;
    std::string by;  // never empty
};
DecisionColumns columns_of(const Note&);

// One decision's note as text, for the ledger; nullopt when the text is none, or of a release that
// knows kinds which we do not.
std::string note_text(const Note&);
std::optional<Note> read_note(std::string_view text);

}  // namespace dnsd

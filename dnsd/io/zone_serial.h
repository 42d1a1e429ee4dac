#pragma once
// Which serial the next version of a zone gets. What was published never comes back with another
// content, and never goes back (docs/PROTOCOL.md, I7), whatever the operator wrote into the file
// and whatever the clock says. Pure: the time is handed in.

#include "dnsd/publish/serial_style.h"
#include "zones/serial.h"

#include <cstdint>
#include <optional>

namespace dnsd {

// What was published last, as far as it is known.
struct SerialsBefore {
    std::optional<zones::Serial> published;
    std::optional<zones::Serial> file;  // of the zone file that it was made of
};

enum class SerialRule {
    as_in_file,  // the file's own serial is above what was published, or nothing was
    kept,        // the content is what was published: nothing to publish
    not_raised,  // other content under the file's own last serial: our next one
    overtaken,   // the file's serial was raised, but not above what we published meanwhile
    went_back,   // below the file's own last serial, with other content: an operator's mistake
};

struct SerialChoice {
    zones::Serial serial;
    SerialRule rule;
    friend bool operator==(const SerialChoice&, const SerialChoice&) = default;
};

// The serial after `published`, in the style; strictly above it whatever `unix_seconds` says.
zones::Serial serial_after(zones::Serial published, SerialStyle style, std::int64_t unix_seconds);

// For went_back: the serial that it is published under if it has to be.
SerialChoice choose_serial(zones::Serial in_file, const SerialsBefore& before, bool content_changed,
                           SerialStyle style, std::int64_t unix_seconds);

}  // namespace dnsd

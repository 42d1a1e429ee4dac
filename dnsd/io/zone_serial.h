#pragma once
// Which serial the next version of a zone gets. What was published never comes back with another
// content, and never goes back (docs/PROTOCOL.md, I7), whatever the operator wrote into the file.

#include "zones/serial.h"

#include <optional>

namespace dnsd {

enum class SerialRule {
    as_in_file,  // the file's own serial is above what was published, or nothing was
    kept,        // the content is what was published: nothing to publish
    not_raised,  // other content under the serial that is published: one above
    went_back,   // the file's serial is below what is published: one above that
};

struct SerialChoice {
    zones::Serial serial;
    SerialRule rule;
    friend bool operator==(const SerialChoice&, const SerialChoice&) = default;
};

SerialChoice choose_serial(zones::Serial in_file, std::optional<zones::Serial> published,
                           bool content_changed);

}  // namespace dnsd

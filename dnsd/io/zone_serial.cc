#include "dnsd/io/zone_serial.h"

namespace dnsd {

SerialChoice choose_serial(zones::Serial in_file, std::optional<zones::Serial> published,
                           bool content_changed) {
    if (!published || in_file > *published) return {in_file, SerialRule::as_in_file};
    if (!content_changed) return {*published, SerialRule::kept};
    // RFC 1982 §3.2: a serial half the circle away is neither above nor below; a secondary would
    // not follow to it.
    return {published->next(),
            in_file == *published ? SerialRule::not_raised : SerialRule::went_back};
}

}  // namespace dnsd

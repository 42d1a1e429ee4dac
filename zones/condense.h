#pragma once
// Many steps of a zone as one (RFC 1995 §5): the records that all of them together took away and
// brought. What came and went again on the way is not told.

#include "zones/delta.h"
#include "zones/history.h"

#include <cstddef>
#include <optional>

namespace zones {

// The steps of `history` as one; nullopt when it has none or when, on the way, more than about
// `bytes_max` would have to be remembered. The work is in proportion to the bytes of the steps.
std::optional<Delta> condense(const History& history, std::size_t bytes_max);

}  // namespace zones

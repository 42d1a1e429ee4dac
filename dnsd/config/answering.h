#pragma once
// What [dns] says of how questions are answered, beside the zones: who we say that we are, and
// cookies.

#include "dnsd/config/config.h"
#include "dnsd/config/fields.h"

namespace dnsd {

// Fills in `config`; paths are taken as they stand.
void read_answering(Table& dns, Config& config);

}  // namespace dnsd

#pragma once
// How the zone files and the configuration are read while the daemon runs, and what is logged of
// it.

#include "dnsd/io/loader.h"
#include "dnsd/io/setup.h"
#include "dnsd/io/zone_store.h"

#include <vector>

namespace dnsd {

// Refuses what the groups' live names do not go with.
ZoneReader zone_reader_for(const Setup& setup);
// Empty without a configuration. It runs in the loader's thread and remembers what it took.
Loader::ConfigReader config_reader_for(const Setup& setup);

// What a reload says of the configuration.
void log_config(const ConfigAgain& again);
// At most zone_lines_max of them.
void log_lines(std::vector<ZoneStore::Line> lines);

}  // namespace dnsd

#pragma once
// What the operator is told of a zone's file: its mistakes, and a serial that is not as it should
// be, with what to write instead.

#include "dnsd/io/log.h"
#include "dnsd/io/zone_files.h"
#include "dnsd/io/zone_serial.h"

#include <optional>
#include <string>
#include <vector>

namespace dnsd {

struct ZoneLine {
    Urgency urgency;
    std::string text;
};

constexpr std::size_t mistakes_told_max = 10;  // of one zone; the rest are counted

// A zone with ten thousand mistakes must not bury the others. `where_all` says where to see them
// all; it may be empty.
void tell_mistakes(const ZoneRead& read, const std::string& where_all,
                   std::vector<ZoneLine>& lines);

// Of a serial that is not the file's; empty when there is nothing to say.
std::string serial_advice(const zones::Name& zone, const std::string& path, zones::Serial in_file,
                          const SerialsBefore& before, const SerialChoice& choice);

// SerialRule::went_back, at its place in the file. `served_as`: nothing else could be served, and
// the records are under this serial; else what was published before still is.
zones::Mistake serial_went_back(const ZoneRead::SoaPlace& place, zones::Serial in_file,
                                const SerialsBefore& before,
                                std::optional<zones::Serial> served_as);

}  // namespace dnsd

#pragma once
// Zones from master files (RFC 1035 §5), with every mistake told at its place. Record data is read
// by ldns. This room opens no file: it is handed an opener.

#include "zones/zone.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <tl/expected.hpp>

namespace zones {

struct Mistake {
    enum Severity { error, warning };

    std::string file;
    unsigned line = 0, column = 0;  // from 1; 0 when the mistake is of the file as a whole
    Severity severity = error;
    std::string what;
    std::string hint;  // may be empty

    // "file:line:column: error: what", and the hint on a line of its own.
    std::string text() const;
};

// Where a watched name was first given records.
struct Place {
    Name name;
    std::string file;
    unsigned line = 0, column = 0;
};

// Of numbers in the SOA.
struct SoaPlaces {
    Place serial, refresh, minimum;
};

// A DNAME or a cut (NS below the apex) above a watched name, which it takes out of the zone
// (RFC 6672 §2.3, RFC 1034 §4.2.1). The first of its type there.
struct Cover {
    Place place;
    Type type;
};

struct Loaded {
    std::shared_ptr<const Zone> zone;  // null when any mistake is an error
    std::vector<Mistake> mistakes;     // in file order, then of the whole; bounded (zones/flaw.h)
    std::vector<std::string> files;    // all that were read, the zone's own first
    std::vector<Place> seen;           // of the names that were watched for, in file order
    std::vector<Cover> covers;         // in file order
    std::optional<SoaPlaces> soa;      // of the first; none where it is not written out
};

// Reads a file (the zone's own, or of an $INCLUDE): the text, or a sentence why not.
using Opener = std::function<tl::expected<std::string, std::string>(const std::string& path)>;

inline constexpr std::size_t include_depth_max = 16;
inline constexpr std::size_t include_files_max = 1000;
inline constexpr std::uint64_t text_size_max = std::uint64_t{1} << 33;  // of all files of a zone
inline constexpr std::size_t watched_max = 1000;

// `watch`: names that are made elsewhere. Their first place in the files is wanted in Loaded::seen,
// what hides them in Loaded::covers, and who names them as a host is not told that they have no
// address.
Loaded load_zone(const Name& origin, const std::string& path, const Opener& open,
                 std::span<const Name> watch = {});

}  // namespace zones

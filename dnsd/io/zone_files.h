#pragma once
// Zone files on disk: which there are, what they say, and whether that has changed since they were
// last read. Judged by content: a file that was only touched is not read as a change, and one that
// was replaced within the clock's tick is.

#include "zones/difference.h"
#include "zones/zonefile.h"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace dnsd {

constexpr std::size_t zone_file_bytes_max = std::size_t{1} << 31;

// The whole text of a file or one sentence why not.
tl::expected<std::string, std::string> read_text(const std::string& path);

struct ZoneSource {
    zones::Name origin;
    std::string path;
    std::vector<zones::Name> watch;  // names whose place in the file matters (zones::Loaded::seen)
};

struct ZoneSources {
    std::vector<ZoneSource> sources;       // by path
    std::vector<zones::Mistake> mistakes;  // file names that are no zone names
};
using ZonePaths = std::map<zones::Name, std::string>;
// Every NAME.zone in the directory, links followed; root.zone is the root, and names that begin
// with a dot are passed over. Of two files for one zone it is the one of `before`, else the first.
// The error is a sentence: the directory cannot be read.
tl::expected<ZoneSources, std::string> zones_in(const std::string& directory,
                                                const ZonePaths& before = {});

struct ZoneRead {
    enum class Outcome {
        unchanged,  // not a byte differs from the last good reading
        loaded,     // a new version, though `content` may be the one before
        failed,     // `mistakes` say why; the last good reading stands
    };
    // Of the SOA's serial; line 0 when it is not known.
    struct SoaPlace {
        std::string file;
        unsigned line = 0, column = 0;
    };
    ZoneSource source;
    Outcome outcome = Outcome::unchanged;
    std::shared_ptr<const zones::Zone> zone = nullptr;  // the new version, for `loaded`
    std::vector<zones::Mistake> mistakes = {};          // of severity warning for `loaded`
    std::string content = {};                           // zones::content_digest, for `loaded`
    SoaPlace soa = {};                                  // for `loaded`
    // From what was served when the reading began, for `loaded`; null: it was not compared.
    std::shared_ptr<const zones::BaseDifference> difference = nullptr;
};

// Remembers what it read, to tell what is new. Used by one thread at a time.
class ZoneReader {
public:
    // What else is wrong with a zone that the parser takes.
    using Inspect = std::function<std::vector<zones::Mistake>(const zones::Loaded&)>;

    explicit ZoneReader(Inspect inspect = {}) : inspect_(std::move(inspect)) {}

    // Reads what changed. Zones that are not in `sources` any more are forgotten.
    std::vector<ZoneRead> read(const std::vector<ZoneSource>& sources);
    // What was read last got lost: all is read anew by the next.
    void forget() noexcept { known_.clear(); }

private:
    // No zone itself: a large one would be held in a third copy while a reload reads the next.
    struct Known {
        std::vector<std::string> files;
        std::string bytes;  // digest of all files
    };
    ZoneRead read_one(const ZoneSource& source, const Known* known, Known& now) const;

    Inspect inspect_;
    std::map<zones::Name, Known> known_;
};

}  // namespace dnsd

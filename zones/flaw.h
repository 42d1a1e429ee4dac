#pragma once
// What is wrong, or odd, with the records of a zone, each at its place. However broken a zone is,
// what is kept of it is bounded: of each kind the first ones by place, and how many there were.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace zones {

// All but `error` are warnings.
enum class FlawKind : std::uint8_t {
    error,
    ttl,        // one RRset, several TTLs
    duplicate,  // one record, twice
    outside,    // not in the zone
    owner,      // no name for a host, and has addresses
    target,     // no name for a host, and is to be one
    glue,       // a cut's server within the zone
    address,    // a target without address
    alias,      // a target that is an alias
    wildcard,
    occluded,  // below a cut or a DNAME
    soa,
    other,
};
inline constexpr std::size_t flaw_kinds = static_cast<std::size_t>(FlawKind::other) + 1;
// "records below a cut or a DNAME": what a count of them is a count of.
const char* plural_of(FlawKind kind);

struct Flaw {
    static constexpr std::uint64_t whole = ~std::uint64_t{0};

    std::uint64_t tag = 0;  // of the record: a Place packed, or Flaw::whole
    FlawKind kind = FlawKind::error;
    std::string what;
    std::string hint;
    std::size_t order = 0;  // among those of one place
};

// Places of records as numbers, in file order. Columns far out are all one.
struct FlawPlace {
    static constexpr unsigned file_shift = 52, line_shift = 20;

    std::size_t file = 0;
    unsigned line = 0, column = 0;

    std::uint64_t tag() const {
        constexpr std::uint64_t column_max = (1U << line_shift) - 1;
        return std::uint64_t{file} << file_shift | std::uint64_t{line} << line_shift |
               std::min<std::uint64_t>(column, column_max);
    }
    static FlawPlace of(std::uint64_t tag) {
        return {static_cast<std::size_t>(tag >> file_shift),
                static_cast<unsigned>(tag >> line_shift & 0xffff'ffff),
                static_cast<unsigned>(tag & ((1U << line_shift) - 1))};
    }
};

class Flaws {
public:
    static constexpr std::size_t errors_max = 10'000;
    static constexpr std::size_t warnings_max = 100;  // of one kind

    // `make` gives what and hint; it is called only when the flaw is kept.
    template <class Make>
    void tell(std::uint64_t tag, FlawKind kind, Make make) {
        Kept& kept = kinds_[static_cast<std::size_t>(kind)];
        ++kept.seen;
        if (kept.flaws.size() == (kind == FlawKind::error ? errors_max : warnings_max)) {
            if (tag >= kept.flaws.front().tag) return;
            std::pop_heap(kept.flaws.begin(), kept.flaws.end(), before);
            kept.flaws.pop_back();
        }
        std::pair<std::string, std::string> text = make();
        kept.flaws.push_back({tag, kind, std::move(text.first), std::move(text.second), kept.seen});
        std::push_heap(kept.flaws.begin(), kept.flaws.end(), before);
    }
    void tell(std::uint64_t tag, FlawKind kind, std::string what, std::string hint) {
        tell(tag, kind, [&] { return std::pair(std::move(what), std::move(hint)); });
    }

    bool any_error() const { return !kinds_[0].flaws.empty(); }
    std::size_t seen(FlawKind kind) const { return kinds_[static_cast<std::size_t>(kind)].seen; }
    // What was told and is not among flaws().
    std::size_t dropped(FlawKind kind) const {
        const Kept& kept = kinds_[static_cast<std::size_t>(kind)];
        return kept.seen - kept.flaws.size();
    }
    // By place; those of the whole zone come last.
    std::vector<Flaw> flaws() const;

private:
    static bool before(const Flaw& a, const Flaw& b) {
        return std::pair(a.tag, a.order) < std::pair(b.tag, b.order);
    }
    struct Kept {
        std::vector<Flaw> flaws;  // a heap, the last place on top
        std::size_t seen = 0;
    };
    std::array<Kept, flaw_kinds> kinds_;
};

}  // namespace zones

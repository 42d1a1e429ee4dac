#pragma once
// Where the groups' records live, as all above it sees that: load, and compare-and-store. Whatever
// can do these two can keep them.

#include "dnsd/io/decision.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

namespace dnsd {

struct StoreError {
    enum class Kind {
        conflict,  // another revision is there than was expected: somebody else decides, too
        failed,    // nothing was stored, or that is not known
    };
    Kind kind = Kind::failed;
    std::string text;  // one sentence
};

struct RecordStore {
    // Nullopt: there was never one. The error says why what is there can not be read: it may be
    // taken for nothing else than a record that is lost.
    using Loaded = tl::expected<std::optional<Record>, std::string>;
    std::function<Loaded(const std::string& group)> load;
    // Durable when it returns without error, in the place of the record that has the expected
    // revision; nullopt: in the place of none, or of one that can not be read. `story` is what was
    // decided with it, and goes with it.
    std::function<tl::expected<void, StoreError>(
        const std::string& group, std::optional<std::uint64_t> expected, const Record& record,
        const std::vector<Decision>& story)>
        store;
};

}  // namespace dnsd

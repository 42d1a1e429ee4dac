#pragma once
// The difference of two versions of a zone. It costs in proportion to what changed since the base
// that both share, or since the fold that made one's base of the other's; where a file was read
// anew the two bases are compared name by name, which may be done ahead and elsewhere.

#include "zones/delta.h"
#include "zones/zone.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

namespace zones {

// The names in which the bases of two zones differ. Holds on to both bases, at four bytes a name.
class BaseDifference {
public:
    // Is this about the bases of these two? Live changes to either leave it so, until one of them
    // folds its overlay.
    bool is_of(const Zone& before, const Zone& after) const;
    std::size_t names() const { return changed_.size() + added_.size(); }

private:
    friend std::shared_ptr<const BaseDifference> compare_bases(const Zone&, const Zone&);
    friend class Comparison;

    std::shared_ptr<const Zone::Base> before_, after_;
    // Places of nodes, in words: in `before_`, of what is not the same in `after_`; in `after_`, of
    // what is not in `before_`.
    std::vector<std::uint32_t> changed_, added_;
};

// Costs a walk of both; for a thread that has the time.
std::shared_ptr<const BaseDifference> compare_bases(const Zone& before, const Zone& after);

// What turns `before` into `after`, two versions of one zone. When they have no base in common, and
// `known` is not about theirs, their bases are compared here and now.
Delta difference(const Zone& before, const Zone& after, const BaseDifference* known = nullptr);
// The same, or nullopt when it has more than `bytes_max`; the work is bounded then, too.
std::optional<Delta> difference_within(std::size_t bytes_max, const Zone& before, const Zone& after,
                                       const BaseDifference* known = nullptr);

}  // namespace zones

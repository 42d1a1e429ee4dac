#include "tests/sim/network.h"

#include <algorithm>

namespace sim {

Network::Fate Network::send(std::size_t from, std::size_t to, True now, bool troubled) {
    Stream& stream = chance_.of(Purpose::network, from);
    const auto delay = [&] {
        const Duration slow = std::max(slow_[from], slow_[to]);
        // A fault that is soon over is one of less than a millisecond.
        if (slow > Duration::zero())
            return stream.between(std::min(millisecond, slow.count()), slow.count());
        if (troubled && stream.chance(climate_.straggling))
            return stream.between(millisecond, 3 * climate_.expiry().count());
        return stream.between(millisecond / 10, 4 * millisecond);
    };
    // Drawn in any case, so that a cut leaves the fate of what comes later as it was.
    Fate fate;
    const bool lost = troubled && stream.chance(climate_.loss_share);
    const bool twice = troubled && stream.chance(climate_.duplication);
    fate.at[0] = now + delay();
    if (twice) fate.at[1] = now + delay();
    if (!lost && open(from, to)) fate.copies = twice ? 2 : 1;
    return fate;
}

std::size_t Parcels::put(Parcel&& parcel, std::size_t copies) {
    if (free_.empty()) {
        free_.push_back(slots_.size());
        slots_.emplace_back();
    }
    const std::size_t place = free_.back();
    free_.pop_back();
    slots_[place].parcel = std::move(parcel);
    slots_[place].copies = copies;
    return place;
}

Parcel Parcels::take(std::size_t place) {
    if (--slots_[place].copies > 0) return slots_[place].parcel;
    free_.push_back(place);
    return std::move(slots_[place].parcel);
}

}  // namespace sim

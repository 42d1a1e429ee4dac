#include "zones/ixfr.h"

#include "zones/condense.h"

#include <algorithm>
#include <memory>

namespace zones {

namespace {

// A step is two SOA records at the least, so that of more none fit into a datagram of 4096 bytes,
// which is the largest: no question by UDP costs more than to look at these.
constexpr std::size_t datagram_steps_max = 64;

// As a transfer has it: the SOA comes first and last.
bool pays(std::size_t steps_bytes, const Zone& zone) {
    return steps_bytes <= zone.told_bytes();
}

bool write_half(Writer& writer, const Delta& delta, Delta::Half half) noexcept {
    std::size_t at = 0;
    while (const auto group = delta.next(half, at)) {
        const Path owner(group->owner);
        for (std::size_t i = 0; i < group->records.size();
             i += RRsetView::record_size(group->records.data() + i))
            if (!writer.record(Section::answer, owner, owner.depth(), group->records.data() + i))
                return false;
    }
    return true;
}

bool write_steps(Writer& writer, const Path& origin, const History& history,
                 std::size_t steps) noexcept {
    const std::byte* const soa = history.newest()->soa().records().data();
    if (!writer.record(Section::answer, origin, origin.depth(), soa)) return false;
    for (std::size_t i = history.size() - steps; i < history.size(); ++i)
        for (const auto half : {Delta::Half::deleted, Delta::Half::added})
            if (!write_half(writer, *history.step(i), half)) return false;
    return writer.record(Section::answer, origin, origin.depth(), soa);
}

}  // namespace

std::optional<History> told_by_ixfr(const History& history, Serial serial) {
    const Zone& zone = *history.newest();
    // RFC 1995 §2. Half the circle away from us is no version that we could lead on from.
    if (serial == zone.serial() || serial > zone.serial()) return std::nullopt;
    const History whole = history.recent(0);
    const auto way = history.way_from(serial);
    if (!way) return whole;
    const History steps = history.recent(way->steps);
    // One step is as good as many when it is much shorter: then most of what they tell went again.
    if (way->steps > 1 && way->bytes <= condensed_from_max) {
        if (auto one = condense(steps, std::min(condensed_max, way->bytes / 2))) {
            if (!pays(one->bytes(), zone)) return whole;
            return whole.with_step(std::make_shared<const Delta>(std::move(*one)));
        }
    }
    return pays(way->bytes, zone) ? steps : whole;
}

bool write_ixfr(Writer& writer, const Path& origin, const History& history,
                Serial serial) noexcept {
    const auto way = history.way_from(serial, datagram_steps_max);
    // What fits into a datagram is at most a few times shorter there than in the history.
    if (!way || !(serial < history.newest()->serial())) return false;
    const Writer::Mark before = writer.mark();
    writer.exact();
    if (write_steps(writer, origin, history, way->steps)) return true;
    writer.rewind(before);
    return false;
}

}  // namespace zones

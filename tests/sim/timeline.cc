#include "tests/sim/timeline.h"

#include "agent/duty/sequence.h"

#include <algorithm>

namespace sim {

std::uint64_t Timeline::sequence(Point at) const {
    const Branch& branch = branches_[at.branch];
    return at.length == 0 ? 0 : branch.first + (at.length - branch.fork - 1);
}

Point Timeline::written(Point at, std::uint32_t server, Epoch epoch, std::uint64_t count,
                        bool raised) {
    Branch& here = branches_[at.branch];
    const bool own = here.server == server && here.epoch == epoch && !raised;
    if (own && here.tip == at.length) {
        here.tip += count;
        return {at.branch, here.tip};
    }
    const std::uint64_t last = raised ? agent::raised_sequence(epoch, sequence(at)) : sequence(at);
    branches_.push_back({at.branch, at.length, server, epoch, last + 1, at.length + count});
    return {static_cast<std::uint32_t>(branches_.size() - 1), at.length + count};
}

Point Timeline::cut(Point at, std::uint64_t length) const {
    at.length = std::min(at.length, length);
    while (at.branch != 0 && at.length <= branches_[at.branch].fork)
        at.branch = branches_[at.branch].parent;
    return at;
}

// A branch has a higher number than the one that it comes from.
bool Timeline::begins(Point a, Point b) const {
    if (a.length > b.length) return false;
    while (b.branch > a.branch) b = {branches_[b.branch].parent, branches_[b.branch].fork};
    return a.branch == b.branch && a.length <= b.length;
}

Point Timeline::common(Point a, Point b) const {
    while (a.branch != b.branch) {
        Point& up = a.branch > b.branch ? a : b;
        const Branch& branch = branches_[up.branch];
        up = {branch.parent, std::min(up.length, branch.fork)};
    }
    return cut(a, b.length);
}

heartbeat::GtidPosition Timeline::position(Point at) const {
    if (at.length == 0) return {};
    return *heartbeat::GtidPosition::of({{0, branches_[at.branch].server, sequence(at)}});
}

std::optional<Point> Timeline::find(Point of, Point in) const {
    if (of.length == 0) return of;
    const std::uint32_t server = branches_[of.branch].server;
    const std::uint64_t wanted = sequence(of);
    for (Point at = in; at.length > 0;) {
        const Branch& branch = branches_[at.branch];
        if (branch.server == server && wanted >= branch.first && wanted <= sequence(at))
            return cut(at, branch.fork + 1 + (wanted - branch.first));
        at = cut(at, branch.fork);
    }
    return std::nullopt;
}

bool Timeline::wrote(std::uint32_t server, Point from, Point to, std::optional<Epoch> epoch) const {
    const Point shared = common(from, to);
    while (to.length > shared.length) {
        const Branch& branch = branches_[to.branch];
        if (branch.server == server && (!epoch || branch.epoch == *epoch)) return true;
        to = cut(to, branches_[to.branch].fork);
    }
    return false;
}

}  // namespace sim

#pragma once
// The newest version of a zone, and how it came to be: what transfers can tell.

#include "zones/zone.h"

#include <cassert>
#include <memory>
#include <utility>

namespace zones {

class History {
public:
    explicit History(std::shared_ptr<const Zone> zone) : newest_(std::move(zone)) {
        assert(newest_ != nullptr);
    }

    const std::shared_ptr<const Zone>& newest() const { return newest_; }
    const Name& origin() const { return newest_->origin(); }
    // The history with `next` on top; `next` is a version of the same zone.
    History advance(std::shared_ptr<const Zone> next) const {
        assert(next != nullptr && next->origin() == origin());
        return History(std::move(next));
    }

private:
    std::shared_ptr<const Zone> newest_;
};

}  // namespace zones

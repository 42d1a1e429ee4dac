#include "dnsd/arbiter/lately.h"

#include <algorithm>

namespace dnsd {

bool Lately::anew(Kind kind, const std::string& why, Instant now) {
    std::erase_if(told_, [&](const Told& one) { return now - one.at >= again; });
    std::size_t count = 0;
    for (const Told& one : told_) {
        if (one.kind != kind) continue;
        if (one.why == why) return false;
        ++count;
    }
    if (count >= most) return false;
    told_.push_back({kind, why, now});
    return true;
}

bool Seldom::tell(Instant now) {
    if (room_ == at_once) since_ = now;
    for (; room_ < at_once && now - since_ >= every; since_ += every) ++room_;
    if (room_ == 0) {
        ++untold_;
        return false;
    }
    --room_;
    return true;
}

}  // namespace dnsd

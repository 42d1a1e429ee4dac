#include "heartbeat/replay.h"

#include <algorithm>
#include <cstring>

namespace heartbeat {

std::size_t NonceMemory::Hash::operator()(const Nonce& nonce) const {
    // Only nonces of a peer that knows the key get here, and they are random: no mixing needed.
    std::size_t hash = 0;
    std::memcpy(&hash, nonce.data(), sizeof hash);
    return hash;
}

bool NonceMemory::seen(const Nonce& nonce) const {
    return young_.contains(nonce) || old_.contains(nonce);
}

void NonceMemory::record(const Nonce& nonce) {
    if (young_.size() >= generation_max) {
        old_ = std::move(young_);
        young_.clear();
    }
    young_.insert(nonce);
}

bool TokenBucket::take(Instant now) {
    if (!filled_) {
        tokens_ = burst_;
        filled_ = now;
    } else if (now > *filled_) {
        const std::chrono::duration<double> passed = now - *filled_;
        tokens_ = std::min(burst_, tokens_ + passed.count() * rate_);
        filled_ = now;
    }
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
}

BootMemory::Verdict BootMemory::judge(const BootId& boot, std::uint64_t counter) const {
    if (present_ && present_->id == boot)
        return counter > present_->last ? Verdict::fresh : Verdict::old;
    for (const Boot& each : replaced_)
        if (each.id == boot) return counter > each.last ? Verdict::replaced : Verdict::old;
    return Verdict::unknown;
}

bool BootMemory::heard(const BootId& boot, std::uint64_t counter, Instant now) {
    if (present_ && present_->id == boot) {
        present_->last = std::max(present_->last, counter);
        return false;
    }
    for (Boot& each : replaced_) {
        if (each.id != boot) continue;
        each.last = std::max(each.last, counter);
        return now - each.replaced > straggler_max;
    }
    return false;
}

bool BootMemory::admit(const BootId& boot, std::uint64_t counter, Instant now) {
    if (present_) {
        if (replaced_.size() >= replaced_max) {
            if (now - replaced_.front().replaced <= keep_) return false;
            replaced_.erase(replaced_.begin());
        }
        present_->replaced = now;
        replaced_.push_back(*present_);
    }
    present_ = Boot{boot, counter, {}};
    return true;
}

}  // namespace heartbeat

#pragma once
// What was heard before is not heard again: nonces, counters of boots, and how much a peer may say.
// Pure and bounded; one of each stands in session.h for every peer.

#include "heartbeat/identity.h"
#include "heartbeat/seal.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_set>
#include <vector>

namespace heartbeat {

// The last nonces of a peer, at least generation_max of them: two generations, the older one is
// forgotten whole when the younger is full.
class NonceMemory {
public:
    static constexpr std::size_t generation_max = 512;

    bool seen(const Nonce& nonce) const;
    void record(const Nonce& nonce);
    std::size_t size() const { return young_.size() + old_.size(); }

private:
    struct Hash {
        std::size_t operator()(const Nonce& nonce) const;
    };
    std::unordered_set<Nonce, Hash> young_;
    std::unordered_set<Nonce, Hash> old_;
};

// `burst` at once, `per_second` on the long run.
class TokenBucket {
public:
    TokenBucket(double per_second, double burst) : rate_(per_second), burst_(burst) {}
    bool take(Instant now);

private:
    double rate_;
    double burst_;
    double tokens_ = 0;
    std::optional<Instant> filled_;
};

// The boots of one agent: the one that speaks now, and those that it replaced.
class BootMemory {
public:
    // Replaced boots that are remembered. None is forgotten while a cookie of its time still
    // admits (`keep`), or it could come in again by a replay; rather a new boot has to wait.
    static constexpr std::size_t replaced_max = 64;
    // A datagram of a replaced boot that is younger than this may have been on the way; later ones
    // prove that the machine still runs somewhere.
    static constexpr Duration straggler_max = std::chrono::seconds(10);

    explicit BootMemory(Duration keep) : keep_(keep) {}

    enum class Verdict {
        unknown,   // a boot never heard of
        fresh,     // the boot that speaks now, and a new counter
        old,       // of the present boot or a replaced one, at or below its last counter
        replaced,  // of a replaced boot, above its last counter: another machine under one name
    };
    Verdict judge(const BootId& boot, std::uint64_t counter) const;
    // After the signature was found good. Notes the counter; for a replaced boot, true when it is
    // surely a clone and no straggler.
    bool heard(const BootId& boot, std::uint64_t counter, Instant now);
    // A new boot takes over; false when too many did lately.
    bool admit(const BootId& boot, std::uint64_t counter, Instant now);

    const BootId* present() const { return present_ ? &present_->id : nullptr; }

private:
    struct Boot {
        BootId id;
        std::uint64_t last = 0;
        Instant replaced{};
    };
    Duration keep_;
    std::optional<Boot> present_;
    std::vector<Boot> replaced_;  // oldest first
};

}  // namespace heartbeat

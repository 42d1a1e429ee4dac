#pragma once
// The newest version of a zone, and the steps by which it came to be: what transfers can tell. An
// immutable value; versions of it share their steps, so that the next one costs the same however
// long it is.

#include "zones/delta.h"
#include "zones/zone.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace zones {

class BaseDifference;

struct HistoryLimits {
    static constexpr std::size_t deltas_most = 65536;

    std::size_t deltas_max = 1000;  // at most deltas_most
    std::size_t bytes_max = std::size_t{16} << 20;
    friend bool operator==(const HistoryLimits&, const HistoryLimits&) = default;
};

class History {
public:
    // However small a zone is, so much of its history is kept: many changes of one name come down
    // to a few records when they are told together.
    static constexpr std::size_t bytes_min = 16 * 1024;

    explicit History(std::shared_ptr<const Zone> zone, HistoryLimits limits = {});
    // With the unbroken chain of `oldest_first` that ends at the serial of `newest`.
    static History resume(std::shared_ptr<const Zone> newest,
                          std::span<const std::shared_ptr<const Delta>> oldest_first,
                          HistoryLimits limits = {});

    const std::shared_ptr<const Zone>& newest() const { return newest_; }
    const Name& origin() const { return newest_->origin(); }
    const HistoryLimits& limits() const { return limits_; }

    // The history with `next` on top; `next` is a version of the same zone. The step to it is kept
    // when its serial is higher (RFC 1982) and the step is within the limits; else nothing is, as
    // no client could get across.
    History advance(std::shared_ptr<const Zone> next, const BaseDifference* known = nullptr) const;
    History with(HistoryLimits limits) const;
    // With the last `steps` steps alone.
    History recent(std::size_t steps) const;
    // With one more step to the newest version; this has none that leads elsewhere.
    History with_step(std::shared_ptr<const Delta> step) const;

    std::size_t size() const { return size_; }
    // Of all deltas.
    std::size_t bytes() const { return end_bytes_ - begin_bytes_; }
    std::vector<std::shared_ptr<const Delta>> deltas() const;  // oldest first
    // The step to the newest version; null when it is not known.
    std::shared_ptr<const Delta> last() const;

    // The way from a serial to the newest version: the last so many steps, in so many bytes. No
    // more than `steps_max` are looked at.
    struct Way {
        std::size_t steps = 0;
        std::size_t bytes = 0;
    };
    std::optional<Way> way_from(Serial serial,
                                std::size_t steps_max = HistoryLimits::deltas_most) const noexcept;
    const std::shared_ptr<const Delta>& step(std::size_t number) const;  // 0 is the oldest

private:
    struct Step {
        std::shared_ptr<const Delta> delta;
        Serial from;
        std::uint64_t end_bytes = 0;  // of all up to this one, those that were dropped too
    };
    // All but the first and the last have chunk_size steps.
    static constexpr std::size_t chunk_size = 32;
    using Chunk = std::vector<Step>;

    void append(std::shared_ptr<const Delta> delta);
    void drop(std::size_t count);
    void keep_limits();
    void forget();
    const Step& at(std::size_t number) const;
    // What may be kept beside this zone.
    std::size_t bytes_limit() const;

    std::shared_ptr<const Zone> newest_;
    HistoryLimits limits_;
    std::vector<std::shared_ptr<const Chunk>> chunks_;
    std::size_t size_ = 0;
    std::uint64_t begin_bytes_ = 0, end_bytes_ = 0;
};

}  // namespace zones

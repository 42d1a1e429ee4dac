#pragma once
// The one cell that crosses threads: the control thread stores the next immutable value, the query
// threads read the current one. std::atomic<std::shared_ptr> would be shorter, but ThreadSanitizer
// reports a race inside libstdc++ 12's; this is a mutex behind a generation number, so that a
// reader pays one atomic load as long as nothing has changed.

#include <atomic>
#include <cassert>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace dnsd {

template <typename T>
class PublishedCell {
public:
    using Pointer = std::shared_ptr<const T>;

    explicit PublishedCell(Pointer first) : value_(std::move(first)) { assert(value_); }
    PublishedCell(const PublishedCell&) = delete;
    PublishedCell& operator=(const PublishedCell&) = delete;

    // By one thread alone, as is sweep().
    void store(Pointer next) {
        assert(next);
        retired_.reserve(retired_.size() + 1);  // what fails for want of memory has not happened
        {
            const std::lock_guard lock(mutex_);
            value_.swap(next);
            // Inside the lock, so that a reader never pairs this generation with the value before.
            generation_.fetch_add(1, std::memory_order_release);
        }
        retired_.push_back(std::move(next));
        sweep();
    }

    // Values before that readers have let go of die here and never in a reader, whom freeing ten
    // thousand zones would keep from its queries. Returns how many are still held.
    std::size_t sweep() {
        // Nobody can take hold of one anew: a count of one is ours and stays so. Its end is ordered
        // behind the readers' by the count itself.
        std::erase_if(retired_, [](const Pointer& value) { return value.use_count() == 1; });
        return retired_.size();
    }

    Pointer load() const {
        const std::lock_guard lock(mutex_);
        return value_;
    }

    // One thread's view. It keeps the value that it last gave out alive until the next current() or
    // release(); what it lets go of dies in sweep().
    class Reader {
    public:
        explicit Reader(const PublishedCell& cell) : cell_(&cell) {}

        const Pointer& current() {
            if (cell_->generation_.load(std::memory_order_acquire) != seen_) refresh();
            return held_;
        }
        // An idle thread lets go, so that an old version does not stay in memory for its sake.
        void release() {
            held_.reset();
            seen_ = 0;
        }

    private:
        void refresh() {
            Pointer before;  // dies after the lock is given back
            const std::lock_guard lock(cell_->mutex_);
            before = std::exchange(held_, cell_->value_);
            seen_ = cell_->generation_.load(std::memory_order_relaxed);
        }

        const PublishedCell* cell_;
        Pointer held_;
        std::uint64_t seen_ = 0;  // generations begin at 1
    };

private:
    mutable std::mutex mutex_;
    Pointer value_;
    std::atomic<std::uint64_t> generation_{1};
    std::vector<Pointer> retired_;  // of the thread that stores
};

}  // namespace dnsd

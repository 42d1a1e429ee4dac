#pragma once
// From the TCP thread to the control thread: a bounded queue, as whoever can connect decides how
// much there is to tell, and the control thread holds the leases. What is refused waits until it is
// fetched; a begin or an end wakes the reader, once until it comes.

#include "dnsd/io/transfer_news.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

namespace dnsd {

class TransferQueue {
public:
    // So many refusals between two looks; the rest is counted.
    static constexpr std::size_t refused_max = 64;
    // Begins and ends that wait, together with the ends that are owed: whose begin was let in has
    // room for its end, so that nobody takes a transfer to go on for ever.
    static constexpr std::size_t transfers_max = 1024;

    // `wake` is called in the writer's thread, and may throw: then the reader comes in its own
    // time.
    explicit TransferQueue(std::function<void()> wake);

    // By one thread. Allocates nothing but what `wake` does.
    void push(TransferNews news) noexcept;
    // By one thread: take(const TransferNews&) for each that waits. Of one that throws the rest
    // waits for the next time.
    void drain(const std::function<void(const TransferNews&)>& take);

    TransfersLeftOut left_out() const;
    std::size_t waiting() const;

private:
    struct Begun {
        std::uint64_t transfer = 0;
        std::optional<zones::Name> zone, signer;
    };
    bool add(TransferNews& news) noexcept;
    bool complete(TransferNews& end) noexcept;

    const std::function<void()> wake_;
    mutable std::mutex mutex_;
    std::vector<TransferNews> refused_, transfers_;
    std::vector<Begun> begun_;  // whose ends are owed
    bool woken_ = false;
    TransfersLeftOut left_out_;
    // The reader's own.
    std::vector<TransferNews> refused_taken_, transfers_taken_;
    std::size_t refused_at_ = 0, transfers_at_ = 0;
};

}  // namespace dnsd

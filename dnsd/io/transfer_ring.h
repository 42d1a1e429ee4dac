#pragma once
// From one query thread to the control thread, without a lock and without waiting: what was asked
// of transfers by UDP. When it is full, what comes is counted and gone.

#include "dnsd/config/endpoint.h"
#include "dnsd/io/counters.h"
#include "dnsd/io/transfer_news.h"
#include "zones/respond.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace dnsd {

struct UdpTransfer {
    // A longer request is not noted: a question for IXFR has a question, an SOA and a TSIG record.
    static constexpr std::size_t request_max = 1024;

    Endpoint from{heartbeat::Address::v4({}), 0};
    zones::Outcome outcome;
    std::uint8_t rcode = 0;      // of the response, without what an OPT adds
    std::uint16_t answers = 0;   // records
    std::uint16_t response = 0;  // bytes
    std::uint16_t request_size = 0;
    std::array<std::byte, request_max> request;
};

class TransferRing {
public:
    static constexpr std::size_t capacity = 64;

    // By the query thread alone.
    void push(const Endpoint& from, const zones::Outcome& outcome,
              std::span<const std::byte> request, std::span<const std::byte> response) noexcept {
        const std::uint32_t head = head_.load(std::memory_order_relaxed);
        if (head - tail_.load(std::memory_order_acquire) == capacity ||
            request.size() > UdpTransfer::request_max) {
            left_out_[static_cast<std::size_t>(outcome.refusal)].add();
            return;
        }
        UdpTransfer& slot = (*slots_)[head % capacity];
        slot.from = from;
        slot.outcome = outcome;
        slot.rcode = std::to_integer<std::uint8_t>(response[3]) & 0xf;
        slot.answers = static_cast<std::uint16_t>(std::to_integer<unsigned>(response[6]) << 8 |
                                                  std::to_integer<unsigned>(response[7]));
        slot.response = static_cast<std::uint16_t>(response.size());
        slot.request_size = static_cast<std::uint16_t>(request.size());
        std::copy(request.begin(), request.end(), slot.request.begin());
        head_.store(head + 1, std::memory_order_release);
    }

    // By the control thread alone: take(const UdpTransfer&) for each that waits.
    template <class Take>
    void drain(Take take) {
        std::uint32_t tail = tail_.load(std::memory_order_relaxed);
        while (tail != head_.load(std::memory_order_acquire)) {
            take(static_cast<const UdpTransfer&>((*slots_)[tail % capacity]));
            tail_.store(++tail, std::memory_order_release);
        }
    }
    TransfersLeftOut left_out() const {
        TransfersLeftOut out;
        out.permitted = left_out_[0].value();
        for (std::size_t why = 1; why < zones::refusals; ++why)
            out.refused[why] = left_out_[why].value();
        return out;
    }

private:
    using Slots = std::array<UdpTransfer, capacity>;
    std::unique_ptr<Slots> slots_ = std::make_unique<Slots>();
    std::atomic<std::uint32_t> head_{0};
    std::atomic<std::uint32_t> tail_{0};
    std::array<Counter, zones::refusals> left_out_;  // by zones::Refusal; none: permitted
};

}  // namespace dnsd

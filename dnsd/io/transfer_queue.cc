#include "dnsd/io/transfer_queue.h"

#include <algorithm>
#include <exception>
#include <utility>

namespace dnsd {

TransferQueue::TransferQueue(std::function<void()> wake) : wake_(std::move(wake)) {
    for (auto* list : {&refused_, &refused_taken_}) list->reserve(refused_max);
    for (auto* list : {&transfers_, &transfers_taken_}) list->reserve(transfers_max);
    begun_.reserve(transfers_max);
}

// The end of one whose begin was let in is told with what is known since then. False: there is no
// room, or nobody knows of what it is the end.
bool TransferQueue::complete(TransferNews& end) noexcept {
    const auto begin = std::find_if(begun_.begin(), begun_.end(), [&](const Begun& one) {
        return end.transfer != 0 && one.transfer == end.transfer;
    });
    if (begin == begun_.end()) return end.zone && transfers_.size() + begun_.size() < transfers_max;
    end.zone = std::move(begin->zone);
    end.signer = std::move(begin->signer);
    *begin = std::move(begun_.back());
    begun_.pop_back();
    return true;
}

bool TransferQueue::add(TransferNews& news) noexcept {
    switch (news.what) {
        case TransferNews::What::refused:
            if (refused_.size() == refused_max) return false;
            refused_.push_back(std::move(news));
            return true;
        case TransferNews::What::begun:
            if (transfers_.size() + begun_.size() + 2 > transfers_max) return false;
            try {
                begun_.push_back({news.transfer, news.zone, news.signer});
            } catch (const std::exception&) {  // the names
                return false;
            }
            break;
        case TransferNews::What::ended:
            if (!complete(news)) return false;
    }
    transfers_.push_back(std::move(news));
    return true;
}

void TransferQueue::push(TransferNews news) noexcept {
    const bool refused = news.what == TransferNews::What::refused;
    const auto why = static_cast<std::size_t>(news.outcome.refusal);
    {
        const std::lock_guard lock(mutex_);
        if (!add(news)) {
            ++(refused ? left_out_.refused[why] : left_out_.permitted);
            return;
        }
        if (refused || woken_) return;
        woken_ = true;
    }
    try {
        wake_();
    } catch (const std::exception&) {
        const std::lock_guard lock(mutex_);
        woken_ = false;
    }
}

void TransferQueue::drain(const std::function<void(const TransferNews&)>& take) {
    const auto fetch = [this](std::vector<TransferNews>& from, std::vector<TransferNews>& taken,
                              std::size_t& at) {
        if (at < taken.size()) return;
        taken.clear();
        at = 0;
        const std::lock_guard lock(mutex_);
        woken_ = false;
        from.swap(taken);
    };
    fetch(transfers_, transfers_taken_, transfers_at_);
    fetch(refused_, refused_taken_, refused_at_);
    while (transfers_at_ < transfers_taken_.size()) take(transfers_taken_[transfers_at_++]);
    while (refused_at_ < refused_taken_.size()) take(refused_taken_[refused_at_++]);
}

TransfersLeftOut TransferQueue::left_out() const {
    const std::lock_guard lock(mutex_);
    return left_out_;
}

std::size_t TransferQueue::waiting() const {
    const std::lock_guard lock(mutex_);
    return refused_.size() + transfers_.size();
}

}  // namespace dnsd

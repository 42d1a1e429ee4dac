#include "zones/history.h"

#include "zones/difference.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace zones {

History::History(std::shared_ptr<const Zone> zone, HistoryLimits limits)
    : newest_(std::move(zone)), limits_(limits) {
    assert(newest_ != nullptr && limits_.deltas_max <= HistoryLimits::deltas_most);
}

History History::resume(std::shared_ptr<const Zone> newest,
                        std::span<const std::shared_ptr<const Delta>> oldest_first,
                        HistoryLimits limits) {
    History history(std::move(newest), limits);
    Serial to = history.newest_->serial();
    std::size_t chain = 0;
    for (auto delta = oldest_first.rbegin(); delta != oldest_first.rend(); ++delta, ++chain) {
        if ((*delta)->to() != to || chain == limits.deltas_max) break;
        to = (*delta)->from();
    }
    for (const auto& delta : oldest_first.last(chain)) history.append(delta);
    history.keep_limits();
    return history;
}

std::size_t History::bytes_limit() const {
    // To tell more than the whole zone is no use to anybody.
    return std::min(limits_.bytes_max, std::max(bytes_min, newest_->told_bytes()));
}

History History::advance(std::shared_ptr<const Zone> next, const BaseDifference* known) const {
    assert(next != nullptr && next->origin() == origin());
    History history = *this;
    history.newest_ = std::move(next);
    std::optional<Delta> delta;
    if (newest_->serial() < history.newest_->serial() && limits_.deltas_max > 0)
        delta = difference_within(history.bytes_limit(), *newest_, *history.newest_, known);
    if (delta)
        history.append(std::make_shared<const Delta>(std::move(*delta)));
    else
        history.forget();
    history.keep_limits();
    return history;
}

History History::with(HistoryLimits limits) const {
    History history = *this;
    history.limits_ = limits;
    history.keep_limits();
    return history;
}

History History::recent(std::size_t steps) const {
    assert(steps <= size_);
    History history = *this;
    history.drop(size_ - steps);
    return history;
}

History History::with_step(std::shared_ptr<const Delta> step) const {
    assert(size_ == 0 && step->to() == newest_->serial());
    History history = *this;
    history.append(std::move(step));
    return history;
}

void History::append(std::shared_ptr<const Delta> delta) {
    end_bytes_ += delta->bytes();
    auto chunk = std::make_shared<Chunk>();
    chunk->reserve(chunk_size);
    const bool full = chunks_.empty() || chunks_.back()->size() >= chunk_size;
    if (!full) {
        *chunk = *chunks_.back();
        chunks_.pop_back();
    }
    const Serial from = delta->from();
    chunk->push_back({std::move(delta), from, end_bytes_});
    chunks_.push_back(std::move(chunk));
    ++size_;
}

void History::drop(std::size_t count) {
    if (count == 0) return;
    begin_bytes_ = at(count - 1).end_bytes;
    size_ -= count;
    auto chunk = chunks_.begin();
    for (; chunk != chunks_.end() && (*chunk)->size() <= count; ++chunk) count -= (*chunk)->size();
    if (count > 0)
        *chunk = std::make_shared<const Chunk>(
            (*chunk)->begin() + static_cast<std::ptrdiff_t>(count), (*chunk)->end());
    chunks_.erase(chunks_.begin(), chunk);
}

void History::forget() {
    chunks_.clear();
    size_ = 0;
    begin_bytes_ = end_bytes_ = 0;
}

void History::keep_limits() {
    std::size_t count = size_ - std::min(size_, limits_.deltas_max);
    const std::size_t limit = bytes_limit();
    while (count < size_ &&
           end_bytes_ - (count == 0 ? begin_bytes_ : at(count - 1).end_bytes) > limit)
        ++count;
    drop(count);
}

std::optional<History::Way> History::way_from(Serial serial, std::size_t steps_max) const noexcept {
    // From the newest: should the serials have gone round their circle, the shorter way is right.
    std::size_t steps = 0;
    for (auto chunk = chunks_.rbegin(); chunk != chunks_.rend(); ++chunk)
        for (auto step = (*chunk)->rbegin(); step != (*chunk)->rend(); ++step) {
            if (++steps > steps_max) return std::nullopt;
            if (step->from != serial) continue;
            const std::uint64_t begin = step->end_bytes - step->delta->bytes();
            return Way{steps, static_cast<std::size_t>(end_bytes_ - begin)};
        }
    return std::nullopt;
}

const History::Step& History::at(std::size_t number) const {
    assert(number < size_);
    const std::size_t first = chunks_.front()->size();
    if (number < first) return (*chunks_.front())[number];
    return (*chunks_[1 + (number - first) / chunk_size])[(number - first) % chunk_size];
}

const std::shared_ptr<const Delta>& History::step(std::size_t number) const {
    return at(number).delta;
}

std::shared_ptr<const Delta> History::last() const {
    return size_ == 0 ? nullptr : step(size_ - 1);
}

std::vector<std::shared_ptr<const Delta>> History::deltas() const {
    std::vector<std::shared_ptr<const Delta>> all;
    all.reserve(size_);
    for (const auto& chunk : chunks_)
        for (const Step& step : *chunk) all.push_back(step.delta);
    return all;
}

}  // namespace zones

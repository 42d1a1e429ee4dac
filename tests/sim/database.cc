#include "database.h"

#include <algorithm>

namespace sim {

void History::write(std::uint32_t server, heartbeat::Epoch epoch, std::uint64_t count) {
    if (!runs_.empty() && runs_.back().server == server && runs_.back().epoch == epoch) {
        runs_.back().last += count;
        return;
    }
    const std::uint64_t first = runs_.empty() ? 1 : runs_.back().last + gap;
    runs_.push_back({server, epoch, first, first + count - 1});
}

bool History::begins(const History& longer) const {
    if (runs_.empty()) return true;
    if (runs_.size() > longer.runs_.size()) return false;
    if (!std::equal(runs_.begin(), runs_.end() - 1, longer.runs_.begin())) return false;
    Run tail = longer.runs_[runs_.size() - 1];
    if (tail.last < runs_.back().last) return false;
    tail.last = runs_.back().last;
    return tail == runs_.back();
}

void History::cut_to_common(const History& other) {
    std::size_t i = 0;
    while (i < runs_.size() && i < other.runs_.size() && runs_[i] == other.runs_[i]) ++i;
    std::optional<Run> part;
    if (i < runs_.size() && i < other.runs_.size()) {
        Run mine = runs_[i];
        mine.last = std::min(mine.last, other.runs_[i].last);
        Run theirs = other.runs_[i];
        theirs.last = mine.last;
        if (mine == theirs) part = mine;
    }
    runs_.erase(runs_.begin() + static_cast<std::ptrdiff_t>(i), runs_.end());
    if (part) runs_.push_back(*part);
}

heartbeat::GtidPosition History::position() const {
    if (runs_.empty()) return {};
    return *heartbeat::GtidPosition::of({{0, runs_.back().server, runs_.back().last}});
}

void Database::crash() {
    up = false;
    read_only = true;
    io_running = sql_running = false;
}

void Database::restart() {
    up = true;
    ++start;
}

}  // namespace sim

#include "dnsd/io/story.h"

#include <algorithm>

namespace dnsd {

namespace {

void newest_first(std::vector<Decision>& decisions) {
    std::stable_sort(decisions.begin(), decisions.end(),
                     [](const Decision& a, const Decision& b) { return a.time_ms > b.time_ms; });
}

}  // namespace

Story::Story(Ledger& ledger, std::vector<std::string> groups)
    : ledger_(ledger), groups_(std::move(groups)) {
    const std::vector<Decision> kept = read("", newest_max, 0, 0);
    newest_.assign(kept.begin(), kept.end());
}

std::vector<Decision> Story::with_record(const std::string& group, const std::vector<Note>& notes,
                                         std::int64_t time_ms) const {
    std::vector<Decision> story = waiting_;
    for (const Note& note : notes) story.push_back({time_ms, group, note});
    return story;
}

void Story::stored(std::size_t notes) {
    waiting_.clear();
    ahead_ += notes;
}

void Story::tell(const std::string& group, const Note& note, std::int64_t time_ms) {
    newest_.push_front({time_ms, group, note});
    if (newest_.size() > newest_max) newest_.pop_back();
    if (ahead_ > 0) {
        --ahead_;
        return;
    }
    if (waiting_.size() == waiting_max) {
        waiting_.erase(waiting_.begin());
        ++lost_;
    }
    waiting_.push_back(newest_.front());
}

tl::expected<void, std::string> Story::write() {
    auto written = ledger_.tell(waiting_);
    if (written) waiting_.clear();
    return written;
}

std::vector<Decision> Story::read(const std::string& group, std::size_t limit, std::uint64_t before,
                                  std::int64_t since_ms) const {
    std::vector<Decision> found;
    if (before == 0)
        for (auto one = waiting_.rbegin(); one != waiting_.rend(); ++one)
            if ((group.empty() || one->group == group) && one->time_ms >= since_ms)
                found.push_back(*one);
    for (const std::string& name : groups_) {
        if (!group.empty() && name != group) continue;
        for (Decision& one : ledger_.decisions(name, limit, before, since_ms))
            found.push_back(std::move(one));
    }
    if (group.empty()) newest_first(found);
    if (found.size() > limit) found.resize(limit);
    return found;
}

}  // namespace dnsd

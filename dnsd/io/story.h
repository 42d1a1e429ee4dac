#pragma once
// What is decided, on its way into the ledger and to whoever asks: with the record of its step, or
// else a little later, so that no heartbeat ever waits for it.

#include "dnsd/io/ledger.h"

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace dnsd {

class Story {
public:
    static constexpr std::size_t newest_max = 1000;   // in memory
    static constexpr std::size_t waiting_max = 1000;  // not in the ledger yet

    // Knows what the ledger has of these groups.
    Story(Ledger& ledger, std::vector<std::string> groups);

    // What goes with a record of the group: all that waits, and the notes of its step.
    std::vector<Decision> with_record(const std::string& group, const std::vector<Note>& notes,
                                      std::int64_t time_ms) const;
    // It went: `notes` of those that are told next wait no more.
    void stored(std::size_t notes);
    void tell(const std::string& group, const Note& note, std::int64_t time_ms);

    bool waits() const { return !waiting_.empty(); }
    // What waits goes into the ledger. The error says why it could not; it waits on.
    tl::expected<void, std::string> write();
    std::uint64_t lost() const { return lost_; }  // more waited than there is room for

    const std::deque<Decision>& newest() const { return newest_; }  // newest first
    // Newest first. `group` empty: of all; `before`: only what is older than that number of a
    // group.
    std::vector<Decision> read(const std::string& group, std::size_t limit, std::uint64_t before,
                               std::int64_t since_ms) const;

private:
    Ledger& ledger_;
    std::vector<std::string> groups_;
    std::deque<Decision> newest_;
    std::vector<Decision> waiting_;
    std::size_t ahead_ = 0;  // notes that the ledger has before they are told
    std::uint64_t lost_ = 0;
};

}  // namespace dnsd

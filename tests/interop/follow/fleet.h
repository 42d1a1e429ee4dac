#pragma once
// The arbiter as primary of one zone, and a real BIND, NSD and Knot that follow it, all plain or
// all with TSIG.

#include "tests/lab/arbiter.h"
#include "tests/lab/secondary.h"

#include <string>
#include <vector>

namespace follow {

using namespace lab;

inline const char* const zone_name = "follow.example";

// Within no test does a secondary ask by itself: what it follows is our NOTIFY. Half of that is the
// time after which it retries.
inline constexpr unsigned never = 3600;

// The zone's file, number by number: many names that stay, and a few that the number decides, which
// is the serial, too, unless the file has another.
std::string zone_text(std::uint32_t number, unsigned refresh = never,
                      std::optional<std::uint32_t> serial = std::nullopt);

// The records of a whole zone as dig prints them, sorted, by AXFR; empty when it is refused.
std::vector<std::string> whole_zone(const std::string& address, int port,
                                    const std::optional<SharedKey>& key = std::nullopt);

// A fixed secret: it protects nothing.
SharedKey test_key(const std::string& name = "follow-key.example");

class Fleet {
public:
    enum class Trust { by_address, by_key };
    // Uses ten ports from `first_port` on.
    Fleet(const std::string& folder, int first_port, Trust trust, unsigned refresh = never);

    // Starts all, and does not wait for the secondaries to have anything.
    void launch();
    // Starts all; returns when each secondary has the first version. Throws with the logs.
    void start(Milliseconds at_most = 20s);
    // The next version, at once; returns when the arbiter answers it. Throws when it does not.
    std::uint32_t publish();
    // Writes the next text under the serial that the file has had since the start, so that the
    // arbiter has to make the version's, and does not wait. Without a word to it: as if it was
    // down.
    void edit_without_serial(bool tell);
    // Every secondary answers the arbiter's serial in time: milliseconds from now on, of each.
    std::optional<std::vector<double>> follow_times(Milliseconds at_most);
    bool followed(Milliseconds at_most) { return follow_times(at_most).has_value(); }
    // What differs between our whole zone and each secondary's; empty: nothing.
    std::string differences() const;

    Arbiter& arbiter() { return arbiter_; }
    std::vector<Secondary>& secondaries() { return secondaries_; }
    Secondary& secondary(ServerKind kind) { return secondaries_[static_cast<std::size_t>(kind)]; }
    std::string logs() const;  // their ends, for a failed test to show

private:
    std::optional<SharedKey> key_;
    unsigned refresh_;
    std::uint32_t number_ = 1;  // of the newest text
    Arbiter arbiter_;
    std::vector<Secondary> secondaries_;
};

// How many transfers the secondary says to have had since its log was so long.
struct Transfers {
    int incremental = 0;
    int whole = 0;
};
Transfers transfers_of(const Secondary&, std::size_t since = 0);

}  // namespace follow

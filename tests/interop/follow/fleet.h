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

// The zone's file at a serial: two hundred names that stay, and a few that the serial decides. So
// seldom that a test sees it, a secondary asks by itself, unless `refresh` says otherwise.
std::string zone_text(std::uint32_t serial, unsigned refresh = 30);

// The records of a whole zone as dig prints them, sorted, by AXFR; empty when it is refused.
std::vector<std::string> whole_zone(const std::string& address, int port,
                                    const std::optional<SharedKey>& key = std::nullopt);

// A fixed secret: it protects nothing.
SharedKey test_key(const std::string& name = "follow-key.example");

class Fleet {
public:
    enum class Trust { by_address, by_key };
    // Uses ten ports from `first_port` on.
    Fleet(const std::string& folder, int first_port, Trust trust, unsigned refresh = 30);

    // Starts all; returns when each secondary has the first version. Throws with the logs.
    void start(Milliseconds at_most = 20s);
    // The next version, at once; returns when the arbiter answers it. Throws when it does not.
    std::uint32_t publish();
    // Gives the order and does not wait.
    std::uint32_t order();
    // Every secondary answers the arbiter's serial in time: milliseconds from now on, of each.
    std::optional<std::vector<double>> follow_times(Milliseconds at_most);
    bool followed(Milliseconds at_most) { return follow_times(at_most).has_value(); }
    // What differs between our whole zone and each secondary's; empty: nothing.
    std::string differences() const;

    Arbiter& arbiter() { return arbiter_; }
    std::vector<Secondary>& secondaries() { return secondaries_; }
    Secondary& secondary(ServerKind kind) { return secondaries_[static_cast<std::size_t>(kind)]; }
    std::uint32_t serial() const { return serial_; }  // of the newest text
    std::string logs() const;                         // their ends, for a failed test to show

private:
    std::optional<SharedKey> key_;
    unsigned refresh_;
    std::uint32_t serial_ = 1;
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

#pragma once
// What [master] says of arbitration beyond heartbeat and lease: what a failover may cost, who
// acknowledges, what damps, and the timings that else follow from the lease.

#include "dnsd/arbiter/facts.h"
#include "dnsd/config/fields.h"

#include <string_view>
#include <utility>
#include <vector>

namespace dnsd {

// The keys that a group's rules come from.
struct RuleKeys {
    std::vector<std::pair<std::string_view, Place>> said;  // in the file, and where
    std::vector<std::string_view> wrong;  // their own mistake was told: nothing is concluded

    template <typename T>
    T take(std::string_view key, const Field<T>& field) {
        if (field.said) said.emplace_back(key, field.place);
        if (field.wrong) wrong.push_back(key);
        return field.value;
    }
    bool is_wrong(std::string_view key) const;
};

// Fills in `rules`.
void read_arbitration(Table& master, ArbiterRules& rules, RuleKeys& keys);
// The rules that only the arbiter knows; each sentence is shown at the first key that it names, and
// left out when it names one that is wrong by itself.
void check_rules(Document& document, const ArbiterRules& rules, const RuleKeys& keys,
                 Place otherwise);

// What a running arbiter can take: of servers that stay where they are, all but their addresses.
// Servers that are new wait for a restart: when all are, none is left, which no machine takes.
ArbiterRules with_live_rules(const ArbiterRules& running, const ArbiterRules& next);

}  // namespace dnsd

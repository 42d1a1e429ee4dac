#include "dnsd/config/arbitration.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>

namespace dnsd {

namespace {

using namespace std::chrono_literals;

// docs/PROTOCOL.md, "Time": 1000 is what NTP's slewing and a bad crystal leave room for.
constexpr unsigned drift_default = 1000;
constexpr unsigned drift_max = 50'000;

// Where the sentence names that key; npos: nowhere.
std::size_t named_at(std::string_view sentence, std::string_view key) {
    // A whole word: "lease" is none of "release", nor "damping" of "damping_max".
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
    for (std::size_t at = sentence.find(key); at != sentence.npos;
         at = sentence.find(key, at + 1)) {
        const std::size_t end = at + key.size();
        if ((at == 0 || !letter(sentence[at - 1])) &&
            (end == sentence.size() || !letter(sentence[end])))
            return at;
    }
    return sentence.npos;
}

}  // namespace

bool RuleKeys::is_wrong(std::string_view key) const {
    return std::find(wrong.begin(), wrong.end(), key) != wrong.end();
}

void read_arbitration(Table& master, ArbiterRules& rules, RuleKeys& keys) {
    const ArbiterRules otherwise{};
    const auto remember = [&](std::string_view key, const auto& field) {
        return keys.take(key, field);
    };
    const auto loss = master.word("loss", "none", {"none", "allow"});
    rules.loss = remember("loss", loss) == "allow" ? Loss::allow : Loss::none;
    const auto semi_sync = master.flag("semi_sync", otherwise.semi_sync);
    rules.semi_sync = remember("semi_sync", semi_sync);
    const auto ackers = master.number("ackers", otherwise.ackers, 1, ArbiterRules::ackers_max);
    rules.ackers = remember("ackers", ackers);
    if (ackers.said && !semi_sync.value)
        master.document().error(ackers.place, "ackers are of semi-sync, which is switched off",
                                "leave the line out, or set semi_sync = true");
    if (loss.said && loss.value == "none" && !semi_sync.value)
        master.document().error(
            loss.place, "loss \"none\" can not be kept without semi-sync",
            "only what a second server acknowledged survives the first: set semi_sync = true, or "
            "say loss = \"allow\"");
    if (!loss.said && !semi_sync.value) rules.loss = Loss::allow;

    const auto block = master.duration("damping", otherwise.block, 0s, 24h);
    const auto block_max =
        master.duration("damping_max", std::max(otherwise.block_max, block.value), 0s, 7 * 24h);
    rules.block = remember("damping", block);
    rules.block_max = remember("damping_max", block_max);
    rules.failovers_an_hour = remember(
        "failovers_per_hour", master.number("failovers_per_hour", otherwise.failovers_an_hour, 0,
                                            static_cast<unsigned>(Damping::failovers_max) - 1));
    rules.penalty_half_life =
        remember("penalty_half_life",
                 master.duration("penalty_half_life", otherwise.penalty_half_life, 0s, 24h));

    const auto optional = [&](std::string_view key, std::optional<Duration>& into) {
        const auto field = master.duration(key, 0s, 1ms, ArbiterRules::lease_max);
        const Duration value = remember(key, field);
        // Also what is wrong stands here, so that whatever follows from it names it.
        if (field.said || field.wrong) into = value;
    };
    optional("demotion", rules.demotion_said);
    optional("guard", rules.guard_said);
    optional("window", rules.window_said);
    const auto drift = master.number("clock_drift", drift_default, 0, drift_max);
    rules.rho = remember("clock_drift", drift) * 1e-6;
    rules.confirm_dead =
        remember("allow_confirm_dead", master.flag("allow_confirm_dead", otherwise.confirm_dead));
}

void check_rules(Document& document, const ArbiterRules& rules, const RuleKeys& keys,
                 Place otherwise) {
    for (const std::string& sentence : rules.check()) {
        const auto names = [&](std::string_view key) {
            return named_at(sentence, key) != std::string::npos;
        };
        if (std::any_of(keys.wrong.begin(), keys.wrong.end(), names)) continue;
        Place place = otherwise;
        std::size_t first = std::string::npos;
        for (const auto& [key, where] : keys.said) {
            const std::size_t at = named_at(sentence, key);
            if (at >= first) continue;
            first = at;
            place = where;
        }
        // "what: what to write instead"
        const std::size_t colon = sentence.find(": ");
        document.error(place, sentence.substr(0, colon),
                       colon == std::string::npos ? "" : sentence.substr(colon + 2));
    }
}

ArbiterRules with_live_rules(const ArbiterRules& running, const ArbiterRules& next) {
    ArbiterRules rules = next;
    rules.servers.clear();
    for (const ServerRules& before : running.servers) {
        const auto after = std::find_if(next.servers.begin(), next.servers.end(),
                                        [&](const ServerRules& s) { return s.id == before.id; });
        if (after == next.servers.end()) continue;
        rules.servers.push_back(*after);
        rules.servers.back().addresses = before.addresses;
    }
    return rules;
}

}  // namespace dnsd

#include "tests/sim/shrink.h"

#include <algorithm>

namespace sim {

namespace {

class Shrinker {
public:
    Shrinker(Script script, const std::function<std::string(const Script&)>& fate,
             std::size_t lives_max)
        : best_{std::move(script), {}, 0}, fate_(fate), lives_max_(lives_max) {
        best_.violation = fate_(best_.script);
        best_.lives = 1;
    }

    Shrunk run() {
        if (best_.violation.empty()) return best_;
        drop_faults();
        clear_the_weather();
        shorten();
        drop_faults();
        return best_;
    }

private:
    // Takes it if it breaks the same.
    bool take(const Script& script) {
        if (best_.lives >= lives_max_ || script == best_.script) return false;
        ++best_.lives;
        std::string violation = fate_(script);
        if (kind_of(violation) != kind_of(best_.violation)) return false;
        best_.script = script;
        best_.violation = std::move(violation);
        return true;
    }

    // Without so many in a row, beginning with all of them.
    void drop_faults() {
        for (std::size_t share = best_.script.faults.size(); share > 0; share /= 2) {
            for (std::size_t at = 0; at < best_.script.faults.size();) {
                Script less = best_.script;
                const auto first = less.faults.begin() + static_cast<std::ptrdiff_t>(at);
                const std::size_t count = std::min(share, less.faults.size() - at);
                less.faults.erase(first, first + static_cast<std::ptrdiff_t>(count));
                if (!take(less)) at += share;
            }
        }
    }

    void clear_the_weather() {
        for (std::int64_t Climate::*share :
             {&Climate::loss_share, &Climate::duplication, &Climate::straggling,
              &Climate::failing_verbs, &Climate::blind_looks}) {
            Script less = best_.script;
            less.climate.*share = 0;
            take(less);
        }
    }

    // Each fault half as long, as often as that still does it.
    void shorten() {
        for (std::size_t i = 0; i < best_.script.faults.size(); ++i)
            for (int times = 0; times < 4; ++times) {
                Script less = best_.script;
                less.faults[i].lasts /= 2;
                if (!take(less)) break;
            }
    }

    Shrunk best_;
    const std::function<std::string(const Script&)>& fate_;
    std::size_t lives_max_;
};

}  // namespace

std::string kind_of(const std::string& violation) {
    return violation.substr(0, violation.find(':'));
}

Shrunk shrink(Script script, const std::function<std::string(const Script&)>& fate,
              std::size_t lives_max) {
    return Shrinker(std::move(script), fate, lives_max).run();
}

}  // namespace sim

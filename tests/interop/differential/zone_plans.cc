#include "tests/interop/differential/zone_plans.h"

#include <algorithm>
#include <string>
#include <utility>

namespace differential {
namespace {

// Each zone learns of those below it.
void relate(std::vector<Plan>& plans) {
    for (Plan& above : plans)
        for (const Plan& other : plans)
            if (&other != &above && is_under(other.origin, above.origin)) {
                above.children.push_back(other.origin);
                if (!other.without_dname) above.out_of_bounds.push_back(other.origin);
            }
}

}  // namespace

std::vector<Plan> make_plans(Random chance, std::size_t batch, std::size_t zones) {
    std::vector<Plan> plans;
    std::vector<Labels> taken;
    while (plans.size() < zones) {
        Plan plan;
        // Every fifth batch has the root, which makes all names ours.
        const bool rooted = batch % 5 == 4;
        if (!rooted || !plans.empty())
            plan.origin = plain("z" + std::to_string(plans.size()) + ".test");
        if (rooted && !plans.empty()) {
            plan.has_parent = true;
            plan.without_dname = chance.percent(50);
        }
        const std::size_t what = chance.below(100);
        Plan* above = plans.empty() ? nullptr : &chance.pick(plans);
        if (what < 40 && above != nullptr && above->kind == ZoneKind::common &&
            above->origin.size() < 8) {
            static const std::string usual[] = {"a", "b", "c", "www", "kid", "Sub"};
            Labels origin = above->origin;
            for (std::size_t labels = chance.percent(75) ? 1 : 2; labels > 0; --labels)
                origin = child(chance.pick(usual), origin);
            if (std::find(taken.begin(), taken.end(), lowered(origin)) != taken.end()) continue;
            plan.origin = origin;
            plan.has_parent = true;
            plan.without_dname = chance.percent(50);
        } else if (rooted) {
            // What some server does not load would be missing below the root.
        } else if (what < 46) {
            plan.kind = ZoneKind::wildcard_cut;
        } else if (what < 49) {
            plan.kind = ZoneKind::wildcard_dname;
        } else if (what < 53) {
            plan.kind = ZoneKind::below_dname;
        }
        // Rare shapes, in every batch.
        plan.long_chain = plans.size() % 12 == 3;
        plan.much_glue = plans.size() % 12 == 7;
        taken.push_back(lowered(plan.origin));
        plans.push_back(std::move(plan));
    }
    relate(plans);
    return plans;
}

}  // namespace differential

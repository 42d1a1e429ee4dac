// bench-edition [NAMES [CHANGES]]: processor time of one change of `www` and `master`, from the
// outcome of arbitration to the catalog that is published: edition, history, catalog. In one zone
// of a million names, and beside ten thousand other zones.

#include "dnsd/publish/edition.h"
#include "zones/catalog.h"
#include "zones/zonefile.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include <time.h>

namespace {

using namespace dnsd;

double cpu_us() {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

std::shared_ptr<const zones::Zone> zone_of(const std::string& origin, int names) {
    std::string text = "$TTL 300\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.53\n";
    for (int i = 0; i < names; ++i) text += "h" + std::to_string(i) + " A 192.0.2.1\n";
    const auto loaded = zones::load_zone(
        zones::Name::parse(origin).value(), "zone",
        [&](const std::string&) -> tl::expected<std::string, std::string> { return text; });
    if (loaded.zone == nullptr) {
        std::fprintf(stderr, "a zone of this bench does not load\n");
        std::exit(70);
    }
    return loaded.zone;
}

Standing standing(int turn) {
    std::vector<Member> members;
    for (int i = 0; i < 4; ++i)
        members.push_back({ServerId::parse("wiki" + std::to_string(i)).value(),
                           {Address::parse("192.0.2." + std::to_string(10 + i)).value()}});
    Standing out;
    out.group = "wiki";
    out.master = members[static_cast<std::size_t>(turn % 4)];
    members.erase(members.begin() + turn % 3);
    out.pool = std::move(members);
    return out;
}

// One change after the other, as the control thread makes them.
void measure(const char* what, zones::Catalog catalog, const std::string& origin, int changes) {
    const zones::Name name = zones::Name::parse(origin).value();
    const EditionRules rules{zones::Name::parse("www." + origin).value(),
                             zones::Name::parse("master." + origin).value(),
                             {5},
                             {3}};
    auto published = std::make_shared<const zones::Catalog>(std::move(catalog));
    std::vector<double> each;
    const double begin = cpu_us();
    for (int i = 0; i < changes; ++i) {
        const double before = cpu_us();
        const zones::History& history = *published->zone(name);
        const auto next =
            edition(*history.newest(), rules, standing(i), history.newest()->serial().next());
        published = std::make_shared<const zones::Catalog>(published->with(history.advance(next)));
        each.push_back(cpu_us() - before);
    }
    const double mean = (cpu_us() - begin) / changes;
    std::sort(each.begin(), each.end());
    const zones::History& history = *published->zone(name);
    std::printf("%-34s %8.1f %8.1f %8.1f %8.1f %8zu %8zu %8zu\n", what, mean, each[each.size() / 2],
                each[each.size() * 99 / 100], each.back(), history.newest()->changed(),
                history.size(), history.bytes());
}

}  // namespace

int main(int argc, char** argv) {
    const int names = argc > 1 ? std::stoi(argv[1]) : 1'000'000;
    const int changes = argc > 2 ? std::stoi(argv[2]) : 20'000;
    constexpr int many = 10'000;
    std::printf("%d changes of www and master, us of CPU each\n", changes);
    std::printf("%-34s %8s %8s %8s %8s %8s %8s %8s\n", "", "mean", "median", "99 %", "worst",
                "overlay", "history", "bytes");
    measure("one zone, large", zones::Catalog().with(zones::History(zone_of("example", names))),
            "example", changes);
    zones::Catalog catalog;
    for (int i = 0; i < many; ++i)
        catalog = catalog.with(zones::History(zone_of("z" + std::to_string(i) + ".example", 3)));
    measure("one small zone of ten thousand", catalog, "z4242.example", changes);
    return 0;
}

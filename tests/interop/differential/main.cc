// The differential run: the same zones and questions at BIND, NSD, Knot and us, answers compared
// section by section. What may differ stands in docs/decisions/0005. The long run is
//   differential --zones 2000 --questions 50 --seed N
//   differential --real DIR
// and one zone of it again, with the servers left up to be asked by hand,
//   differential --seed N --zone K --hold
#include "tests/interop/differential/options.h"
#include "tests/interop/differential/real.h"
#include "tests/interop/differential/round.h"

#include <exception>
#include <filesystem>
#include <iostream>
#include <memory>

namespace differential {

namespace {

constexpr int exit_skipped = 77;

bool loads(std::size_t server, ZoneKind kind) {
    switch (kind) {
        case ZoneKind::wildcard_cut:
            return server != number_of(Peer::bind);
        case ZoneKind::below_dname:
            return server == us || server == number_of(Peer::bind);
        default:
            return true;
    }
}

Zones written(const std::vector<MadeZone>& made, const std::string& folder) {
    Zones zones;
    zones.folder = folder;
    std::filesystem::create_directories(folder);
    for (std::size_t i = 0; i < made.size(); ++i) {
        lab::write_file(folder + "/" + made[i].file_name(), made[i].text);
        zones.origins.push_back(made[i].origin);
        zones.kinds.push_back(made[i].kind);
        zones.owners.push_back(made[i].owners);
        for (std::size_t server = 0; server < servers; ++server)
            if (!loads(server, made[i].kind)) zones.left_out[server].insert(i);
    }
    return zones;
}

Counts run_batch(const Options& options, std::size_t batch, std::size_t zones,
                 const std::vector<int>& ports, const std::string& scratch, Judge& judge) {
    const std::vector<MadeZone> made = make_batch(options.seed, batch, zones);
    const std::string folder = scratch + "/batch" + std::to_string(batch);
    std::filesystem::remove_all(folder);
    const Zones served = written(made, folder + "/zones");
    Fleet fleet(served, options.peers, folder, options.program, ports);
    Told told{options.seed, batch * options.batch, &served, &fleet};
    Counts counts;
    std::vector<Question> questions;
    for (std::size_t i = 0; i < made.size(); ++i) {
        if (options.zone && *options.zone != told.first_zone + i) continue;
        ++counts.zones;
        const Random chance(mixed(options.seed, 1'000'000 + told.first_zone + i));
        for (Question& question : make_questions(made[i], i, options.questions, chance))
            questions.push_back(std::move(question));
    }
    counts.questions = questions.size();
    const std::size_t before = judge.unexplained();
    ask_and_judge(told, questions, judge);
    for (const auto& [server, zone] : fleet.silent()) {
        const std::string who = name_of(static_cast<Peer>(server - 1));
        std::cout << who << " stopped answering in batch " << batch << " (seed " << options.seed
                  << ", --zone " << told.first_zone + zone << ")\n";
        judge.stopped(who);
    }
    if (const std::string ended = fleet.ended(); !ended.empty()) throw std::runtime_error(ended);
    if (options.hold) options.wait_for_enter();
    fleet.stop();
    if (judge.unexplained() == before && options.keep.empty()) std::filesystem::remove_all(folder);
    return counts;
}

int run(const Options& options) {
    std::optional<lab::Scratch> scratch;
    if (options.keep.empty()) scratch.emplace("differential");
    const std::string folder = options.keep.empty() ? scratch->path() : options.keep;
    const std::vector<int> ports = options.ports();
    Judge judge(options.shown);
    Counts counts;
    if (!options.real.empty()) {
        const auto real = run_real(options, folder, ports, judge);
        if (!real) {
            std::cout << "no real zones here: skipped\n";
            return exit_skipped;
        }
        counts = *real;
    } else {
        for (std::size_t batch = 0; batch * options.batch < options.zones; ++batch) {
            if (options.zone && *options.zone / options.batch != batch) continue;
            // Whole batches always: a zone is the same in a short run and in a long one.
            const Counts more = run_batch(options, batch, options.batch, ports, folder, judge);
            counts.zones += more.zones;
            counts.questions += more.questions;
        }
    }
    judge.report();
    std::cout << counts.zones << " zones, " << counts.questions << " questions, "
              << judge.unexplained() << " differences unexplained\n";
    return judge.unexplained() == 0 ? 0 : 1;
}

}  // namespace

}  // namespace differential

int main(int argc, char** argv) {
    try {
        return differential::run(differential::Options::read(argc, argv));
    } catch (const differential::Usage& usage) {
        std::cerr << usage.what() << "\n";
        return 64;
    } catch (const std::exception& error) {
        std::cerr << error.what() << "\n";
        return 1;
    }
}

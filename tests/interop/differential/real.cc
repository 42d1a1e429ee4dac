#include "tests/interop/differential/real.h"

#include "tests/interop/differential/exchange.h"
#include "tests/interop/differential/round.h"
#include "tests/lab/real_zones.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>

namespace differential {

namespace {

// Questions that are asked and judged together, so that memory stays flat.
constexpr std::size_t portion = 100'000;

// What our peers are told to serve is a folder with one NAME.zone a zone.
void lay_out(const std::string& folder, const std::string& to) {
    std::filesystem::create_directories(to);
    for (const auto& [name, file] : lab::real_zones_in(folder)) {
        const std::filesystem::path link = to + "/" + (name == "." ? "root" : name) + ".zone";
        std::filesystem::remove(link);
        std::filesystem::create_symlink(file, link);
    }
}

Zones zones_in(const std::string& folder) {
    Zones zones;
    zones.folder = std::filesystem::absolute(folder);
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() != ".zone") continue;
        const std::string name = entry.path().stem();
        zones.origins.push_back(name == "root" ? Labels{} : plain(name));
        zones.kinds.push_back(ZoneKind::common);
        zones.owners.emplace_back();
    }
    std::sort(zones.origins.begin(), zones.origins.end());
    if (zones.origins.empty()) throw std::runtime_error("no NAME.zone in " + folder);
    return zones;
}

// What is in a zone, as BIND transfers it: neither our reader nor our server has a say.
struct Contents {
    std::map<Labels, std::set<std::uint16_t>> names;  // with their types
    std::vector<std::uint16_t> types;                 // of the whole zone
};
Contents contents_of(const Labels& origin, int port) {
    Question axfr;
    axfr.name = origin;
    axfr.type = type::axfr;
    Contents contents;
    const auto messages = transfer(port, request(axfr));
    if (messages.empty()) throw std::runtime_error("BIND does not transfer " + text(origin));
    std::set<std::uint16_t> types;
    std::string why;
    for (const std::string& bytes : messages) {
        const auto message = read_message(bytes, why);
        for (const Record& record : message->answer) {
            types.insert(record.type);
            Labels name = from_wire(record.owner);
            contents.names[name].insert(record.type);
            // Empty non-terminals are names, too.
            while (name.size() > origin.size()) contents.names[name = parent(name)];
        }
    }
    contents.types.assign(types.begin(), types.end());
    return contents;
}

// Each name for each type that it has and for some that it has not; what is beside and below it.
std::vector<Question> questions_of(const Contents& contents, std::size_t zone, Random& chance,
                                   unsigned share) {
    static constexpr std::uint16_t sizes[] = {0, 512, 1232, 4096};
    static constexpr std::uint16_t others[] = {type::ns, type::soa,   type::mx,
                                               type::ds, type::cname, type::txt};
    std::vector<Question> questions;
    const auto ask = [&](const Labels& name, const std::set<std::uint16_t>& types) {
        if (wire_size(name) > wire_max || (!name.empty() && name.front().size() > 63)) return;
        for (const std::uint16_t type : types) {
            if (!chance.percent(share)) continue;
            Question question;
            question.name = name;
            question.type = type;
            question.edns = chance.pick(sizes);
            question.zone = zone;
            questions.push_back(std::move(question));
        }
    };
    for (const auto& [name, own] : contents.names) {
        std::set<std::uint16_t> types = own;
        types.insert({type::a, type::aaaa, chance.pick(others), chance.pick(contents.types)});
        ask(name, types);
        const auto some = [&] { return std::set{type::a, chance.pick(contents.types)}; };
        ask(child("nowhere", name), some());
        if (!name.empty()) ask(child(name.front() + "0", parent(name)), some());
    }
    return questions;
}

}  // namespace

std::optional<Counts> run_real(const Options& options, const std::string& scratch,
                               const std::vector<int>& ports, Judge& judge) {
    std::string folder = options.real;
    if (folder == "auto") {
        const auto here = lab::real_zones_folder(ARBITER_SOURCE_DIR);
        if (!here) return std::nullopt;
        folder = *here;
    }
    lay_out(folder, scratch + "/zones");
    const Zones zones = zones_in(scratch + "/zones");
    Fleet fleet(zones, {Peer::bind}, scratch, options.program, ports);
    const Told told{options.seed, 0, &zones, &fleet};
    Counts counts;
    std::vector<Question> questions;
    Random chance(options.seed);
    for (std::size_t i = 0; i < zones.origins.size(); ++i) {
        const Contents contents = contents_of(zones.origins[i], fleet.port(number_of(Peer::bind)));
        ++counts.zones;
        for (Question& question : questions_of(contents, i, chance, options.share))
            questions.push_back(std::move(question));
        if (questions.size() < portion && i + 1 < zones.origins.size()) continue;
        counts.questions += questions.size();
        ask_and_judge(told, questions, judge);
        questions.clear();
    }
    fleet.stop();
    return counts;
}

}  // namespace differential

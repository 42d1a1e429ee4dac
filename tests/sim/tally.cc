#include "tests/sim/tally.h"

#include <algorithm>

#include <fmt/format.h>

namespace sim {

namespace {

constexpr std::string_view moment_names[] = {
#define SIM_NAME(name, text) #name,
    SIM_MOMENTS(SIM_NAME)
#undef SIM_NAME
};

template <std::size_t N>
void sum(std::array<std::uint64_t, N>& to, const std::array<std::uint64_t, N>& from) {
    for (std::size_t i = 0; i < N; ++i) to[i] += from[i];
}

// Lines of at most a hundred bytes, each begun by two spaces.
class Wrapped {
public:
    void say(const std::string& word) {
        if (column_ + word.size() + 1 > 98) {
            text_ += "\n   ";
            column_ = 3;
        }
        text_ += (column_ == 0 ? "  " : " ") + word;
        column_ += word.size() + 1;
    }
    std::string done() const { return text_ + '\n'; }

private:
    std::string text_;
    std::size_t column_ = 0;
};

}  // namespace

void Tally::add(const Script& script, const Verdict& verdict) {
    ++seeds;
    violations += !verdict.broken.empty();
    grants += verdict.grants;
    heartbeats += verdict.heartbeats;
    commits += verdict.commits;
    adoptions += verdict.adoptions;
    clonings += verdict.clonings;
    lived_ms += static_cast<std::uint64_t>(verdict.ended / millisecond);
    five_servers += script.climate.agents == agents_max;
    fast += script.climate.heartbeat < std::chrono::seconds(1);
    sum(faults, verdict.faults);
    kinds +=
        static_cast<std::uint64_t>(std::count_if(verdict.faults.begin(), verdict.faults.end(),
                                                 [](std::uint64_t count) { return count > 0; }));
    sum(excused, verdict.excused);
    sum(omitted, verdict.omitted);
    for (std::size_t i = 0; i < moments.size(); ++i) moments[i] += sim::moments[i];
    sim::moments.fill(0);
}

void Tally::add(const Tally& other) {
    seeds += other.seeds;
    violations += other.violations;
    grants += other.grants;
    heartbeats += other.heartbeats;
    commits += other.commits;
    adoptions += other.adoptions;
    clonings += other.clonings;
    five_servers += other.five_servers;
    fast += other.fast;
    kinds += other.kinds;
    lived_ms += other.lived_ms;
    sum(faults, other.faults);
    sum(excused, other.excused);
    sum(omitted, other.omitted);
    sum(moments, other.moments);
}

std::size_t Tally::missed() const {
    return static_cast<std::size_t>(std::count(moments.begin(), moments.end(), std::uint64_t{0}));
}

std::string closing_lines(const Tally& tally, double seconds, double cpu_seconds, unsigned jobs) {
    const double each = std::max<double>(1, static_cast<double>(tally.seeds));
    std::string text = fmt::format(
        "{} worlds of {:.0f} s each in {:.0f} s by {} jobs: {:.0f} seeds a CPU second\n",
        tally.seeds, static_cast<double>(tally.lived_ms) / 1000 / each, seconds, jobs,
        static_cast<double>(tally.seeds) / std::max(cpu_seconds, 1e-3));
    text += fmt::format(
        "  {} grants, {} heartbeats, {} commits told; when all was over people adopted {} masters "
        "and cloned {} databases\n",
        tally.grants, tally.heartbeats, tally.commits, tally.adoptions, tally.clonings);
    std::uint64_t struck = 0;
    for (const std::uint64_t count : tally.faults) struck += count;
    text += fmt::format(
        "  the mix: {:.0f} % of five servers, {:.0f} % with heartbeats below 1 s, {:.1f} faults of "
        "{:.1f} kinds each\n",
        100 * static_cast<double>(tally.five_servers) / each,
        100 * static_cast<double>(tally.fast) / each, static_cast<double>(struck) / each,
        static_cast<double>(tally.kinds) / each);
    Wrapped faults;
    faults.say("faults:");
    for (std::size_t i = 0; i < tally.faults.size(); ++i)
        faults.say(fmt::format("{} {},", name_of(static_cast<Fault::Kind>(i)), tally.faults[i]));
    text += faults.done();
    for (std::size_t i = 0; i < tally.excused.size(); ++i)
        text +=
            fmt::format("  excused {:8}: {}\n", tally.excused[i], text_of(static_cast<Excuse>(i)));
    for (std::size_t i = 0; i < tally.omitted.size(); ++i)
        text += fmt::format("  left out {:7}: {}\n", tally.omitted[i],
                            text_of(static_cast<Omission>(i)));
    Wrapped missed;
    std::size_t hit = 0;
    for (std::size_t i = 0; i < tally.moments.size(); ++i) {
        hit += tally.moments[i] > 0;
        if (tally.moments[i] == 0) missed.say(std::string(moment_names[i]));
    }
    text += fmt::format("  SOMETIMES: {} of {} points hit", hit, tally.moments.size());
    text += hit == tally.moments.size() ? "\n" : "; not hit:\n" + missed.done();
    return text + fmt::format("{} violations\n", tally.violations);
}

}  // namespace sim

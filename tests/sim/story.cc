#include "tests/sim/story.h"

#include "tests/sim/world.h"

#include <algorithm>
#include <deque>
#include <ostream>

#include <fmt/format.h>

namespace sim {

namespace {

std::string spoken(Duration duration) {
    return dnsd::spoken(duration);
}

// What only a trace tells: each datagram.
bool is_detail(std::string_view line) {
    return line.find(" says #") != std::string_view::npos || line.starts_with("the arbiter to ");
}

// Says each thing once while it is said again and again.
class Storyteller {
public:
    Storyteller(Detail detail, std::ostream& out) : detail_(detail), out_(out) {}

    void tell(True now, const std::string& line) {
        if (detail_ == Detail::story) {
            if (is_detail(line)) return;
            if (std::find(last_.begin(), last_.end(), line) != last_.end()) {
                ++again_;
                return;
            }
            end_repeats();
            last_.push_back(line);
            if (last_.size() > remembered) last_.pop_front();
        }
        out_ << fmt::format("{:>4}.{:03} s  {}\n", now / second, now / millisecond % 1000, line);
    }
    void end_repeats() {
        if (again_ > 0) out_ << fmt::format("{:>12}(and so on, {} lines)\n", "", again_);
        again_ = 0;
    }

private:
    static constexpr std::size_t remembered = 6;
    Detail detail_;
    std::ostream& out_;
    std::deque<std::string> last_;
    std::uint64_t again_ = 0;
};

std::string per_cent(std::int64_t millionths) {
    return fmt::format("{}.{} %", millionths / 10'000, millionths / 1000 % 10);
}

}  // namespace

std::string described(const Script& script) {
    const Climate& climate = script.climate;
    std::string text = fmt::format(
        "Seed {}: {} servers ({} configured), heartbeats every {}, leases of {}, out of www after "
        "{}"
        ";\n  {}, {}, loss = \"{}\", {}{}.\n",
        script.seed, climate.agents, climate.configured, spoken(climate.heartbeat),
        spoken(climate.lease), spoken(climate.down_after), dnsd::name_of(climate.choose),
        climate.semi_sync ? fmt::format("semi-sync with {} ackers", climate.ackers)
                          : std::string("no semi-sync"),
        climate.loss == dnsd::Loss::none ? "none" : "allow",
        climate.guard ? "with a guard" : "without a guard",
        climate.first_writable ? ", one server leads already" : "");
    std::vector<std::string> weather;
    const auto share = [&](std::int64_t millionths, std::string_view what) {
        if (millionths > 0) weather.push_back(fmt::format("{} of {}", per_cent(millionths), what));
    };
    share(climate.loss_share, "the datagrams are lost");
    share(climate.duplication, "them come twice");
    share(climate.straggling, "them take up to 3E");
    share(climate.failing_verbs, "what an agent asks of its database fails");
    share(climate.blind_looks, "its looks at it see nothing");
    for (std::size_t i = 0; i < weather.size(); ++i)
        text += (i == 0 ? "  " : ", ") + weather[i] + (i + 1 == weather.size() ? ".\n" : "");
    text += fmt::format("  {} faults, for {}:\n", script.faults.size(), spoken(climate.troubled));
    for (const Fault& fault : script.faults) text += "    " + sentence(fault) + '\n';
    return text;
}

std::string tell_world(const Script& script, Detail detail, std::ostream& out) {
    out << described(script) << '\n';
    Storyteller teller(detail, out);
    const Verdict verdict =
        live(script, [&](True now, const std::string& line) { teller.tell(now, line); });
    teller.end_repeats();
    out << fmt::format("\nIt ends at {}.{:03} s, after {} grants and {} commits that were told, ",
                       verdict.ended / second, verdict.ended / millisecond % 1000, verdict.grants,
                       verdict.commits);
    out << (verdict.broken.empty() ? "in harmony.\n"
                                   : "by a broken rule:\n  " + verdict.broken + "\n");
    return verdict.broken;
}

// FNV-1a, which is the same everywhere.
std::string digest() {
    std::string lines;
    // Of two to five servers, fast and slow, with and without semi-sync, observing, and aimed at.
    for (const std::uint64_t seed : {7U, 42U, 1234U, 4711U, 77310U, 91000007U}) {
        std::uint64_t hash = 0xcbf29ce484222325;
        const auto add = [&](std::string_view text) {
            for (const char c : text)
                hash = (hash ^ static_cast<unsigned char>(c)) * std::uint64_t{0x100000001b3};
        };
        const Verdict verdict = live(script_of(seed), [&](True now, const std::string& line) {
            add(std::to_string(now));
            add(line);
        });
        add(verdict.broken);
        lines += fmt::format("{} {:016x}\n", seed, hash);
    }
    return lines;
}

}  // namespace sim

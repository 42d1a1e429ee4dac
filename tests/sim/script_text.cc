#include "tests/sim/script_text.h"

#include <algorithm>
#include <charconv>
#include <type_traits>

#include <fmt/format.h>

namespace sim {

namespace {

// ---- One value
// -------------------------------------------------------------------------------------

struct Unit {
    std::string_view name;
    std::int64_t ns;
};
constexpr Unit units[] = {{"s", 1'000'000'000}, {"ms", 1'000'000}, {"us", 1'000}, {"ns", 1}};

std::string text_of_time(std::int64_t ns) {
    for (const Unit& unit : units)
        if (ns % unit.ns == 0) return fmt::format("{}{}", ns / unit.ns, unit.name);
    return {};
}

template <typename Number>
bool read_number(std::string_view text, Number& into) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
    return error == std::errc{} && end == text.data() + text.size();
}

bool read_time(std::string_view text, std::int64_t& into) {
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    std::int64_t count = 0;
    if (!read_number(text.substr(0, digits), count)) return false;
    for (const Unit& unit : units) {
        if (unit.name != text.substr(digits)) continue;
        return !__builtin_mul_overflow(count, unit.ns, &into);
    }
    return false;
}

std::string text_of_value(Duration value) {
    return text_of_time(value.count());
}
std::string text_of_value(bool value) {
    return value ? "yes" : "no";
}
std::string text_of_value(dnsd::Choose value) {
    return std::string(dnsd::name_of(value));
}
std::string text_of_value(dnsd::Loss value) {
    return value == dnsd::Loss::none ? "none" : "allow";
}
template <typename Number>
std::enable_if_t<std::is_integral_v<Number>, std::string> text_of_value(Number value) {
    return std::to_string(value);
}

bool read_value(std::string_view text, Duration& into) {
    std::int64_t ns = 0;
    if (!read_time(text, ns)) return false;
    into = Duration(ns);
    return true;
}
bool read_value(std::string_view text, bool& into) {
    into = text == "yes";
    return into || text == "no";
}
bool read_value(std::string_view text, dnsd::Choose& into) {
    for (const dnsd::Choose choose : {dnsd::Choose::first_request, dnsd::Choose::most_advanced}) {
        into = choose;
        if (text == dnsd::name_of(choose)) return true;
    }
    return false;
}
bool read_value(std::string_view text, dnsd::Loss& into) {
    into = text == "allow" ? dnsd::Loss::allow : dnsd::Loss::none;
    return text == text_of_value(into);
}
template <typename Number>
std::enable_if_t<std::is_integral_v<Number>, bool> read_value(std::string_view text, Number& into) {
    return read_number(text, into);
}

// ---- All of them
// -----------------------------------------------------------------------------------

// visit("name", member) for each; a test plays seeds from their text, so that none is forgotten.
template <typename A, typename Visit>
void each_setting(A& climate, Visit visit) {
    visit("agents", climate.agents);
    visit("configured", climate.configured);
    visit("heartbeat", climate.heartbeat);
    visit("lease", climate.lease);
    visit("down_after", climate.down_after);
    visit("block", climate.block);
    visit("failovers_an_hour", climate.failovers_an_hour);
    visit("choose", climate.choose);
    visit("loss", climate.loss);
    visit("semi_sync", climate.semi_sync);
    visit("ackers", climate.ackers);
    visit("confirm_dead", climate.confirm_dead);
    visit("rho", climate.rho);
    visit("guard", climate.guard);
    visit("first_writable", climate.first_writable);
    visit("observes", climate.observes);
    visit("write_every", climate.write_every);
    visit("loss_share", climate.loss_share);
    visit("duplication", climate.duplication);
    visit("straggling", climate.straggling);
    visit("failing_verbs", climate.failing_verbs);
    visit("blind_looks", climate.blind_looks);
    visit("troubled", climate.troubled);
}

template <typename A, typename Visit>
void each_of_fault(A& fault, Visit visit) {
    visit("lasts", fault.lasts);
    visit("who", fault.who);
    visit("other", fault.other);
    visit("how", fault.how);
}

std::string_view next_word(std::string_view& line) {
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    const std::string_view word = line.substr(0, line.find(' '));
    line.remove_prefix(word.size());
    return word;
}

std::string read_fault(std::string_view line, Fault& fault) {
    const std::string_view name = next_word(line);
    const auto kinds = static_cast<std::uint8_t>(Fault::Kind::count);
    std::uint8_t kind = 0;
    while (kind < kinds && name_of(static_cast<Fault::Kind>(kind)) != name) ++kind;
    if (kind == kinds) return fmt::format("there is no fault '{}'; see arbiter-sim --list", name);
    fault.kind = static_cast<Fault::Kind>(kind);
    for (std::string_view word; !(word = next_word(line)).empty();) {
        const std::size_t equals = std::min(word.find('='), word.size());
        const std::string_view value = word.substr(std::min(equals + 1, word.size()));
        bool taken = word.starts_with("at=") && read_time(value, fault.at);
        each_of_fault(fault, [&](std::string_view key, auto& member) {
            if (key == word.substr(0, equals)) taken = read_value(value, member);
        });
        if (!taken) return fmt::format("'{}' says nothing of a fault", word);
    }
    return {};
}

std::string read_line(std::string_view line, Script& script) {
    const std::string_view key = next_word(line);
    if (key == "fault") return read_fault(line, script.faults.emplace_back());
    const std::string_view value = next_word(line);
    bool taken = key == "seed" && read_number(value, script.seed);
    each_setting(script.climate, [&](std::string_view name, auto& member) {
        if (name == key) taken = read_value(value, member);
    });
    return taken ? std::string() : fmt::format("'{} {}' is no setting of a world", key, value);
}

}  // namespace

std::string text_of(const Script& script) {
    std::string text = fmt::format("seed {}\n", script.seed);
    each_setting(script.climate, [&](std::string_view name, const auto& value) {
        text += fmt::format("{} {}\n", name, text_of_value(value));
    });
    for (const Fault& fault : script.faults) {
        text += fmt::format("fault {} at={}", name_of(fault.kind), text_of_time(fault.at));
        each_of_fault(fault, [&](std::string_view name, const auto& value) {
            text += fmt::format(" {}={}", name, text_of_value(value));
        });
        text += '\n';
    }
    return text;
}

tl::expected<Script, std::string> script_in(std::string_view text) {
    Script script;
    for (int number = 1; !text.empty(); ++number) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        if (line.empty() || line.starts_with('#')) continue;
        if (const std::string wrong = read_line(line, script); !wrong.empty())
            return tl::unexpected(fmt::format("{}: {}", number, wrong));
    }
    std::stable_sort(script.faults.begin(), script.faults.end(),
                     [](const Fault& one, const Fault& other) { return one.at < other.at; });
    return script;
}

}  // namespace sim

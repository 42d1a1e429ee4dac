#include "dnsd/ctl/act.h"

#include "dnsd/config/duration_text.h"
#include "dnsd/ctl/client.h"
#include "dnsd/ctl/table.h"
#include "heartbeat/io/clock.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <map>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace dnsd {

namespace {

using Json = nlohmann::ordered_json;
using heartbeat::Duration;
using namespace std::chrono_literals;

constexpr auto patience = 5s;
// As the daemon bounds one answer, and what it keeps of a group.
constexpr std::size_t page_max = 1000;
constexpr std::size_t kept_max = 10'000;

std::string text_of(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool is_true(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && *found == Json(true);
}

std::string line_of(const Json& document, int indent) {
    return document.dump(indent, ' ', false, Json::error_handler_t::replace);
}

std::string name_or_dash(const Json& object, const char* key) {
    const std::string name = text_of(object, key);
    return name.empty() ? "-" : ascii(name);
}

double seconds_of(Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

// A name that is misspelt, an end that is missing: of the question, and not of the arbiter.
bool is_usage(const Json& answer) {
    if (is_true(answer, "usage")) return true;
    const std::string error = text_of(answer, "error");  // of a daemon that does not say so
    for (const std::string_view begin : {"no server '", "no group '", "which group is meant"})
        if (error.starts_with(begin)) return true;
    return false;
}

// "22 Nov 10:19:07" of "2026-11-22T10:19:07Z".
std::string short_time(const std::string& time) {
    static constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    if (time.size() < 19) return "-";
    const int month = std::atoi(time.substr(5, 2).c_str());
    if (month < 1 || month > 12) return "-";
    return fmt::format("{:>2} {} {}", std::atoi(time.substr(8, 2).c_str()),
                       months.substr(static_cast<std::size_t>(month - 1) * 3, 3),
                       ascii(time.substr(11, 8)));
}

// "6.9 s", "0.22 s": what is shorter than a second needs its hundredths.
std::string pause_text(const Json& object, const char* key) {
    const auto found = object.find(key);
    if (found == object.end() || !found->is_number()) return "-";
    const double value = found->get<double>();
    return value < 0.95 ? fmt::format("{:.2f} s", value) : fmt::format("{:.1f} s", value);
}

std::optional<Duration> length_or_complain(const CommandOptions& options, const char* option,
                                           const std::string& text) {
    const auto length = parse_duration(text);
    if (!length || *length <= Duration::zero()) {
        complain(options.json, Exit::usage,
                 fmt::format("{} \"{}\" is no length of time", option, text),
                 "a whole number and a unit: 90s, 30m, 2h, 7d");
        return std::nullopt;
    }
    return length;
}

// What the daemon takes, said in the words of the command line.
bool bearable(const CommandOptions& options, const ActOptions& what, Duration length) {
    constexpr std::size_t reason_bytes_max = 200;
    constexpr auto shortest = 1s;
    constexpr auto longest = std::chrono::hours(24 * 366);
    if (length < shortest || length > longest) {
        complain(options.json, Exit::usage,
                 fmt::format("--for \"{}\" is not between 1s and 366d", what.length),
                 "what has no end of its own is said with --until-undone");
        return false;
    }
    if (what.reason.size() > reason_bytes_max) {
        complain(options.json, Exit::usage,
                 fmt::format("--reason has {} bytes, more than {}", what.reason.size(),
                             reason_bytes_max));
        return false;
    }
    return true;
}

Json question_of(const ActOptions& what, std::optional<Duration> length) {
    Json question{{"command", what.command}};
    for (const auto& [key, value] :
         {std::pair("server", what.server), std::pair("server", what.to),
          std::pair("server", what.master), std::pair("mode", what.mode),
          std::pair("group", what.group), std::pair("reason", what.reason)})
        if (!value.empty()) question[key] = value;
    if (length) question["for_seconds"] = seconds_of(*length);
    if (what.until_undone) question["until_undone"] = true;
    if (what.dry_run) question["dry_run"] = true;
    if (what.allow_loss) question["allow_loss"] = true;
    return question;
}

Exit still_going_on(const CommandOptions& options, const ActOptions& what) {
    const std::string follow =
        "arbiterctl status says how it stands, arbiterctl history how it "
        "ended";
    if (options.json)
        fmt::print("{}\n", line_of({{"format", 1},
                                    {"ok", nullptr},
                                    {"going_on", true},
                                    {"text", what.command + ": still going on"},
                                    {"hint", follow}},
                                   2));
    else
        fmt::print(stderr, "{}: still going on; no longer waited for\n  hint: {}\n", what.command,
                   follow);
    return Exit::refused;
}

// A switchover that is only asked about is told by its steps and its pause.
std::string render_dry_switchover(const ActOptions& what, const Json& answer) {
    if (what.command != "switchover" || !what.dry_run) return {};
    const std::string pause = render_pause(answer);
    return pause.empty() ? "" : pause + "Nothing was changed.\n";
}

Exit print_end(const CommandOptions& options, const ActOptions& what, const Json& answer) {
    const bool ok = is_true(answer, "ok");
    const std::string error = text_of(answer, "error");
    const Exit exit = ok ? Exit::done : is_usage(answer) ? Exit::usage : Exit::refused;
    if (options.json) {
        Json document{{"format", 1}};
        for (const auto& [key, value] : answer.items()) document[key] = value;
        fmt::print("{}\n", line_of(document, 2));
        return exit;
    }
    fmt::print("{}{}", render_candidates(answer), render_steps(answer));
    if (const std::string dry = render_dry_switchover(what, answer); ok && !dry.empty()) {
        fmt::print("{}", dry);
        return exit;
    }
    if (ok) {
        fmt::print("{}{}\n", what.dry_run ? render_pause(answer) : "",
                   ascii(text_of(answer, "text")));
        return exit;
    }
    complain(false, exit, ascii(error.empty() ? "the arbiter refused it" : error),
             is_true(answer, "changed") ? "something was changed: arbiterctl status" : "");
    return exit;
}

struct Page {
    Json answer;
    Exit exit = Exit::done;
};

Page ask_history(const CommandOptions& options, const Json& question) {
    auto answer = ask(options.socket, question, patience);
    if (!answer)
        return {{},
                complain(options.json, Exit::unreachable, answer.error().error,
                         answer.error().late
                             ? "it is stopped or overloaded: systemctl status arbiter-dnsd"
                             : answer.error().hint)};
    if (!is_true(*answer, "ok")) {
        const std::string error = text_of(*answer, "error");
        return {
            {},
            complain(options.json, is_usage(*answer) ? Exit::usage : Exit::refused, ascii(error))};
    }
    return {*std::move(answer), Exit::done};
}

const Json& lines_of(const Json& answer) {
    static const Json none = Json::array();
    const auto found = answer.find("history");
    return found != answer.end() && found->is_array() ? *found : none;
}

// The daemon answers a thousand at a time: one group after the other, newest first.
Page gather(const CommandOptions& options, Json question, std::size_t limit) {
    Page first = ask_history(options, question);
    if (first.exit != Exit::done || lines_of(first.answer).size() < page_max) return first;
    std::vector<Json> all;
    std::vector<std::string> groups;
    if (question.contains("group"))
        groups.push_back(question["group"].get<std::string>());
    else if (const auto named = first.answer.find("groups"); named != first.answer.end())
        for (const Json& name : *named)
            if (name.is_string()) groups.push_back(name.get<std::string>());
    for (const std::string& group : groups) {
        question["group"] = group;
        question.erase("before");
        for (std::size_t got = 0; got < limit;) {
            Page page = ask_history(options, question);
            if (page.exit != Exit::done) return page;
            const Json& lines = lines_of(page.answer);
            for (const Json& line : lines) all.push_back(line);
            got += lines.size();
            const auto number = lines.empty() ? Json() : lines.back().value("number", Json());
            if (lines.size() < page_max || !number.is_number_unsigned() || number == Json(1)) break;
            question["before"] = number;
        }
    }
    std::stable_sort(all.begin(), all.end(), [](const Json& a, const Json& b) {
        return text_of(a, "time") > text_of(b, "time");
    });
    if (all.size() > limit) all.resize(limit);
    first.answer["history"] = all;
    return first;
}

}  // namespace

std::string render_history(const Json& answer) {
    std::map<std::string, int> groups;
    for (const Json& line : lines_of(answer)) ++groups[text_of(line, "group")];
    std::vector<std::string> heads{"TIME (UTC)", "EPOCH",     "WHAT", "FROM",
                                   "TO",         "NO WRITER", "BY",   "WHY"};
    if (groups.size() > 1) heads.insert(heads.begin() + 1, "GROUP");
    Table table(std::move(heads));
    for (const Json& line : lines_of(answer)) {
        const auto epoch = line.find("epoch");
        std::vector<Table::Cell> cells{
            {short_time(text_of(line, "time"))},
            {epoch != line.end() && epoch->is_number() ? epoch->dump() : "-"},
            {name_or_dash(line, "what")},
            {name_or_dash(line, "from")},
            {name_or_dash(line, "to")},
            {pause_text(line, "no_writer_seconds")},
            {name_or_dash(line, "by")},
            {ascii(text_of(line, "why"))}};
        if (groups.size() > 1) cells.insert(cells.begin() + 1, {ascii(text_of(line, "group"))});
        table.add(std::move(cells));
    }
    return table.text(Paint::plain);
}

std::string render_candidates(const Json& answer) {
    const auto found = answer.find("candidates");
    if (found == answer.end() || !found->is_array() || found->empty()) return {};
    Table table({"CANDIDATE", "MAY LEAD", "WHY"});
    for (const Json& one : *found)
        table.add({{name_or_dash(one, "name")},
                   {is_true(one, "may_lead") ? "yes" : "no"},
                   {ascii(text_of(one, "why"))}});
    return table.text(Paint::plain);
}

std::string render_steps(const Json& answer) {
    const auto found = answer.find("steps");
    if (found == answer.end() || !found->is_array() || found->empty()) return {};
    std::string out = "Would:";
    std::size_t number = 0;
    for (const Json& step : *found) {
        if (!step.is_string()) continue;
        out += number == 0 ? " " : "  ";
        out += fmt::format("{} {}", ++number, ascii(step.get<std::string>()));
    }
    return out + "\n";
}

std::string render_pause(const Json& answer) {
    const auto found = answer.find("last_pauses_seconds");
    if (found == answer.end() || !found->is_array()) return {};
    std::vector<double> pauses;
    for (const Json& one : *found)
        if (one.is_number() && pauses.size() < 3) pauses.push_back(one.get<double>());
    if (pauses.empty()) return "How long writes would pause the history does not know yet. ";
    double sum = 0;
    std::string each;
    for (const double one : pauses) {
        sum += one;
        each += fmt::format("{}{:.2f}", each.empty() ? "" : ", ", one);
    }
    constexpr std::array<const char*, 3> last{"last time", "last two", "last three"};
    const double mean = sum / static_cast<double>(pauses.size());
    return fmt::format("Writes would pause about {:.{}f} s ({}: {}). ", mean, mean < 0.095 ? 2 : 1,
                       last[pauses.size() - 1], each);
}

Exit act(const CommandOptions& options, const ActOptions& what) {
    std::optional<Duration> length;
    if (!what.length.empty()) {
        length = length_or_complain(options, "--for", what.length);
        if (!length) return Exit::usage;
    }
    const bool ends = what.command == "drain" || what.command == "pause";
    if (ends && length.has_value() == what.until_undone)
        return complain(options.json, Exit::usage, fmt::format("{} needs an end", what.command),
                        "--for 30m, or --until-undone, and not both");
    const auto wait = length_or_complain(options, "--wait", what.wait);
    if (!wait || !bearable(options, what, length.value_or(1s))) return Exit::usage;
    const auto answer =
        ask(options.socket, question_of(what, length), *wait, [&](const Json& step) {
            if (options.json) return;
            fmt::print(stderr, "{}\n", ascii(text_of(step, "text")));
            std::fflush(stderr);
        });
    if (answer) return print_end(options, what, *answer);
    const NoAnswer& no = answer.error();
    if (no.sent && no.late) return still_going_on(options, what);
    return complain(options.json, Exit::unreachable, no.error, no.hint);
}

Exit history(const CommandOptions& options, const HistoryOptions& what) {
    Json question{{"command", "history"}, {"limit", std::min<std::size_t>(what.limit, page_max)}};
    if (!what.group.empty()) question["group"] = what.group;
    if (!what.since.empty()) {
        const auto age = length_or_complain(options, "--since", what.since);
        if (!age) return Exit::usage;
        // By the wall clock, as the events are.
        const auto now = std::chrono::system_clock::now().time_since_epoch();
        question["since_seconds"] = std::max<std::int64_t>(
            0,
            std::chrono::duration_cast<std::chrono::seconds>(now - std::chrono::nanoseconds(*age))
                .count());
    }
    if (what.limit < 1 || what.limit > kept_max)
        return complain(options.json, Exit::usage, fmt::format("--limit is 1 to {}", kept_max));
    const Page page = gather(options, question, what.limit);
    if (page.exit != Exit::done) return page.exit;
    if (options.json) {
        Json document = page.answer;
        document.erase("ok");
        fmt::print("{}\n", line_of(document, 2));
        return Exit::done;
    }
    fmt::print("{}", render_history(page.answer));
    return Exit::done;
}

}  // namespace dnsd

#include "dnsd/io/decision.h"

#include <array>
#include <charconv>

#include <fmt/format.h>

namespace dnsd {

namespace {

std::string name_or_nothing(const std::optional<ServerId>& id) {
    return id ? std::string(id->text()) : "-";
}

std::optional<Kind> kind_named(std::string_view name) {
    for (int i = 0; i <= static_cast<int>(Kind::would); ++i)
        if (name_of(static_cast<Kind>(i)) == name) return static_cast<Kind>(i);
    return std::nullopt;
}

template <typename Number>
bool read_number(std::string_view text, Number& into) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
    return error == std::errc{} && end == text.data() + text.size();
}

bool read_name(std::string_view text, std::optional<ServerId>& into) {
    if (text == "-") return true;
    into = ServerId::parse(text);
    return into.has_value();
}

// What happened to whom: a move has both ends, all else stands where its server is.
enum class Side { from, to };
struct Shown {
    std::string_view what;
    Side side = Side::to;
};

Shown shown(const Note& note) {
    switch (note.kind) {
        case Kind::started:
            return {"started"};
        case Kind::server_up:
            return {"up"};
        case Kind::server_down:
            return {"down", Side::from};
        case Kind::server_unwell:
            return {"unwell", Side::from};
        case Kind::joined_pool:
            return {"in www"};
        case Kind::left_pool:
            return {"out of www", Side::from};
        case Kind::fail_open:
            return {"fail open"};
        case Kind::fail_open_ended:
            return {"fail open ended"};
        case Kind::expiring:
            return {"lease runs out", Side::from};
        case Kind::freed:
            return {"lease ended", Side::from};
        case Kind::window_opened:
            return {"election"};
        case Kind::granted:
            return {"granted"};
        case Kind::writable:
            return {note.planned ? "switchover" : note.from ? "failover" : "leads"};
        case Kind::grant_lapsed:
            return {"grant lapsed", Side::from};
        case Kind::refused:
            return {"refused"};
        case Kind::ledger_failed:
            return {"ledger failed"};
        case Kind::gate_waits:
            return {"gate waits"};
        case Kind::acker_joined:
            return {"acker in"};
        case Kind::acker_leaving:
            return {"acker leaving", Side::from};
        case Kind::acker_left:
            return {"acker out", Side::from};
        case Kind::alarm:
            return {"alarm"};
        case Kind::switchover_begun:
            return {"switchover begun"};
        case Kind::switchover_failed:
            return {"switchover failed"};
        case Kind::lost_accepted:
            return {"loss accepted"};
        case Kind::damped:
            return {"damped"};
        case Kind::drained:
            return {"drained", Side::from};
        case Kind::undrained:
            return {"undrained"};
        case Kind::paused:
            return {"paused"};
        case Kind::resumed:
            return {"resumed"};
        case Kind::adopted:
            return {"adopted"};
        case Kind::confirmed_dead:
            return {"confirmed dead", Side::from};
        case Kind::mode_changed:
            return {"mode"};
        case Kind::rules_changed:
            return {"configuration"};
        case Kind::would:
            return {"would"};
    }
    return {"unknown"};
}

}  // namespace

DecisionColumns columns_of(const Note& note) {
    const Shown one = shown(note);
    DecisionColumns columns{one.what, note.from, {}, note.by.empty() ? "arbiter" : note.by};
    (one.side == Side::from ? columns.from : columns.to) = note.server;
    return columns;
}

// Whatever the last line holds is its own; a line break in the others would move it.
std::string note_text(const Note& note) {
    std::string by = note.by;
    for (char& c : by)
        if (c == '\n') c = ' ';
    return fmt::format("{} {} {} {} {} {:d}\n{}\n{}", name_of(note.kind), note.epoch.value,
                       name_or_nothing(note.server), name_or_nothing(note.from),
                       note.no_writer ? fmt::to_string(note.no_writer->count()) : "-", note.planned,
                       by, note.why);
}

std::optional<Note> read_note(std::string_view text) {
    const std::size_t first = text.find('\n');
    const std::size_t second = first == text.npos ? first : text.find('\n', first + 1);
    if (second == text.npos) return std::nullopt;
    std::array<std::string_view, 6> words;
    std::string_view left = text.substr(0, first);
    for (std::string_view& word : words) {
        const std::size_t end = left.find(' ');
        word = left.substr(0, end);
        left = end == left.npos ? std::string_view() : left.substr(end + 1);
    }
    const auto kind = kind_named(words[0]);
    Note note{kind.value_or(Kind::alarm), {}, {}, std::string(text.substr(second + 1))};
    Duration::rep no_writer = 0;
    const bool good = kind && left.empty() && read_number(words[1], note.epoch.value) &&
                      read_name(words[2], note.server) && read_name(words[3], note.from) &&
                      (words[4] == "-" || read_number(words[4], no_writer)) &&
                      (words[5] == "0" || words[5] == "1");
    if (!good) return std::nullopt;
    if (words[4] != "-") note.no_writer = Duration(no_writer);
    note.planned = words[5] == "1";
    note.by = text.substr(first + 1, second - first - 1);
    return note;
}

}  // namespace dnsd

// The commands that ask the daemon: status, reload, explain.

#include "dnsd/ctl/client.h"
#include "dnsd/ctl/commands.h"
#include "dnsd/ctl/explain.h"
#include "dnsd/ctl/render.h"
#include "dnsd/ctl/suggest.h"

#include <cstdio>
#include <cstdlib>
#include <sstream>

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

namespace dnsd {

namespace {

using Json = nlohmann::ordered_json;
using namespace std::chrono_literals;

constexpr auto patience = 5s;
// A reload reads every zone file.
constexpr auto reload_patience = 120s;
constexpr int watch_every_ms = 1000;

struct Asked {
    Json answer;  // when exit is done
    Exit exit = Exit::done;
};

Exit explain_failure(const CommandOptions& options, const NoAnswer& no) {
    // Nothing goes on of what only asks.
    return complain(
        options.json, Exit::unreachable, no.error,
        no.late ? "it is stopped or overloaded: systemctl status arbiter-dnsd" : no.hint);
}

std::string text_of(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// The texts of a list, each with its own lines and without their last end.
std::vector<std::string> lines(const Json& answer, const char* key) {
    std::vector<std::string> out;
    const auto found = answer.find(key);
    if (found == answer.end() || !found->is_array()) return out;
    for (const Json& one : *found) {
        if (!one.is_string()) continue;
        std::string text;
        for (std::istringstream in(one.get<std::string>()); std::getline(in, text);)
            out.push_back(ascii(text));
    }
    return out;
}

// Asks, and says what went wrong.
Asked ask_daemon(const CommandOptions& options, const char* command, heartbeat::Duration how_long) {
    auto answer = ask(options.socket, {{"command", command}}, how_long);
    if (!answer) return {{}, explain_failure(options, answer.error())};
    if (answer->value("ok", Json(false)) != Json(true)) {
        const std::string error = text_of(*answer, "error");
        return {{},
                complain(options.json, Exit::refused,
                         error.empty() ? fmt::format("the arbiter refused '{}'", command) : error,
                         text_of(*answer, "hint"))};
    }
    return {*std::move(answer), Exit::done};
}

// The status document, with its format first, whatever the daemon sent around it.
Json status_of(const Json& answer) {
    Json status{{"format", 1}};
    const auto found = answer.find("status");
    if (found != answer.end() && found->is_object())
        for (const auto& [key, value] : found->items()) status[key] = value;
    return status;
}

std::string line_of(const Json& document, int indent) {
    return document.dump(indent, ' ', false, Json::error_handler_t::replace);
}

bool terminal() {
    return ::isatty(STDOUT_FILENO) == 1;
}

Paint paint() {
    const char* no_color = std::getenv("NO_COLOR");  // no-color.org: set and not empty
    const char* kind = std::getenv("TERM");
    const bool able = terminal() && kind != nullptr && std::string_view(kind) != "dumb";
    return able && (no_color == nullptr || *no_color == '\0') ? Paint::colour : Paint::plain;
}

// In a terminal: the table, drawn again in place. Into a pipe: a JSON object per change.
Exit watch_status(const CommandOptions& options) {
    const bool redraw = terminal() && !options.json;
    Json last;
    bool reached = false;
    while (true) {
        auto answer = ask(options.socket, {{"command", "status"}}, patience);
        // A restart of the daemon does not end a watch that has begun.
        if (!answer && (!reached || !redraw)) return explain_failure(options, answer.error());
        std::string screen;
        if (answer) {
            reached = true;
            const Json status = status_of(*answer);
            if (redraw) {
                screen = render_status(status, paint());
            } else if (Json now = without_ages(status); now != last) {
                last = std::move(now);
                screen = line_of(status, -1) + '\n';
            }
        } else {
            screen = fmt::format("arbiterctl: {}\n  hint: {}\n", answer.error().error,
                                 answer.error().hint);
        }
        // Home, draw, erase what is left of before: without a flicker.
        if (redraw) screen = "\x1b[H\x1b[2J" + screen;
        if (std::fputs(screen.c_str(), stdout) < 0 || std::fflush(stdout) != 0) return Exit::done;
        // A reader that went away ends it, also when nothing changes.
        pollfd out{STDOUT_FILENO, 0, 0};
        ::poll(&out, 1, watch_every_ms);
        if ((out.revents & (POLLERR | POLLNVAL)) != 0) return Exit::done;
    }
}

}  // namespace

Exit status(const CommandOptions& options, bool watch) {
    if (watch) return watch_status(options);
    const Asked asked = ask_daemon(options, "status", patience);
    if (asked.exit != Exit::done) return asked.exit;
    const Json status = status_of(asked.answer);
    if (options.json)
        fmt::print("{}\n", line_of(status, 2));
    else
        fmt::print("{}", render_status(status, paint()));
    return Exit::done;
}

Exit reload(const CommandOptions& options) {
    auto answer = ask(options.socket, {{"command", "reload"}}, reload_patience);
    if (!answer && answer.error().sent && answer.error().late)
        return complain(options.json, Exit::refused, "reload: still going on; no longer waited for",
                        "the log says how it ends: journalctl -u arbiter-dnsd");
    if (!answer) return explain_failure(options, answer.error());
    const bool ok = answer->value("ok", Json(false)) == Json(true);
    // A file with a mistake is the operator's to mend, as with "check".
    const Exit exit = ok                                   ? Exit::done
                      : lines(*answer, "mistakes").empty() ? Exit::refused
                                                           : Exit::usage;
    if (options.json) {
        Json document{{"format", 1}};
        for (const auto& [key, value] : answer->items()) document[key] = value;
        fmt::print("{}\n", line_of(document, 2));
        return exit;
    }
    for (const char* key : {"mistakes", "refused", "warnings"})
        for (const std::string& line : lines(*answer, key)) fmt::print(stderr, "{}\n", line);
    for (const std::string& line : lines(*answer, "changes")) fmt::print("{}\n", line);
    for (const std::string& line : lines(*answer, "waits_for_restart"))
        fmt::print("{} (waits for a restart)\n", line);
    const std::string message = text_of(*answer, ok ? "message" : "error");
    if (ok && !message.empty()) fmt::print("{}\n", ascii(message));
    if (ok && message.empty() && lines(*answer, "changes").empty()) fmt::print("reloaded\n");
    std::fflush(stdout);  // what was taken, before what was not
    return ok ? exit
              : complain(false, exit,
                         message.empty() ? "the arbiter refused the reload" : ascii(message),
                         text_of(*answer, "hint"));
}

Exit explain(const CommandOptions& options, const std::string& server) {
    const Asked asked = ask_daemon(options, "status", patience);
    if (asked.exit != Exit::done) return asked.exit;
    const Json status = status_of(asked.answer);
    const std::string why =
        server.empty() ? render_groups_explanation(status) : render_explanation(status, server);
    if (server.empty() && why.empty())
        return complain(options.json, Exit::refused, "the arbiter has no groups to explain");
    const std::string text = why + render_last_events(status, server);
    if (why.empty()) {
        const std::vector<std::string> names = server_names(status);
        std::string hint = "servers: ";
        for (const std::string& each : names) hint += (hint.back() == ' ' ? "" : ", ") + each;
        if (const auto meant = suggest(server, names)) hint = "did you mean '" + *meant + "'?";
        return complain(options.json, Exit::usage, fmt::format("no server '{}'", server),
                        names.empty() ? "the arbiter has no servers" : hint);
    }
    if (options.json)
        fmt::print(
            "{}\n",
            line_of({{"format", 1}, {"servers", server_part(status, server)}, {"text", text}}, 2));
    else
        fmt::print("{}", text);
    return Exit::done;
}

}  // namespace dnsd

#include "dnsd/io/operator_request.h"

#include "dnsd/config/mistakes.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace dnsd {

namespace {

using Json = nlohmann::ordered_json;

// The members of a request; the first mistake is kept, and a member that nobody asked for is one.
class Members {
public:
    explicit Members(const Json& object) : object_(object) {}

    std::optional<std::string> text(const char* key, std::size_t bytes_max = 64) {
        const Json* found = find(key);
        if (!found) return std::nullopt;
        if (!found->is_string() || found->get_ref<const std::string&>().size() > bytes_max) {
            wrong(fmt::format("\"{}\" is a text of at most {} bytes", key, bytes_max));
            return std::nullopt;
        }
        return found->get<std::string>();
    }
    bool flag(const char* key) {
        const Json* found = find(key);
        if (found && !found->is_boolean()) wrong(fmt::format("\"{}\" is true or false", key));
        return found && found->is_boolean() && found->get<bool>();
    }
    std::optional<double> number(const char* key, double least, double most) {
        const Json* found = find(key);
        if (!found) return std::nullopt;
        const double value = found->is_number() ? found->get<double>() : -1;
        if (!(value >= least && value <= most)) {
            wrong(fmt::format("\"{}\" is a number from {:.0f} to {:.0f}", key, least, most));
            return std::nullopt;
        }
        return value;
    }
    void wrong(std::string why) {
        if (error_.empty()) error_ = std::move(why);
    }
    const std::string& finish() {
        for (const auto& [key, value] : object_.items())
            if (key != "command" && std::find(asked_.begin(), asked_.end(), key) == asked_.end())
                wrong(fmt::format("this command takes no \"{}\"", key.substr(0, 64)));
        return error_;
    }

private:
    const Json* find(const char* key) {
        asked_.emplace_back(key);
        const auto found = object_.find(key);
        return found == object_.end() || found->is_null() ? nullptr : &*found;
    }
    const Json& object_;
    std::vector<std::string> asked_;
    std::string error_;
};

std::string listed(const std::vector<std::string>& names) {
    std::string out;
    for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
    return out;
}

std::string advice(std::string_view word, const std::vector<std::string>& known,
                   std::string_view what) {
    const std::vector<std::string_view> views(known.begin(), known.end());
    const std::string_view meant = did_you_mean(word, views);
    return meant.empty() ? fmt::format("{}: {}", what, listed(known))
                         : fmt::format("did you mean '{}'?", meant);
}

std::vector<std::string> group_names(const std::vector<Askable>& askable) {
    std::vector<std::string> names;
    for (const Askable& one : askable) names.push_back(one.group);
    return names;
}

bool has(const Askable& group, std::string_view server) {
    return std::any_of(group.servers.begin(), group.servers.end(),
                       [&](const ServerId& id) { return id.text() == server; });
}

// The server and the group that are named: a server says which group is meant, where it stands in
// one alone.
struct Meant {
    std::size_t group = 0;
    std::optional<ServerId> server;
};
std::optional<Meant> find_meant(Members& members, const std::vector<Askable>& askable,
                                const std::optional<std::string>& group,
                                const std::optional<std::string>& server) {
    if (askable.empty()) {
        members.wrong("no group is configured: this daemon serves zones alone");
        return std::nullopt;
    }
    std::vector<std::size_t> possible;
    std::vector<std::string> servers;
    for (std::size_t i = 0; i < askable.size(); ++i) {
        if (group && askable[i].group != *group) continue;
        for (const ServerId& id : askable[i].servers) servers.emplace_back(id.text());
        if (!server || has(askable[i], *server)) possible.push_back(i);
    }
    if (group && servers.empty()) {
        const std::vector<std::string> names = group_names(askable);
        if (std::find(names.begin(), names.end(), *group) == names.end()) {
            members.wrong(
                fmt::format("no group '{}'; {}", *group, advice(*group, names, "groups")));
            return std::nullopt;
        }
    }
    if (possible.empty()) {
        members.wrong(fmt::format("no server '{}'{}; {}", server.value_or(""),
                                  group ? " in group " + *group : std::string(),
                                  advice(server.value_or(""), servers, "servers")));
        return std::nullopt;
    }
    if (possible.size() > 1) {
        members.wrong(fmt::format("which group is meant? Say it with --group; groups: {}",
                                  listed(group_names(askable))));
        return std::nullopt;
    }
    return Meant{possible.front(), server ? ServerId::parse(*server) : std::nullopt};
}

// An end, said in so many words: what nobody ends is forgotten.
std::optional<Duration> read_length(Members& members, std::string_view command) {
    const auto seconds = members.number("for_seconds", 1,
                                        std::chrono::duration<double>(operator_length_max).count());
    const bool until_undone = members.flag("until_undone");
    if (seconds.has_value() == until_undone)
        members.wrong(
            fmt::format("{} needs an end: --for 30m, or --until-undone, and not both", command));
    if (!seconds) return std::nullopt;
    return std::chrono::duration_cast<Duration>(
        std::chrono::milliseconds(std::llround(*seconds * 1000)));
}

std::optional<Command> command_of(Members& members, const std::string& name,
                                  const std::optional<ServerId>& server) {
    if (name == "switchover") return SwitchoverCommand{server};
    if (name == "pause") return PauseCommand{read_length(members, "a pause")};
    if (name == "resume") return ResumeCommand{};
    if (name == "mode") {
        const auto mode = members.text("mode");
        if (mode == "act") return ModeCommand{Mode::act};
        if (mode == "observe") return ModeCommand{Mode::observe};
        members.wrong("the mode is 'act' or 'observe'");
        return std::nullopt;
    }
    if (!server) {
        members.wrong(fmt::format("{} needs the name of a server", name));
        return std::nullopt;
    }
    if (name == "drain") return DrainCommand{*server, read_length(members, "a drain")};
    if (name == "undrain") return UndrainCommand{*server};
    if (name == "confirm-dead") return ConfirmDeadCommand{*server};
    return AdoptCommand{*server, members.flag("allow_loss")};
}

}  // namespace

tl::expected<OperatorRequest, std::string> read_operator_request(
    const std::string& request, const std::vector<Askable>& askable) {
    const Json object = Json::parse(request, nullptr, false);
    if (!object.is_object() || !object.contains("command") || !object["command"].is_string())
        return tl::unexpected(std::string("a request is one JSON object with a \"command\""));
    Members members(object);
    const auto name = object["command"].get<std::string>();
    const bool takes_server = name != "pause" && name != "resume" && name != "mode";
    const auto group = members.text("group", 256);
    const auto server = takes_server ? members.text("server") : std::nullopt;
    OperatorRequest out;
    out.reason = members.text("reason", reason_bytes_max).value_or("");
    if (std::any_of(out.reason.begin(), out.reason.end(),
                    [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 127; }))
        members.wrong("a reason has no control characters");
    out.dry_run = members.flag("dry_run");
    const auto meant = find_meant(members, askable, group, server);
    const auto command = command_of(members, name, meant ? meant->server : std::nullopt);
    if (const std::string& wrong = members.finish(); !wrong.empty()) return tl::unexpected(wrong);
    out.group = meant->group;
    out.command = *command;
    return out;
}

tl::expected<HistoryRequest, std::string> read_history_request(
    const std::string& request, const std::vector<Askable>& askable) {
    const Json object = Json::parse(request, nullptr, false);
    if (!object.is_object())
        return tl::unexpected(std::string("a request is one JSON object with a \"command\""));
    Members members(object);
    HistoryRequest out;
    out.group = members.text("group", 256).value_or("");
    out.limit = static_cast<std::size_t>(
        members.number("limit", 1, static_cast<double>(HistoryRequest::limit_max)).value_or(100));
    out.before = static_cast<std::uint64_t>(members.number("before", 1, 1e15).value_or(0));
    out.since_ms =
        static_cast<std::int64_t>(members.number("since_seconds", 0, 1e12).value_or(0) * 1000);
    const std::vector<std::string> names = group_names(askable);
    if (!out.group.empty() && std::find(names.begin(), names.end(), out.group) == names.end())
        members.wrong(
            fmt::format("no group '{}'; {}", out.group, advice(out.group, names, "groups")));
    if (out.before != 0 && out.group.empty())
        members.wrong("\"before\" is a number of one group, which \"group\" names");
    if (const std::string& wrong = members.finish(); !wrong.empty()) return tl::unexpected(wrong);
    return out;
}

}  // namespace dnsd

// arbiterctl: what the operator types.

#include "dnsd/ctl/act.h"
#include "dnsd/ctl/client.h"
#include "dnsd/ctl/commands.h"
#include "dnsd/ctl/suggest.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <functional>
#include <string_view>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

namespace {

using dnsd::CommandOptions;
using dnsd::Exit;

constexpr const char* configuration_default = "/etc/arbiter/dnsd.toml";

struct Line {
    CommandOptions options{false, dnsd::control_socket_default};
    std::string name;
    std::string folder = ".";
    std::string file;
    std::string configuration = configuration_default;
    std::string server;
    dnsd::TsigOptions tsig;
    dnsd::ActOptions act;
    dnsd::HistoryOptions history;
    bool watch = false;
    bool version = false;
    std::function<Exit()> run;
};

// Of all that both sides must have alike, the command says every word.
void declare_tsig(CLI::App& keys, Line& line) {
    CLI::App* tsig = keys.add_subcommand("tsig", "make a key for transfers, and what to paste");
    tsig->add_option("NAME", line.tsig.name, "the key's name, as in ns2.example")->required();
    tsig->add_option("--algorithm", line.tsig.algorithm, "hmac-sha256 or another of SHA-2")
        ->capture_default_str();
    tsig->add_option("--out", line.tsig.out, "add it to this file of keys");
    tsig->add_flag("--show", line.tsig.show, "a key that is there; none is made");
    tsig->add_option("--key-file", line.tsig.key_file, "where --show looks")->capture_default_str();
    tsig->add_option("--config", line.tsig.configuration, "the arbiter's configuration");
    tsig->add_option("--zone", line.tsig.zone, "the zone that is to be transferred");
    tsig->add_option("--primary", line.tsig.primary, "the arbiter's address, for the secondary");
    tsig->add_option("--secondary", line.tsig.secondary, "the secondary's address");
    tsig->callback([&] { line.run = [&] { return dnsd::keys_tsig(line.options, line.tsig); }; });
}

CLI::App* declare_act(CLI::App& app, Line& line, const char* name, const char* help) {
    CLI::App* act = app.add_subcommand(name, help);
    act->add_option("--group", line.act.group, "where several are configured");
    act->add_option("--reason", line.act.reason, "kept in the history");
    act->add_flag("--dry-run", line.act.dry_run, "say what would be done, and do nothing");
    act->add_option("--wait", line.act.wait, "stop waiting after this; what was asked for goes on")
        ->capture_default_str();
    act->callback([&line, name] {
        line.act.command = name;
        line.run = [&line] { return dnsd::act(line.options, line.act); };
    });
    return act;
}

// What ends by itself, or is said to last.
void declare_end(CLI::App* act, Line& line) {
    act->add_option("--for", line.act.length, "how long: 30m, 2h");
    act->add_flag("--until-undone", line.act.until_undone, "without an end of its own");
}

void declare_acts(CLI::App& app, Line& line) {
    declare_act(app, line, "switchover", "another server leads, and no commit is lost")
        ->add_option("--to", line.act.to, "which; else the best candidate");
    CLI::App* drain = declare_act(app, line, "drain", "takes a server out of www and of the lead");
    drain->add_option("SERVER", line.act.server, "its name")->required();
    declare_end(drain, line);
    declare_act(app, line, "undrain", "ends a drain")
        ->add_option("SERVER", line.act.server, "its name")
        ->required();
    declare_end(declare_act(app, line, "pause", "no automatic failover; renewals go on"), line);
    declare_act(app, line, "resume", "ends a pause, and what the damping blocks");
    declare_act(app, line, "confirm-dead", "a holder's lease ends now: its machine is surely off")
        ->add_option("SERVER", line.act.server, "the holder")
        ->required();
    CLI::App* adopt = declare_act(app, line, "adopt", "makes a server master by your word alone");
    adopt->add_option("--master", line.act.master, "which")->required();
    adopt->add_flag("--allow-loss", line.act.allow_loss,
                    "though another has received more, or it is errant or behind");
    declare_act(app, line, "mode", "act, or observe: decides and shows, and moves nothing")
        ->add_option("MODE", line.act.mode, "act or observe")
        ->required();
    CLI::App* history = app.add_subcommand("history", "what was decided, by whom and why");
    history->add_option("--group", line.history.group, "of this group alone");
    history->add_option("--limit", line.history.limit, "so many, the newest")
        ->capture_default_str();
    history->add_option("--since", line.history.since, "not older than this: 2h, 7d");
    history->callback(
        [&] { line.run = [&] { return dnsd::history(line.options, line.history); }; });
}

// What the words mean. Whatever is left over is looked at by judge_extras(): CLI11 itself would say
// of a misspelt command only that a command is required.
void declare(CLI::App& app, Line& line) {
    // Before the first subcommand, which copies it: then --json may stand anywhere.
    app.fallthrough();
    app.allow_extras();
    app.require_subcommand(0, 1);
    app.add_flag("--json", line.options.json, "print one JSON document");
    app.add_option("--socket", line.options.socket, "the daemon's control socket")
        ->envname("ARBITER_SOCKET")
        ->capture_default_str();
    app.add_flag("--version", line.version, "print the version");

    CLI::App* status = app.add_subcommand("status", "what is served, who leads, who is behind");
    status->add_flag("--watch", line.watch, "again each second; into a pipe: JSON on each change");
    status->callback([&] { line.run = [&] { return dnsd::status(line.options, line.watch); }; });

    CLI::App* explain = app.add_subcommand("explain", "why a server is in www or not, or may lead");
    explain->add_option("SERVER", line.server, "its name; without one: why who leads");
    explain->callback([&] { line.run = [&] { return dnsd::explain(line.options, line.server); }; });

    declare_acts(app, line);
    CLI::App* reload = app.add_subcommand(
        "reload", "take up changed zone files and settings; say what waits for a restart");
    reload->callback([&] { line.run = [&] { return dnsd::reload(line.options); }; });

    CLI::App* check = app.add_subcommand("check", "report every mistake of a configuration");
    check->add_option("FILE", line.configuration, "the configuration")->capture_default_str();
    check->callback([&] {
        line.run = [&] {
            return dnsd::run_daemon(line.options, dnsd::DaemonTask::check, line.configuration);
        };
    });

    CLI::App* init = app.add_subcommand("init", "make the empty ledger of a configuration");
    init->add_option("--config", line.configuration, "the configuration")->capture_default_str();
    init->callback([&] {
        line.run = [&] {
            return dnsd::run_daemon(line.options, dnsd::DaemonTask::init, line.configuration);
        };
    });

    CLI::App* keys = app.add_subcommand("keys", "make and show keys");
    keys->require_subcommand(0, 1);
    CLI::App* make = keys->add_subcommand("new", "make NAME.key and NAME.pub");
    make->add_option("NAME", line.name, "the server's or arbiter's name")->required();
    make->add_option("--dir", line.folder, "where to write them")->capture_default_str();
    make->callback(
        [&] { line.run = [&] { return dnsd::keys_new(line.options, line.name, line.folder); }; });
    CLI::App* show = keys->add_subcommand("show", "print the public line of a key file");
    show->add_option("FILE", line.file, "a .key or a .pub file")->required();
    show->callback([&] { line.run = [&] { return dnsd::keys_show(line.options, line.file); }; });
    declare_tsig(*keys, line);
}

std::vector<std::string> commands_of(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::App* each : app.get_subcommands(nullptr)) names.push_back(each->get_name());
    return names;
}

std::vector<std::string> options_of(const CLI::App* app) {
    std::vector<std::string> names;
    for (; app != nullptr; app = app->get_parent())
        for (const CLI::Option* each : app->get_options())
            for (const std::string& name : each->get_lnames()) names.push_back("--" + name);
    return names;
}

const CLI::App& deepest(const CLI::App& app) {
    const CLI::App* at = &app;
    while (!at->get_subcommands().empty()) at = at->get_subcommands().front();
    return *at;
}

std::string whole_name(const CLI::App& app) {
    const CLI::App* parent = app.get_parent();
    return (parent != nullptr ? whole_name(*parent) + ' ' : std::string()) + app.get_name();
}

// Words that nothing asked for, or no command at all.
Exit judge_extras(const CLI::App& app, bool json) {
    const CLI::App& at = deepest(app);
    const std::vector<std::string> extras = app.remaining(true);
    const std::vector<std::string> commands = commands_of(at);
    if (extras.empty()) {
        if (!json) fmt::print(stderr, "{}", at.help());
        return dnsd::complain(json, Exit::usage, "a command is required");
    }
    const std::string& word = extras.front();
    const bool option = word.starts_with('-');
    const auto known = option ? options_of(&at) : commands;
    const auto meant = dnsd::suggest(word, known);
    const bool whom = at.get_name() == "switchover" && !option;
    const std::string hint = meant  ? fmt::format("did you mean '{}'?", *meant)
                             : whom ? fmt::format("did you mean '--to {}'?", word)
                                    : whole_name(at) + " --help";
    if (option) return dnsd::complain(json, Exit::usage, fmt::format("no option '{}'", word), hint);
    if (!commands.empty())
        return dnsd::complain(json, Exit::usage, fmt::format("no command '{}'", word), hint);
    return dnsd::complain(json, Exit::usage, fmt::format("'{}' takes no '{}'", at.get_name(), word),
                          hint);
}

Exit run(int argc, char** argv) {
    CLI::App app("Looks at an arbiter and tells it what to do.", "arbiterctl");
    Line line;
    declare(app, line);
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& wanted) {  // --help
        app.exit(wanted);
        return Exit::done;
    } catch (const CLI::ParseError& error) {
        // CLI11's own codes are above 100; a script looks for 2. An option without its value ends
        // the parsing before any flag is set.
        const bool json = std::find(argv, argv + argc, std::string_view("--json")) != argv + argc;
        return dnsd::complain(json, Exit::usage, error.what(),
                              whole_name(deepest(app)) + " --help");
    }
    if (line.version) {
        fmt::print("arbiterctl {}\n", ARBITER_VERSION);
        return Exit::done;
    }
    if (!line.run || !app.remaining(true).empty()) return judge_extras(app, line.options.json);
    return line.run();
}

}  // namespace

int main(int argc, char** argv) {
    // A pipe whose reader went away ends a watch by its error, not by a signal.
    std::signal(SIGPIPE, SIG_IGN);
    try {
        const Exit exit = run(argc, argv);
        if (std::fflush(stdout) != 0) return static_cast<int>(Exit::refused);
        return static_cast<int>(exit);
    } catch (const std::exception& error) {
        fmt::print(stderr, "arbiterctl: {}\n", error.what());
        return static_cast<int>(Exit::refused);
    }
}

// arbiter-agent: the daemon on each wiki server, `once` for cron, `check` for the operator.

#include "agent/config/config.h"
#include "agent/io/control.h"
#include "agent/io/files.h"
#include "agent/io/once.h"
#include "agent/io/signals.h"
#include "heartbeat/io/asio.h"
#include "heartbeat/io/clock.h"
#include "heartbeat/io/keyfile.h"

#include <csignal>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>

#include <fmt/format.h>
#include <sysexits.h>
#include <CLI/CLI.hpp>

namespace {

using namespace agent;

int complain(int code, const std::string& text) {
    std::fputs(fmt::format("arbiter-agent: error: {}\n", text).c_str(), stderr);
    return code;
}

ConfigRead read(const std::string& path) {
    return read_config(path, {read_text, read_secret_text, heartbeat::read_secret_keys});
}

ControlParts parts_of(const Config& config) {
    ControlParts parts{config.duty,  config.page, config.database, std::nullopt,
                       config.hooks, {},          config.from};
    if (config.master_name) {
        parts.master_record =
            MasterRecordRules{config.master_name->server.host, config.master_name->server.port,
                              config.master_name->name};
    }
    const heartbeat::BootId boot = heartbeat::fresh_boot();
    for (const ArbiterAt& arbiter : config.arbiters) {
        parts.arbiters.push_back(
            {arbiter.at.host, arbiter.at.port,
             heartbeat::AgentSession(*config.keys, config.cluster, arbiter.keys, boot)});
    }
    return parts;
}

int run_daemon(const Config& config) {
    auto record = RecordFile::open(config.state_directory, config.duty.self, "daemon");
    if (!record)
        return complain(record.error().in_use ? EX_TEMPFAIL : EX_CANTCREAT, record.error().text);
    boost::asio::io_context loop(1);
    Control control(loop, parts_of(config), std::move(*record), {});
    const Signals signals(loop, [&control] { control.stop(); });
    say(fmt::format("event=ready server={} version={}", config.duty.self.text(), ARBITER_VERSION));
    loop.run();
    return control.left_undone() ? EX_UNAVAILABLE : EX_OK;
}

struct Wanted {
    std::string config = "/etc/arbiter/agent.toml";
    bool check = false;
    bool once = false;
};

// The exit code when there is nothing more to do.
std::optional<int> read_arguments(int argc, char** argv, Wanted& wanted) {
    CLI::App app{
        "The daemon on each wiki server: proves its health, holds the lease, obeys.\n"
        "Exit codes of `once`: 0 master, 1 denied, 2 unwell, 3 no answer; else sysexits.",
        "arbiter-agent"};
    app.set_version_flag("--version", "arbiter-agent " ARBITER_VERSION);
    // Before the subcommands are made: they copy it (LAB.md, H).
    app.fallthrough();
    app.add_option("--config", wanted.config, "the configuration file")->capture_default_str();
    app.add_flag("--check", wanted.check, "read everything, report every mistake, and exit");
    const CLI::App* const once = app.add_subcommand(
        "once", "one round, for cron; as master it stays until the lease is lost");
    const CLI::App* const check = app.add_subcommand("check", "the same as --check");
    app.require_subcommand(0, 1);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) return app.exit(error);
        return complain(EX_USAGE, fmt::format("{}; --help tells more", error.what()));
    }
    wanted.check = wanted.check || check->parsed();
    wanted.once = once->parsed();
    return std::nullopt;
}

int run(int argc, char** argv) {
    Wanted wanted;
    if (const auto code = read_arguments(argc, argv, wanted)) return *code;
    const ConfigRead read_now = read(wanted.config);
    std::fputs(read_now.report.c_str(), stderr);
    if (wanted.check) {
        if (read_now.config) std::fputs(fmt::format("{}: ok\n", wanted.config).c_str(), stdout);
        return read_now.config ? 0 : 1;
    }
    if (!read_now.config) return EX_CONFIG;
    const Config& config = *read_now.config;
    // A peer that goes away is an error of the write, not a signal.
    std::signal(SIGPIPE, SIG_IGN);
    if (!wanted.once) return run_daemon(config);
    return run_once({config.duty.self, config.state_directory, [&] { return parts_of(config); }});
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {
        return complain(EX_UNAVAILABLE, error.what());
    }
}

// arbiter-dnsd: the authoritative DNS server that decides (docs/ARCHITECTURE.md).
#include "dnsd/io/check.h"
#include "dnsd/io/control.h"
#include "dnsd/io/log.h"
#include "dnsd/io/start_error.h"
#include "dnsd/io/udp_server.h"

#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

namespace {

using namespace dnsd;

constexpr std::uint16_t dns_port = 53;
constexpr rlim_t descriptors_wanted = 128 * 1024;  // above what [dns.tcp] may ask for

struct Options {
    std::vector<std::string> listen, notify;
    std::string zones, config;
    unsigned workers = 0;
    bool check = false, init = false;
};

void declare(CLI::App& app, Options& options) {
    app.set_version_flag("--version", "arbiter-dnsd " ARBITER_VERSION);
    app.add_option("--config", options.config, "Serve and decide as this file says")
        ->type_name("FILE");
    app.add_flag("--check", options.check,
                 "With --config: read everything, report every error, exit 0 or 1");
    app.add_flag("--init", options.init, "With --config: make its empty ledger and exit");
    app.add_option("--zones", options.zones,
                   "Serve each NAME.zone in this directory as zone NAME; root.zone is the root")
        ->type_name("DIR");
    app.add_option("--listen", options.listen, "Answer on this address, by UDP and TCP")
        ->type_name("ADDR:PORT");
    app.add_option("--notify", options.notify, "Tell this secondary of every change")
        ->type_name("ADDR:PORT");
    app.add_option("--workers", options.workers,
                   "Threads that answer by UDP; one a core by default")
        ->check(CLI::Range(1U, UdpServer::workers_max))
        ->type_name("N");
}

std::vector<Endpoint> endpoints(const char* option, const std::vector<std::string>& texts) {
    std::vector<Endpoint> result;
    for (const std::string& text : texts) {
        const auto endpoint = Endpoint::parse(text, dns_port);
        if (!endpoint)
            throw StartError(exit_usage, fmt::format("{} {}: this is no ADDRESS:PORT; write "
                                                     "192.0.2.1:53 or [2001:db8::1]:53",
                                                     option, text));
        result.push_back(*endpoint);
    }
    return result;
}

// Each way to start has its own options; what does not belong together is refused, not ignored.
void refuse_mixtures(const Options& options) {
    const bool by_directory = !options.zones.empty();
    const bool by_config = !options.config.empty();
    if (by_directory == by_config)
        throw StartError(exit_usage,
                         "say what to serve: either --config FILE, or --zones DIR with --listen "
                         "ADDR:PORT (--help says more)");
    if (by_directory && options.listen.empty())
        throw StartError(exit_usage, "--zones needs --listen ADDR:PORT, at least once");
    if (by_directory && (options.check || options.init))
        throw StartError(exit_usage, "--check and --init go with --config FILE");
    if (by_config && (!options.listen.empty() || !options.notify.empty() || options.workers != 0))
        throw StartError(exit_usage,
                         "--listen, --notify and --workers go with --zones DIR; with --config they "
                         "stand in the file");
}

Setup setup_for(const Options& options) {
    if (!options.config.empty())
        return setup_for_config(read_config_or_throw(options.config), options.config);
    return setup_for_directory(endpoints("--listen", options.listen), options.zones,
                               endpoints("--notify", options.notify), options.workers);
}

// Connections, sockets and files must not run out below the bounds that we set ourselves.
void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= descriptors_wanted) return;
    limit.rlim_cur = std::min(limit.rlim_max, descriptors_wanted);
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

// Each reload reads in a thread of its own. By default the C library would give every one of them
// another pool of memory, and keep in it what the versions before have left.
void share_memory_pools() {
    mallopt(M_ARENA_MAX, 2);
}

// Until Control listens for signals: the kernel closes the sockets that may be bound by then, and
// the ledger is safe at any instant, so an order to stop while zones are read is obeyed at once.
void stop_while_loading(int) {
    _exit(exit_ok);
}

// From the first line on a SIGHUP ends nobody: it waits until Control listens, and is a reload
// then.
// --check and --init end by themselves.
void hold_reloads() {
    sigset_t reload;
    sigemptyset(&reload);
    sigaddset(&reload, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &reload, nullptr);
}

int serve(const Options& options) {
    for (const int number : {SIGTERM, SIGINT}) std::signal(number, stop_while_loading);
    std::optional<Control> control(std::in_place, setup_for(options));
    control->run();
    const bool reading = control->reading();
    control.reset();
    // A thread that parses a large zone cannot be interrupted; nobody waits for it, and its memory
    // must not be taken from under it.
    if (reading) std::_Exit(exit_ok);
    return exit_ok;
}

int run(const Options& options) {
    refuse_mixtures(options);
    if (options.check) {
        const CheckReport report = check(options.config);
        std::cerr << report.text;
        if (report.ok) std::cout << options.config << " is good\n";
        return report.ok ? 0 : 1;
    }
    if (options.init) {
        init(options.config);
        std::cout << "made the empty ledger of " << options.config << '\n';
        return exit_ok;
    }
    return serve(options);
}

}  // namespace

int main(int argc, char** argv) {
    hold_reloads();
    std::signal(SIGPIPE, SIG_IGN);
    share_memory_pools();
    raise_descriptor_limit();
    Options options;
    CLI::App app("Arbiter's DNS server", "arbiter-dnsd");
    declare(app, options);
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& done) {
        return app.exit(done);  // --help, --version
    } catch (const CLI::ParseError& error) {
        log_error(fmt::format("{}; --help lists the options", error.what()));
        return exit_usage;
    }
    try {
        return run(options);
    } catch (const StartError& error) {
        log_error(error.what());
        return error.code();
    } catch (const std::exception& error) {
        log_error(fmt::format("could not go on: {}", error.what()));
        return exit_software;
    }
}

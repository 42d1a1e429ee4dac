// arbiter-lab: what `./run` runs. The whole system on loopback, live, until Ctrl-C or --for is
// over.

#include "tests/lab/remote.h"
#include "tests/lab/show.h"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>

#include <signal.h>
#include <sysexits.h>

namespace {

using namespace lab;

struct Options {
    std::string programs;
    std::string zone_file;
    std::string socket;
    std::string run_for;  // "30s"; empty: until Ctrl-C
};

// "30s", "500ms", "2m"; throws what a person can read.
Milliseconds duration(const std::string& text) {
    std::size_t digits = 0;
    while (digits < text.size() && isdigit(static_cast<unsigned char>(text[digits])) != 0) ++digits;
    const std::string unit = text.substr(digits);
    if (digits == 0 || digits > 7 || (unit != "ms" && unit != "s" && unit != "m"))
        throw CLI::ValidationError("--for", "'" + text + "' is no duration; say 30s, 500ms or 2m");
    const long number = std::stol(text.substr(0, digits));
    return Milliseconds(unit == "ms" ? number : unit == "s" ? number * 1000 : number * 60'000);
}

std::string act(Cluster& cluster, Show& show, const std::string& line) {
    const std::size_t space = std::min(line.find(' '), line.size() - 1);
    const std::string verb = line.substr(0, space);
    const std::string name = line.substr(space + 1);
    Machine* machine = cluster.machine(name);
    if (machine == nullptr) {
        std::string known;
        for (const Machine& one : cluster.machines()) known += " " + one.name;
        return "error: no server '" + name + "'; there are" + known;
    }
    const bool up = machine->database->running();
    if (verb == "start") {
        if (up) return "error: " + name + " is running";
        show.say("./run", "starts " + name + ": database, page and agent");
        cluster.start(*machine);
        return name + " is started";
    }
    if (!up) return "error: " + name + " is not running";
    show.say("./run", verb + "s " + name + ": agent, page and database");
    if (verb == "kill") cluster.kill(*machine);
    if (verb == "stop") cluster.stop(*machine);
    return name + (verb == "kill" ? " is killed" : " is stopped");
}

void greet(Cluster& cluster) {
    const ClusterPlan& plan = cluster.plan();
    const auto master = cluster.master_at_arbiter();
    const Machine* leader = master ? cluster.at(*master) : nullptr;
    const std::string name = leader != nullptr ? leader->name : "wiki1";
    std::printf(
        "zone %s on %s port %d, BIND secondary on port %d, page http://%s:%d/\n"
        "  try   dig @127.0.0.1 -p %d www.%s +short\n"
        "  try   dig @127.0.0.1 -p %d master.%s +short      # at the BIND secondary\n"
        "  try   ./run kill %s               # the master dies; watch the page and both servers\n"
        "  try   ./run start %s              # it comes back as a replica, with the rows written "
        "meanwhile\n"
        "  try   build/release/bin/arbiterctl --socket %s status\n",
        plan.zone.c_str(), cluster.home().c_str(), plan.dns_port, plan.bind_port,
        cluster.home().c_str(), plan.monitor_port, plan.dns_port, plan.zone.c_str(), plan.bind_port,
        plan.zone.c_str(), name.c_str(), name.c_str(), cluster.control_socket().c_str());
    for (const Machine& machine : cluster.machines())
        std::printf("  %s  %s, its wiki http://%s:%d/\n", machine.name.c_str(),
                    machine.address.c_str(), machine.address.c_str(), plan.page_port);
    std::fflush(stdout);
}

int run_all(const Options& options) {
    const auto end_after =
        options.run_for.empty() ? std::nullopt : std::optional(duration(options.run_for));
    Remote remote(options.socket);
    const Scratch scratch("run");
    ClusterPlan plan;
    plan.programs = options.programs;
    plan.zone_file = options.zone_file;
    std::printf("making three wikis with a MariaDB each, a BIND secondary and the arbiter…\n");
    std::fflush(stdout);
    Cluster cluster(plan, scratch.path());
    cluster.start_arbiter();
    cluster.start_secondary();
    for (Machine& machine : cluster.machines()) cluster.start(machine);
    if (!cluster.settle(60s))
        throw std::runtime_error("no master with replicas within 60 s:\n" + cluster.logs());
    greet(cluster);
    Show show(cluster);
    const auto begun = now();
    while (!end_after || now() - begun < *end_after) {
        show.look();
        remote.serve([&](const std::string& line) { return act(cluster, show, line); });
        if (!cluster.arbiter().running())
            throw std::runtime_error("the arbiter ended:\n" + read_file(cluster.arbiter_log()));
        pause_for(10ms);
    }
    show.say("./run", "the time is over; all is stopped and removed");
    return EX_OK;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("The whole of Arbiter on loopback addresses");
    Options options;
    std::string name;
    app.add_option("--programs", options.programs, "where the programs are")->required();
    app.add_option("--zone-file", options.zone_file, "zone to serve")->required();
    app.add_option("--socket", options.socket, "where a second terminal reaches it")->required();
    app.add_option("--for", options.run_for, "end by itself that long after all is ready");
    app.require_subcommand(0, 1);
    for (const char* verb : {"kill", "stop", "start"})
        app.add_subcommand(verb, std::string(verb) + " a server of the running system")
            ->add_option("server", name, "its name")
            ->required();
    try {
        app.parse(argc, argv);
        lab::catch_interrupts();
        if (app.get_subcommands().empty()) return run_all(options);
        const std::string verb = app.get_subcommands().front()->get_name();
        const std::string answer = lab::ask_remote(options.socket, verb + " " + name);
        std::printf("%s\n", answer.c_str());
        return answer.rfind("error", 0) == 0 ? 1 : 0;
    } catch (const CLI::ParseError& error) {
        const int code = app.exit(error);
        return code == 0 ? EX_OK : EX_USAGE;
    } catch (const lab::Interrupted&) {
        std::printf("interrupted; all is stopped and removed\n");
        return 130;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "run: %s\n", error.what());
        return 1;
    }
}

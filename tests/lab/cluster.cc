#include "tests/lab/cluster.h"

#include "tests/lab/ask.h"

#include <filesystem>
#include <stdexcept>

#include <signal.h>

namespace lab {

namespace {

std::string quoted(const std::string& text) {
    return "\"" + text + "\"";
}
std::string quoted(Milliseconds time) {
    return "\"" + std::to_string(time.count()) + "ms\"";
}

Outcome must(const std::vector<std::string>& argv) {
    Outcome done = run(argv);
    if (done.status != 0) throw std::runtime_error(argv[0] + " " + argv[1] + ": " + done.err);
    return done;
}

}  // namespace

Cluster::Cluster(ClusterPlan plan, const std::string& folder)
    : plan_(std::move(plan)), folder_(folder) {
    std::filesystem::create_directories(folder_ + "/keys.d");
    std::filesystem::create_directories(folder_ + "/state");
    must({program("arbiterctl"), "keys", "new", "ns0", "--dir", folder_});
    installed_ = std::make_unique<MariaDbTemplate>(folder_ + "/installed");
    const std::string prefix = "127.0." + std::to_string(plan_.network) + ".";
    for (int number = 1; number <= plan_.servers; ++number) {
        Machine machine;
        machine.name = "wiki" + std::to_string(number);
        machine.address = prefix + std::to_string(10 + number);
        machine.folder = folder_ + "/" + machine.name;
        std::filesystem::create_directories(machine.folder + "/state");
        must({program("arbiterctl"), "keys", "new", machine.name, "--dir", machine.folder});
        std::filesystem::copy_file(machine.folder + "/" + machine.name + ".pub",
                                   folder_ + "/keys.d/" + machine.name + ".pub");
        write_agent_configuration(machine);
        machine.database = std::make_unique<MariaDb>(
            *installed_, MariaDb::Place{machine.folder + "/database", machine.address,
                                        plan_.database_port, number});
        machines_.push_back(std::move(machine));
    }
    std::filesystem::copy_file(plan_.zone_file, folder_ + "/" + plan_.zone + ".zone");
    write_arbiter_configuration();
    must({program("arbiterctl"), "init", "--config", folder_ + "/dnsd.toml"});
    secondary_ = std::make_unique<Secondary>(Secondary::Place{ServerKind::bind, folder_ + "/bind",
                                                              home(), plan_.bind_port, plan_.zone,
                                                              home(), plan_.dns_port});
}

Cluster::~Cluster() {
    // All are told before any is waited for; the agents first, so that they can still demote.
    for (Machine& machine : machines_)
        if (machine.agent) machine.agent->signal(SIGTERM);
    for (Machine& machine : machines_) {
        if (machine.agent) machine.agent->stop();
        if (machine.page) machine.page->signal(SIGTERM);
        machine.database->signal(SIGTERM);
    }
}

void Cluster::write_arbiter_configuration() const {
    const auto at_home = [](int port) { return quoted(home() + ":" + std::to_string(port)); };
    std::string text =
        "mode        = \"act\"\n"
        "zone        = " +
        quoted(plan_.zone) +
        "\n"
        "zone_file   = " +
        quoted(plan_.zone + ".zone") +
        "\n"
        "secondaries = [" +
        at_home(plan_.bind_port) +
        "]\n\n"
        "[dns]\nlisten = [" +
        at_home(plan_.dns_port) +
        "]\n\n"
        "[heartbeat]\nname = \"ns0\"\nlisten = [" +
        at_home(plan_.heartbeat_port) +
        "]\n"
        "key_file = \"ns0.key\"\nkeys = \"keys.d\"\n\n"
        "[state]\ndirectory = \"state\"\ncontrol = " +
        quoted(control_socket()) +
        "\n\n"
        "[www]\nttl = \"5s\"\n\n"
        "[master]\nttl = \"1s\"\n"
        "heartbeat = " +
        quoted(plan_.heartbeat) + "\nlease = " + quoted(plan_.lease) +
        "\n"
        "choose = " +
        quoted(plan_.choose) +
        "\n\n"
        "[monitor]\nlisten = " +
        at_home(plan_.monitor_port) + "\n\n[servers]\n";
    for (const Machine& machine : machines_)
        text += machine.name + " = " + quoted(machine.address) + "\n";
    write_file(folder_ + "/dnsd.toml", text);
}

void Cluster::write_agent_configuration(const Machine& machine) const {
    const std::string arbiter_key = read_file(folder_ + "/ns0.pub");
    write_file(machine.folder + "/agent.pw", std::string(Accounts::agent_password) + "\n", 0600);
    write_file(machine.folder + "/repl.pw", std::string(Accounts::replication_password) + "\n",
               0600);
    write_file(
        machine.folder + "/agent.toml",
        "server    = " + quoted(machine.name) +
            "\n"
            "arbiters  = [" +
            quoted(home() + ":" + std::to_string(plan_.heartbeat_port)) +
            "]\n"
            "address   = " +
            quoted(machine.address) +
            "\n"
            "key_file  = " +
            quoted(machine.name + ".key") +
            "\n"
            "arbiter_key = " +
            quoted(arbiter_key.substr(0, arbiter_key.find('\n'))) +
            "\n"
            "state_directory = \"state\"\n"
            "heartbeat = " +
            quoted(plan_.heartbeat) +
            "\n\n"
            "[page]\nurl = \"http://" +
            machine.address + ":" + std::to_string(plan_.page_port) +
            "/wiki/Main_Page\"\n"
            "expect = { status = 200, contains = \"This wiki works.\" }\ndeadline = \"2s\"\n\n"
            "[database]\nkind = \"mariadb\"\nsocket = \"database/mysqld.sock\"\n"
            "user = " +
            quoted(Accounts::agent) +
            "\npassword_file = \"agent.pw\"\n"
            "replication = { user = " +
            quoted(Accounts::replication) +
            ", password_file = \"repl.pw\", port = " + std::to_string(plan_.database_port) +
            ", mode = \"gtid\" }\n\n"
            "[dns]\nserver = " +
            quoted(home() + ":" + std::to_string(plan_.dns_port)) +
            "\n"
            "name = " +
            quoted("master." + plan_.zone) + "\n");
}

void Cluster::start_arbiter() {
    arbiter_ = std::make_unique<Process>(
        Command{{program("arbiter-dnsd"), "--config", folder_ + "/dnsd.toml"}, {}, arbiter_log()});
    const bool up = until(20s, [this] { return !arbiter_->running() || serial_at_arbiter(); });
    if (!up || !arbiter_->running())
        throw std::runtime_error("the arbiter does not start: " + read_file(arbiter_log()));
}

void Cluster::start_secondary() {
    secondary_->start();
}

void Cluster::start(Machine& machine) {
    machine.database->start();
    const std::string script = std::string(ARBITER_SOURCE_DIR) + "/tests/lab/page.php";
    machine.page = std::make_unique<Process>(
        Command{{"php", "-S", machine.address + ":" + std::to_string(plan_.page_port), script},
                {"WIKI_NAME=" + machine.name, "WIKI_DATABASE=" + machine.address,
                 "WIKI_PORT=" + std::to_string(plan_.database_port),
                 std::string("WIKI_USER=") + Accounts::wiki,
                 std::string("WIKI_PASSWORD=") + Accounts::wiki_password},
                machine.folder + "/page.log"});
    machine.agent = std::make_unique<Process>(
        Command{{program("arbiter-agent"), "--config", machine.folder + "/agent.toml"},
                {},
                machine.folder + "/agent.log"});
}

void Cluster::stop(Machine& machine) {
    machine.agent->stop();
    machine.page->stop();
    machine.database->stop();
}

void Cluster::kill(Machine& machine) {
    machine.agent->signal(SIGKILL);
    machine.database->signal(SIGKILL);
    machine.page->signal(SIGKILL);
    machine.agent->kill();
    machine.database->kill();
    machine.page->kill();
}

bool Cluster::settle(Milliseconds at_most) {
    return until(at_most, [this] {
        if (!arbiter_->running())
            throw std::runtime_error("the arbiter ended: " + read_file(arbiter_log()));
        const auto here = serial_at_arbiter();
        return here && here == serial_at_secondary() && master_at_arbiter() && covered();
    });
}

Machine* Cluster::machine(const std::string& name) {
    for (Machine& machine : machines_)
        if (machine.name == name) return &machine;
    return nullptr;
}

Machine* Cluster::at(const std::string& address) {
    for (Machine& machine : machines_)
        if (machine.address == address) return &machine;
    return nullptr;
}

std::string Cluster::logs() const {
    std::string text = "arbiter:\n" + read_file(arbiter_log());
    for (const Machine& machine : machines_)
        text += machine.name + ":\n" + read_file(machine.folder + "/agent.log");
    return text;
}

std::vector<std::string> Cluster::pool_at_secondary() const {
    return addresses_at(home(), plan_.bind_port, "www." + plan_.zone);
}

std::optional<std::string> Cluster::master_at_secondary() const {
    const auto found = addresses_at(home(), plan_.bind_port, "master." + plan_.zone);
    return found.size() == 1 ? std::optional(found.front()) : std::nullopt;
}

std::optional<std::string> Cluster::master_at_arbiter() const {
    const auto found = addresses_at(home(), plan_.dns_port, "master." + plan_.zone);
    return found.size() == 1 ? std::optional(found.front()) : std::nullopt;
}

std::optional<std::uint32_t> Cluster::serial_at_arbiter() const {
    return serial_at(home(), plan_.dns_port, plan_.zone);
}

std::optional<std::uint32_t> Cluster::serial_at_secondary() const {
    return serial_at(home(), plan_.bind_port, plan_.zone);
}

bool Cluster::covered() const {
    const Outcome status =
        run({program("arbiterctl"), "--socket", control_socket(), "--json", "status"});
    return status.out.find("\"covered\": true") != std::string::npos;
}

std::string Cluster::arbiterctl(std::vector<std::string> arguments) const {
    std::vector<std::string> argv = {program("arbiterctl"), "--socket", control_socket()};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return must(argv).out;
}

}  // namespace lab

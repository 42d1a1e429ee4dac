#include "bench/follow_primaries.h"

#include "tests/lab/arbiter.h"
#include "tests/lab/ask.h"
#include "tests/lab/program.h"

#include <filesystem>
#include <stdexcept>

#include <signal.h>

namespace bench {
namespace {

using namespace lab;

std::string zone_text(std::uint32_t serial) {
    std::string text = "$TTL 60\n@ IN SOA ns0 hostmaster " + std::to_string(serial) +
                       " 3600 600 86400 5\n  IN NS ns0\nns0 IN A 127.0.0.1\n";
    for (int i = 0; i < 200; ++i) text += "host" + std::to_string(i) + " IN A 10.0.0.1\n";
    return text + "www 5 IN A 198.51.100." + std::to_string(serial % 250 + 1) + "\n";
}

void must(const std::vector<std::string>& argv, const std::string& input = {}) {
    const Outcome done = run(argv, input);
    if (done.status != 0) throw std::runtime_error(argv[0] + ": " + done.out + done.err);
}

// A server that is started with a command and answers for the zone.
class Server {
public:
    Server(PrimaryPlace at, const std::vector<std::string>& argv)
        : place(std::move(at)), process(Command{argv, {}, place.folder + "/log"}) {
        const bool up = until(20s, [&] {
            return !process.running() || serial_at("127.0.0.1", place.port, place.zone).has_value();
        });
        if (!up || !process.running())
            throw std::runtime_error(argv[0] +
                                     " does not start: " + read_file(place.folder + "/log"));
    }
    std::string next_address() { return "203.0.113." + std::to_string(++changes % 250 + 1); }
    PrimaryPlace place;
    Process process;
    std::uint32_t changes = 0;
};

class Ours : public Primary {
public:
    explicit Ours(const PrimaryPlace& at)
        : arbiter_({at.programs,
                    at.folder,
                    "127.0.0.1",
                    at.port,
                    0,
                    at.zone,
                    {at.secondary + ":" + std::to_string(at.secondary_port)}},
                   zone_text(1)) {
        arbiter_.start();
    }
    void change() override { arbiter_.change(zone_text(++serial_)); }

private:
    std::uint32_t serial_ = 1;
    Arbiter arbiter_;
};

class Bind : public Primary {
public:
    Bind(const PrimaryPlace& at, bool tuned) : server_(at, configured(at, tuned)) {}
    void change() override {
        must({"nsupdate"}, "server 127.0.0.1 " + std::to_string(server_.place.port) + "\nzone " +
                               server_.place.zone + "\nupdate delete www." + server_.place.zone +
                               " A\nupdate add www." + server_.place.zone + " 5 A " +
                               server_.next_address() + "\nsend\n");
    }

private:
    static std::vector<std::string> configured(const PrimaryPlace& at, bool tuned) {
        const std::string program = unconfined_program("named", at.folder);
        write_file(at.folder + "/zone", zone_text(1));
        write_file(
            at.folder + "/conf",
            "options {\n  directory \"" + at.folder +
                "\"; pid-file none; session-keyfile none;\n  listen-on port " +
                std::to_string(at.port) +
                " { 127.0.0.1; }; listen-on-v6 { none; };\n"
                "  recursion no; dnssec-validation no; allow-transfer { any; };\n" +
                (tuned ? "  notify-delay 0; notify-rate 1000; serial-query-rate 1000;\n" : "") +
                "};\ncontrols { };\nzone \"" + at.zone + "\" { type primary; file \"" + at.folder +
                "/zone\";\n  allow-update { 127.0.0.0/8; }; notify explicit; also-notify { " +
                at.secondary + " port " + std::to_string(at.secondary_port) + "; }; };\n");
        return {program, "-g", "-n", "1", "-c", at.folder + "/conf"};
    }
    Server server_;
};

class Knot : public Primary {
public:
    explicit Knot(const PrimaryPlace& at) : server_(at, configured(at)) {}
    void change() override {
        const std::string& zone = server_.place.zone;
        for (const std::vector<std::string>& order : std::vector<std::vector<std::string>>{
                 {"zone-begin", zone},
                 {"zone-unset", zone, "www", "A"},
                 {"zone-set", zone, "www", "5", "A", server_.next_address()},
                 {"zone-commit", zone}}) {
            std::vector<std::string> argv = {"knotc", "-s", server_.place.folder + "/knot.sock"};
            argv.insert(argv.end(), order.begin(), order.end());
            must(argv);
        }
    }

private:
    static std::vector<std::string> configured(const PrimaryPlace& at) {
        write_file(at.folder + "/zone", zone_text(1));
        write_file(at.folder + "/conf",
                   "server:\n    listen: 127.0.0.1@" + std::to_string(at.port) +
                       "\n    rundir: \"" + at.folder +
                       "\"\n    udp-workers: 1\n    tcp-workers: 1\n    background-workers: 1\n"
                       "database:\n    storage: \"" +
                       at.folder +
                       "\"\nlog:\n  - target: stderr\n    any: notice\n"
                       "remote:\n  - id: secondary\n    address: " +
                       at.secondary + "@" + std::to_string(at.secondary_port) +
                       "\nacl:\n  - id: all\n    address: 127.0.0.0/8\n    action: transfer\n"
                       "zone:\n  - domain: \"" +
                       at.zone + "\"\n    file: \"" + at.folder +
                       "/zone\"\n    zonefile-sync: -1\n    journal-content: all\n"
                       "    zonefile-load: difference\n    notify: secondary\n    acl: all\n");
        return {"knotd", "-c", at.folder + "/conf"};
    }
    Server server_;
};

class Nsd : public Primary {
public:
    explicit Nsd(const PrimaryPlace& at) : server_(at, configured(at)) {}
    void change() override {
        write_file(server_.place.folder + "/zone", zone_text(++serial_));
        server_.process.signal(SIGHUP);
    }

private:
    static std::vector<std::string> configured(const PrimaryPlace& at) {
        write_file(at.folder + "/zone", zone_text(1));
        write_file(at.folder + "/conf",
                   "server:\n  ip-address: 127.0.0.1@" + std::to_string(at.port) +
                       "\n  zonesdir: \"" + at.folder +
                       "\"\n  database: \"\"\n  username: \"\"\n  pidfile: \"\"\n  xfrdfile: \"" +
                       at.folder + "/xfrd.state\"\n  xfrdir: \"" + at.folder +
                       "\"\n  zonelistfile: \"" + at.folder +
                       "/zone.list\"\n  server-count: 1\n  rrl-ratelimit: 0\n"
                       "  xfrd-reload-timeout: 0\nremote-control:\n  control-enable: no\n"
                       "zone:\n  name: \"" +
                       at.zone + "\"\n  zonefile: \"zone\"\n  create-ixfr: yes\n  notify: " +
                       at.secondary + "@" + std::to_string(at.secondary_port) +
                       " NOKEY\n  provide-xfr: 127.0.0.0/8 NOKEY\n");
        return {"nsd", "-d", "-c", at.folder + "/conf"};
    }
    Server server_;
    std::uint32_t serial_ = 1;
};

}  // namespace

const std::vector<PrimaryKind>& primaries() {
    using Place = const PrimaryPlace&;
    using Started = std::unique_ptr<Primary>;
    static const std::vector<PrimaryKind> all = {
        {"Arbiter", [](Place at) -> Started { return std::make_unique<Ours>(at); }},
        {"BIND, notify-delay 0",
         [](Place at) -> Started { return std::make_unique<Bind>(at, true); }},
        {"BIND", [](Place at) -> Started { return std::make_unique<Bind>(at, false); }},
        {"Knot", [](Place at) -> Started { return std::make_unique<Knot>(at); }},
        {"NSD, reload", [](Place at) -> Started { return std::make_unique<Nsd>(at); }},
    };
    return all;
}

}  // namespace bench

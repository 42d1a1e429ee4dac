#include "tests/lab/primary.h"

#include "tests/lab/ports.h"
#include "tests/lab/program.h"

#include <filesystem>
#include <stdexcept>
#include <utility>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace lab {

namespace {

// A socket on 127.0.0.1 for the time of its life.
class Held {
public:
    Held(int kind, int port) : descriptor_(socket(AF_INET, kind | SOCK_CLOEXEC, 0)) {
        address_.sin_family = AF_INET;
        address_.sin_port = htons(static_cast<std::uint16_t>(port));
        address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        bound_ = bind(descriptor_, reinterpret_cast<sockaddr*>(&address_), sizeof address_) == 0;
    }
    Held(Held&& other) noexcept
        : descriptor_(std::exchange(other.descriptor_, -1)),
          address_(other.address_),
          bound_(other.bound_) {}
    ~Held() {
        if (descriptor_ >= 0) close(descriptor_);
    }
    bool bound() const { return bound_; }

private:
    int descriptor_;
    sockaddr_in address_{};
    bool bound_ = false;
};

}  // namespace

std::vector<int> free_ports(std::size_t count) {
    std::vector<int> ports;
    std::vector<Held> held;
    for (int tries = 0; tries < 1000 && ports.size() < count; ++tries) {
        const int port = next_port();
        Held stream(SOCK_STREAM, port);
        if (!stream.bound()) continue;
        Held datagrams(SOCK_DGRAM, port);
        if (datagrams.bound()) ports.push_back(port);
        held.push_back(std::move(stream));
        held.push_back(std::move(datagrams));
    }
    if (ports.size() < count) throw std::runtime_error("no free ports on 127.0.0.1");
    return ports;
}

Process start_bind(const Serving& serving) {
    std::filesystem::create_directories(serving.folder);
    const std::string program = unconfined_program("named", serving.folder);
    // no-auth: nothing in the authority section that need not be there, but addresses of hosts that
    // the answer names, so that ours have something to be compared with.
    std::string text =
        "options {\n  directory \"" + serving.folder +
        "\";\n  pid-file none; session-keyfile none;\n  listen-on port " +
        std::to_string(serving.port) +
        " { 127.0.0.1; }; listen-on-v6 { none; };\n"
        "  recursion no; dnssec-validation no; notify no; allow-transfer { any; };\n"
        "  empty-zones-enable no; minimal-responses no-auth; minimal-any yes;\n"
        "  check-integrity no; check-names primary ignore; check-mx ignore;\n"
        "  check-sibling no; check-spf ignore; check-wildcard no;\n"
        "  check-dup-records ignore; check-mx-cname ignore; check-srv-cname ignore;\n"
        "  max-records-per-type 0; max-types-per-name 0;\n"
        "  zero-no-soa-ttl no;\n};\ncontrols { };\n";
    for (const std::string& name : serving.names)
        text += "zone \"" + (name.empty() ? "." : name) + "\" { type primary; file \"" +
                serving.zones + "/" + (name.empty() ? "root" : name) + ".zone\"; };\n";
    write_file(serving.folder + "/named.conf", text);
    return Process(
        {{program, "-g", "-n", "1", "-c", serving.folder + "/named.conf"}, {}, serving.log()});
}

Process start_nsd(const Serving& serving) {
    std::filesystem::create_directories(serving.folder);
    std::string text = "server:\n  ip-address: 127.0.0.1@" + std::to_string(serving.port) +
                       "\n  zonesdir: \"" + serving.zones +
                       "\"\n  database: \"\"\n  username: \"\"\n  pidfile: \"\"\n  xfrdfile: \"\"\n"
                       "  xfrdir: \"" +
                       serving.folder + "\"\n  zonelistfile: \"" + serving.folder +
                       "/zone.list\"\n  server-count: 1\n  minimal-responses: yes\n"
                       "  rrl-ratelimit: 0\n  rrl-whitelist-ratelimit: 0\n  tcp-count: 100\n"
                       "remote-control:\n  control-enable: no\n";
    for (const std::string& name : serving.names)
        text += "zone:\n  name: \"" + (name.empty() ? "." : name) + "\"\n  zonefile: \"" +
                (name.empty() ? "root" : name) + ".zone\"\n";
    write_file(serving.folder + "/nsd.conf", text);
    return Process({{"nsd", "-d", "-c", serving.folder + "/nsd.conf"}, {}, serving.log()});
}

Process start_knot(const Serving& serving) {
    std::filesystem::create_directories(serving.folder + "/db");
    std::string text = "server:\n    listen: 127.0.0.1@" + std::to_string(serving.port) +
                       "\n    rundir: \"" + serving.folder +
                       "\"\n    udp-workers: 1\n    tcp-workers: 1\n    background-workers: 1\n"
                       "database:\n    storage: \"" +
                       serving.folder +
                       "/db\"\nlog:\n  - target: stderr\n    any: notice\ntemplate:\n"
                       "  - id: default\n    storage: \"" +
                       serving.zones +
                       "\"\n    zonefile-sync: -1\n    journal-content: none\n"
                       "    zonefile-load: whole\nzone:\n";
    for (const std::string& name : serving.names)
        text += "  - domain: \"" + (name.empty() ? "." : name) + "\"\n    file: \"" +
                (name.empty() ? "root" : name) + ".zone\"\n";
    write_file(serving.folder + "/knot.conf", text);
    return Process({{"knotd", "-c", serving.folder + "/knot.conf"}, {}, serving.log()});
}

Process start_arbiter(const Serving& serving, const std::string& program) {
    std::filesystem::create_directories(serving.folder);
    return Process({{program, "--listen", "127.0.0.1:" + std::to_string(serving.port), "--zones",
                     serving.zones, "--workers", "1"},
                    {},
                    serving.log()});
}

}  // namespace lab

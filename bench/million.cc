#include "bench/million.h"

#include "tests/lab/process.h"

#include <filesystem>
#include <fstream>

namespace bench {

namespace {

std::string file_in(const std::string& folder) {
    return folder + "/zones/" + million_zone + ".zone";
}

}  // namespace

void write_million(const std::string& folder, int names, int mail_every) {
    std::filesystem::create_directories(folder + "/zones");
    std::ofstream file(file_in(folder));
    file << "$ORIGIN " << million_zone << ".\n$TTL 3600\n"
         << "@ IN SOA ns0 hostmaster 1 3600 600 86400 60\n@ IN NS ns0\nns0 IN A 127.0.0.1\n";
    for (int i = 0; i < names; ++i) {
        file << "host" << i << " IN A 10." << (i >> 16 & 255) << '.' << (i >> 8 & 255) << '.'
             << (i & 255) << '\n';
        if (mail_every != 0 && i % mail_every == 0)
            file << "mail" << i << " IN MX 10 host" << i << '\n';
    }
}

std::vector<Contender> contenders(const std::string& programs, const std::string& folder,
                                  int port) {
    const std::string at = std::to_string(port);
    const std::string file = file_in(folder);
    lab::write_file(
        folder + "/nsd.conf",
        "server:\n ip-address: 127.0.0.1@" + at + "\n server-count: 1\n username: \"\"\n" +
            " zonesdir: \"" + folder + "\"\n pidfile: \"" + folder + "/nsd.pid\"\n xfrdfile: \"" +
            folder + "/xfrd\"\n zonelistfile: \"" + folder + "/list\"\n xfrdir: \"" + folder +
            "\"\n logfile: \"" + folder +
            "/nsd.log\"\n tcp-count: 300\nremote-control:\n control-enable: no\nzone:\n" +
            " name: " + million_zone + "\n zonefile: \"" + file +
            "\"\n provide-xfr: 127.0.0.0/8 NOKEY\n");
    std::filesystem::create_directories(folder + "/knot");
    lab::write_file(
        folder + "/knot.conf",
        "server:\n  rundir: " + folder + "/knot\n  listen: 127.0.0.1@" + at +
            "\n  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\n" +
            "database:\n  storage: " + folder +
            "/knot\nacl:\n  - id: local\n    address: 127.0.0.0/8\n    action: transfer\n" +
            "zone:\n  - domain: " + million_zone + "\n    file: " + file +
            "\n    acl: local\n    zonefile-sync: -1\n    journal-content: none\n");
    lab::write_file(folder + "/named.conf",
                    "options { directory \"" + folder +
                        "\"; pid-file none; session-keyfile none;\n listen-on port " + at +
                        " { 127.0.0.1; }; listen-on-v6 { none; };\n recursion no; notify no;\n" +
                        " dnssec-validation no; allow-transfer { any; }; transfers-out 300;\n" +
                        " tcp-clients 400; };\ncontrols { };\nzone \"" + std::string(million_zone) +
                        "\" { type primary; file \"" + file + "\"; };\n");
    std::vector<Contender> all = {{"arbiter",
                                   {programs + "/arbiter-dnsd", "--listen", "127.0.0.1:" + at,
                                    "--zones", folder + "/zones", "--workers", "1"}}};
    if (std::filesystem::exists("/usr/sbin/nsd"))
        all.push_back({"nsd", {"/usr/sbin/nsd", "-d", "-c", folder + "/nsd.conf"}});
    if (std::filesystem::exists("/usr/sbin/knotd"))
        all.push_back({"knot", {"/usr/sbin/knotd", "-c", folder + "/knot.conf"}});
    if (std::filesystem::exists("/usr/sbin/named")) {
        std::filesystem::copy_file("/usr/sbin/named", folder + "/named");
        all.push_back({"bind", {folder + "/named", "-g", "-n", "1", "-c", folder + "/named.conf"}});
    }
    return all;
}

}  // namespace bench

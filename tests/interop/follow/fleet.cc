#include "tests/interop/follow/fleet.h"

#include <algorithm>
#include <sstream>
#include <stdexcept>

#include <signal.h>

namespace follow {

namespace {

Arbiter::Place arbiter_place(const std::string& folder, int first_port,
                             const std::optional<SharedKey>& key) {
    const std::string with_key = key ? " key " + key->name : "";
    Arbiter::Place place{ARBITER_BIN_DIR, folder + "/arbiter", "127.0.0.1",
                         first_port,      first_port + 1,      zone_name};
    for (const ServerKind kind : server_kinds)
        place.secondaries.push_back("127.0.0.1" +
                                    std::string(kind == ServerKind::bind  ? ""
                                                : kind == ServerKind::nsd ? "2"
                                                                          : "3") +
                                    ":" + std::to_string(first_port + 2 + static_cast<int>(kind)) +
                                    with_key);
    place.key = key;
    return place;
}

std::string end_of(const std::string& text) {
    return text.size() > 6000 ? "…" + text.substr(text.size() - 6000) : text;
}

// The whole zone has some 20,000 bytes, what forty versions differ by is far less. BIND and NSD say
// the size of each transfer; Knot its kind.
constexpr unsigned hosts = 800;
constexpr int whole_zone_bytes = 15'000;

void count(ServerKind kind, const std::string& line, Transfers& had) {
    if (kind == ServerKind::knot) {
        if (line.find(", incoming, ") == std::string::npos ||
            line.find(" finished,") == std::string::npos)
            return;
        ++(line.find("] IXFR,") != std::string::npos ? had.incremental : had.whole);
        return;
    }
    const char* told = kind == ServerKind::bind ? "Transfer completed:" : "received update to";
    const std::size_t end = line.find(" bytes");
    if (line.find(told) == std::string::npos || end == std::string::npos) return;
    const int size = std::atoi(line.c_str() + line.rfind(' ', end - 1) + 1);
    ++(size < whole_zone_bytes ? had.incremental : had.whole);
}

}  // namespace

std::string zone_text(std::uint32_t number, unsigned refresh, std::optional<std::uint32_t> serial) {
    const auto text = [](std::uint32_t value) { return std::to_string(value); };
    std::string zone = "$TTL 60\n@ IN SOA ns0 hostmaster " + text(serial.value_or(number)) + " " +
                       text(refresh) + " " + text(refresh / 2) +
                       " 86400 5\n  IN NS ns0\n  IN NS ns1\n"
                       "ns0 IN A 127.0.0.1\nns1 IN A 127.0.0.1\n*.wild IN CNAME www\n"
                       "mail IN MX 10 www\n  IN TXT \"a b\" \"c\"\n";
    zone += "www 5 IN A 198.51.100." + text(number % 250 + 1) + "\n    5 IN A 192.0.2.1\n";
    zone += "master 5 IN A 203.0.113." + text(number % 7 + 1) + "\n";
    // One comes and one goes with every version.
    for (std::uint32_t i = 0; i < 5; ++i)
        zone += "of" + text(number + i) + " IN TXT \"" + text(number + i) + "\"\n";
    for (std::uint32_t i = 0; i < hosts; ++i)
        zone += "host" + text(i) + " IN A 10.0." + text(i / 100) + "." + text(i % 100) + "\n";
    return zone;
}

SharedKey test_key(const std::string& name) {
    return {name, "Zm9sbG93IG1lLCBmb2xsb3cgbWUgZG93biwgZG93bi4="};
}

std::vector<std::string> whole_zone(const std::string& address, int port,
                                    const std::optional<SharedKey>& key) {
    std::vector<std::string> argv = {"dig",     "@" + address, "-p",       std::to_string(port),
                                     "+onesoa", "+nocmd",      "+nostats", "+nocomments",
                                     zone_name, "AXFR"};
    if (key) argv.insert(argv.end(), {"-y", key->dig()});
    const Outcome dig = run(argv);
    std::vector<std::string> records;
    std::istringstream lines(dig.out);
    for (std::string line; std::getline(lines, line);)
        if (!line.empty() && line[0] != ';' && line.find("\tTSIG\t") == std::string::npos)
            records.push_back(line);
    std::sort(records.begin(), records.end());
    return records;
}

Fleet::Fleet(const std::string& folder, int first_port, Trust trust, unsigned refresh)
    : key_(trust == Trust::by_key ? std::optional(test_key()) : std::nullopt),
      refresh_(refresh),
      arbiter_(arbiter_place(folder, first_port, key_), zone_text(1, refresh)) {
    for (const ServerKind kind : server_kinds) {
        const int number = static_cast<int>(kind);
        secondaries_.emplace_back(
            Secondary::Place{kind, folder + "/" + name_of(kind),
                             number == 0 ? "127.0.0.1" : "127.0.0.1" + std::to_string(number + 1),
                             first_port + 2 + number, zone_name, "127.0.0.1", first_port, key_});
    }
}

void Fleet::launch() {
    arbiter_.start();
    for (Secondary& one : secondaries_) one.start();
}

void Fleet::start(Milliseconds at_most) {
    launch();
    if (!followed(at_most)) throw std::runtime_error("the secondaries do not begin:\n" + logs());
}

std::uint32_t Fleet::publish() {
    arbiter_.change(zone_text(++number_, refresh_));
    if (!until(
            10s, [this] { return arbiter_.serial() == number_; }, 0ms))
        throw std::runtime_error("the arbiter does not publish:\n" + end_of(arbiter_.log()));
    return number_;
}

void Fleet::edit_without_serial(bool tell) {
    const std::string text = zone_text(++number_, refresh_, 1);
    if (tell)
        arbiter_.change(text);
    else
        write_file(arbiter_.zone_file(), text);
}

std::optional<std::vector<double>> Fleet::follow_times(Milliseconds at_most) {
    const auto begun = now();
    std::vector<double> times(secondaries_.size(), -1);
    const bool all = until(
        at_most,
        [&] {
            const auto here = arbiter_.serial();
            bool same = here.has_value();
            for (std::size_t i = 0; here && i < secondaries_.size(); ++i) {
                if (secondaries_[i].serial() != here)
                    same = false;
                else if (times[i] < 0)
                    times[i] = seconds_since(begun) * 1e3;
            }
            return same;
        },
        1ms);
    return all ? std::optional(times) : std::nullopt;
}

std::string Fleet::differences() const {
    const auto ours = whole_zone("127.0.0.1", arbiter_.place().port, key_);
    if (ours.size() < hosts)
        return "our own zone has only " + std::to_string(ours.size()) + " lines";
    std::string text;
    for (const Secondary& one : secondaries_) {
        const auto theirs = whole_zone(one.place().address, one.place().port);
        std::vector<std::string> apart;
        std::set_symmetric_difference(ours.begin(), ours.end(), theirs.begin(), theirs.end(),
                                      std::back_inserter(apart));
        for (const std::string& line : apart) text += one.name() + ": " + line + "\n";
    }
    return end_of(text);
}

std::string Fleet::logs() const {
    std::string text = "arbiter:\n" + end_of(arbiter_.log());
    for (const Secondary& one : secondaries_) text += one.name() + ":\n" + end_of(one.log());
    return text;
}

Transfers transfers_of(const Secondary& secondary, std::size_t since) {
    Transfers had;
    const std::string log = secondary.log();
    std::istringstream lines(log.substr(std::min(since, log.size())));
    for (std::string line; std::getline(lines, line);) count(secondary.place().kind, line, had);
    return had;
}

}  // namespace follow

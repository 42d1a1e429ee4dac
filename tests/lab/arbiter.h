#pragma once
// The arbiter as primary of one zone from a file: a configuration, a ledger, secondaries, and
// neither groups nor agents.

#include "tests/lab/secondary.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lab {

class Arbiter {
public:
    struct Place {
        std::string programs;  // folder of arbiter-dnsd and arbiterctl
        std::string folder;
        std::string address = "127.0.0.1";
        int port = 0;
        int monitor_port = 0;  // 0: no metrics
        std::string zone;
        std::vector<std::string> secondaries{};  // as they stand in the configuration
        std::optional<SharedKey> key{};          // its key file holds this one
        std::string more{};                      // of the configuration: whole tables
    };
    // With its configuration, the zone's first text and a new ledger.
    Arbiter(Place, const std::string& zone_text);

    void start();  // returns when it answers with authority; throws with its log when it does not
    void stop();
    void kill();
    void signal(int number) { process_->signal(number); }
    // A new text of the zone's file, and the order to read it; returns at once.
    void change(const std::string& zone_text);
    // Another configuration at its next start.
    void change(const Place&);

    const Place& place() const { return place_; }
    std::optional<std::uint32_t> serial() const;
    std::string log() const { return read_file(place_.folder + "/log"); }
    std::string metrics() const;                     // the page that Prometheus reads
    double metric(const std::string& series) const;  // -1 when it is not there
    long resident_kib() const;
    pid_t pid() const { return process_->pid(); }
    bool running() { return process_ && process_->running(); }
    const std::string& zone_file() const { return zone_file_; }

private:
    Place place_;
    std::string zone_file_;
    std::unique_ptr<Process> process_;
};

}  // namespace lab

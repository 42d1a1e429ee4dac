#pragma once
// What `./run` prints while the system lives: the arbiter's and the agents' own lines, each new
// version at the arbiter and when the secondary has it, and edits that follow `master` as the
// secondary names it.

#include "tests/lab/cluster.h"

#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace lab {

class Show {
public:
    explicit Show(Cluster& cluster);
    void look();  // call it every few milliseconds
    void say(const std::string& who, const std::string& what) const;

private:
    // New whole lines of a file since the last look.
    class Tail {
    public:
        explicit Tail(std::string path) : path_(std::move(path)) {}
        std::vector<std::string> lines();

    private:
        std::string path_;
        std::size_t read_ = 0;
    };

    void look_at_logs();
    void look_at_serials();
    void edit();
    std::string names(const std::vector<std::string>& addresses);
    std::string edits_everywhere();

    Cluster& cluster_;
    std::chrono::steady_clock::time_point begun_ = now();
    std::vector<std::pair<std::string, Tail>> logs_;
    std::optional<std::uint32_t> serial_;
    std::optional<std::chrono::steady_clock::time_point> awaited_;  // the secondary lacks serial_
    std::chrono::steady_clock::time_point edit_due_;
    std::unique_ptr<Process> writer_;
    std::string writer_at_;
    int edits_ = 0;
    bool refused_ = false;  // the last edit was, and that has been said
};

}  // namespace lab

#pragma once
// A real, stock BIND as secondary of one zone, with its own folder, address and port.

#include "tests/lab/process.h"

#include <memory>
#include <string>

namespace lab {

class BindSecondary {
public:
    struct Place {
        std::string folder;
        std::string address;
        int port = 0;
        std::string zone;
        std::string primary;  // address
        int primary_port = 0;
    };
    explicit BindSecondary(Place);

    void start();  // returns when it answers at all; throws with its log when it does not
    void stop();
    void signal(int number) { process_->signal(number); }
    const Place& place() const { return place_; }
    std::string log() const { return read_file(place_.folder + "/log"); }

private:
    Place place_;
    std::unique_ptr<Process> process_;
};

}  // namespace lab

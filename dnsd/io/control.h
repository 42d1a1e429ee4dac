#pragma once
// The control thread: owns all state that changes, carries out what the machines want, in order,
// and publishes immutable snapshots to the query threads (docs/ARCHITECTURE.md, "Two walks").

#include "dnsd/io/setup.h"

#include <memory>

namespace dnsd {

class Control {
public:
    // Reads, opens and starts everything; throws StartError, with nothing left running.
    explicit Control(Setup setup);
    ~Control();
    Control(const Control&) = delete;
    Control& operator=(const Control&) = delete;

    // Serves until SIGTERM or SIGINT; SIGHUP reloads.
    void run();
    // A thread still reads zone files: the process should end without waiting for it.
    bool reading() const;

private:
    class Inside;
    std::unique_ptr<Inside> inside_;
};

}  // namespace dnsd

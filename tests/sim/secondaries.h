#pragma once
// The name servers that people ask, each with a copy of the zone that lags: they hear of a version
// from the real Notifier, and fetch it when they get to it. A client writes wherever the copy that
// it asks has `master`.

#include "dnsd/arbiter/standing.h"
#include "dnsd/publish/notifier.h"
#include "tests/sim/chance.h"
#include "tests/sim/events.h"

#include <array>
#include <optional>

namespace sim {

class Secondaries {
public:
    static constexpr std::size_t count = 2;

    // What one of them has.
    struct Copy {
        std::uint32_t serial = 0;  // 0: nothing yet
        std::optional<dnsd::Standing> standing;
        True cut_until = 0;
        bool fetching = false;
    };

    Secondaries(Events& events, Chance& chance) : events_(events), chance_(chance) {}

    const std::array<Copy, count>& copies() const { return copies_; }
    void cut(std::size_t secondary, True until) { copies_[secondary].cut_until = until; }

    // The daemon begins, or is gone.
    void daemon_starts(std::uint64_t boot);
    void daemon_ends() { notifier_.reset(); }
    // It has this version from now on, and tells it.
    void publish(std::uint32_t serial, const dnsd::Standing& standing, True now,
                 const Clock& clock);
    // notifier_wakes and secondary; the daemon is not stopped.
    void on(const Event& event, True now, const Clock& clock);

private:
    enum class Step : std::uint8_t { told, answered, fetched, asked, said };
    void perform(const std::vector<dnsd::Notifier::Effect>& effects, True now);
    void step(const dnsd::Notifier::Event& event, True now, const Clock& clock);
    void send(std::size_t secondary, Step step, std::uint64_t b, True now);

    Events& events_;
    Chance& chance_;
    std::array<Copy, count> copies_{};
    std::optional<dnsd::Notifier> notifier_;
    std::uint64_t boot_ = 0;
    std::uint32_t serial_ = 0;
    std::optional<dnsd::Standing> standing_;
};

}  // namespace sim

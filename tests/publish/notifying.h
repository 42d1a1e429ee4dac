#pragma once
// A notifier, two secondaries of a zone, and what both say.

#include "dnsd/publish/notifier.h"

#include <doctest/doctest.h>

#include <string_view>
#include <utility>
#include <vector>

namespace dnsd::notifying {

using namespace std::chrono_literals;
using heartbeat::Address;
using heartbeat::Duration;
using heartbeat::Instant;
using zones::Name;
using zones::Serial;
using Notify = SecondaryStatus::Notify;

inline const Instant t0{1000s};
inline const Name wiki = *Name::parse("wiki.example");
inline const Name other = *Name::parse("other.example");

inline Address address(std::string_view text) {
    return *Address::parse(text);
}
inline const Notifier::Target ns1{address("198.51.100.1"), 53, wiki};
inline const Notifier::Target ns2{address("203.0.113.9"), 53, wiki};

template <typename T>
std::vector<T> only(const std::vector<Notifier::Effect>& effects) {
    std::vector<T> out;
    for (const auto& effect : effects)
        if (const T* one = std::get_if<T>(&effect)) out.push_back(*one);
    return out;
}
using Sent = Notifier::SendNotify;
using Asked = Notifier::AskSerial;
using Note = Notifier::Note;

inline Notifier::AnswerHeard answer_to(const Sent& sent, std::uint8_t rcode = 0) {
    return {sent.target.address, sent.target.port, sent.id, sent.target.zone, rcode};
}
inline Notifier::SerialHeard serial_of(const Asked& asked, std::uint32_t serial) {
    return {asked.target.address, asked.target.port, asked.id, asked.target.zone, Serial(serial)};
}

// The secondary answers the question that follows a transfer; the effects of its answer.
constexpr Duration fetch_time = 250ms;
inline std::vector<Notifier::Effect> proves(Notifier& notifier, const Notifier::Target& target,
                                            std::uint32_t serial, Instant at) {
    static_cast<void>(
        notifier.step(Notifier::SecondaryAsked{target.address, target.zone}, at - fetch_time));
    for (const Asked& asked : only<Asked>(notifier.step(Notifier::ClockTicked{}, at)))
        if (asked.target == target) return notifier.step(serial_of(asked, serial), at);
    FAIL("it was not asked");
    return {};
}

// Steps the clock from wake to wake until `end`; what was sent, with when.
template <typename T>
std::vector<std::pair<Duration, T>> run(Notifier& notifier, Instant from, Instant end) {
    std::vector<std::pair<Duration, T>> out;
    while (notifier.wakes_at() <= end) {
        const Instant now = notifier.wakes_at();
        for (const T& sent : only<T>(notifier.step(Notifier::ClockTicked{}, now)))
            out.emplace_back(now - from, sent);
    }
    return out;
}

inline TransferSeen seen(TransferResult result, std::uint32_t serial,
                         TransferKind kind = TransferKind::ixfr) {
    TransferSeen one;
    one.kind = kind;
    one.result = result;
    one.serial = Serial(serial);
    one.took = 40ms;
    one.bytes = 1234;
    return one;
}

}  // namespace dnsd::notifying

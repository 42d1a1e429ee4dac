#include "tests/sim/secondaries.h"

namespace sim {

namespace {

const zones::Name& zone() {
    static const zones::Name name = *zones::Name::parse("wiki.test");
    return name;
}

heartbeat::Address address_of(std::size_t secondary) {
    return heartbeat::Address::v4({192, 0, 2, static_cast<std::uint8_t>(100 + secondary)});
}

constexpr std::uint16_t port = 53;

}  // namespace

void Secondaries::daemon_starts(std::uint64_t boot) {
    std::vector<dnsd::Notifier::Target> targets;
    for (std::size_t i = 0; i < count; ++i)
        targets.push_back({.address = address_of(i), .zone = zone()});
    boot_ = boot;
    events_.set_alarm(never, Event::Kind::notifier_wakes, 0, boot_);
    notifier_.emplace(std::move(targets), boot);
}

void Secondaries::publish(std::uint32_t serial, const dnsd::Standing& standing, True now,
                          const Clock& clock) {
    serial_ = serial;
    standing_ = standing;
    step(dnsd::Notifier::VersionPublished{zone(), zones::Serial(serial)}, now, clock);
}

void Secondaries::step(const dnsd::Notifier::Event& event, True now, const Clock& clock) {
    if (!notifier_) return;
    perform(notifier_->step(event, clock.at(now)), now);
    const Instant wakes = notifier_->wakes_at();
    const True when = wakes == Instant::max() ? never : std::max(now, clock.when(wakes));
    events_.set_alarm(when, Event::Kind::notifier_wakes, 0, boot_);
}

void Secondaries::perform(const std::vector<dnsd::Notifier::Effect>& effects, True now) {
    for (const auto& effect : effects) {
        if (const auto* notify = std::get_if<dnsd::Notifier::SendNotify>(&effect))
            send(notify->target.address.data()[3] - 100u, Step::told, notify->id, now);
        else if (const auto* ask = std::get_if<dnsd::Notifier::AskSerial>(&effect))
            send(ask->target.address.data()[3] - 100u, Step::asked, ask->id, now);
    }
}

void Secondaries::send(std::size_t secondary, Step step, std::uint64_t b, True now) {
    Stream& stream = chance_.of(Purpose::zone, secondary);
    const True delay = step == Step::fetched ? stream.between(20 * millisecond, 2 * second)
                                             : stream.between(millisecond, 60 * millisecond);
    // A fetch begins at once and fails at its end.
    if (step != Step::fetched && now < copies_[secondary].cut_until) return;
    events_.add(now + delay, Event::Kind::secondary, secondary,
                boot_ << 8 | static_cast<std::uint64_t>(step), b);
}

void Secondaries::on(const Event& event, True now, const Clock& clock) {
    if (event.kind == Event::Kind::notifier_wakes) {
        if (event.a != boot_) return;
        return step(dnsd::Notifier::ClockTicked{}, now, clock);
    }
    Copy& copy = copies_[event.who];
    const auto what = static_cast<Step>(event.a & 0xff);
    const auto id = static_cast<std::uint16_t>(event.b);
    const bool heard = notifier_ && event.a >> 8 == boot_;
    switch (what) {
        case Step::told:
            send(event.who, Step::answered, event.b, now);
            if (!copy.fetching) {
                copy.fetching = true;
                send(event.who, Step::fetched, 0, now);
            }
            break;
        case Step::answered:
            if (heard)
                step(dnsd::Notifier::AnswerHeard{address_of(event.who), port, id, zone()}, now,
                     clock);
            break;
        case Step::fetched:
            copy.fetching = false;
            if (!notifier_ || now < copy.cut_until) break;
            copy.serial = serial_;
            copy.standing = standing_;
            break;
        case Step::asked:
            send(event.who, Step::said, std::uint64_t{copy.serial} << 16 | event.b, now);
            break;
        case Step::said: {
            if (!heard) break;
            const auto serial = zones::Serial(static_cast<std::uint32_t>(event.b >> 16));
            step(dnsd::Notifier::SerialHeard{address_of(event.who), port, id, zone(), serial}, now,
                 clock);
            break;
        }
    }
}

}  // namespace sim

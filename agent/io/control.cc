#include "agent/io/control.h"

#include "heartbeat/io/asio.h"
#include "heartbeat/io/clock.h"

#include <stdexcept>
#include <utility>

#include <fmt/format.h>

namespace agent {

using heartbeat::boot_now;

namespace {

AgentRecord remembered(const RecordFile& file) {
    auto record = file.load();
    if (!record) throw std::runtime_error(record.error());
    return *record;
}

std::string number(Epoch epoch) {
    return std::to_string(epoch.value);
}

}  // namespace

struct Control::Timer {
    explicit Timer(heartbeat::asio::io_context& loop) : timer(loop) {}
    heartbeat::asio::steady_timer timer;
};

Control::Control(boost::asio::io_context& loop, ControlParts parts, RecordFile record, Watch watch)
    : loop_(loop),
      rules_(parts.duty),
      record_(std::move(record)),
      watch_(std::move(watch)),
      duty_(parts.duty, remembered(record_), boot_now()),
      cadence_(parts.duty.heartbeat),
      hooks_(loop, std::move(parts.hooks), say),
      probe_(loop, std::move(parts.page)),
      channel_(
          loop, std::move(parts.arbiters), parts.from,
          [this](const ServerId&, const heartbeat::Reply& reply) {
              if (watch_.replied) watch_.replied(reply);
              if (const std::string why = cadence_.judge(reply); !why.empty())
                  say(fmt::format("event=heartbeat_too_slow server={} why=\"{}\"",
                                  rules_.self.text(), why));
              step(ReplyHeard{reply});
          },
          [this](const ServerId&) { step(Introduced{}); }),
      alarm_(loop),
      looks_(std::make_unique<Timer>(loop)) {
    if (parts.database) database_.emplace(loop, std::move(*parts.database));
    if (parts.master_record) master_record_.emplace(loop, std::move(*parts.master_record));
    schedule_looks();
    set_alarm();
}

Control::~Control() = default;

void Control::stop() {
    step(Stopping{});
}

void Control::set_alarm() {
    if (duty_.wakes_at() == Instant::max()) return alarm_.cancel();
    alarm_.set(duty_.wakes_at(), [this] { tick(); });
}

void Control::tick() {
    // A timer is judged after what was queued when it fired (docs/PROTOCOL.md, "The arbiter's
    // machine"; the agent holds itself to the same).
    channel_.drain();
    step(ClockTicked{});
}

void Control::step(const Event& event) {
    if (left_) return;
    const Duty before = duty_;
    for (const Effect& effect : duty_.step(event, boot_now())) {
        if (perform(effect)) continue;
        duty_ = before;
        step(RecordFailed{});
        return;
    }
    set_alarm();
}

// False: it could not be made durable, and nothing that comes after it may happen.
bool Control::perform(const Effect& effect) {
    if (const auto* remember = std::get_if<Remember>(&effect)) {
        const auto saved = record_.save(remember->record);
        if (saved.has_value() == record_failing_) {
            record_failing_ = !saved;
            say(fmt::format("event={} server={}{}", saved ? "record_written" : "record_failed",
                            rules_.self.text(),
                            saved ? std::string() : fmt::format(" why=\"{}\"", saved.error())));
        }
        return saved.has_value();
    }
    std::visit(
        [this](const auto& e) {
            if constexpr (!std::is_same_v<std::decay_t<decltype(e)>, Remember>) perform_one(e);
        },
        effect);
    return true;
}

void Control::perform_one(const SendHeartbeat& effect) {
    if (!silent_) channel_.send(effect.beat);
}

Hooks::Facts Control::facts(Epoch epoch) const {
    return {{"ARBITER_SERVER", std::string(rules_.self.text())}, {"ARBITER_EPOCH", number(epoch)}};
}

Database::Done Control::verb(VerbDone::Verb verb, Epoch epoch, std::function<void()> hook) {
    ++verbs_running_;
    return [this, verb, epoch, hook = std::move(hook)](bool ok, const std::string& why) {
        --verbs_running_;
        if (ok && hook) hook();
        const VerbDone done{verb, epoch, ok, why};
        step(done);
        if (watch_.verb_done) watch_.verb_done(done);
    };
}

void Control::perform_one(const Promote& effect) {
    database_->promote(effect, verb(VerbDone::Verb::promote, effect.epoch,
                                    [this, effect] { hooks_.promoted(facts(effect.epoch)); }));
}

void Control::perform_one(const Demote& effect) {
    database_->demote(verb(VerbDone::Verb::demote, Epoch{}, [this, effect] {
        auto told = facts(duty_.record().seen);
        told.emplace_back("ARBITER_WHY", effect.why);
        hooks_.demoted(told);
    }));
}

void Control::perform_one(const Follow& effect) {
    database_->follow(effect, verb(VerbDone::Verb::follow, effect.epoch, [this, effect] {
                          auto told = facts(effect.epoch);
                          told.emplace_back("ARBITER_MASTER", std::string(effect.master.text()));
                          told.emplace_back("ARBITER_MASTER_ADDRESS",
                                            effect.addresses.front().text());
                          hooks_.followed(told);
                      }));
}

void Control::perform_one(const Prepare& effect) {
    database_->prepare(verb(VerbDone::Verb::prepare, effect.epoch, {}));
}

void Control::perform_one(const Configure& effect) {
    database_->configure(effect, verb(VerbDone::Verb::configure, effect.epoch, {}));
}

void Control::perform_one(const LookAtDatabase&) {
    // One that began before a verb ended tells nothing of what the verb did: another one follows.
    look_again_ = look_running_;
    look_at_database();
}

void Control::perform_one(const AskMasterRecord&) {
    if (!master_record_ || record_asked_) return;
    record_asked_ = true;
    master_record_->ask([this](tl::expected<std::vector<Address>, std::string> found) {
        record_asked_ = false;
        // Without an answer nothing is known about the record: no news for the machine.
        if (found) step(MasterRecordSeen{std::move(*found)});
    });
}

void Control::perform_one(const Note& note) {
    say(log_line(rules_.self, note));
    if (watch_.noted) watch_.noted(note);
    if (note.kind != Kind::left && note.kind != Kind::left_undone) return;
    left_ = true;
    loop_.stop();
}

void Control::schedule_looks() {
    look_at_page();
    look_at_database();
    looks_->timer.expires_after(rules_.heartbeat);
    looks_->timer.async_wait([this](heartbeat::ErrorCode error) {
        if (!error) schedule_looks();
    });
}

void Control::tell_looked() {
    if (!watch_.looked || !page_ || (database_ && !database_view_)) return;
    watch_.looked(*page_, database_view_.value_or(DatabaseView{}));
}

// A look that is still on its way is not overtaken by the next.
void Control::look_at_page() {
    if (page_running_) return;
    page_running_ = true;
    probe_.fetch([this](const PageView& view) {
        page_running_ = false;
        page_ = view;
        tell_looked();
        step(PageSeen{view});
    });
}

void Control::look_at_database() {
    if (!database_ || look_running_) return;
    look_running_ = true;
    database_->look([this](const DatabaseView& view, Instant begun) {
        look_running_ = false;
        database_view_ = view;
        tell_looked();
        step(DatabaseSeen{view, begun});
        if (std::exchange(look_again_, false)) look_at_database();
    });
}

}  // namespace agent

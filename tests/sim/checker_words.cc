// What operators ask for and what they are answered; and what the arbiter tells of its decisions.

#include "tests/sim/checker.h"
#include "tests/sim/world.h"

#include <algorithm>

#include <fmt/format.h>

namespace sim {

namespace {

std::string name(const World& world, std::size_t site) {
    return std::string(world.sites()[site].id.text());
}

}  // namespace

// ---- Words
// ------------------------------------------------------------------------------------------

bool Checker::word_given() const {
    return std::any_of(commands_.begin(), commands_.end(),
                       [](const auto& each) { return each.second.word; });
}

const Checker::Asked* Checker::adoption_of(const ServerId& id) const {
    for (const auto& [token, asked] : commands_)
        if (asked.adopted == id) return &asked;
    return nullptr;
}

// Its ledger fails, or it waits to try again: what it would judge waits, too.
bool Checker::ledger_fails(const World& world) {
    if (world.now() >= world.arbiter().ledger.fails_until + world.rules().lease.count())
        return false;
    if (world.arbiter().ledger.fails_until > 0) excuse(Excuse::ledger_fails);
    return world.arbiter().ledger.fails_until > 0;
}

// What came while it was stopped is heard before time is judged.
bool Checker::judges_time(const World& world) const {
    const Process& arbiter = world.arbiter().process;
    return arbiter.runs(world.now()) && world.now() >= reconfigured_ + second / 10 &&
           world.now() >= arbiter.stopped_until + second;
}

void Checker::asked(const World& world, const dnsd::OperatorAsked& command) {
    Asked asked;
    const auto* adopt = std::get_if<dnsd::AdoptCommand>(&command.command);
    const auto* move = std::get_if<dnsd::SwitchoverCommand>(&command.command);
    const auto* dead = std::get_if<dnsd::ConfirmDeadCommand>(&command.command);
    const auto* mode = std::get_if<dnsd::ModeCommand>(&command.command);
    asked.since = world.arbiter().clock.at(world.now());
    if (!command.dry_run) {
        asked.word = adopt || move;
        if (dead) asked.dead = dead->server;
        asked.observe = mode && mode->mode == dnsd::Mode::observe;
        if (move) asked.named = move->to;
        if (adopt) {
            asked.adopted = adopt->server;
            asked.allow_loss = adopt->allow_loss;
        }
        if (asked.word || std::holds_alternative<dnsd::ResumeCommand>(command.command)) {
            lifting_ = world.now();
            lifting_by_ = command.token;
        }
    }
    newest_command_ = command.token;
    commands_[command.token] = asked;
}

void Checker::answers(const World& world, const dnsd::Answer& answer) {
    if (answer.token > newest_command_) return broken("an operator is answered who asked nothing");
    const auto at = commands_.find(answer.token);
    if (at == commands_.end()) return broken("an operator is answered twice: " + answer.text);
    const bool refused = answer.kind == dnsd::Answer::Kind::refused;
    if (answer.text.empty() && refused) return broken("an operator is refused without a reason");
    // What could not be written may be on disk all the same.
    if (refused && answer.token == lifted_by_ && lifting_ == world.now() && !ledger_fails(world))
        return broken("damping: a word that was refused has lifted the block: " + answer.text);
    if (answer.kind == dnsd::Answer::Kind::done && at->second.dead)
        judge_death(world, *at->second.dead);
    if (answer.kind == dnsd::Answer::Kind::done && at->second.observe && world.epoch() > Epoch{})
        return broken("observe: a lease has been given, and the arbiter is to observe");
    if (answer.kind != dnsd::Answer::Kind::going_on) {
        commands_.erase(at);
        return;
    }
    at->second.begun = true;
    at->second.planned = switching_.has_value();
}

// Whoever is granted by a word may lead at that moment, whatever was so when it was spoken; and
// while a word stands that names somebody, nobody else is granted; one that came to nothing in this
// very step is answered at its end. (judge_grant() has what no word lifts.)
void Checker::judge_named(const World& world, const ServerId& to, const std::string& grant) {
    const Known::Said& said = known(world, world.place_of(to)).said;
    for (const auto& [token, asked] : commands_) {
        if (!asked.begun || asked.granted) continue;
        const std::optional<ServerId>& named = asked.adopted ? asked.adopted : asked.named;
        if (named == to && said.leaves)
            return broken("election: " + grant + " by a word, and says that it may not lead");
        if (named && named != to)
            overruled_ = {token,
                          "answer: " + grant + ", and a word that is not answered names another"};
    }
}

// An arbiter that died, or could not write, has answered nobody.
void Checker::look_at_overruled(const World& world) {
    if (!overruled_) return;
    const ArbiterSite& arbiter = world.arbiter();
    const bool answers = arbiter.process.up && world.now() >= arbiter.ledger.fails_until;
    if (answers && commands_.contains(overruled_->first)) return broken(overruled_->second);
    overruled_.reset();
}

// Each is answered at once, and one that goes on when it is done or refused: a switchover as soon
// as it has failed (look_at_switchover() says how long it may take), an election when the lease has
// ended that it waits for and in the time that an election may take, and either in the time in
// which the one that was granted is writable or never will be.
void Checker::look_at_commands(const World& world) {
    if (commands_.empty() || !judges_time(world)) return;
    const dnsd::ArbiterRules& rules = world.rules();
    const ArbiterSite& arbiter = world.arbiter();
    const auto& disk = world.ledger();
    const Instant now = arbiter.clock.at(world.now());
    for (auto& [token, asked] : commands_) {
        if (!asked.begun) return broken("answer: an operator's command is not answered");
        if (asked.planned && !asked.granted) {
            if (switching_) continue;
            return broken("answer: a switchover has failed, and who asked for it is not answered");
        }
        asked.longest = std::max(asked.longest, longest_);
        if (disk && disk->lease_longest <= dnsd::ArbiterRules::lease_max)
            asked.longest = std::max(asked.longest, disk->lease_longest);
        const Duration lapse = std::max<Duration>(2 * asked.longest, std::chrono::seconds(10));
        const Duration expiry =
            asked.longest + Duration(asked.longest.count() / million * world.script().climate.rho) +
            rules.guard_said.value_or(asked.longest / 12);
        Duration bound = expiry + lapse;
        if (!asked.planned) bound += 2 * asked.longest;
        if (!asked.planned && asked.granted) bound += expiry + lapse;
        // One that is stopped answers nobody, and one that can not write ends nothing.
        const Duration waited =
            now - std::max(asked.since, arbiter.clock.at(std::max(arbiter.process.stopped_until,
                                                                  arbiter.ledger.fails_until)));
        if (waited <= bound + std::chrono::milliseconds(100)) continue;
        if (ledger_fails(world)) return;
        return broken(
            fmt::format("answer: an operator's {} goes on for {} ms, and {} ms are enough",
                        asked.planned ? "switchover" : "election", waited.count() / millisecond,
                        bound.count() / millisecond));
    }
}

// ---- What the arbiter tells
// ------------------------------------------------------------------------------------------

void Checker::notes(const World& world, const dnsd::Note& note) {
    switch (note.kind) {
        case dnsd::Kind::switchover_begun:
            return judge_begun(world, note);
        case dnsd::Kind::window_opened:
            return opens_window(world);
        case dnsd::Kind::switchover_failed:
            if (switching_ && switching_->yielded) spent_ = world.epoch();
            usurped_.clear();
            return switching_.reset();
        case dnsd::Kind::grant_lapsed:
            spent_ = note.epoch;
            return;
        // Also one that comes and goes in one step, of which no version tells.
        case dnsd::Kind::joined_pool:
        case dnsd::Kind::left_pool:
            pool_seen_ = world.now();
            return;
        case dnsd::Kind::lost_accepted:
            return forgive(world, world.place_of(*note.server), note.epoch);
        case dnsd::Kind::confirmed_dead: {
            if (!world.configured(world.place_of(*note.server))) return;
            Known& server = known(world, world.place_of(*note.server));
            if (const auto held = holders_.find(note.epoch); held != holders_.end())
                held->second.confirmed_dead = true;
            // Who was found silent by another measure is not heard again by that.
            if (server.said.master && server.said.boot == world.arbiter().process.boot &&
                server.said.at > reconfigured_ &&
                world.now() - server.said.at < world.rules().down_after.count() * 9 / 10)
                broken("I3: " + name(world, world.place_of(*note.server)) +
                       " is taken for dead, and said that it is master");
            return;
        }
        default:
            return;
    }
}

// No more than what this one lacks now, and under this epoch.
void Checker::forgive(const World& world, std::size_t site, Epoch epoch) {
    const Point has = world.sites()[site].database.has();
    for (const Point& commit : kept_)
        if (!world.timeline().begins(commit, has)) forgiven_[epoch].push_back(commit);
}

}  // namespace sim

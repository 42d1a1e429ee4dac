#include "dnsd/io/groups.h"

#include "dnsd/arbiter/operator.h"
#include "dnsd/config/arbitration.h"
#include "dnsd/io/check.h"
#include "dnsd/io/log.h"
#include "dnsd/io/start_error.h"
#include "dnsd/io/stored_machine.h"
#include "dnsd/io/wall_clock.h"
#include "heartbeat/io/channel.h"
#include "heartbeat/io/clock.h"
#include "heartbeat/io/keyfile.h"
#include "heartbeat/io/timer.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <optional>

#include <fmt/format.h>

namespace dnsd {
namespace {

// Rights that are too many or too few are mended otherwise than a file that is absent or wrong.
int exit_code_of_key(const std::string& path, mode_t forbidden) {
    struct stat about {};
    if (::stat(path.c_str(), &about) == 0 && (about.st_mode & forbidden) != 0) return exit_no_right;
    return ::access(path.c_str(), R_OK) != 0 && errno == EACCES ? exit_no_right : exit_config;
}

std::vector<heartbeat::AgentIdentity> agents_of(const Config& config) {
    std::vector<heartbeat::AgentIdentity> agents;
    for (const GroupConfig& group : config.groups)
        for (const ServerRules& server : group.rules.servers) {
            const std::string path = public_key_path(config, server.id);
            auto keys = heartbeat::read_public_keys(path);
            if (!keys) throw StartError(exit_code_of_key(path, 0), keys.error());
            agents.push_back({server.id, std::move(*keys), server.addresses});
        }
    return agents;
}

heartbeat::ArbiterSession session_of(const Config& config) {
    auto self = heartbeat::read_secret_keys(config.key_file);
    if (!self) throw StartError(exit_code_of_key(config.key_file, 077), self.error());
    if (self->name() != config.arbiter_id)
        throw StartError(exit_config, fmt::format("{} is the key of '{}', but this arbiter is '{}'",
                                                  config.key_file, self->name().text(),
                                                  config.arbiter_id.text()));
    try {
        return heartbeat::ArbiterSession(std::move(*self), config.cluster, agents_of(config),
                                         heartbeat::fresh_boot(), heartbeat::fresh_seed());
    } catch (const std::invalid_argument& error) {
        throw StartError(exit_config, error.what());
    }
}

bool is_alarm(Kind kind) {
    switch (kind) {
        case Kind::refused:
        case Kind::ledger_failed:
        case Kind::fail_open:
        case Kind::grant_lapsed:
        case Kind::gate_waits:
        case Kind::alarm:
        case Kind::switchover_failed:
        case Kind::lost_accepted:
        case Kind::damped:
        case Kind::adopted:
        case Kind::confirmed_dead:
            return true;
        default:
            return false;
    }
}

std::int64_t unix_now() {
    return wall_milliseconds() / 1000;
}

std::vector<std::string> names_of(const Config& config) {
    std::vector<std::string> names;
    for (const GroupConfig& group : config.groups) names.push_back(group.rules.group);
    return names;
}

}  // namespace

struct Groups::Inside {
    struct Group {
        GroupConfig config;
        StoredMachine stored;
        std::vector<ServerId> cloned{};
    };
    struct Waiting {
        std::size_t group;
        Say say;
    };
    struct Replies {
        std::uint64_t acks = 0, denies = 0;
    };

    Inside(boost::asio::io_context& loop_used, const Config& config_used, Ledger& ledger,
           OnStanding callback)
        : loop(loop_used),
          config(config_used),
          records(ledger.records()),
          story(ledger, names_of(config_used)),
          on_standing(std::move(callback)),
          session(session_of(config_used)) {
        for (const GroupConfig& one : config.groups) {
            for (const ServerRules& server : one.rules.servers)
                group_of.try_emplace(server.id, groups.size());
            groups.push_back({one, stored(one)});
        }
        for (std::size_t i = 0; i < groups.size(); ++i) step(i, ClockTicked{});
    }

    StoredMachine stored(const GroupConfig& one) {
        const std::string& name = one.rules.group;
        StoredMachine::Teller teller{[this, name](const std::vector<Note>& notes) {
                                         return story.with_record(name, notes, wall_milliseconds());
                                     },
                                     [this](std::size_t notes) { story.stored(notes); },
                                     [](const std::string& what) { log_error(what); }};
        return {records, one.rules, std::move(teller), heartbeat::boot_now(), unix_now()};
    }

    Stepped step(std::size_t index, const Event& event) {
        Group& group = groups[index];
        stepping = true;
        const Stepped stepped =
            group.stored.step(event, heartbeat::boot_now(), unix_now(), hands(group));
        stepping = false;
        if (stepped == Stepped::another_decides) nobody_answers(index);
        tell_serials();
        return stepped;
    }

    // A machine is not stepped while it is being stepped: what it made published waits until then.
    void tell_serials() {
        while (!stepping && !serials.empty()) {
            const auto [zone, serial] = std::move(serials.front());
            serials.pop_front();
            for (std::size_t i = 0; i < groups.size(); ++i)
                if (groups[i].config.zone == zone) step(i, Published{serial.value()});
        }
        arm();
    }

    Hands hands(Group& group) {
        return {{},  // the machine's own
                [&](const SendReply& reply) { send(reply); },
                [&](const Standing& standing) { on_standing(standing); },
                [&](const Note& note) { tell(group, note); },
                [&](const Answer& answer) { told(answer); }};
    }

    void send(const SendReply& reply) {
        Replies& replies = replied[reply.to];
        ++(std::holds_alternative<heartbeat::Ack>(reply.reply) ? replies.acks : replies.denies);
        if (channel) channel->send(reply.to, reply.reply);
    }

    void tell(const Group& group, const Note& note) {
        const std::string& name = group.config.rules.group;
        log(is_alarm(note.kind) ? Urgency::warning : Urgency::info, log_line(name, note));
        story.tell(name, note, wall_milliseconds());
    }

    // ---- Operators

    void told(const Answer& answer) {
        const auto waiting = asked.find(answer.token);
        if (waiting == asked.end()) return;
        if (answer.kind == Answer::Kind::going_on) return waiting->second.say(answer);
        const Say say = std::move(waiting->second.say);
        asked.erase(waiting);
        say(answer);
    }

    // Another decides for this group: what its commands wait for does not come from here.
    void nobody_answers(std::size_t group) {
        std::vector<std::uint64_t> tokens;
        for (const auto& [token, waiting] : asked)
            if (waiting.group == group) tokens.push_back(token);
        for (const std::uint64_t token : tokens)
            told(refusal(token,
                         "another arbiter decides beside this one; arbiterctl status says what "
                         "became of it"));
    }

    void ask(const OperatorRequest& request, const std::string& by, Say say) {
        if (asked.size() >= asked_max)
            return say(refusal(0, fmt::format("{} commands wait for their end already; nothing was "
                                              "changed. arbiterctl status says what goes on",
                                              asked_max)));
        const std::uint64_t token = ++last_token;
        asked.emplace(token, Waiting{request.group, std::move(say)});
        OperatorAsked event{token,          request.command, by,
                            request.reason, request.dry_run, unix_now()};
        if (step(request.group, event) == Stepped::not_written)
            told(refusal(token, "the ledger can not be written; nothing was changed"));
    }

    // ---- Time and the network

    // A name that two machines speak under is neither granted nor renewed, from the next step on.
    void look_for_clones() {
        if (!channel) return;
        const std::vector<ServerId> all = channel->session().cloned(heartbeat::boot_now());
        for (std::size_t i = 0; i < groups.size(); ++i) {
            std::vector<ServerId> here;
            for (const ServerId& id : all)
                if (const auto found = group_of.find(id);
                    found != group_of.end() && found->second == i)
                    here.push_back(id);
            if (here == groups[i].cloned) continue;
            groups[i].cloned = here;
            step(i, ClonesSeen{std::move(here)});
        }
    }

    // What is decided without a record waits no longer than this for the ledger.
    void write_story() {
        if (!story.waits()) return;
        const auto written = story.write();
        const std::string why = written ? std::string() : written.error();
        if (!written && why != story_told)
            log_error("what was decided can not be kept in the ledger: " + why);
        story_told = why;
    }

    void heard(const ServerId& from, const heartbeat::Heartbeat& beat) {
        look_for_clones();
        const auto index = group_of.find(from);
        if (index != group_of.end()) step(index->second, HeartbeatHeard{from, beat});
    }

    // docs/PROTOCOL.md: a timer is judged only after everything queued in the socket when it fired
    // has been read.
    void on_time() {
        channel->drain();
        for (std::size_t i = 0; i < groups.size(); ++i)
            if (groups[i].stored.wakes_at() <= heartbeat::boot_now()) step(i, ClockTicked{});
        look_for_clones();
        if (heartbeat::boot_now() >= story_at) {
            story_at = heartbeat::boot_now() + story_every;
            write_story();
        }
        arm();
    }

    void arm() {
        if (!timer) return;
        Instant next = story.waits() ? story_at : Instant::max();
        for (const Group& group : groups) next = std::min(next, group.stored.wakes_at());
        timer->set(next, [this] { on_time(); });
    }

    void open() {
        std::vector<heartbeat::Endpoint> listen;
        for (const Endpoint& endpoint : config.heartbeat_listen)
            listen.push_back({endpoint.address, endpoint.port});
        try {
            channel.emplace(loop, listen, std::move(session),
                            [this](const ServerId& from, const heartbeat::Heartbeat& beat) {
                                heard(from, beat);
                            });
        } catch (const std::runtime_error& error) {
            throw StartError(exit_unavailable, error.what());
        }
        timer.emplace(loop);
        arm();
    }

    static constexpr std::chrono::seconds story_every{1};

    boost::asio::io_context& loop;
    const Config config;
    const RecordStore records;
    Story story;
    OnStanding on_standing;
    heartbeat::ArbiterSession session;  // moves into the channel
    std::vector<Group> groups;
    std::map<ServerId, std::size_t> group_of;
    std::map<ServerId, Replies> replied;
    std::deque<std::pair<zones::Name, zones::Serial>> serials;  // not told yet
    bool stepping = false;
    std::map<std::uint64_t, Waiting> asked;  // by token
    std::uint64_t last_token = 0;
    Instant story_at{};
    std::string story_told;  // why the last write failed, told once; empty: it did not
    std::optional<heartbeat::ArbiterChannel> channel;
    std::optional<heartbeat::BootTimer> timer;
};

Groups::Groups(boost::asio::io_context& loop, const Config& config, Ledger& ledger,
               OnStanding on_standing)
    : inside_(std::make_unique<Inside>(loop, config, ledger, std::move(on_standing))) {}
Groups::~Groups() = default;

void Groups::open() {
    inside_->open();
}

void Groups::published(const zones::Name& zone, zones::Serial serial) {
    inside_->serials.emplace_back(zone, serial);
    inside_->tell_serials();
}

std::vector<GroupStatus> Groups::status() const {
    std::vector<GroupStatus> status;
    for (const Inside::Group& group : inside_->groups) {
        status.push_back(group.stored.machine().status(heartbeat::boot_now()));
        if (!group.stored.decides())
            status.back().alarms.push_back("another arbiter decides beside this one");
        status.back().zone = group.config.zone.text();
    }
    return status;
}

const Story& Groups::story() const {
    return inside_->story;
}

std::vector<Askable> Groups::askable() const {
    std::vector<Askable> all;
    for (const Inside::Group& group : inside_->groups) {
        all.push_back({group.config.rules.group, {}});
        for (const ServerRules& server : group.config.rules.servers)
            all.back().servers.push_back(server.id);
        // One that is configured no more is still barred, until it is confirmed to be dead.
        std::vector<ServerId>& names = all.back().servers;
        for (const ServerId& id : group.stored.machine().record().barred)
            if (std::find(names.begin(), names.end(), id) == names.end()) names.push_back(id);
    }
    return all;
}

const zones::Name& Groups::zone_of(std::size_t group) const {
    return inside_->groups.at(group).config.zone;
}

void Groups::ask(const OperatorRequest& request, const std::string& by, Say say) {
    inside_->ask(request, by, std::move(say));
}

namespace {

bool has(const GroupConfig& group, const ServerId& id) {
    return std::any_of(group.rules.servers.begin(), group.rules.servers.end(),
                       [&](const ServerRules& server) { return server.id == id; });
}

// Who was there at the start, is not any more, and stands in the file again: as any new server it
// waits for a restart, though the file is as it was at the start.
std::vector<std::string> dropped_before(const GroupConfig& at_start, const GroupConfig& running,
                                        const GroupConfig& next) {
    std::vector<std::string> lines;
    for (const ServerRules& server : next.rules.servers)
        if (has(at_start, server.id) && !has(running, server.id))
            lines.push_back(fmt::format("+ server {}", server.id.text()));
    return lines;
}

}  // namespace

// Keys, addresses of agents and names in the zone are fixed at the start; all else of a group the
// machine takes as it goes.
Groups::Reconfigured Groups::reconfigure(const std::vector<GroupConfig>& groups) {
    Reconfigured out;
    for (std::size_t i = 0; i < inside_->groups.size(); ++i) {
        Inside::Group& group = inside_->groups[i];
        const std::string& name = group.config.rules.group;
        const auto next = std::find_if(groups.begin(), groups.end(), [&](const GroupConfig& one) {
            return one.rules.group == name;
        });
        if (next == groups.end()) continue;
        for (std::string& line : dropped_before(inside_->config.groups[i], group.config, *next))
            out.waits_for_restart.push_back(std::move(line));
        const std::vector<std::string> changes =
            live_differences(group.config, *next, inside_->groups.size() == 1);
        if (changes.empty()) continue;
        ArbiterRules rules = with_live_rules(group.config.rules, next->rules);
        std::string why = refused_rules(rules, group.stored.machine());
        const Stepped stepped =
            why.empty() ? inside_->step(i, RulesChanged{rules}) : Stepped::not_written;
        if (why.empty() && stepped == Stepped::not_written) why = "the ledger can not be written";
        if (stepped == Stepped::another_decides) why = "another arbiter decides beside this one";
        if (!why.empty()) {
            out.refused.push_back(
                fmt::format("group {}: its settings stay as they are: {}", name, why));
            continue;
        }
        group.config.rules = std::move(rules);
        out.taken.insert(out.taken.end(), changes.begin(), changes.end());
    }
    return out;
}

void Groups::count(Counters& into) const {
    into.decisions_lost.push_back({{}, inside_->story.lost()});
    for (const auto& [server, group] : inside_->group_of) {
        const Inside::Replies replies = inside_->replied[server];
        into.heartbeats.push_back({{std::string(server.text()), "ack"}, replies.acks});
        into.heartbeats.push_back({{std::string(server.text()), "deny"}, replies.denies});
    }
    if (!inside_->channel) return;
    const heartbeat::SessionCounters& counters = inside_->channel->session().counters();
    for (std::size_t why = 0; why < heartbeat::rejection_count; ++why)
        into.heartbeats_rejected.push_back(
            {{std::string(name_of(static_cast<heartbeat::Rejection>(why)))},
             counters.rejected[why]});
}

}  // namespace dnsd

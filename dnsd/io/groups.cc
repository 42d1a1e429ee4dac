#include "dnsd/io/groups.h"

#include "dnsd/arbiter/arbiter.h"
#include "dnsd/io/check.h"
#include "dnsd/io/effect_walk.h"
#include "dnsd/io/log.h"
#include "dnsd/io/start_error.h"
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
    return kind == Kind::refused || kind == Kind::ledger_failed || kind == Kind::fail_open ||
           kind == Kind::grant_lapsed;
}

}  // namespace

struct Groups::Inside {
    struct Group {
        GroupConfig config;
        Arbiter machine;
    };
    struct Replies {
        std::uint64_t acks = 0, denies = 0;
    };

    Inside(boost::asio::io_context& loop_used, const Config& config_used, Ledger& ledger_used,
           OnStanding callback)
        : loop(loop_used),
          config(config_used),
          ledger(ledger_used),
          on_standing(std::move(callback)),
          session(session_of(config_used)) {
        const Instant now = heartbeat::boot_now();
        for (const GroupConfig& one : config.groups) {
            for (const ServerRules& server : one.rules.servers)
                group_of.try_emplace(server.id, groups.size());
            groups.push_back({one, Arbiter(one.rules, ledger.group(one.rules.group), now)});
        }
        for (Group& group : groups) step(group, ClockTicked{});
    }

    void step(Group& group, const Event& event) {
        stepping = true;
        walk(group.machine, event, heartbeat::boot_now(), hands(group));
        stepping = false;
        tell_serials();
    }

    // A machine is not stepped while it is being stepped: what it made published waits until then.
    void tell_serials() {
        while (!stepping && !serials.empty()) {
            const auto [zone, serial] = std::move(serials.front());
            serials.pop_front();
            for (Group& group : groups)
                if (group.config.zone == zone) step(group, Published{serial.value()});
        }
        arm();
    }

    Hands hands(Group& group) {
        return {[&](const Record& record) { return remember(group, record); },
                [&](const SendReply& reply) { send(reply); },
                [&](const Standing& standing) { on_standing(standing); },
                [&](const Note& note) { tell(group, note); }};
    }

    bool remember(Group& group, const Record& record) {
        const auto kept = ledger.remember(group.config.rules.group, record);
        if (!kept)
            log_error(fmt::format("group {}: the ledger cannot be written: {}",
                                  group.config.rules.group, kept.error()));
        return kept.has_value();
    }

    void send(const SendReply& reply) {
        Replies& replies = replied[reply.to];
        ++(std::holds_alternative<heartbeat::Ack>(reply.reply) ? replies.acks : replies.denies);
        if (channel) channel->send(reply.to, reply.reply);
    }

    void tell(const Group& group, const Note& note) {
        const std::string& name = group.config.rules.group;
        log(is_alarm(note.kind) ? Urgency::warning : Urgency::info, log_line(name, note));
        history.push_front({wall_milliseconds(), name, sentence(note)});
        if (history.size() > history_max) history.pop_back();
    }

    void heard(const ServerId& from, const heartbeat::Heartbeat& beat) {
        const auto index = group_of.find(from);
        if (index != group_of.end()) step(groups[index->second], HeartbeatHeard{from, beat});
    }

    // docs/PROTOCOL.md: a timer is judged only after everything queued in the socket when it fired
    // has been read.
    void on_time() {
        channel->drain();
        for (Group& group : groups)
            if (group.machine.wakes_at() <= heartbeat::boot_now()) step(group, ClockTicked{});
        arm();
    }

    void arm() {
        if (!timer) return;
        Instant next = Instant::max();
        for (const Group& group : groups) next = std::min(next, group.machine.wakes_at());
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

    boost::asio::io_context& loop;
    const Config config;
    Ledger& ledger;
    OnStanding on_standing;
    heartbeat::ArbiterSession session;  // moves into the channel
    std::vector<Group> groups;
    std::map<ServerId, std::size_t> group_of;
    std::map<ServerId, Replies> replied;
    std::deque<std::pair<zones::Name, zones::Serial>> serials;  // not told yet
    bool stepping = false;
    std::deque<HistoryLine> history;
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
        status.push_back(group.machine.status(heartbeat::boot_now()));
        status.back().zone = group.config.zone.text();
    }
    return status;
}

const std::deque<HistoryLine>& Groups::history() const {
    return inside_->history;
}

void Groups::count(Counters& into) const {
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

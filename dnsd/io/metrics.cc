#include "dnsd/io/status_json.h"

#include <utility>

#include <fmt/format.h>

namespace dnsd {

namespace {

using Labels = std::vector<std::pair<std::string_view, std::string>>;

// Text format 0.0.4: backslash, quote and line feed are escaped in a label's value.
std::string escaped(std::string_view value) {
    std::string out;
    for (const char c : value) {
        if (c == '\\' || c == '"') out += '\\';
        if (c == '\n')
            out += "\\n";
        else
            out += c;
    }
    return out;
}

class Metrics {
public:
    std::string text;

    void family(std::string_view name, std::string_view type, std::string_view help) {
        name_ = name;
        text += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
    }
    void gauge(std::string_view name, std::string_view help) { family(name, "gauge", help); }

    template <typename Number>
    void sample(const Labels& labels, Number value) {
        text += name_;
        for (std::size_t i = 0; i < labels.size(); ++i)
            text += fmt::format("{}{}=\"{}\"", i == 0 ? "{" : ",", labels[i].first,
                                escaped(labels[i].second));
        text += fmt::format("{} {}\n", labels.empty() ? "" : "}", value);
    }

    // A counter has its family also when nothing was counted: an alert on it must not be "no data".
    void counter(std::string_view name, std::string_view help,
                 const std::vector<std::string_view>& labels, const std::vector<Count>& counts) {
        samples(name, "counter", help, labels, counts);
    }
    void samples(std::string_view name, std::string_view type, std::string_view help,
                 const std::vector<std::string_view>& labels, const std::vector<Count>& counts) {
        family(name, type, help);
        for (const Count& count : counts) {
            Labels named;
            for (std::size_t i = 0; i < labels.size() && i < count.labels.size(); ++i)
                named.emplace_back(labels[i], count.labels[i]);
            sample(named, count.value);
        }
    }

private:
    std::string name_;
};

double seconds(Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

double unix_seconds(std::int64_t time_ms) {
    return static_cast<double>(time_ms) / 1000;
}

template <typename Each>
void per_server(Metrics& out, const Status& status, Each each) {
    for (const GroupStatus& group : status.groups)
        for (const ServerStatus& server : group.servers)
            each(out, Labels{{"group", group.name}, {"server", std::string(server.id.text())}},
                 group, server);
}

void daemon(Metrics& out, const Status& status) {
    out.gauge("arbiter_build_info", "Version of the running daemon.");
    out.sample({{"version", ARBITER_VERSION}}, 1);
    out.gauge("arbiter_start_time_seconds", "When the daemon started, since 1970.");
    out.sample({}, unix_seconds(status.time_ms) - seconds(status.uptime));
    out.gauge("arbiter_ready", "1 when the daemon answers queries and hears heartbeats.");
    out.sample({}, status.ready ? 1 : 0);
    out.gauge("arbiter_mode", "1 for the mode that the daemon is in.");
    for (const std::string_view mode : {"act", "observe"})
        out.sample({{"mode", std::string(mode)}}, status.mode == mode ? 1 : 0);
    out.gauge("arbiter_config_reload_success", "1 when the last reload was accepted.");
    out.sample({}, status.reload_ok ? 1 : 0);
    out.gauge("arbiter_config_reload_timestamp_seconds",
              "When the running configuration was taken, since 1970.");
    out.sample({}, unix_seconds(status.reload_time_ms));
}

void groups(Metrics& out, const Status& status) {
    out.gauge("arbiter_fail_open", "1 while a pool stands though its servers are not heard.");
    for (const GroupStatus& g : status.groups) out.sample({{"group", g.name}}, g.fail_open ? 1 : 0);
    out.gauge("arbiter_lease_epoch", "Epoch of the newest lease.");
    for (const GroupStatus& g : status.groups) out.sample({{"group", g.name}}, g.epoch.value);
    out.gauge("arbiter_lease_remaining_seconds", "What is left of the lease that lives.");
    for (const GroupStatus& g : status.groups)
        out.sample({{"group", g.name}}, seconds(g.lease_left));
    out.gauge("arbiter_lease_state", "1 for the state that the lease is in.");
    for (const GroupStatus& g : status.groups)
        for (const LeaseState state : {LeaseState::quarantine, LeaseState::free, LeaseState::held,
                                       LeaseState::expiring, LeaseState::window})
            out.sample({{"group", g.name}, {"state", std::string(name_of(state))}},
                       g.state == state ? 1 : 0);
}

void failovers(Metrics& out, const Status& status) {
    out.gauge("arbiter_group_mode", "1 for the mode that the group is in.");
    for (const GroupStatus& g : status.groups)
        for (const Mode mode : {Mode::act, Mode::observe})
            out.sample({{"group", g.name}, {"mode", mode == Mode::act ? "act" : "observe"}},
                       g.mode == mode ? 1 : 0);
    const auto gauge = [&](std::string_view name, std::string_view help, auto value) {
        out.gauge(name, help);
        for (const GroupStatus& g : status.groups) out.sample({{"group", g.name}}, value(g));
    };
    using Group = const GroupStatus&;
    gauge("arbiter_paused", "1 while an operator has paused automatic failovers.",
          [](Group g) { return g.paused ? 1 : 0; });
    gauge("arbiter_failovers_blocked_seconds", "How long the damping still blocks failovers.",
          [](Group g) { return g.block_left ? seconds(*g.block_left) : 0.0; });
    gauge("arbiter_manual", "1 while only an operator's word elects.",
          [](Group g) { return g.manual ? 1 : 0; });
    gauge("arbiter_semi_sync_members", "Servers that may acknowledge commits.",
          [](Group g) { return g.semi_sync.size(); });
    gauge("arbiter_semi_sync_covered", "1 when each acknowledged commit is with one of them.",
          [](Group g) { return g.covered ? 1 : 0; });
    gauge("arbiter_gate_waits", "1 while the zero-loss gate keeps an election open.",
          [](Group g) { return g.gate_waits.empty() ? 0 : 1; });
    gauge("arbiter_alarms", "What wants a person now.", [](Group g) { return g.alarms.size(); });
    out.family("arbiter_failovers_total", "counter", "Changes of the lead, by how they ended.");
    for (const GroupStatus& g : status.groups)
        for (const auto& [kind, counts] : {std::pair("failover", g.counts.failover),
                                           std::pair("switchover", g.counts.switchover),
                                           std::pair("adoption", g.counts.adoption)})
            for (const auto& [result, count] :
                 {std::pair("done", counts.done), std::pair("failed", counts.failed),
                  std::pair("refused", counts.refused)})
                out.sample({{"group", g.name}, {"kind", kind}, {"result", result}}, count);
    out.family("arbiter_losses_accepted_total", "counter",
               "Grants that the zero-loss gate would not have let pass.");
    for (const GroupStatus& g : status.groups)
        out.sample({{"group", g.name}}, g.counts.loss_accepted);
}

void servers(Metrics& out, const Status& status) {
    out.gauge("arbiter_server_up", "1 when the server was heard in time.");
    per_server(out, status, [](Metrics& m, const Labels& labels, const auto&, const auto& server) {
        m.sample(labels, server.alive ? 1 : 0);
    });
    out.gauge("arbiter_server_published", "1 when the name holds the server's addresses.");
    per_server(out, status, [](Metrics& m, Labels labels, const auto& group, const auto& server) {
        labels.emplace_back("name", "www");
        m.sample(labels, server.in_pool ? 1 : 0);
        labels.back().second = "master";
        m.sample(labels, group.master == server.id ? 1 : 0);
    });
    out.gauge("arbiter_server_master",
              "1 when the server says that it is master and holds the lease.");
    per_server(
        out, status, [](Metrics& m, const Labels& labels, const auto& group, const auto& server) {
            m.sample(labels,
                     group.holder == server.id && server.role == heartbeat::Role::master ? 1 : 0);
        });
    out.gauge("arbiter_server_may_lead", "1 when the server could be elected.");
    per_server(out, status, [](Metrics& m, const Labels& labels, const auto&, const auto& server) {
        m.sample(labels, server.may_lead ? 1 : 0);
    });
    out.gauge("arbiter_server_drained", "1 while an operator has drained the server.");
    per_server(out, status, [](Metrics& m, const Labels& labels, const auto&, const auto& server) {
        m.sample(labels, server.drained ? 1 : 0);
    });
    out.gauge("arbiter_server_check_ok", "1 for what the server found well at its last heartbeat.");
    per_server(out, status, [](Metrics& m, Labels labels, const auto&, const auto& server) {
        if (!server.last) return;
        const heartbeat::Health& health = server.last->health;
        labels.emplace_back("check", "");
        for (const auto& [check, ok] :
             {std::pair("database", health.database), std::pair("web", health.web),
              std::pair("page", health.page), std::pair("replication", health.replication),
              std::pair("guard", health.guard)}) {
            labels.back().second = check;
            m.sample(labels, ok ? 1 : 0);
        }
    });
    out.gauge("arbiter_server_lag_seconds", "How far the replica is behind its master.");
    per_server(out, status, [](Metrics& m, const Labels& labels, const auto&, const auto& server) {
        if (server.last && server.last->lag) m.sample(labels, seconds(*server.last->lag));
    });
    out.gauge("arbiter_server_last_heartbeat_timestamp_seconds",
              "When the server was last heard, since 1970.");
    per_server(out, status, [&](Metrics& m, const Labels& labels, const auto&, const auto& server) {
        if (server.last_heard)
            m.sample(labels, unix_seconds(status.time_ms) - seconds(*server.last_heard));
    });
}

void zones_and_secondaries(Metrics& out, const Status& status) {
    out.gauge("arbiter_zone_serial", "Serial of the version that is served.");
    for (const ZoneStatus& zone : status.zones) out.sample({{"zone", zone.name}}, zone.serial);
    const auto labels = [](const SecondaryStatus& s) {
        const std::string address =
            s.address.is_v4() ? s.address.text() : "[" + s.address.text() + "]";
        return Labels{{"zone", s.zone.text()},
                      {"secondary", fmt::format("{}:{}", address, s.port)}};
    };
    out.gauge("arbiter_secondary_serial", "Serial that the secondary is known to have.");
    for (const SecondaryStatus& s : status.secondaries)
        if (s.serial) out.sample(labels(s), s.serial->value());
    out.gauge("arbiter_secondary_behind_seconds", "For how long the secondary has been behind.");
    for (const SecondaryStatus& s : status.secondaries)
        if (s.behind) out.sample(labels(s), s.behind_for ? seconds(*s.behind_for) : 0.0);
}

void counters(Metrics& out, const Counters& c) {
    out.counter("arbiter_dns_requests_total", "DNS messages received.", {"transport"},
                c.dns_requests);
    out.counter("arbiter_dns_responses_total", "DNS responses sent.", {"rcode"}, c.dns_responses);
    out.counter("arbiter_dns_dropped_total", "DNS messages left without an answer.", {"reason"},
                c.dns_dropped);
    out.samples("arbiter_dns_tcp_connections", "gauge", "TCP connections open.", {"peer"},
                c.tcp_connections);
    out.samples("arbiter_dns_tcp_transfers", "gauge", "Zone transfers under way.", {},
                c.tcp_transfers);
    out.samples("arbiter_dns_tcp_transfers_waiting", "gauge",
                "Zone transfers that wait until others have ended.", {}, c.tcp_transfers_waiting);
    out.samples("arbiter_dns_tcp_held_bytes", "gauge",
                "Bytes that wait for TCP clients without a right to transfers.", {},
                c.tcp_held_bytes);
    out.counter("arbiter_heartbeats_total", "Heartbeats by what was replied.", {"server", "reply"},
                c.heartbeats);
    out.counter("arbiter_heartbeats_rejected_total", "Datagrams that were no good heartbeat.",
                {"reason"}, c.heartbeats_rejected);
    out.counter("arbiter_decisions_lost_total",
                "Decisions that the history lacks, as the ledger could not be written for so long.",
                {}, c.decisions_lost);
    out.counter("arbiter_notify_datagrams_total",
                "NOTIFYs and SOA questions to secondaries, and what was heard of them.", {"result"},
                c.notify_datagrams);
    out.counter("arbiter_notifies_total", "NOTIFYs to each secondary and how it answered.",
                {"secondary", "result"}, c.notifies);
    out.counter("arbiter_transfers_total", "Zone transfers that have ended, by how.",
                {"secondary", "kind", "result"}, c.transfers);
    out.counter("arbiter_transfers_refused_total", "Zone transfers that were refused, by why.",
                {"reason"}, c.refused_transfers);
    out.counter("arbiter_transfer_news_lost_total",
                "Begins and ends of zone transfers that came too fast to be told of.", {},
                c.transfers_left_out);
}

}  // namespace

std::string metrics_text(const Status& status) {
    Metrics out;
    daemon(out, status);
    groups(out, status);
    failovers(out, status);
    servers(out, status);
    zones_and_secondaries(out, status);
    counters(out, status.counters);
    return std::move(out.text);
}

}  // namespace dnsd

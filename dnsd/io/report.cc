#include "dnsd/io/report.h"

#include "dnsd/io/wall_clock.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace dnsd {
namespace {

// RFC 1035 §4.1.1, RFC 2136 §2.2, RFC 6895 §2.3.
constexpr std::array<std::string_view, zones::rcodes_max> rcodes{
    "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN",  "NOTIMP",  "REFUSED", "YXDOMAIN", "YXRRSET",
    "NXRRSET", "NOTAUTH", "NOTZONE",  "DSOTYPENI", "RCODE12", "RCODE13", "RCODE14",  "RCODE15",
    "BADVERS", "BADKEY",  "BADTIME",  "BADMODE",   "BADNAME", "BADALG",  "BADTRUNC", "BADCOOKIE"};
// In the order of Dropped.
constexpr std::array<std::string_view, dropped_kinds> reasons{
    "source_port_zero", "source_port_reflector", "too_long", "silent", "send_failed", "send_full"};

void count_queries(Counters& into, const UdpServer& udp, const TcpServer& tcp) {
    const QueryTotals by_udp = udp.totals();
    const TcpTotals by_tcp = tcp.totals();
    into.dns_requests.push_back({{"udp"}, by_udp.requests});
    into.dns_requests.push_back({{"tcp"}, by_tcp.queries.requests});
    for (std::size_t i = 0; i < rcodes.size(); ++i)
        into.dns_responses.push_back(
            {{std::string(rcodes[i])}, by_udp.responses[i] + by_tcp.queries.responses[i]});
    for (std::size_t i = 0; i < reasons.size(); ++i)
        into.dns_dropped.push_back(
            {{std::string(reasons[i])}, by_udp.dropped[i] + by_tcp.queries.dropped[i]});
    into.dns_dropped.push_back({{"receive_error"}, by_udp.receive_errors});
    into.dns_dropped.push_back({{"tcp_refused"}, by_tcp.refused});
    into.dns_dropped.push_back({{"tcp_evicted"}, by_tcp.evicted});
    into.dns_dropped.push_back({{"tcp_timed_out"}, by_tcp.timed_out});
    into.dns_dropped.push_back({{"tcp_cut_off"}, by_tcp.cut_off});
    into.dns_dropped.push_back({{"tcp_accept_failed"}, by_tcp.accept_errors});
    into.tcp_connections = {{{"stranger"}, by_tcp.open - by_tcp.open_secondaries},
                            {{"secondary"}, by_tcp.open_secondaries}};
    into.tcp_transfers = {{{}, by_tcp.transfers}};
    into.tcp_transfers_waiting = {{{}, by_tcp.transfers_waiting}};
    into.tcp_held_bytes = {{{}, by_tcp.held}};
}

void count_transfers(Counters& into, const std::string& who, const TransferCounts& counts) {
    for (std::size_t kind = 0; kind < transfer_kinds; ++kind)
        for (std::size_t result = 0; result < transfer_results; ++result) {
            const auto [of, ended] =
                std::pair(static_cast<TransferKind>(kind), static_cast<TransferResult>(result));
            if (!possible(of, ended)) continue;
            into.transfers.push_back({{who, std::string(name_of(of)), std::string(name_of(ended))},
                                      counts.of[kind][result]});
        }
}

void count_secondaries(Counters& into, const Notifier& notifier) {
    for (const auto& [place, counts] : notifier.counts()) {
        const std::string who = Endpoint{place.first, place.second}.text();
        into.notifies.push_back({{who, "sent"}, counts.sent});
        into.notifies.push_back({{who, "acknowledged"}, counts.acknowledged});
        into.notifies.push_back({{who, "refused"}, counts.refused});
        into.notifies.push_back({{who, "unverified"}, counts.unverified});
        count_transfers(into, who, counts.transfers);
    }
    count_transfers(into, "other", notifier.other_transfers());
}

}  // namespace

std::string text_of(const Notifier::Note& note) {
    return fmt::format("zone {}: secondary {}: {}", note.target.zone.text(),
                       Endpoint{note.target.address, note.target.port}.text(), note.text);
}

std::string text_of(const ZoneStore::PublishedZone& zone) {
    if (!zone.before)
        return fmt::format("zone {}: added, serial {}", zone.zone.text(), zone.serial.value());
    return fmt::format("zone {}: serial {} -> {}", zone.zone.text(), zone.before->value(),
                       zone.serial.value());
}

std::vector<ZoneStore::Line> bounded(std::vector<ZoneStore::Line> lines) {
    if (lines.size() <= zone_lines_max) return lines;
    const std::size_t more = lines.size() - zone_lines_max;
    std::stable_sort(lines.begin(), lines.end(),
                     [](const auto& a, const auto& b) { return a.urgency > b.urgency; });
    lines.resize(zone_lines_max);
    lines.push_back(
        {Urgency::warning, fmt::format("{} more lines about zones are not shown", more)});
    return lines;
}

std::size_t names_in(const zones::Catalog& catalog) {
    std::size_t names = 0;
    catalog.for_each([&](const zones::History& history) { names += history.newest()->names(); });
    return names;
}

std::size_t told_of(const zones::Name& zone, const NotifyIo& notify) {
    const std::vector<SecondaryStatus> all = notify.status();
    return static_cast<std::size_t>(std::count_if(
        all.begin(), all.end(), [&](const SecondaryStatus& one) { return one.zone == zone; }));
}

ReloadReport::ReloadReport() : time_ms_(wall_milliseconds()) {}

void ReloadReport::failed(const std::string& why) {
    ok_ = false;
    text_ = "reload: " + why;
    errors_.clear();
}

void ReloadReport::read(const Loader::Result& result, const ZoneStore& zones) {
    std::size_t anew = 0, unchanged = 0, as_before = 0, not_served = 0;
    for (const ZoneRead& one : result.read) {
        anew += one.outcome == ZoneRead::Outcome::loaded;
        unchanged += one.outcome == ZoneRead::Outcome::unchanged;
        if (one.outcome == ZoneRead::Outcome::failed)
            ++(zones.served(one.source.origin) ? as_before : not_served);
    }
    const std::size_t left_out = result.sources ? result.sources->mistakes.size() : 0;
    ok_ = as_before + not_served + left_out == 0;
    if (ok_) time_ms_ = wall_milliseconds();
    text_ = fmt::format("reload: {} read anew, {} unchanged", counted(anew, "zone"), unchanged);
    errors_.clear();
    if (as_before > 0) errors_ += fmt::format(", {} with errors: served as before", as_before);
    if (not_served > 0) errors_ += fmt::format(", {} with errors: not served", not_served);
    if (left_out > 0) errors_ += fmt::format(", {} left out", counted(left_out, "file"));
}

void ReloadReport::published(const std::vector<ZoneStore::PublishedZone>& zones,
                             std::size_t removed) {
    const auto added =
        std::count_if(zones.begin(), zones.end(), [](const auto& zone) { return !zone.before; });
    if (added > 0) text_ += fmt::format(", {} added", added);
    if (removed > 0) text_ += fmt::format(", {} removed", removed);
}

void ReloadReport::refused(std::size_t groups) {
    if (groups == 0) return;
    ok_ = false;
    errors_ += fmt::format(", {} with the settings from before", counted(groups, "group"));
}

std::string ReloadReport::text() const {
    return text_ + errors_;
}

void ReloadReport::fill_in(Status& status) const {
    status.reload_ok = ok_;
    if (!ok_) status.reload_why = text();
    status.reload_time_ms = time_ms_;
}

void count_refused(Counters& into, const RefusedTransfers& refused,
                   const TransfersLeftOut& left_out) {
    // In the order of zones::Refusal, without none.
    constexpr std::array<const char*, zones::refusals> names{
        "",         "no_such_zone",   "not_allowed", "key_unknown", "bad_signature",
        "bad_time", "bad_truncation", "bad_form"};
    for (std::size_t i = 1; i < refused.size(); ++i)
        into.refused_transfers.push_back({{names[i]}, refused[i] + left_out.refused[i]});
    into.transfers_left_out = {{{}, left_out.permitted}};
}

void fill_in(Status& status, const ZoneStore& zones, const NotifyIo& notify, const Groups* groups,
             const UdpServer& udp, const TcpServer& tcp) {
    status.time_ms = wall_milliseconds();
    for (const zones::Name& zone : zones.names())
        status.zones.push_back({zone.text(), zones.serial(zone)->value()});
    status.secondaries = notify.status();
    count_queries(status.counters, udp, tcp);
    const NotifyTotals& told = notify.totals();
    count_secondaries(status.counters, notify.machine());
    status.counters.notify_datagrams = {
        {{"sent"}, told.sent}, {{"failed"}, told.failed}, {{"heard"}, told.heard}};
    if (groups == nullptr) return;
    status.groups = groups->status();
    const std::deque<Decision>& story = groups->story().newest();
    status.history.assign(story.begin(), story.end());
    groups->count(status.counters);
}

}  // namespace dnsd

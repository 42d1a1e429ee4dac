#include "tests/sim/datagram_text.h"

#include <string_view>

#include <fmt/format.h>

namespace sim {

namespace {

std::string_view name_of(heartbeat::Role role) {
    constexpr std::string_view names[] = {"unknown", "master", "replica", "fenced"};
    return names[static_cast<std::size_t>(role)];
}

std::string_view name_of(heartbeat::Wish wish) {
    constexpr std::string_view names[] = {"wants nothing", "wants the lease", "gives it back"};
    return names[static_cast<std::size_t>(wish)];
}

std::string_view text_of(heartbeat::DenyReason reason) {
    constexpr std::string_view texts[] = {"",
                                          "another holds the lease",
                                          "quarantine",
                                          "the old lease may live",
                                          "the window is open",
                                          "not fit",
                                          "the first election waits",
                                          "paused",
                                          "this epoch is closed",
                                          "the ledger can not be written",
                                          "a switchover is under way",
                                          "the arbiter only observes",
                                          "too many failovers",
                                          "the gate waits"};
    return texts[static_cast<std::size_t>(reason)];
}

struct OrderText {
    std::string operator()(const heartbeat::NoOrder&) const { return ""; }
    std::string operator()(const heartbeat::WaitOrder&) const { return "; wait"; }
    std::string operator()(const heartbeat::FollowOrder&) const {
        return deny.master ? fmt::format("; follow {}", deny.master->text()) : "; follow";
    }
    std::string operator()(const heartbeat::PrepareOrder& order) const {
        return fmt::format("; prepare for epoch {}", order.epoch.value);
    }
    std::string operator()(const heartbeat::YieldOrder& order) const {
        return fmt::format("; yield epoch {} to {}", order.epoch.value, order.to.text());
    }
    const heartbeat::Deny& deny;
};

std::string list(const std::vector<heartbeat::ServerId>& set) {
    std::string text;
    for (const heartbeat::ServerId& id : set) text += ' ' + std::string(id.text());
    return text.empty() ? " nobody" : text;
}

}  // namespace

std::string spoken(const heartbeat::Heartbeat& beat) {
    return fmt::format("{}, holds epoch {}, {}, promised {}, obeyed mark {}, {}{}{}{}",
                       name_of(beat.role), beat.held.value, name_of(beat.wants),
                       beat.promised.value, beat.mark, beat.read_only ? "read-only" : "writable",
                       beat.semi_sync ? ", semi-sync" : "",
                       beat.received ? ", received " + beat.received->text() : "",
                       beat.why.empty() ? "" : ", " + beat.why);
}

std::string spoken(const heartbeat::Reply& reply) {
    if (const auto* ack = std::get_if<heartbeat::Ack>(&reply))
        return fmt::format("ACK of epoch {}, mark {}; acknowledging:{}", ack->epoch.value,
                           ack->mark, list(ack->semi_sync_set));
    const auto& deny = std::get<heartbeat::Deny>(reply);
    return fmt::format("DENY, mark {}, {}{}", deny.mark, text_of(deny.reason),
                       std::visit(OrderText{deny}, deny.order));
}

}  // namespace sim

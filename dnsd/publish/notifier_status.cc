#include "dnsd/publish/notifier.h"

#include <algorithm>

namespace dnsd {

std::string_view name_of(SecondaryStatus::Notify notify) {
    switch (notify) {
        case SecondaryStatus::Notify::none:
            return "none";
        case SecondaryStatus::Notify::acknowledged:
            return "acknowledged";
        case SecondaryStatus::Notify::unanswered:
            return "unanswered";
        case SecondaryStatus::Notify::refused:
            return "refused";
    }
    return "none";
}

std::string_view name_of(TransferKind kind) {
    switch (kind) {
        case TransferKind::axfr:
            return "axfr";
        case TransferKind::ixfr:
            return "ixfr";
        case TransferKind::udp:
            return "udp";
    }
    return "axfr";
}

std::string_view name_of(TransferResult result) {
    switch (result) {
        case TransferResult::done:
            return "done";
        case TransferResult::current:
            return "current";
        case TransferResult::fallback:
            return "fallback";
        case TransferResult::aborted:
            return "aborted";
        case TransferResult::timed_out:
            return "timed_out";
    }
    return "aborted";
}

// A serial may be a date or a time: only the versions themselves can be counted.
std::uint32_t Notifier::behind(const Entry& entry) const {
    const std::vector<zones::Serial>& recent = of(entry.target.zone).recent;
    const auto has = std::find(recent.begin(), recent.end(), *entry.has);
    if (has != recent.end()) return static_cast<std::uint32_t>(recent.end() - has - 1);
    return entry.newest->value() - entry.has->value();
}

std::vector<SecondaryStatus> Notifier::status(Instant now) const {
    std::vector<SecondaryStatus> out;
    out.reserve(entries_.size());
    for (const Entry& entry : entries_) {
        SecondaryStatus status{entry.target.address, entry.target.port,
                               entry.target.zone,    entry.has,
                               std::nullopt,         std::nullopt};
        if (entry.newest && entry.has) {
            const bool is_behind = *entry.has < *entry.newest;
            status.behind = is_behind ? behind(entry) : 0;
            if (is_behind) status.behind_for = now - entry.behind_since;
        }
        status.ahead = entry.ahead();
        status.notify = entry.state;
        if (entry.state == SecondaryStatus::Notify::unanswered) {
            status.unanswered = entry.silent;
            if (entry.silent > 0) status.unanswered_for = now - entry.silent_since;
        }
        status.name = entry.target.name;
        status.configured = entry.target.configured;
        status.key = entry.target.key;
        status.asked = entry.asked;
        if (entry.asked) status.asked_ago = now - entry.asked_at;
        status.transferring = !entry.transfers.empty();
        status.last_transfer = entry.last_transfer;
        if (entry.last_transfer) status.last_transfer_ago = now - entry.last_transfer->ended;
        out.push_back(std::move(status));
    }
    return out;
}

}  // namespace dnsd

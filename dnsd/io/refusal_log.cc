#include "dnsd/io/refusal_log.h"

#include "dnsd/io/customer.h"

#include <utility>

#include <fmt/format.h>

namespace dnsd {

void RefusalLog::begin_minute(Instant now) {
    minute_ = now;
    for (Sources& each : by_kind_) each.lines = 0;
}

std::optional<std::string> RefusalLog::refused(Kind kind, const zones::AddressBytes& from,
                                               const std::string& line, Instant now) {
    if (!minute_ || now - *minute_ >= every) begin_minute(now);
    Sources& all = of(kind);
    const zones::AddressBytes who = customer(from);
    const auto [found, is_new] = all.sources.try_emplace(who);
    Source& source = found->second;
    if (is_new) {
        source.at = all.order.insert(all.order.end(), who);
        if (all.sources.size() > sources_max) {
            all.sources.erase(all.order.front());
            all.order.pop_front();
        }
    } else {
        all.order.splice(all.order.end(), all.order, source.at);
    }
    if ((!is_new && now - source.said < every) || all.lines >= lines_max) {
        // One that has had no line yet gets it with its next refusal in another minute.
        if (is_new) source.said = now - every;
        ++source.since;
        ++suppressed_;
        return std::nullopt;
    }
    ++all.lines;
    source.said = now;
    const std::uint64_t since = std::exchange(source.since, 0);
    return since == 0
               ? line
               : fmt::format("{}; and {} more refused there since the last such line", line, since);
}

std::optional<std::string> RefusalLog::summary(Instant now) {
    if (suppressed_ == 0 || (minute_ && now - *minute_ < every)) return std::nullopt;
    begin_minute(now);
    return fmt::format(
        "{} more refused transfers and signatures are not shown: a line a minute a "
        "source, {} of all that come by TCP, of known addresses and of others",
        std::exchange(suppressed_, 0), lines_max);
}

}  // namespace dnsd

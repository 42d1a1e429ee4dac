#include "dnsd/io/refusal_log.h"

#include "dnsd/io/customer.h"

#include <utility>

#include <fmt/format.h>

namespace dnsd {

std::optional<std::string> RefusalLog::refused(const zones::AddressBytes& from,
                                               const std::string& line, Instant now) {
    if (!minute_ || now - *minute_ >= every) {
        minute_ = now;
        lines_ = 0;
    }
    const zones::AddressBytes who = customer(from);
    const auto [found, is_new] = sources_.try_emplace(who);
    Source& source = found->second;
    if (is_new) {
        source.at = order_.insert(order_.end(), who);
        if (sources_.size() > sources_max) {
            sources_.erase(order_.front());
            order_.pop_front();
        }
    } else {
        order_.splice(order_.end(), order_, source.at);
    }
    if ((!is_new && now - source.said < every) || lines_ >= lines_max) {
        // One that has had no line yet gets it with its next refusal in another minute.
        if (is_new) source.said = now - every;
        ++source.since;
        ++suppressed_;
        return std::nullopt;
    }
    ++lines_;
    source.said = now;
    const std::uint64_t since = std::exchange(source.since, 0);
    return since == 0
               ? line
               : fmt::format("{}; and {} more refused there since the last such line", line, since);
}

std::optional<std::string> RefusalLog::summary(Instant now) {
    if (suppressed_ == 0 || (minute_ && now - *minute_ < every)) return std::nullopt;
    minute_ = now;
    lines_ = 0;
    return fmt::format(
        "{} more refused transfers and signatures are not shown: a line a minute a "
        "source, {} of all",
        std::exchange(suppressed_, 0), lines_max);
}

}  // namespace dnsd

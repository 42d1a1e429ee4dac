#include "dnsd/io/reload_desk.h"

#include <utility>

#include <nlohmann/json.hpp>

namespace dnsd {

namespace {

using Json = nlohmann::ordered_json;

std::string dump(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void append(std::vector<std::string>& to, const std::vector<std::string>& more) {
    to.insert(to.end(), more.begin(), more.end());
}

}  // namespace

void ReloadEnd::add(const ConfigAgain& config) {
    if (!asked_) return;
    if (!config.mistakes.empty()) (config.ok ? warnings_ : mistakes_).push_back(config.mistakes);
    append(changes_, config.changes);
    append(waits_for_restart_, config.waits_for_restart);
}

void ReloadEnd::add(const Groups::Reconfigured& groups) {
    if (!asked_) return;
    append(changes_, groups.taken);
    append(refused_, groups.refused);
    append(waits_for_restart_, groups.waits_for_restart);
}

// So many as the log has, those of errors first.
void ReloadEnd::add(const std::vector<ZoneStore::Line>& lines) {
    if (!asked_) return;
    for (ZoneStore::Line& line : bounded(lines))
        (line.urgency == Urgency::error     ? mistakes_
         : line.urgency == Urgency::warning ? warnings_
                                            : changes_)
            .push_back(std::move(line.text));
}

std::string ReloadEnd::json(const ReloadReport& report) const {
    Json out = {{"ok", report.ok()}};
    out[report.ok() ? "message" : "error"] = report.text();
    out["changes"] = changes_;
    out["waits_for_restart"] = waits_for_restart_;
    out["warnings"] = warnings_;
    out["mistakes"] = mistakes_;
    out["refused"] = refused_;
    return dump(out);
}

void ReloadDesk::wait(Admin::Say say, bool busy) {
    // Who went away still stands here until the reading ends.
    if (now_.size() + next_.size() >= 2 * Admin::connections_max)
        return say(dump({{"ok", false}, {"error", "too many wait for a reload already"}}), true);
    (busy ? next_ : now_).push_back(std::move(say));
}

void ReloadDesk::end(const ReloadEnd& end, const ReloadReport& report) {
    const std::vector<Admin::Say> waiting = std::exchange(now_, std::exchange(next_, {}));
    if (waiting.empty()) return;
    const std::string answer = end.json(report);
    for (const Admin::Say& say : waiting) say(answer, true);
}

}  // namespace dnsd

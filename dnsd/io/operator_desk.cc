#include "dnsd/io/operator_desk.h"

#include "dnsd/io/decision_json.h"
#include "dnsd/io/forecast.h"
#include "dnsd/io/wall_clock.h"

#include <nlohmann/json.hpp>

namespace dnsd {

namespace {

using Json = nlohmann::ordered_json;

std::string dump(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Of the question, and not of what the arbiter makes of it.
std::string refused(const std::string& why) {
    return dump(
        {{"ok", false}, {"going_on", false}, {"error", why}, {"changed", false}, {"usage", true}});
}

}  // namespace

std::string history_answer(const Groups* groups, const std::string& request) {
    const std::vector<Askable> askable = groups ? groups->askable() : std::vector<Askable>();
    const auto asked = read_history_request(request, askable);
    if (!asked) return refused(asked.error());
    Json names = Json::array(), lines = Json::array();
    for (const Askable& one : askable) names.push_back(one.group);
    if (groups)
        for (const Decision& one :
             groups->story().read(asked->group, asked->limit, asked->before, asked->since_ms))
            lines.push_back(decision_json(one));
    return dump({{"ok", true},
                 {"format", 1},
                 {"time", rfc3339(wall_milliseconds())},
                 {"groups", std::move(names)},
                 {"history", std::move(lines)}});
}

void operator_asks(Groups* groups, const std::string& request, const std::string& by,
                   const CountSecondaries& secondaries, const Admin::Say& say) {
    const auto asked =
        read_operator_request(request, groups ? groups->askable() : std::vector<Askable>());
    if (!asked) return say(refused(asked.error()), true);
    const std::string group = groups->askable().at(asked->group).group;
    const std::size_t told = secondaries(groups->zone_of(asked->group));
    groups->ask(*asked, by, [groups, group, told, say](Answer answer) {
        tell_secondaries(answer, told);
        const std::vector<Duration> pauses =
            answer.stops_writer
                ? last_pauses(groups->story().read(group, HistoryRequest::limit_max, 0, 0))
                : std::vector<Duration>();
        say(dump(answer_json(answer, pauses)), answer.kind != Answer::Kind::going_on);
    });
}

}  // namespace dnsd

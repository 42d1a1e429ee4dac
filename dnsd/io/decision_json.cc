#include "dnsd/io/decision_json.h"

#include "dnsd/io/status_json.h"

#include <cmath>

#include <nlohmann/json.hpp>

namespace dnsd {

namespace {

using Json = nlohmann::ordered_json;

Json name_or_null(const std::optional<ServerId>& id) {
    return id ? Json(std::string(id->text())) : Json(nullptr);
}

Json seconds_or_null(const std::optional<Duration>& duration) {
    if (!duration) return nullptr;
    return std::round(std::chrono::duration<double, std::milli>(*duration).count()) / 1000;
}

}  // namespace

Json decision_json(const Decision& one) {
    const DecisionColumns columns = columns_of(one.note);
    return {{"time", rfc3339(one.time_ms)},
            {"group", one.group},
            {"text", sentence(one.note)},
            {"kind", name_of(one.note.kind)},
            {"epoch", one.note.epoch.value},
            {"what", columns.what},
            {"server", name_or_null(one.note.server)},
            {"from", name_or_null(columns.from)},
            {"to", name_or_null(columns.to)},
            {"no_writer_seconds", seconds_or_null(one.note.no_writer)},
            {"by", columns.by},
            {"why", one.note.why},
            {"number", one.number == 0 ? Json(nullptr) : Json(one.number)}};
}

Json answer_json(const Answer& answer, const std::vector<Duration>& pauses) {
    const bool going_on = answer.kind == Answer::Kind::going_on;
    Json out = {{"ok", answer.kind != Answer::Kind::refused}, {"going_on", going_on}};
    out[answer.kind == Answer::Kind::refused ? "error" : "text"] = answer.text;
    out["changed"] = answer.changed;
    out["candidates"] = Json::array();
    for (const Answer::Judged& one : answer.candidates)
        out["candidates"].push_back(
            {{"name", std::string(one.id.text())}, {"may_lead", one.may_lead}, {"why", one.why}});
    out["steps"] = answer.steps;
    out["no_writer_seconds"] = seconds_or_null(answer.no_writer);
    out["last_pauses_seconds"] = answer.stops_writer ? Json::array() : Json(nullptr);
    if (answer.stops_writer)
        for (const Duration pause : pauses)
            out["last_pauses_seconds"].push_back(seconds_or_null(pause));
    return out;
}

}  // namespace dnsd

#include "dnsd/io/reread.h"

#include "dnsd/io/check.h"
#include "dnsd/io/log.h"
#include "dnsd/io/report.h"

namespace dnsd {

ZoneReader zone_reader_for(const Setup& setup) {
    if (!setup.config) return ZoneReader();
    return ZoneReader([groups = setup.config->groups](const zones::Loaded& loaded) {
        return live_names_in(loaded, groups);
    });
}

Loader::ConfigReader config_reader_for(const Setup& setup) {
    if (!setup.config) return {};
    return [file = setup.config_file, running = *setup.config]() mutable {
        Loader::Reread found{read_config_again(file, running), {}};
        if (!found.config.ok) return found;
        running.zones = found.config.zones;
        const zones::HistoryLimits history = running.transfer.history;
        running.transfer = found.config.transfer;
        running.transfer.history = history;  // waits for a restart
        found.sources = sources_of(running.zones, running.groups);
        return found;
    };
}

void log_config(const ConfigAgain& again) {
    if (!again.mistakes.empty()) (again.ok ? log_warning : log_error)(again.mistakes);
    for (const std::string& difference : again.waits_for_restart) log_warning(difference);
    if (!again.waits_for_restart.empty())
        log_warning("the configuration's changes above take effect at a restart");
    std::vector<ZoneStore::Line> lines;
    for (const std::string& change : again.changes) lines.push_back({Urgency::info, change});
    log_lines(std::move(lines));
}

void log_lines(std::vector<ZoneStore::Line> lines) {
    for (const ZoneStore::Line& line : bounded(std::move(lines))) log(line.urgency, line.text);
}

}  // namespace dnsd

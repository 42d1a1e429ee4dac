#include "dnsd/io/check.h"

#include "dnsd/config/live_timers.h"
#include "dnsd/io/cookie_keys.h"
#include "dnsd/io/log.h"
#include "dnsd/io/start_error.h"
#include "dnsd/io/zone_files.h"
#include "heartbeat/io/keyfile.h"
#include "zones/tsig_text.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace dnsd {
namespace {

void add_keys(const Config& config, std::vector<std::string>& wrong) {
    if (const auto cookies = read_cookie_secrets(config); !cookies)
        wrong.push_back(cookies.error());
    if (config.groups.empty()) return;
    if (const auto self = heartbeat::read_secret_keys(config.key_file); !self)
        wrong.push_back(self.error());
    for (const GroupConfig& group : config.groups)
        for (const ServerRules& server : group.rules.servers) {
            const auto keys = heartbeat::read_public_keys(public_key_path(config, server.id));
            if (!keys) wrong.push_back(keys.error());
        }
}

// As a start would find it; a daemon that runs holds it, and has read it then.
void add_ledger(const Config& config, std::vector<std::string>& wrong,
                std::vector<std::string>& told) {
    const auto ledger = Ledger::look(ledger_path(config));
    if (!ledger) {
        const LedgerError::Kind kind = ledger.error().kind;
        if (kind == LedgerError::Kind::locked) return;
        if (kind != LedgerError::Kind::missing)
            wrong.push_back(ledger.error().text);
        else if (!config.groups.empty())
            told.push_back(ledger.error().text);
        return;
    }
    for (const GroupConfig& group : config.groups)
        if (const auto record = ledger->group(group.rules.group); !record)
            told.push_back(
                fmt::format("the record of {} in the ledger is lost, {}: a start waits out the "
                            "longest lease, and until all that may lead have reported",
                            group.rules.group, record.error()));
}

void add_zones(const Config& config, std::vector<Mistake>& mistakes) {
    for (const ZoneConfig& zone : config.zones) {
        const zones::Loaded loaded =
            zones::load_zone(zone.name, zone.file, read_text, live_names(zone.name, config.groups));
        for (const zones::Mistake& mistake : loaded.mistakes)
            mistakes.push_back(from_zone_file(mistake));
        if (!loaded.zone) continue;
        for (const zones::Mistake& mistake : live_names_in(loaded, config.groups))
            mistakes.push_back(from_zone_file(mistake));
    }
}

// A file of keys may hold a thousand.
tl::expected<std::string, std::string> read_key_text(const std::string& path) {
    return heartbeat::read_secret_text(path, zones::tsig_text_max);
}

bool has_error(const std::vector<Mistake>& mistakes) {
    return std::any_of(mistakes.begin(), mistakes.end(),
                       [](const Mistake& mistake) { return mistake.is_error; });
}

// Groups change at a restart only: what they need stays until then.
void add_missing_group_zones(const Config& config, const Config& running, const std::string& path,
                             std::vector<Mistake>& mistakes) {
    std::set<zones::Name> names;
    for (const ZoneConfig& zone : config.zones) names.insert(zone.name);
    for (const GroupConfig& group : running.groups) {
        if (names.contains(group.zone)) continue;
        Mistake mistake;
        mistake.file = path;
        mistake.what = fmt::format("the zone {} is gone, but the running group {} makes {} in it",
                                   group.zone.text(), group.rules.group, group.www_name.text());
        mistake.hint = "put the zone back; to end the group, restart with this configuration";
        mistakes.push_back(std::move(mistake));
    }
}

}  // namespace

std::string ledger_path(const Config& config) {
    return config.state_directory + "/ledger.sqlite";
}

std::string public_key_path(const Config& config, const heartbeat::ServerId& server) {
    return fmt::format("{}/{}.pub", config.keys_directory, server.text());
}

int exit_code(LedgerError::Kind kind) {
    switch (kind) {
        case LedgerError::Kind::missing:
        case LedgerError::Kind::exists:
            return exit_config;
        case LedgerError::Kind::damaged:
            return exit_data;
        case LedgerError::Kind::locked:
            return exit_try_again;
        case LedgerError::Kind::io:
            break;
    }
    return exit_io;
}

std::vector<zones::Name> live_names(const zones::Name& zone,
                                    const std::vector<GroupConfig>& groups) {
    std::vector<zones::Name> names;
    for (const GroupConfig& group : groups)
        if (group.zone == zone)
            for (zones::Name& name : live_names(group)) names.push_back(std::move(name));
    return names;
}

std::vector<zones::Mistake> live_names_in(const zones::Loaded& loaded,
                                          const std::vector<GroupConfig>& groups) {
    std::vector<zones::Mistake> mistakes;
    for (const GroupConfig& group : groups) {
        if (group.zone != loaded.zone->origin()) continue;
        for (zones::Mistake& mistake : live_names_in(loaded, group))
            mistakes.push_back(std::move(mistake));
        for (zones::Mistake& mistake : timers_for(loaded, group))
            mistakes.push_back(std::move(mistake));
    }
    return mistakes;
}

Config read_config_or_throw(const std::string& path) {
    ConfigRead read = read_config(path, read_text, read_key_text);
    if (!read.mistakes.empty()) (read.config ? log_warning : log_error)(read.report());
    if (!read.config)
        throw StartError(exit_config, fmt::format("{} has errors; nothing was started", path));
    return std::move(*read.config);
}

ConfigAgain read_config_again(const std::string& path, const Config& running) {
    ConfigRead read = read_config(path, read_text, read_key_text);
    if (read.config) add_missing_group_zones(*read.config, running, path, read.mistakes);
    ConfigAgain again;
    again.ok = read.config && !has_error(read.mistakes);
    again.mistakes = read.report();
    if (const auto secrets = read_cookie_secrets(running)) {
        again.cookies = *secrets;
    } else {
        again.ok = false;
        again.mistakes += "error: " + secrets.error() + "\n";
    }
    if (!again.ok) return again;
    again.waits_for_restart = restart_differences(running, *read.config);
    again.changes = transfer_differences(running.transfer, read.config->transfer);
    for (std::string& change : zone_differences(running.zones, read.config->zones))
        again.changes.push_back(std::move(change));
    again.transfer = std::move(read.config->transfer);
    again.zones = std::move(read.config->zones);
    again.groups = std::move(read.config->groups);
    return again;
}

CheckReport check(const std::string& config_path) {
    ConfigRead read = read_config(config_path, read_text, read_key_text);
    std::vector<std::string> wrong, told;
    if (read.config) {
        add_zones(*read.config, read.mistakes);
        add_keys(*read.config, wrong);
        add_ledger(*read.config, wrong, told);
    }
    CheckReport report;
    report.ok = read.config && wrong.empty() && !has_error(read.mistakes);
    report.text = read.report();
    for (const std::string& sentence : wrong) report.text += "error: " + sentence + "\n";
    for (const std::string& sentence : told) report.text += "warning: " + sentence + "\n";
    return report;
}

void init(const std::string& config_path) {
    const Config config = read_config_or_throw(config_path);
    const auto made = Ledger::create(ledger_path(config));
    if (!made) throw StartError(exit_code(made.error().kind), made.error().text);
}

}  // namespace dnsd

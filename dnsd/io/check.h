#pragma once
// What a configuration asks of the machine, before anything is started: `--check` and `--init`.

#include "dnsd/config/config.h"
#include "dnsd/io/ledger.h"
#include "zones/cookie.h"
#include "zones/zonefile.h"

#include <string>
#include <vector>

namespace dnsd {

std::string ledger_path(const Config& config);
std::string public_key_path(const Config& config, const heartbeat::ServerId& server);
int exit_code(LedgerError::Kind kind);
// What any of the groups makes in that zone: to be watched for.
std::vector<zones::Name> live_names(const zones::Name& zone,
                                    const std::vector<GroupConfig>& groups);
// A mistake for each of them that its files have, or hide.
std::vector<zones::Mistake> live_names_in(const zones::Loaded& loaded,
                                          const std::vector<GroupConfig>& groups);

// The configuration, or StartError after every mistake was written to stderr.
Config read_config_or_throw(const std::string& path);
// What a reload finds in the file of the running configuration, and in the file of cookie secrets
// that the running one names: the zones, who may transfer them, the keys and the secrets, which it
// takes. With an error in either it takes nothing; what else changed is only told, since it takes
// effect at a restart.
struct ConfigAgain {
    bool ok = true;
    std::string mistakes;                        // the report; warnings alone leave `ok`
    std::vector<std::string> waits_for_restart;  // differences from the running configuration
    std::vector<std::string> changes;            // … that are taken
    std::vector<GroupConfig> groups;             // of which the running ones take what they can
    TransferConfig transfer;
    std::vector<ZoneConfig> zones;
    zones::CookieSecrets cookies;  // empty when they are not from a file
};
// `running` has the zones of the last reload. A zone in which a running group makes names must
// stay.
ConfigAgain read_config_again(const std::string& path, const Config& running);
// Reads everything that a start would read and opens nothing: the report of all mistakes, in which
// `ok` is false when any of them would keep the daemon from starting.
struct CheckReport {
    bool ok = true;
    std::string text;
};
CheckReport check(const std::string& config_path);
// Makes the empty ledger of a configuration; throws StartError when there is one already.
void init(const std::string& config_path);

}  // namespace dnsd

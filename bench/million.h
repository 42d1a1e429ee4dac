#pragma once
// One large zone, and who serves it beside us: NSD, Knot and BIND with one worker each, by the same
// file, each transferring it to this machine.

#include <string>
#include <vector>

namespace bench {

inline constexpr const char* million_zone = "million.example";

struct Contender {
    std::string name;
    std::vector<std::string> argv;
};

// Makes FOLDER/zones with the zone's file: an address for each of host0 to hostN; and for every
// `mail_every`th, unless it is 0, one name more, which has the host's name in its data.
void write_million(const std::string& folder, int names, int mail_every);
// On 127.0.0.1; of the peers those that are installed. Their files are written into `folder`.
std::vector<Contender> contenders(const std::string& programs, const std::string& folder, int port);

}  // namespace bench

#pragma once
// Zones of the real world, for those tests that read them where they are present.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

namespace lab {

struct RealZone {
    std::string name;  // "." is the root
    std::filesystem::path file;
};

// ARBITER_REAL_ZONES, or the folder of data beside the repository; nullopt when there are none.
inline std::optional<std::string> real_zones_folder(const std::string& repository) {
    if (const char* folder = std::getenv("ARBITER_REAL_ZONES")) return folder;
    const std::string beside = repository + "/../shared/data";
    if (std::filesystem::exists(beside + "/wikimedia-zones.list")) return beside;
    return std::nullopt;
}

// A folder has one NAME.zone a zone, or, as many zones may share a file, a list of
// "NAME<tab>FILE" lines with the files in a folder of the list's name.
inline std::vector<RealZone> real_zones_in(const std::string& folder) {
    const std::filesystem::path at = std::filesystem::absolute(folder);
    std::vector<RealZone> zones;
    std::ifstream list(at / "wikimedia-zones.list");
    for (std::string name, file; list >> name >> file;)
        zones.push_back({name, at / "wikimedia-zones" / file});
    if (!zones.empty()) return zones;
    for (const auto& entry : std::filesystem::directory_iterator(at)) {
        if (entry.path().extension() != ".zone") continue;
        const std::string name = entry.path().stem();
        zones.push_back({name == "root" ? "." : name, entry.path()});
    }
    return zones;
}

}  // namespace lab

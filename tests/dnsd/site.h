#pragma once
// A directory of zones, and an address at which the program serves them.

#include "tests/dnsd/support.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace test {

struct Site {
    Site() {
        std::filesystem::create_directory(folder.path("zones"));
        write("example.org", zone_text(5, "www A 192.0.2.80\n"));
    }
    void write(const std::string& zone, const std::string& text) const {
        folder.write("zones/" + zone + ".zone", text);
    }
    std::vector<std::string> arguments(const std::vector<std::string>& more = {}) const {
        std::vector<std::string> all{"--listen",           endpoint.text(), "--zones",
                                     folder.path("zones"), "--workers",     "2"};
        all.insert(all.end(), more.begin(), more.end());
        return all;
    }
    std::optional<zones::Answer> ask(const std::string& what, zones::Type type) const {
        return UdpClient(endpoint).ask(what, type);
    }
    std::optional<std::uint32_t> serial(const std::string& zone) const {
        const auto answer = ask(zone, zones::Type::soa);
        const auto serial = answer ? answer->serial() : std::nullopt;
        return serial ? std::optional(serial->value()) : std::nullopt;
    }
    Folder folder;
    dnsd::Endpoint endpoint = loopback(free_port());
};

}  // namespace test

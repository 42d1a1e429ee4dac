#include "tests/house/rules.h"

#include <functional>
#include <optional>
#include <regex>
#include <sstream>

namespace house {

namespace {

bool begins(const std::string& text, const std::string& prefix) {
    return text.rfind(prefix, 0) == 0;
}

struct Floor {
    std::string room;                   // path prefix; the first that fits counts
    std::vector<std::string> leans_on;  // prefixes of house includes
    std::vector<std::string> but_not;
    bool shell;  // may touch clocks, sockets, files, threads and chance
};

// docs/ARCHITECTURE.md, "Floors". An include points down or stays in its folder.
const std::vector<Floor>& floors() {
    static const std::vector<Floor> table = {
        {"zones/", {"zones/"}, {}, false},
        {"heartbeat/io/", {"heartbeat/"}, {}, true},
        {"heartbeat/", {"heartbeat/"}, {"heartbeat/io/"}, false},
        {"dnsd/arbiter/", {"dnsd/arbiter/", "heartbeat/"}, {"heartbeat/io/"}, false},
        {"dnsd/publish/",
         {"dnsd/publish/", "dnsd/arbiter/standing.h", "heartbeat/identity.h", "zones/"},
         {},
         false},
        {"dnsd/config/",
         {"dnsd/config/", "dnsd/arbiter/", "dnsd/publish/", "heartbeat/", "zones/"},
         {"heartbeat/io/"},
         false},
        {"dnsd/io/", {"dnsd/", "zones/", "heartbeat/"}, {"dnsd/ctl/"}, true},
        {"dnsd/ctl/", {"dnsd/ctl/", "dnsd/config/", "heartbeat/", "zones/"}, {}, true},
        {"dnsd/main.cc", {"dnsd/", "zones/", "heartbeat/"}, {"dnsd/ctl/"}, true},
        {"agent/duty/", {"agent/duty/", "heartbeat/"}, {"heartbeat/io/"}, false},
        {"agent/config/", {"agent/config/", "agent/duty/", "heartbeat/"}, {"heartbeat/io/"}, false},
        {"agent/io/", {"agent/", "heartbeat/"}, {}, true},
        {"agent/main.cc", {"agent/", "heartbeat/"}, {}, true},
    };
    return table;
}

struct Door {
    std::string library;   // regular expression of the include
    std::string opens_in;  // regular expression of the paths that may have it
};

const std::vector<Door>& doors() {
    static const std::vector<Door> table = {
        {"ldns/.*", "zones/ldns\\.h"},
        {"openssl/.*", "zones/tsig_hmac\\.cc"},
        {"sodium.*", "heartbeat/seal\\.cc"},
        {"boost/asio.*", "(heartbeat|agent|dnsd)/io/.*|dnsd/ctl/.*|(dnsd|agent)/main\\.cc"},
        {"boost/beast.*", "(dnsd|agent)/io/.*"},
        {"sqlite3\\.h", "dnsd/io/ledger_database\\.cc"},
        {"(cppconn/|mysql).*", "agent/io/mysql[a-z_]*\\.cc"},
        {"toml\\+\\+.*|toml\\.hpp", "(dnsd|agent)/config/.*"},
        {"CLI/.*", "dnsd/ctl/.*|(dnsd|agent)/main\\.cc"},
        {"nlohmann/.*", "dnsd/(io|ctl)/.*"},
    };
    return table;
}

// What a pure room may not do (docs/ARCHITECTURE.md, "Pure and shell").
const std::vector<std::pair<std::string, std::string>>& shell_only() {
    static const std::vector<std::pair<std::string, std::string>> table = {
        {"::now\\(|clock_gettime|gettimeofday", "reads a clock"},
        {"random_device|getrandom|randombytes_buf", "draws at random"},
        {"<fstream>|\\bfopen\\(|(^|[^A-Za-z0-9_>])::open\\(|<fcntl\\.h>|<sqlite3\\.h>", "opens a file"},
        {"<sys/socket\\.h>|(^|[^A-Za-z0-9_>])::socket\\(", "opens a socket"},
        {"<thread>|std::jthread", "starts a thread"},
    };
    return table;
}

const Floor* floor_of(const std::string& path) {
    for (const Floor& floor : floors())
        if (begins(path, floor.room)) return &floor;
    return nullptr;
}

struct Include {
    int line;
    std::string path;
    bool quoted;
};

std::vector<Include> includes_of(const Source& source) {
    static const std::regex pattern(R"(^\s*#\s*include\s*([<"])([^>"]+)[>"])");
    std::vector<Include> result;
    std::istringstream lines(source.text);
    std::string line;
    for (int number = 1; std::getline(lines, line); ++number) {
        std::smatch match;
        if (std::regex_search(line, match, pattern))
            result.push_back({number, match[2], match[1] == "\""});
    }
    return result;
}

bool one_begins(const std::string& path, const std::vector<std::string>& prefixes) {
    for (const std::string& prefix : prefixes)
        if (begins(path, prefix)) return true;
    return false;
}

std::optional<std::string> fault_of(const Source& source, const Floor& floor,
                                    const Include& include) {
    const auto is_header = [](const std::string& path) { return path.ends_with(".h"); };
    if (include.quoted) {
        if (include.path.find('/') == std::string::npos)
            return "\"" + include.path + "\" is not a path from the root";
        if (!one_begins(include.path, floor.leans_on) || one_begins(include.path, floor.but_not))
            return floor.room + " may not lean on " + include.path;
        if (include.path == "zones/ldns.h" && is_header(source.path))
            return "a header may not include zones/ldns.h";
    }
    for (const Door& door : doors()) {
        if (include.quoted || !std::regex_match(include.path, std::regex(door.library))) continue;
        if (!std::regex_match(source.path, std::regex(door.opens_in)))
            return "<" + include.path + "> has no door here";
    }
    return std::nullopt;
}

}  // namespace

std::vector<std::string> faults_in(const Source& source) {
    std::vector<std::string> faults;
    const Floor* floor = floor_of(source.path);
    if (floor == nullptr) return {source.path + ":1: this file is in no room of the house"};
    const auto say = [&](int line, const std::string& what) {
        faults.push_back(source.path + ":" + std::to_string(line) + ": " + what);
    };
    for (const Include& include : includes_of(source))
        if (const auto fault = fault_of(source, *floor, include)) say(include.line, *fault);
    if (floor->shell) return faults;
    std::istringstream lines(source.text);
    std::string line;
    for (int number = 1; std::getline(lines, line); ++number) {
        line = line.substr(0, line.find("//"));
        for (const auto& [pattern, what] : shell_only())
            if (std::regex_search(line, std::regex(pattern))) say(number, "a pure room " + what);
    }
    return faults;
}

std::vector<std::string> circles_in(const std::vector<Source>& sources) {
    std::map<std::string, std::vector<std::string>> leads_to;
    for (const Source& source : sources)
        for (const Include& include : includes_of(source))
            if (include.quoted) leads_to[source.path].push_back(include.path);
    std::vector<std::string> circles;
    std::set<std::string> done;
    std::vector<std::string> way;
    const std::function<void(const std::string&)> visit = [&](const std::string& path) {
        for (std::size_t i = 0; i < way.size(); ++i) {
            if (way[i] != path) continue;
            std::string circle;
            for (std::size_t k = i; k < way.size(); ++k) circle += way[k] + " -> ";
            circles.push_back(circle + path);
            return;
        }
        if (done.count(path) != 0) return;
        way.push_back(path);
        for (const std::string& next : leads_to[path]) visit(next);
        way.pop_back();
        done.insert(path);
    };
    for (const Source& source : sources) visit(source.path);
    return circles;
}

}  // namespace house

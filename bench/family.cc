#include "bench/family.h"

#include "tests/lab/process.h"

#include <filesystem>
#include <map>
#include <sstream>
#include <string>

#include <unistd.h>

namespace bench {

namespace {

std::string proc(pid_t pid, const char* file) {
    return lab::read_file("/proc/" + std::to_string(pid) + "/" + file);
}

double field_kib(const std::string& text, const std::string& key) {
    const std::size_t at = text.find(key);
    return at == std::string::npos ? 0 : std::stod(text.substr(at + key.size()));
}

}  // namespace

std::vector<pid_t> family(pid_t root) {
    std::map<pid_t, std::vector<pid_t>> children;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        const std::string pid = entry.path().filename();
        if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
        const std::string text = lab::read_file(entry.path().string() + "/stat");
        const std::size_t behind = text.rfind(')');
        if (behind == std::string::npos) continue;
        std::istringstream fields(text.substr(behind + 1));
        std::string state;
        pid_t parent = 0;
        fields >> state >> parent;
        children[parent].push_back(std::stoi(pid));
    }
    std::vector<pid_t> result = {root};
    for (std::size_t i = 0; i < result.size(); ++i) {
        const auto& more = children[result[i]];
        result.insert(result.end(), more.begin(), more.end());
    }
    return result;
}

double cpu_seconds(const std::vector<pid_t>& processes) {
    double sum = 0;
    for (const pid_t pid : processes) {
        const std::string text = proc(pid, "stat");
        const std::size_t behind = text.rfind(')');
        if (behind == std::string::npos) continue;
        std::istringstream fields(text.substr(behind + 1));
        std::string skipped;
        for (int i = 0; i < 11; ++i) fields >> skipped;
        double user = 0, system = 0;
        fields >> user >> system;
        sum += user + system;
    }
    return sum / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double pss_mib(const std::vector<pid_t>& processes) {
    double sum = 0;
    for (const pid_t pid : processes) sum += field_kib(proc(pid, "smaps_rollup"), "Pss:");
    return sum / 1024;
}

double peak_mib(pid_t process) {
    return field_kib(proc(process, "status"), "VmHWM:") / 1024;
}

}  // namespace bench

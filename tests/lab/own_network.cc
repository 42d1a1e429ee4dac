#include "tests/lab/own_network.h"

#include "tests/lab/process.h"

#include <cerrno>
#include <cstring>

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace lab {

std::optional<std::string> enter_own_network() {
    const auto why = [](const char* what) {
        return std::string(what) + ": " + std::strerror(errno);
    };
    const std::string user = std::to_string(geteuid()), group = std::to_string(getegid());
    if (geteuid() == 0) {
        if (unshare(CLONE_NEWNET) != 0) return why("a network of its own");
    } else {
        // A user namespace makes us root of that network alone.
        if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return why("namespaces of its own");
        write_file("/proc/self/setgroups", "deny");
        write_file("/proc/self/uid_map", "0 " + user + " 1");
        write_file("/proc/self/gid_map", "0 " + group + " 1");
    }
    const int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ifreq loopback{};
    std::strcpy(loopback.ifr_name, "lo");
    loopback.ifr_flags = IFF_UP | IFF_RUNNING;
    const bool up = ioctl(any, SIOCSIFFLAGS, &loopback) == 0;
    close(any);
    return up ? std::nullopt : std::optional(why("loopback"));
}

std::optional<std::string> filter(const std::string& rules) {
    const Outcome nft = run({"nft", "-f", "-"}, rules);
    return nft.status == 0 ? std::nullopt : std::optional("nft: " + nft.err);
}

}  // namespace lab

#include "heartbeat/io/clock.h"

#include <cerrno>
#include <system_error>

#include <sys/random.h>
#include <time.h>

namespace heartbeat {

Instant boot_now() {
    timespec now{};
    if (clock_gettime(CLOCK_BOOTTIME, &now) != 0)
        throw std::system_error(errno, std::generic_category(), "CLOCK_BOOTTIME");
    return Instant(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

void random_bytes(std::span<std::uint8_t> bytes) {
    while (!bytes.empty()) {
        const ssize_t got = getrandom(bytes.data(), bytes.size(), 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw std::system_error(errno, std::generic_category(), "getrandom");
        bytes = bytes.subspan(static_cast<std::size_t>(got));
    }
}

Nonce fresh_nonce() {
    Nonce nonce;
    random_bytes(nonce);
    return nonce;
}

BootId fresh_boot() {
    BootId boot;
    random_bytes(boot.bytes);
    return boot;
}

Seed fresh_seed() {
    Seed seed;
    random_bytes(seed);
    return seed;
}

}  // namespace heartbeat

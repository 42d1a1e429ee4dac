#pragma once
// The only clock and the only random source of both daemons.

#include "heartbeat/identity.h"
#include "heartbeat/seal.h"

#include <cstdint>
#include <span>

namespace heartbeat {

// CLOCK_BOOTTIME: it counts suspend and no one sets it.
Instant boot_now();

// From the kernel; throws std::system_error when it has none to give.
void random_bytes(std::span<std::uint8_t> bytes);
Nonce fresh_nonce();
BootId fresh_boot();
Seed fresh_seed();

}  // namespace heartbeat

#pragma once
// A network of this process's own, with nothing but loopback in it, so that a test may lose packets
// without anybody else losing any. It ends with the process and its children.

#include <optional>
#include <string>

namespace lab {

// Moves this process there, which stays; it must not have threads yet. Why it can not be done;
// nullopt: it is done.
std::optional<std::string> enter_own_network();

// Reads rules of nftables. Why not; nullopt: they stand.
std::optional<std::string> filter(const std::string& rules);

}  // namespace lab

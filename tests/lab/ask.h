#pragma once
// Asks a DNS server one question over UDP, as dig would.

#include "tests/lab/process.h"
#include "zones/soa_query.h"

#include <optional>
#include <string>
#include <vector>

namespace lab {

// Where the questions for servers on loopback come from: no server of a test has this address, so
// that what is done to the servers' packets need not befall the questions.
inline constexpr const char* asker = "127.0.0.99";

std::optional<zones::Answer> ask(const std::string& address, int port, const std::string& name,
                                 zones::Type type, Milliseconds at_most = 1s);
// The serial in the SOA of an authoritative answer.
std::optional<std::uint32_t> serial_at(const std::string& address, int port,
                                       const std::string& zone);
// The addresses (A) of a name as text, sorted; empty when there are none or there is no answer.
std::vector<std::string> addresses_at(const std::string& address, int port,
                                      const std::string& name);

}  // namespace lab

#pragma once
// Asking a server something and reading what it says: for tools, tests and the watch over
// secondaries. Off the query path; it allocates.

#include "zones/name.h"
#include "zones/record.h"
#include "zones/serial.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace zones {

std::vector<std::byte> make_query(const Name& name, Type type, std::uint16_t id,
                                  bool recursion_desired = false);

struct Answer {
    std::uint16_t id = 0;
    std::uint8_t opcode = 0;
    std::uint16_t rcode = 0;  // with the upper bits of the OPT record, when there is one
    bool authoritative = false, truncated = false;
    std::optional<Name> question;
    std::optional<std::uint16_t> udp_size;  // of the OPT record, which is not in `additional`
    // There is a TSIG record, which is not in `additional`; tsig_verify_answer() says what it is
    // worth.
    bool signed_by_tsig = false;
    std::vector<RRset> answer, authority, additional;

    // The serial of the SOA in the answer section.
    std::optional<Serial> serial() const;
};
// Names in rdata come out uncompressed. nullopt when it is no whole, well-formed response.
std::optional<Answer> read_answer(std::span<const std::byte> message);

}  // namespace zones

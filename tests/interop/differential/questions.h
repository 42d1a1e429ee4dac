#pragma once
// Questions to a zone: what is there, beside it, below it, in any case, of any type and size.

#include "tests/interop/differential/labels.h"
#include "tests/interop/differential/random.h"
#include "tests/interop/differential/zone_maker.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace differential {

struct Question {
    Labels name;
    std::uint16_t type = 1;
    std::uint16_t edns = 0;  // UDP size in an OPT record; 0 for none
    bool tcp = false;
    bool recursion_desired = false, checking_disabled = false, dnssec_ok = false;
    std::size_t zone = 0;  // number in the batch
};

std::vector<Question> make_questions(const MadeZone& zone, std::size_t number, std::size_t count,
                                     Random chance);

// The request, with id 0.
std::string request(const Question& question);
std::string dig_line(const Question& question, int port);

}  // namespace differential

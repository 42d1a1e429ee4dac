#pragma once
// Record data in master file form, by type.

#include "tests/interop/differential/labels.h"
#include "tests/interop/differential/random.h"

#include <cstdint>
#include <functional>
#include <string>

namespace differential {

// Types that may stand at any name and that draws only from chance.
std::uint16_t some_plain_type(Random& chance);
// `target` gives a name to point to. `number` makes records of one RRset differ.
std::string make_rdata(std::uint16_t type, Random& chance, std::size_t number,
                       const std::function<Labels()>& target);
std::string type_word(std::uint16_t type);  // as master files have it

}  // namespace differential

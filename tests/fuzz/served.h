#pragma once
// A catalog with a bit of every shape, for the programs that ask it.

#include "zones/catalog.h"

#include <memory>

namespace fuzz {

std::shared_ptr<const zones::Catalog> served(bool cookies_required);

}  // namespace fuzz

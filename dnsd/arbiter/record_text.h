#pragma once
// A Record as one line of text, sealed by a checksum of its own: what the ledger keeps, whatever
// keeps the ledger. Reading takes nothing on trust: what was torn, damaged or written by anything
// else is told apart from every record, and never guessed at.

#include "dnsd/arbiter/facts.h"

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace dnsd {

// Printable ASCII without a line break. read_record() gives back an equal record.
std::string record_text(const Record&);
// The error is a clause that says what is wrong with the text.
tl::expected<Record, std::string> read_record(std::string_view text);

// FNV-1a, 64 bits, each part ended so that parts can not slide into each other. It guards against
// accidents; who may write the text may write the checksum too.
std::uint64_t checksum(std::initializer_list<std::string_view> parts);

}  // namespace dnsd

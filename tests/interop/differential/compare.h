#pragma once
// Two servers' answers to one question, part by part.

#include "tests/interop/differential/message.h"
#include "tests/interop/differential/questions.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace differential {

// All records of an owner and type that stand together. The order of records and the case of names
// mean nothing (RFC 2181 §5, RFC 4343), all else does.
struct Set {
    std::string owner;  // lower case, wire form
    std::uint16_t type = 0;
    std::uint16_t rclass = 0;
    std::vector<std::uint32_t> ttls;  // sorted, each once
    std::vector<std::string> rdatas;  // canonical, sorted

    friend bool operator==(const Set&, const Set&) = default;
    friend auto operator<=>(const Set&, const Set&) = default;
};

struct Reply {
    std::string fault;  // why there is no message; empty when there is
    Message message;
    std::vector<Set> answer;                 // in the order of the message
    std::vector<Set> authority, additional;  // sorted
};
Reply read_reply(const std::string& bytes);
std::vector<Set> sets_of(const std::vector<Record>& records);

enum class Part { reply, rcode, flags, truncation, question, edns, answer, authority, additional };
const char* name_of(Part part);

// The parts in which they differ.
std::vector<Part> differences(const Reply& a, const Reply& b);

// For people: the whole reply, a line a record.
std::string text(const Reply& reply);

}  // namespace differential

#pragma once
// What operators may ask over the control socket, word by word: one JSON object → one request. All
// that can be wrong with it is said in one sentence each, and nothing of it reaches a machine.

#include "dnsd/arbiter/facts.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace dnsd {

constexpr std::array<std::string_view, 8> operator_commands{
    "switchover", "drain", "undrain", "pause", "resume", "confirm-dead", "adopt", "mode"};
constexpr std::size_t reason_bytes_max = 200;
constexpr Duration operator_length_max = std::chrono::hours(24 * 366);

// A group, as far as a request can name it.
struct Askable {
    std::string group;
    std::vector<ServerId> servers;
};

struct OperatorRequest {
    std::size_t group = 0;  // which of the askable ones
    Command command;
    std::string reason;
    bool dry_run = false;
};

// `request` is the text of a JSON object whose "command" is one of operator_commands. The error is
// a sentence, with what to write instead.
tl::expected<OperatorRequest, std::string> read_operator_request(
    const std::string& request, const std::vector<Askable>& askable);

// What is asked of the history: {"command":"history", …}.
struct HistoryRequest {
    static constexpr std::size_t limit_max = 1000;
    std::string group;  // empty: all
    std::size_t limit = 100;
    std::uint64_t before = 0;
    std::int64_t since_ms = 0;
};
tl::expected<HistoryRequest, std::string> read_history_request(const std::string& request,
                                                               const std::vector<Askable>& askable);

}  // namespace dnsd

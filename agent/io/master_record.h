#pragma once
// Asks a name server for the addresses of the `master` name: what the world is told of who leads,
// to be held against what the arbiter says.

#include "heartbeat/identity.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <tl/expected.hpp>

namespace boost::asio {
class io_context;
}

namespace agent {

enum class AddressKind { v4, v6 };  // A, AAAA

// A question without recursion: it goes to a server that is authoritative.
tl::expected<std::vector<std::byte>, std::string> master_question(const std::string& name,
                                                                  AddressKind kind,
                                                                  std::uint16_t id);
// nullopt: not the answer to that question, which may still come. The error is an answer that says
// nothing about the name: REFUSED, SERVFAIL, truncated, damaged.
std::optional<tl::expected<std::vector<heartbeat::Address>, std::string>> read_answer(
    std::span<const std::byte> question, std::span<const std::byte> answer);

struct MasterRecordRules {
    std::string host;  // whom to ask
    std::uint16_t port = 53;
    std::string name;
    heartbeat::Duration deadline = std::chrono::seconds(1);
};

class MasterRecord {
public:
    using Done = std::function<void(tl::expected<std::vector<heartbeat::Address>, std::string>)>;

    MasterRecord(boost::asio::io_context& loop, MasterRecordRules rules);
    // Once, from the loop, by the deadline at the latest.
    void ask(Done done);

private:
    boost::asio::io_context& loop_;
    MasterRecordRules rules_;
};

}  // namespace agent

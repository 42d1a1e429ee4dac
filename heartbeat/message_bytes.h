#pragma once
// What the two halves of the codec share (message_write.cc, message_read.cc); docs/PROTOCOL.md,
// "Bytes".

#include "heartbeat/message.h"

#include <algorithm>
#include <string>
#include <string_view>

namespace heartbeat {

// PROTOCOL.md, "Time": a lease is at most 60 s.
constexpr Duration lease_max = std::chrono::seconds(60);

// In the place of a position's number of domains: there is no position.
constexpr std::uint8_t no_position = 0xff;

// Which way a type goes decides what its envelope carries: a field that would mean nothing is not
// there, so that one letter has one encoding.
constexpr bool from_agent(MessageType type) {
    return type == MessageType::hello || type == MessageType::heartbeat;
}

// The words of a database or a web server end up here: cut and made printable, never refused.
inline std::string presentable(std::string_view why) {
    std::string text(why.substr(0, Heartbeat::why_max));
    std::replace_if(
        text.begin(), text.end(), [](char c) { return c < 0x20 || c > 0x7e; }, '?');
    return text;
}

}  // namespace heartbeat

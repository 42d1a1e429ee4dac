#pragma once
// Many questions to several servers at a time: over UDP in a window each, repeated when nothing
// comes back; over TCP pipelined. An answer that never came is an empty string.

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace differential {

struct Errand {
    int port = 0;                              // on 127.0.0.1
    std::vector<const std::string*> requests;  // with any id; each goes out under one of ours
    std::vector<std::string> answers;          // as many as requests, filled in
    bool gave_up = false;                      // after so many in a row that nothing answered
};

inline constexpr std::size_t window_max = 128;  // requests under way at one server
inline constexpr int tries_max = 5;
inline constexpr std::size_t unanswered_max = 20;
inline constexpr std::chrono::milliseconds try_time{1000};

void ask_by_udp(std::vector<Errand>& errands);
void ask_by_tcp(Errand& errand);
// The messages of a zone transfer (RFC 5936), up to the second SOA; empty when it failed.
std::vector<std::string> transfer(int port, const std::string& request);

}  // namespace differential

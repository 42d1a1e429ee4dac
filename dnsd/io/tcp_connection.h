#pragma once
// One connection: carries bytes between its socket and its conversation, and knows until when what
// it waits for has to happen.

#include "dnsd/config/tcp_limits.h"
#include "dnsd/io/sockets.h"
#include "dnsd/io/tcp_places.h"
#include "dnsd/io/transfer_places.h"
#include "zones/conversation.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace dnsd {

// Buffers of the thread, not of a connection: one that waits for its client holds only what that
// client has to take in.
struct TcpBuffers {
    std::array<std::byte, 32 * 1024> in;
    std::array<std::byte, zones::Conversation::speech_max> out;
};

class TcpConnection {
public:
    using Clock = std::chrono::steady_clock;  // only for deadlines
    // The client has this long for each part of this size.
    static constexpr std::size_t write_part = 64 * 1024;

    enum class After : std::uint8_t {
        wait,   // for the socket
        again,  // there is more to do at once, when the others had their turn
        close,  // all is said, or the client is gone
    };
    using Told = zones::Conversation::Told;
    struct Transferred {
        Told told;
        std::uint64_t transfer = 0;  // as begun says; 0 when it was not said
        Clock::duration took{0};
    };
    struct Turn {
        After after = After::close;
        zones::Conversation::Spoken spoken;
        std::vector<Transferred> begun;  // and still under way
    };
    // One that was told as begun and has not left yet.
    struct Begun {
        std::uint64_t in_conversation, transfer;
        Clock::time_point at;
    };
    enum class Late : std::uint8_t { no, idle, request, write };

    TcpConnection(Fd fd, const Endpoint& from, const zones::Peer& as_zones, Clock::time_point now)
        : peer(from), fd_(std::move(fd)), conversation_(as_zones), idle_since_(now) {}

    // What the socket is said to be ready for, by epoll.
    void ready(std::uint32_t events);
    // Receives, speaks and sends once. No more than `may_begin` transfers begin. `told` gets the
    // transfers whose last byte has left. Begun transfers get numbers behind `numbers`.
    Turn turn(const zones::Catalog& catalog, zones::Turn& turn, TcpBuffers& buffers,
              Clock::time_point now, std::size_t may_begin, std::vector<Transferred>& told,
              std::uint64_t& numbers);

    // Nothing is under way: it waits for a request to begin.
    bool idle() const { return !waits_request_ && !blocked() && !occupied(); }
    Late late(Clock::time_point now, const TcpLimits& limits,
              std::chrono::milliseconds idle_time) const;
    // What was begun and has not left, for when it never will.
    std::vector<Transferred> unfinished(Clock::time_point now) const;
    const std::vector<Begun>& begun() const { return begun_; }
    // Before it is closed in order, after all was said.
    void finish(TcpBuffers& buffers);
    // Takes back what has not left, for a client that does not take it in: it must not stay in the
    // kernel for its sake.
    void cut();

    // Bytes of memory that wait for the client: to send the rest, or to take in what is said.
    std::size_t held() const { return unsent_.capacity() + conversation_.held(); }
    std::size_t transfers() const { return conversation_.transfers(); }
    // Transfers that wait to begin.
    std::size_t parked() const { return conversation_.parked(); }

    const Endpoint peer;
    TcpPlaces::Place place{};
    TransferPlaces::Part part{};
    bool queued = false;  // for another turn

private:
    bool blocked() const { return unsent_at_ < unsent_.size(); }
    bool occupied() const { return conversation_.more() || conversation_.parked() != 0; }
    bool receive(TcpBuffers& buffers);
    std::optional<std::size_t> send(std::span<const std::byte> bytes, Clock::time_point now);
    bool send_unsent(Clock::time_point now);
    void watch(Clock::time_point now, bool anew);

    Fd fd_;
    zones::Conversation conversation_;
    std::vector<std::byte> unsent_;
    std::size_t unsent_at_ = 0;
    void hand_out(std::vector<Told>& from, std::vector<Transferred>& to, Clock::time_point now);
    Transferred timed(Told told, Clock::time_point now) const;
    std::vector<Transferred> note_begun(std::uint64_t before, Clock::time_point now,
                                        std::uint64_t& numbers);

    std::vector<Begun> begun_;
    std::vector<Told> transferred_;  // when what is unsent has left
    bool readable_ = false;
    bool ending_ = false;  // the client's end of the stream is behind what can be read
    bool ended_ = false;   // and was reached
    bool waits_request_ = false;
    Clock::time_point idle_since_, request_since_, write_since_;
    std::size_t write_part_sent_ = 0;
};

}  // namespace dnsd

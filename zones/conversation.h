#pragma once
// One client on one stream (RFC 7766): its bytes come in, frames go out. A short answer is given as
// soon as its request is whole; a transfer gives one message a turn. So the answers to later
// requests stand between the messages of a transfer (§6.2.1.1), and several transfers alternate.

#include "zones/respond.h"
#include "zones/stream.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace zones {

class Conversation {
public:
    // Transfers under way or parked at a time. The request for one more waits, and what stands
    // behind it, until one of these has ended: nobody waits for it but the client that asked for so
    // much.
    static constexpr std::size_t transfers_max = 8;
    // Short answers are gathered up to this before a transfer has its turn.
    static constexpr std::size_t answers_max = 16 * 1024;
    // The most that speak() writes: answers, the one that went beyond their bound, and one message
    // of a transfer.
    static constexpr std::size_t speech_max = answers_max + 2 * stream_frame_max;
    // Ends of transfers told by one speak().
    static constexpr std::size_t transferred_max = 16;

    // Refusals told by one speak().
    static constexpr std::size_t refused_max = 16;

    // A transfer that was refused, or another request whose signature was wrong.
    struct Refused {
        std::vector<std::byte> request;  // its header and its question, if it has one
        Outcome outcome;
    };

    // A transfer: what was asked for, and how far it has come.
    struct Told {
        std::uint64_t number = 0;  // of those of this conversation, from 1 on
        std::vector<std::byte> request;
        Serial serial{0};          // of the version that is told
        bool current = false;      // the SOA alone: who asked has that version (RFC 1995 §2)
        std::uint64_t bytes = 0;   // of messages so far
        bool incremental = false;  // steps, and not the whole zone (RFC 1995)
        std::optional<Name> signer = {};
    };

    // What one speak() wrote, and of what.
    struct Spoken {
        std::size_t size = 0;
        std::uint32_t requests = 0;
        std::uint32_t silent = 0;  // among them: what was no request at all
        std::size_t begun = 0;     // transfers
        std::array<std::uint32_t, rcodes_max> responses{};  // begun, by RCODE
        std::vector<Told> transferred;                      // their last message is in here
        std::vector<Refused> refused;
    };

    explicit Conversation(const Peer& peer) : peer_(peer) {}
    Conversation(const Conversation&) = delete;
    Conversation& operator=(const Conversation&) = delete;

    // As StreamReader's. There is no room while a request waits for a transfer to end.
    std::size_t room() const { return waiting_ || over_ ? 0 : reader_.room(); }
    std::size_t feed(std::span<const std::byte> bytes);

    // The next frames, into `out`, which has room for speech_max. Each response is of the catalog
    // that was current when its request was read. No more than `may_begin` transfers begin; what is
    // refused or current is told so at once, and the others are parked until more may.
    Spoken speak(const Catalog& catalog, Turn& turn, std::span<std::byte> out,
                 std::size_t may_begin = transfers_max);

    // The last speak() left something to say, whether or not a parked transfer may begin.
    bool more() const {
        return more_ || !transfers_.empty() || (waiting_ && !must_wait(*waiting_));
    }
    // The client has sent a part of a request. Means something when there is no more().
    bool amid_request() const { return reader_.held() != 0; }
    // Bytes of memory for what came and was not answered yet.
    std::size_t held() const { return reader_.memory(); }
    // What came was no request: no more will be read.
    bool over() const { return over_ || reader_.broken(); }
    std::size_t transfers() const { return transfers_.size(); }
    // Transfers that wait to begin.
    std::size_t parked() const { return parked_.size(); }
    // Those under way that begun behind number `after`.
    std::vector<Told> under_way(std::uint64_t after = 0) const;
    // The number of the last transfer that has begun.
    std::uint64_t last_number() const { return last_number_; }

private:
    std::optional<std::span<const std::byte>> next_request();
    bool must_wait(std::span<const std::byte> request) const;
    std::size_t answer(std::span<const std::byte> request, const Catalog& catalog, Turn& turn,
                       std::span<std::byte> out, std::size_t may_begin, Spoken& spoken);
    std::size_t stream(const Turn& turn, std::span<std::byte> out, Spoken& spoken);

    Peer peer_;
    StreamReader reader_;
    std::optional<std::span<const std::byte>> waiting_;  // of reader_, which is not fed meanwhile
    struct UnderWay {
        TsigStream stream;
        std::uint64_t number = 0;
        Serial serial{0};
        std::uint64_t bytes = 0;
        Told told() const;
    };
    void begin(UnderWay transfer, Spoken& spoken);
    std::vector<UnderWay> transfers_;
    std::vector<UnderWay> parked_;  // in the order in which they were asked for
    std::uint64_t last_number_ = 0;
    std::size_t turn_of_ = 0;  // of transfers_, when there are any
    bool more_ = false;
    bool over_ = false;
};

}  // namespace zones

// A client on a stream: whatever it sends, in whatever pieces, and however seldom it is answered,
// each of its requests gets just the messages that the door gives for it, in whole frames.
#include "tests/fuzz/check.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/served.h"
#include "zones/conversation.h"
#include "zones/node.h"
#include "zones/wire.h"

#include <algorithm>
#include <map>
#include <vector>

using namespace zones;

namespace {

using Bytes = std::vector<std::byte>;
using Counts = std::map<std::uint16_t, std::size_t>;  // of messages, by id

// What is said to each request on its own, up to the first that is none.
Counts expected(const std::shared_ptr<const Catalog>& catalog, std::span<const std::byte> bytes,
                const Peer& peer) {
    Counts counts;
    StreamReader reader;
    while (!bytes.empty()) {
        bytes = bytes.subspan(reader.feed(bytes));
        while (const auto request = reader.next()) {
            Response response = respond(catalog, *request, peer, Turn{});
            Bytes message;
            std::size_t messages = 0;
            while (response.next(message)) ++messages;
            if (messages == 0) return counts;
            counts[load16(request->data())] += messages;
        }
        if (reader.broken()) break;
    }
    return counts;
}

void count_frames(std::span<const std::byte> out, Counts& counts) {
    while (!out.empty()) {
        FUZZ_CHECK(out.size() > stream_prefix_size);
        const std::size_t size = load16(out.data());
        FUZZ_CHECK(size >= header_size && out.size() >= stream_prefix_size + size);
        FUZZ_CHECK((load16(out.data() + stream_prefix_size + 2) & Flag::qr) != 0);
        ++counts[load16(out.data() + stream_prefix_size)];
        out = out.subspan(stream_prefix_size + size);
    }
}

Counts spoken(const Catalog& catalog, std::span<const std::byte> bytes, const Peer& peer,
              fuzz::Input& how) {
    static Bytes out(Conversation::speech_max);
    Conversation conversation(peer);
    Counts counts;
    Turn turn;
    const auto speak = [&](std::size_t may_begin) {
        const auto said = conversation.speak(catalog, turn, out, may_begin);
        FUZZ_CHECK(said.size <= out.size());
        FUZZ_CHECK(said.begun <= may_begin);
        FUZZ_CHECK(conversation.transfers() + conversation.parked() <= Conversation::transfers_max);
        count_frames(std::span(out).first(said.size), counts);
    };
    while (!bytes.empty() && !conversation.over()) {
        const std::size_t piece = std::min<std::size_t>(bytes.size(), 1 + how.below(256));
        bytes = bytes.subspan(conversation.feed(bytes.first(piece)));
        const bool full = conversation.room() == 0;
        if (how.below(2) == 0 || full) speak(full ? 1 : how.below(2));
    }
    do speak(1);
    while (conversation.more() || conversation.parked() != 0);
    return counts;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto catalog = fuzz::served(false);
    fuzz::Input input(data, size);
    const auto cuts = input.bytes(input.byte());
    fuzz::Input how(reinterpret_cast<const std::uint8_t*>(cuts.data()), cuts.size());
    const auto bytes = input.rest();
    Peer peer;
    peer.transport = Peer::Transport::tcp;
    peer.address = Prefix::parse("192.0.2.53")->address;
    const Counts want = expected(catalog, bytes, peer);
    FUZZ_CHECK(spoken(*catalog, bytes, peer, how) == want);
    return 0;
}

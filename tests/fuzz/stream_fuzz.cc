// The messages of a stream are the same wherever the network cuts it; and nothing is held or taken
// beyond what was promised.
#include "tests/fuzz/check.h"
#include "tests/fuzz/input.h"
#include "zones/node.h"
#include "zones/stream.h"
#include "zones/wire.h"

#include <algorithm>
#include <vector>

using namespace zones;

namespace {

using Bytes = std::vector<std::byte>;

struct Read {
    std::vector<Bytes> messages;
    bool broken = false;
};

// As RFC 1035 §4.2.2 has it, with all bytes at hand.
Read read_whole(std::span<const std::byte> bytes) {
    Read read;
    while (bytes.size() >= stream_prefix_size) {
        const std::size_t size = load16(bytes.data());
        if (size < header_size) {
            read.broken = true;
            break;
        }
        if (bytes.size() < stream_prefix_size + size) break;
        const auto message = bytes.subspan(stream_prefix_size, size);
        read.messages.emplace_back(message.begin(), message.end());
        bytes = bytes.subspan(stream_prefix_size + size);
    }
    return read;
}

// In pieces as `cuts` has them; taken out at once, or only when nothing more fits.
Read read_pieces(std::span<const std::byte> bytes, fuzz::Input cuts, bool lazy) {
    StreamReader reader;
    Read read;
    const auto take = [&] {
        while (const auto message = reader.next())
            read.messages.emplace_back(message->begin(), message->end());
    };
    while (!bytes.empty() && !reader.broken()) {
        if (!lazy || reader.room() == 0) take();
        if (reader.broken()) break;
        FUZZ_CHECK(reader.room() > 0);
        const auto piece = bytes.first(std::min(bytes.size(), 1 + cuts.below(256)));
        const std::size_t taken = reader.feed(piece);
        FUZZ_CHECK(taken > 0 && taken <= piece.size());
        FUZZ_CHECK(reader.held() <= stream_frame_max);
        bytes = bytes.subspan(taken);
    }
    take();
    read.broken = reader.broken();
    return read;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    const bool lazy = input.below(2) == 1;
    const auto cuts = input.bytes(input.byte());
    const auto bytes = input.rest();
    const Read whole = read_whole(bytes);
    const Read pieces = read_pieces(
        bytes, fuzz::Input(reinterpret_cast<const std::uint8_t*>(cuts.data()), cuts.size()), lazy);
    FUZZ_CHECK(whole.messages == pieces.messages);
    FUZZ_CHECK(whole.broken == pieces.broken);
    return 0;
}

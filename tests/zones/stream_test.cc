#include "zones/stream.h"

#include "tests/zones/support.h"

using namespace zones::testing;
using zones::StreamReader;

namespace {

Bytes framed(const Bytes& message) {
    Bytes frame(zones::stream_prefix_size);
    zones::set_stream_prefix(frame, message.size());
    frame.insert(frame.end(), message.begin(), message.end());
    return frame;
}

Bytes message(std::size_t size, unsigned fill) {
    return Bytes(size, static_cast<std::byte>(fill));
}

void append(Bytes& to, const Bytes& more) {
    to.insert(to.end(), more.begin(), more.end());
}

// Feeds `stream` in pieces of `piece` bytes, and takes what is whole after each.
std::vector<Bytes> read_in_pieces(const Bytes& stream, std::size_t piece) {
    StreamReader reader;
    std::vector<Bytes> messages;
    std::span<const std::byte> rest(stream);
    while (!rest.empty()) {
        const std::size_t fed = reader.feed(rest.first(std::min(piece, rest.size())));
        REQUIRE(fed > 0);
        rest = rest.subspan(fed);
        while (const auto whole = reader.next())
            messages.emplace_back(whole->begin(), whole->end());
        REQUIRE(reader.held() < zones::stream_frame_max);
    }
    CHECK(reader.held() == 0);
    return messages;
}

}  // namespace

TEST_CASE("the messages of a stream are found wherever it is cut (RFC 7766 section 8)") {
    const std::vector<Bytes> messages{message(12, 1), message(255, 2), message(256, 3),
                                      message(12, 4), message(1000, 5)};
    Bytes stream;
    for (const Bytes& one : messages) append(stream, framed(one));
    for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
        CAPTURE(piece);
        REQUIRE(read_in_pieces(stream, piece) == messages);
    }
    for (std::size_t cut = 1; cut < stream.size(); ++cut) {
        CAPTURE(cut);
        StreamReader reader;
        std::vector<Bytes> got;
        const std::span<const std::byte> all(stream);
        for (const auto part : {all.first(cut), all.subspan(cut)}) {
            REQUIRE(reader.feed(part) == part.size());
            while (const auto whole = reader.next()) got.emplace_back(whole->begin(), whole->end());
        }
        REQUIRE(got == messages);
    }
}

TEST_CASE("a reader of a stream holds no more than the longest frame") {
    const Bytes longest = message(65535, 7);
    Bytes stream = framed(longest);
    append(stream, framed(message(40, 8)));
    CHECK(read_in_pieces(stream, stream.size()) == std::vector<Bytes>{longest, message(40, 8)});

    StreamReader reader;
    CHECK(reader.feed(stream) == zones::stream_frame_max);  // nobody has taken the first one
    CHECK(reader.room() == 0);
    CHECK(reader.feed(stream) == 0);
    REQUIRE(reader.next());
    CHECK(reader.room() == zones::stream_frame_max);
}

TEST_CASE("a reader has no memory when it holds nothing, and at most a frame's when it does") {
    StreamReader reader;
    CHECK(reader.memory() == 0);
    const Bytes longest = framed(message(65535, 7));
    for (std::size_t at = 0; at < longest.size(); at += 1000) {
        reader.feed(
            std::span(longest).subspan(at, std::min<std::size_t>(1000, longest.size() - at)));
        // What was announced costs nothing: only what was sent does.
        REQUIRE(reader.memory() <= std::min(2 * reader.held(), zones::stream_frame_max));
    }
    REQUIRE(reader.next());
    CHECK_FALSE(reader.next());
    CHECK(reader.memory() == 0);
    reader.feed(Bytes(2));
    CHECK_FALSE(reader.next());
    CHECK(reader.broken());
    CHECK(reader.memory() == 0);
}

TEST_CASE("there is room for the rest of a message whatever has come of it") {
    StreamReader reader;
    const Bytes stream = framed(message(65535, 7));
    for (const std::byte byte : stream) {
        REQUIRE_FALSE(reader.next());
        REQUIRE(reader.room() > 0);
        REQUIRE(reader.feed({&byte, 1}) == 1);
    }
    CHECK(reader.next()->size() == 65535);
}

TEST_CASE("a frame shorter than a header breaks the stream; what came before it is given") {
    for (std::size_t size = 0; size < 12; ++size) {
        CAPTURE(size);
        StreamReader reader;
        Bytes stream = framed(message(12, 1));
        append(stream, framed(message(size, 2)));
        append(stream, framed(message(12, 3)));
        CHECK(reader.feed(stream) == stream.size());
        CHECK(reader.next());
        CHECK_FALSE(reader.broken());
        CHECK_FALSE(reader.next());
        CHECK(reader.broken());
        CHECK_FALSE(reader.next());
        CHECK(reader.room() == 0);
        CHECK(reader.held() == 0);
        CHECK(reader.feed(stream) == 0);
    }
}

#pragma once
// DNS over a stream: each message stands behind its length in two bytes (RFC 1035 §4.2.2). The
// network cuts the bytes where it likes (RFC 7766 §8); this finds the messages in them again.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace zones {

inline constexpr std::size_t stream_prefix_size = 2;
inline constexpr std::size_t stream_frame_max = stream_prefix_size + 65535;

// Bytes of one direction of one stream. Holds what has come and was not taken yet, never more than
// the longest frame, and no memory while it holds nothing.
class StreamReader {
public:
    // How many bytes feed() takes now. Never 0 when next() has just given nullopt, unless broken().
    std::size_t room() const { return broken_ ? 0 : stream_frame_max - held(); }
    // Takes the first bytes of `bytes`, at most room(), and returns how many they were. Ends the
    // life of what next() gave.
    std::size_t feed(std::span<const std::byte> bytes);
    // The next whole message without its length; nullopt when none is whole. Good until feed().
    std::optional<std::span<const std::byte>> next();

    // A frame came that is too short for a DNS header (RFC 1035 §4.1.1). Whoever sends that has
    // lost count or speaks something else, and no byte behind it can be trusted: nothing more is
    // taken or given.
    bool broken() const { return broken_; }
    // Bytes that came and are not part of a message given by next(): when that is nullopt, those of
    // a message that has begun.
    std::size_t held() const { return bytes_.size() - taken_; }
    std::size_t memory() const { return bytes_.capacity(); }

private:
    void release();

    std::vector<std::byte> bytes_;
    std::size_t taken_ = 0;  // of bytes_, from the front
    bool broken_ = false;
};

// Writes the length of the message that stands behind the first two bytes of `frame`.
inline void set_stream_prefix(std::span<std::byte> frame, std::size_t message_size) {
    frame[0] = static_cast<std::byte>(message_size >> 8);
    frame[1] = static_cast<std::byte>(message_size & 0xff);
}

}  // namespace zones

#include "zones/stream.h"

#include "zones/wire.h"

#include <algorithm>

namespace zones {

std::size_t StreamReader::feed(std::span<const std::byte> bytes) {
    const std::size_t count = std::min(bytes.size(), room());
    if (count == 0) return 0;
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(taken_));
    taken_ = 0;
    // Memory follows what was sent, not what a prefix announces; in the end it is one frame's.
    const std::size_t wanted = bytes_.size() + count;
    if (wanted > bytes_.capacity() && wanted > stream_frame_max / 2)
        bytes_.reserve(stream_frame_max);
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
    return count;
}

std::optional<std::span<const std::byte>> StreamReader::next() {
    if (broken_) return std::nullopt;
    if (taken_ != 0 && taken_ == bytes_.size()) {
        release();  // an idle connection costs nothing here
    }
    const auto rest = std::span<const std::byte>(bytes_).subspan(taken_);
    if (rest.size() < stream_prefix_size) return std::nullopt;
    const std::size_t size =
        std::to_integer<std::size_t>(rest[0]) << 8 | std::to_integer<std::size_t>(rest[1]);
    if (size < header_size) {
        broken_ = true;
        release();
        return std::nullopt;
    }
    if (rest.size() < stream_prefix_size + size) return std::nullopt;
    taken_ += stream_prefix_size + size;
    return rest.subspan(stream_prefix_size, size);
}

void StreamReader::release() {
    bytes_ = std::vector<std::byte>();  // {} would keep the memory
    taken_ = 0;
}

}  // namespace zones

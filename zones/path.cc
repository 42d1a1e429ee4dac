#include "zones/path.h"

#include <cassert>

namespace zones {

namespace {

Hash mix(Hash hash, std::uint64_t chunk) {
    hash = (hash ^ chunk) * 0x9fb2'1c65'1e98'df25;
    return hash ^ (hash >> 32);
}

}  // namespace

Hash hash_label(Hash suffix, const std::byte* label) {
    // The length byte takes part, so that no two splits into labels are alike.
    std::size_t left = std::to_integer<std::size_t>(*label) + 1;
    Hash hash = suffix;
    for (; left >= 8; left -= 8, label += 8) {
        std::uint64_t chunk;
        std::memcpy(&chunk, label, 8);
        hash = mix(hash, lower8(chunk));
    }
    std::uint64_t tail = 0;
    for (std::size_t i = 0; i < left; ++i)
        tail |= std::to_integer<std::uint64_t>(label[i]) << (8 * i);
    return mix(mix(hash, lower8(tail)), left);
}

Hash hash_name(std::span<const std::byte> wire) {
    return Path(wire).hash();
}

void Path::set(std::span<const std::byte> wire) {
    wire_ = wire.data();
    size_ = static_cast<std::uint8_t>(wire.size());
    // Starts are found from the front and wanted by depth: they are filled into place from behind.
    std::array<std::uint8_t, labels_max + 1> forward;
    std::size_t count = 0, at = 0;
    while (wire[at] != std::byte{0}) {
        assert(count < labels_max);
        forward[count++] = static_cast<std::uint8_t>(at);
        at += std::to_integer<std::size_t>(wire[at]) + 1;
    }
    assert(at + 1 == wire.size());
    depth_ = static_cast<std::uint8_t>(count);
    start_[0] = static_cast<std::uint8_t>(at);
    hash_[0] = hash_of_root;
    for (std::size_t depth = 1; depth <= count; ++depth) {
        start_[depth] = forward[count - depth];
        hash_[depth] = hash_label(hash_[depth - 1], wire_ + start_[depth]);
    }
}

}  // namespace zones

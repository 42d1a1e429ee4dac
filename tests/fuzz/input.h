#pragma once
// The bytes of one input as a row of small choices. When they run out every choice is 0.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace fuzz {

class Input {
public:
    Input(const std::uint8_t* data, std::size_t size) : left_(data, size) {}

    std::size_t below(std::size_t bound) {  // bound up to 65536
        std::size_t value = byte();
        if (bound > 256) value = value << 8 | byte();
        return value % bound;
    }
    std::uint8_t byte() {
        if (left_.empty()) return 0;
        const std::uint8_t first = left_.front();
        left_ = left_.subspan(1);
        return first;
    }
    std::span<const std::byte> bytes(std::size_t count) {
        const auto taken = left_.first(std::min(count, left_.size()));
        left_ = left_.subspan(taken.size());
        return std::as_bytes(taken);
    }
    std::span<const std::byte> rest() { return bytes(left_.size()); }
    bool empty() const { return left_.empty(); }

private:
    std::span<const std::uint8_t> left_;
};

}  // namespace fuzz

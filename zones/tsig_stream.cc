#include "zones/tsig_stream.h"

namespace zones {

std::size_t TsigStream::next(std::span<std::byte> out, std::uint64_t now_seconds) {
    const std::size_t size = transfer_.next(out);
    return signer_ && size != 0 ? signer_->seal(out, size, now_seconds) : size;
}

}  // namespace zones

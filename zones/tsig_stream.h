#pragma once
// A transfer on its way to the client: signed, message by message, when its request was.

#include "zones/transfer.h"
#include "zones/tsig.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>

namespace zones {

class TsigStream {
public:
    // For a request that was not signed.
    explicit TsigStream(Transfer transfer) : transfer_(std::move(transfer)) {}
    // `signer` is of a request that was signed validly, by one of `keys`.
    TsigStream(Transfer transfer, std::shared_ptr<const TsigKeys> keys, const TsigSigner& signer)
        : transfer_(std::move(transfer)), keys_(std::move(keys)), signer_(signer) {}

    // The next message, into `out`, which has room for message_size_max; its length, 0 when the
    // zone has been told. Every message is signed, though RFC 8945 §5.3.1 asks for one in a hundred
    // alone: clients need not gather what they cannot trust yet.
    std::size_t next(std::span<std::byte> out, std::uint64_t now_seconds);
    bool done() const { return transfer_.done(); }
    std::span<const std::byte> request() const { return transfer_.request(); }
    // Who signed the request; null for nobody.
    const Name* signer() const { return signer_ ? signer_->signer() : nullptr; }

private:
    Transfer transfer_;
    std::shared_ptr<const TsigKeys> keys_;  // whose key signer_ uses
    std::optional<TsigSigner> signer_;
};

}  // namespace zones

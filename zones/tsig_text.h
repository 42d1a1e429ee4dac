#pragma once
// Key files: key clauses of named.conf, any number, as `tsig-keygen` writes them.
//
//   key "ns2.example" { algorithm hmac-sha256; secret "bWFueSByYW5kb20gYnl0ZXM="; };

#include "zones/tsig.h"
#include "zones/zonefile.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace zones {

inline constexpr std::size_t tsig_text_max = 1 << 20;  // bytes of a key file
inline constexpr std::size_t tsig_secret_max = 512;    // bytes of one secret, without base64
inline constexpr std::size_t tsig_mistakes_max = 20;   // told; what is behind them is not read

// With all mistakes in file order, each at its place; `path` is for telling them alone. What a
// mistake says never repeats anything that might be a secret. Unless weak algorithms (HMAC-MD5 and
// HMAC-SHA1) are allowed, a key that has one is a mistake.
tl::expected<std::vector<TsigKey>, std::vector<Mistake>> read_tsig_keys(
    const std::string& path, std::string_view text, bool weak_algorithms = true);

// The clause of one key, secret and all, with a line end.
std::string tsig_key_text(const TsigKey& key);
// The secret in base64.
std::string tsig_secret_text(const TsigKey& key);

}  // namespace zones

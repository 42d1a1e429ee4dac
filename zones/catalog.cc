#include "zones/catalog.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstring>

#include <arpa/inet.h>

namespace zones {

namespace {

constexpr std::size_t mapped_bits = 96;  // of ::ffff:0:0/96, before the IPv4 address

bool is_mapped(const AddressBytes& address) {
    constexpr AddressBytes prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return std::equal(prefix.begin(), prefix.begin() + 12, address.begin());
}

std::vector<std::byte> packed_txt(const std::string& text) {
    if (text.empty()) return {};
    const Rdata rdata = txt_rdata({&text, 1});
    return pack_chaos({&rdata, 1});
}

bool is(const Path& path, const char* wire, std::size_t size) {
    return path.wire().size() == size &&
           equal_names(path.wire().data(), reinterpret_cast<const std::byte*>(wire), size);
}

}  // namespace

std::optional<Prefix> Prefix::parse(std::string_view text) {
    const std::size_t slash = text.find('/');
    const std::string host(text.substr(0, slash));
    Prefix prefix;
    unsigned bits_max = 128;
    std::uint8_t v4[4];
    if (inet_pton(AF_INET, host.c_str(), v4) == 1) {
        prefix.address[10] = prefix.address[11] = 0xff;
        std::copy(std::begin(v4), std::end(v4), prefix.address.begin() + 12);
        bits_max = 32;
    } else if (inet_pton(AF_INET6, host.c_str(), prefix.address.data()) != 1) {
        return std::nullopt;
    }
    unsigned bits = bits_max;
    if (slash != std::string_view::npos) {
        const char* const begin = text.data() + slash + 1;
        const char* const end = text.data() + text.size();
        const auto [stop, error] = std::from_chars(begin, end, bits);
        if (error != std::errc() || stop != end || begin == end || bits > bits_max)
            return std::nullopt;
    }
    prefix.bits = static_cast<std::uint8_t>(bits_max == 32 ? bits + mapped_bits : bits);
    return prefix;
}

bool Prefix::contains(const AddressBytes& other) const noexcept {
    // A network that is written as one of IPv6 says nothing of IPv4, which has its place within.
    if (bits < mapped_bits && is_mapped(other)) return false;
    const std::size_t whole = bits / 8, rest = bits % 8;
    if (std::memcmp(address.data(), other.data(), whole) != 0) return false;
    if (rest == 0) return true;
    const unsigned mask = 0xff00U >> rest;
    return ((address[whole] ^ other[whole]) & mask & 0xff) == 0;
}

std::string Prefix::text() const {
    char buffer[INET6_ADDRSTRLEN];
    const bool v4 = is_mapped(address) && bits >= mapped_bits;
    inet_ntop(v4 ? AF_INET : AF_INET6, address.data() + (v4 ? 12 : 0), buffer, sizeof buffer);
    std::string result = buffer;
    if (bits < 128) result += "/" + std::to_string(v4 ? bits - mapped_bits : bits);
    return result;
}

bool any_contains(const std::vector<Prefix>& prefixes, const AddressBytes& address) noexcept {
    return std::any_of(prefixes.begin(), prefixes.end(),
                       [&](const Prefix& prefix) { return prefix.contains(address); });
}

bool TransferRule::met_by(const AddressBytes& address, const Name* signer) const noexcept {
    if (!from && !key) return false;
    if (from && !from->contains(address)) return false;
    return !key || (signer != nullptr && *signer == *key);
}

bool any_met_by(const TransferRules& rules, const AddressBytes& address,
                const Name* signer) noexcept {
    return std::any_of(rules.begin(), rules.end(),
                       [&](const TransferRule& rule) { return rule.met_by(address, signer); });
}

Catalog::Catalog()
    : access_(std::make_shared<const Access>()),
      rules_(std::make_shared<const std::map<Name, TransferRules>>()),
      keys_(std::make_shared<const TsigKeys>()),
      texts_(std::make_shared<const Texts>()),
      records_(std::make_shared<const ChaosRecords>()),
      edns_(std::make_shared<const EdnsRules>()) {}

Catalog Catalog::with(History history) const {
    Catalog next = *this;
    const Path path(history.origin());
    const Entry entry{path.hash(), std::make_shared<const History>(history)};
    next.zones_ = zones_.with({&entry, 1}, {});
    if (next.size() > size()) ++next.at_depth_[path.depth()];
    return next;
}

Catalog Catalog::with(Access access) const {
    Catalog next = *this;
    next.access_ = std::make_shared<const Access>(std::move(access));
    return next;
}

Catalog Catalog::with(Identity identity) const {
    Catalog next = *this;
    next.texts_ =
        std::make_shared<const Texts>(Texts{packed_txt(identity.version), packed_txt(identity.id)});
    return next;
}

Catalog Catalog::with(std::shared_ptr<const ChaosRecords> records) const {
    assert(records);
    Catalog next = *this;
    next.records_ = std::move(records);
    return next;
}

Catalog Catalog::with(EdnsRules rules) const {
    Catalog next = *this;
    next.edns_ = std::make_shared<const EdnsRules>(std::move(rules));
    return next;
}

Catalog Catalog::with(TsigKeys keys) const {
    Catalog next = *this;
    next.keys_ = std::make_shared<const TsigKeys>(std::move(keys));
    return next;
}

Catalog Catalog::with(const Name& origin, TransferRules rules) const {
    std::map<Name, TransferRules> all = *rules_;
    if (rules.empty())
        all.erase(origin);
    else
        all[origin] = std::move(rules);
    return with(std::move(all));
}

Catalog Catalog::with(std::map<Name, TransferRules> rules) const {
    Catalog next = *this;
    next.rules_ = std::make_shared<const std::map<Name, TransferRules>>(std::move(rules));
    return next;
}

bool Catalog::may_transfer(const Name& origin, const AddressBytes& address,
                           const Name* signer) const noexcept {
    if (any_met_by(access_->transfer, address, signer)) return true;
    const auto own = rules_->find(origin);
    return own != rules_->end() && any_met_by(own->second, address, signer);
}

Catalog Catalog::without(const Name& origin) const {
    const Path path(origin);
    const Entry* entry = zones_.find(
        path.hash(), [&](const Entry& candidate) { return candidate.history->origin() == origin; });
    if (entry == nullptr) return *this;
    Catalog next = *this;
    next.zones_ = zones_.with({}, {entry, 1});
    --next.at_depth_[path.depth()];
    return next;
}

const History* Catalog::zone(const Name& origin) const {
    const Entry* entry = zones_.find(origin.hash(), [&](const Entry& candidate) {
        return candidate.history->origin() == origin;
    });
    return entry == nullptr ? nullptr : entry->history.get();
}

const History* Catalog::zone(const Path& origin) const noexcept {
    const auto wire = origin.wire();
    const Entry* entry = zones_.find(origin.hash(), [wire](const Entry& candidate) {
        const auto name = candidate.history->origin().wire();
        return name.size() == wire.size() && equal_names(name.data(), wire.data(), wire.size());
    });
    return entry == nullptr ? nullptr : entry->history.get();
}

const Zone* Catalog::enclosing(const Path& name, std::size_t depth_max) const noexcept {
    for (std::size_t depth = std::min(name.depth(), depth_max) + 1; depth-- > 0;) {
        if (at_depth_[depth] == 0) continue;
        const auto wire = name.wire(depth);
        const Entry* entry = zones_.find(name.hash(depth), [wire](const Entry& candidate) {
            const auto origin = candidate.history->origin().wire();
            return origin.size() == wire.size() &&
                   equal_names(origin.data(), wire.data(), wire.size());
        });
        if (entry != nullptr) return entry->history->newest().get();
    }
    return nullptr;
}

RRsetView Catalog::chaos(const Path& name) const noexcept {
    const std::vector<std::byte>* packed = nullptr;
    if (is(name, "\7version\4bind", 14) || is(name, "\7version\6server", 16))
        packed = &texts_->version;
    if (is(name, "\2id\6server", 11) || is(name, "\10hostname\4bind", 15)) packed = &texts_->id;
    if (packed == nullptr) return records_->find(name);
    return packed->empty() ? RRsetView() : RRsetView(packed->data());
}

}  // namespace zones

#pragma once
// A domain name in wire form, at most 255 bytes, its case preserved. Comparisons are blind to the
// case of ASCII letters (RFC 4343); the order is the canonical one (RFC 4034 §6.1).

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace zones {

inline constexpr std::size_t name_size_max = 255;  // RFC 1035 §2.3.4, the root's zero included
inline constexpr std::size_t label_size_max = 63;
inline constexpr std::size_t labels_max = 127;  // the root not counted

class Name {
public:
    Name() : wire_(1, '\0') {}  // the root

    static Name root() { return Name(); }
    // "www.example.org", with or without the final dot; \DDD and \. escapes (RFC 1035 §5.1). The
    // error is a sentence for people.
    static tl::expected<Name, std::string> parse(std::string_view text);
    // As in a master file: a name without a final dot is under `origin`, "@" is `origin` itself.
    static tl::expected<Name, std::string> parse(std::string_view text, const Name& origin);
    // The uncompressed name at the start of `bytes`; nullopt when it is cut short, too long or has
    // a compression pointer.
    static std::optional<Name> from_wire(std::span<const std::byte> bytes);

    std::span<const std::byte> wire() const { return std::as_bytes(std::span(wire_)); }
    // Without the final dot, special characters escaped; the root is ".".
    std::string text() const;

    std::size_t labels() const;  // the root is not counted
    bool is_root() const { return wire_.size() == 1; }
    // The name without its first label; the root's parent is the root.
    Name parent() const;
    // A name is under itself.
    bool under(const Name& ancestor) const;
    // `label`.this; nullopt when the label is empty or longer than 63, or the name gets too long.
    std::optional<Name> with_label(std::string_view label) const;
    Name lowered() const;

    std::size_t hash() const;  // equal names have equal hashes, whatever their case
    friend bool operator==(const Name& a, const Name& b);
    friend std::weak_ordering operator<=>(const Name& a, const Name& b);

private:
    explicit Name(std::string wire) : wire_(std::move(wire)) {}
    std::string wire_;
};

// Canonical order of two uncompressed wire names (RFC 4034 §6.1).
std::weak_ordering compare_names(std::span<const std::byte> a, std::span<const std::byte> b);

}  // namespace zones

template <>
struct std::hash<zones::Name> {
    std::size_t operator()(const zones::Name& name) const noexcept { return name.hash(); }
};

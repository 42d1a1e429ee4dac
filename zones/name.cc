#include "zones/name.h"

#include "zones/path.h"

#include <algorithm>
#include <array>
#include <utility>

namespace zones {

namespace {

struct Labels {
    std::string wire;  // without the root's zero
    bool absolute = false;
};

// One character of a label at text[at], which moves on; RFC 1035 §5.1 for the escapes.
tl::expected<char, std::string> read_character(std::string_view text, std::size_t& at) {
    if (text[at] != '\\') return text[at++];
    if (++at == text.size()) return tl::unexpected<std::string>("a backslash ends the name");
    const auto digit = [&](std::size_t i) {
        return i < text.size() && text[i] >= '0' && text[i] <= '9';
    };
    if (!digit(at)) return text[at++];
    if (!digit(at + 1) || !digit(at + 2))
        return tl::unexpected<std::string>(
            "a backslash and a digit must be \\DDD, three decimal digits");
    const int value = (text[at] - '0') * 100 + (text[at + 1] - '0') * 10 + (text[at + 2] - '0');
    if (value > 255) return tl::unexpected<std::string>("\\DDD is above 255");
    at += 3;
    return static_cast<char>(value);
}

tl::expected<Labels, std::string> read_labels(std::string_view text) {
    Labels result;
    std::string label;
    for (std::size_t at = 0; at < text.size();) {
        if (text[at] == '.') {
            if (label.empty())
                return tl::unexpected<std::string>("an empty label: two dots, or a dot in front");
            result.wire += static_cast<char>(label.size());
            result.wire += label;
            label.clear();
            if (++at == text.size()) result.absolute = true;
            continue;
        }
        auto character = read_character(text, at);
        if (!character) return tl::unexpected(character.error());
        label += *character;
        if (label.size() > label_size_max)
            return tl::unexpected<std::string>("a label is longer than 63 characters");
    }
    if (!label.empty()) {
        result.wire += static_cast<char>(label.size());
        result.wire += label;
    }
    if (result.wire.size() + 1 > name_size_max)
        return tl::unexpected<std::string>("the name is longer than 255 bytes");
    return result;
}

using Starts = std::array<std::uint8_t, labels_max + 1>;

// Where each label starts, the root's last; returns the count without the root's.
std::size_t label_starts(std::span<const std::byte> wire, Starts& starts) {
    std::size_t count = 0, at = 0;
    while (wire[at] != std::byte{0}) {
        starts[count++] = static_cast<std::uint8_t>(at);
        at += std::to_integer<std::size_t>(wire[at]) + 1;
    }
    return count;
}

std::weak_ordering compare_labels(const std::byte* a, const std::byte* b) {
    const auto size_a = std::to_integer<std::size_t>(*a), size_b = std::to_integer<std::size_t>(*b);
    for (std::size_t i = 1; i <= std::min(size_a, size_b); ++i) {
        const auto x = lower1(std::to_integer<std::uint8_t>(a[i]));
        const auto y = lower1(std::to_integer<std::uint8_t>(b[i]));
        if (x != y) return x <=> y;
    }
    return size_a <=> size_b;
}

}  // namespace

std::weak_ordering compare_names(std::span<const std::byte> a, std::span<const std::byte> b) {
    Starts starts_a, starts_b;
    std::size_t left_a = label_starts(a, starts_a), left_b = label_starts(b, starts_b);
    while (left_a > 0 && left_b > 0) {
        const auto order =
            compare_labels(a.data() + starts_a[--left_a], b.data() + starts_b[--left_b]);
        if (order != 0) return order;
    }
    return left_a <=> left_b;
}

tl::expected<Name, std::string> Name::parse(std::string_view text) {
    if (text == ".") return Name();
    if (text.empty()) return tl::unexpected<std::string>("the name is empty");
    auto labels = read_labels(text);
    if (!labels) return tl::unexpected(labels.error());
    return Name(std::move(labels->wire) + '\0');
}

tl::expected<Name, std::string> Name::parse(std::string_view text, const Name& origin) {
    if (text == "@") return origin;
    if (text == ".") return Name();
    if (text.empty()) return tl::unexpected<std::string>("the name is empty");
    auto labels = read_labels(text);
    if (!labels) return tl::unexpected(labels.error());
    if (labels->absolute) return Name(std::move(labels->wire) + '\0');
    if (labels->wire.size() + origin.wire_.size() > name_size_max)
        return tl::unexpected("with its origin " + origin.text() +
                              " the name is longer than 255 bytes");
    return Name(std::move(labels->wire) + origin.wire_);
}

std::optional<Name> Name::from_wire(std::span<const std::byte> bytes) {
    std::size_t at = 0;
    for (;;) {
        if (at >= bytes.size()) return std::nullopt;
        const auto size = std::to_integer<std::size_t>(bytes[at]);
        if (size > label_size_max) return std::nullopt;
        at += size + 1;
        if (at > name_size_max) return std::nullopt;
        if (size == 0) break;
    }
    return Name(std::string(reinterpret_cast<const char*>(bytes.data()), at));
}

std::string Name::text() const {
    if (is_root()) return ".";
    std::string result;
    for (std::size_t at = 0; wire_[at] != 0;) {
        if (at != 0) result += '.';
        const std::size_t end = at + static_cast<std::uint8_t>(wire_[at]) + 1;
        for (++at; at < end; ++at) {
            const auto c = static_cast<unsigned char>(wire_[at]);
            if (c <= ' ' || c >= 0x7f) {
                result += '\\';
                result += static_cast<char>('0' + c / 100);
                result += static_cast<char>('0' + c / 10 % 10);
                result += static_cast<char>('0' + c % 10);
                continue;
            }
            if (std::string_view(".\\\"();@$").find(static_cast<char>(c)) != std::string_view::npos)
                result += '\\';
            result += static_cast<char>(c);
        }
    }
    return result;
}

std::size_t Name::labels() const {
    std::size_t count = 0;
    for (std::size_t at = 0; wire_[at] != 0; at += static_cast<std::uint8_t>(wire_[at]) + 1)
        ++count;
    return count;
}

Name Name::parent() const {
    return is_root() ? Name() : Name(wire_.substr(static_cast<std::uint8_t>(wire_[0]) + 1));
}

bool Name::under(const Name& ancestor) const {
    const std::size_t mine = labels(), other = ancestor.labels();
    if (mine < other) return false;
    std::size_t at = 0;
    for (std::size_t i = mine; i > other; --i) at += static_cast<std::uint8_t>(wire_[at]) + 1;
    const auto rest = wire().subspan(at);
    return rest.size() == ancestor.wire_.size() &&
           equal_names(rest.data(), ancestor.wire().data(), rest.size());
}

std::optional<Name> Name::with_label(std::string_view label) const {
    if (label.empty() || label.size() > label_size_max) return std::nullopt;
    if (label.size() + 1 + wire_.size() > name_size_max) return std::nullopt;
    std::string wire(1, static_cast<char>(label.size()));
    wire += label;
    return Name(wire + wire_);
}

Name Name::lowered() const {
    std::string wire = wire_;
    for (char& c : wire) c = static_cast<char>(lower1(static_cast<std::uint8_t>(c)));
    return Name(std::move(wire));
}

std::size_t Name::hash() const {
    return hash_name(wire());
}

bool operator==(const Name& a, const Name& b) {
    return a.wire_.size() == b.wire_.size() &&
           equal_names(a.wire().data(), b.wire().data(), a.wire_.size());
}

std::weak_ordering operator<=>(const Name& a, const Name& b) {
    return compare_names(a.wire(), b.wire());
}

}  // namespace zones

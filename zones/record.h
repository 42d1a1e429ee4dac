#pragma once
// Types, TTLs, rdata and RRsets as values: what changes are made of and what tools and tests read.
// A zone itself keeps its RRsets packed in wire form (node.h).

#include "zones/name.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace zones {

// The types that this server treats in some way of its own; all others pass as they are (RFC 3597).
enum class Type : std::uint16_t {
    a = 1,
    ns = 2,
    md = 3,
    mf = 4,
    cname = 5,
    soa = 6,
    mb = 7,
    mg = 8,
    mr = 9,
    ptr = 12,
    hinfo = 13,
    minfo = 14,
    mx = 15,
    txt = 16,
    sig = 24,
    aaaa = 28,
    srv = 33,
    dname = 39,
    opt = 41,
    ds = 43,
    rrsig = 46,
    nsec = 47,
    dnskey = 48,
    svcb = 64,
    https = 65,
    tkey = 249,
    tsig = 250,
    ixfr = 251,
    axfr = 252,
    mailb = 253,
    maila = 254,
    any = 255,
    caa = 257,
};

// "A", "TYPE65280" (RFC 3597 §5).
std::string type_text(Type type);
// Case-blind; nullopt when the word is no type that we know by name and not TYPEnnn.
std::optional<Type> parse_type(std::string_view text);
// Types that stand in questions or in the message itself, never in a zone (RFC 6895 §3.1).
bool is_meta(Type type);

enum class Class : std::uint16_t { in = 1, ch = 3, hs = 4, none = 254, any = 255 };

struct Ttl {
    static constexpr std::uint32_t seconds_max = 0x7fff'ffff;  // RFC 2181 §8
    std::uint32_t seconds = 0;
    friend auto operator<=>(const Ttl&, const Ttl&) = default;
};

// A record or an RRset longer than this would not fit into any DNS message (65535 bytes) together
// with its question, an SOA, an OPT and a TSIG record.
inline constexpr std::size_t rrset_size_max = 65535 - 1536;

// The data of one record in wire form; names in it are uncompressed.
class Rdata {
public:
    Rdata() = default;
    explicit Rdata(std::span<const std::byte> bytes) : bytes_(bytes.begin(), bytes.end()) {}

    std::span<const std::byte> bytes() const { return bytes_; }
    friend bool operator==(const Rdata&, const Rdata&) = default;
    // RFC 4034 §6.3: as left-justified octets.
    friend std::strong_ordering operator<=>(const Rdata& a, const Rdata& b) {
        return std::lexicographical_compare_three_way(
            a.bytes_.begin(), a.bytes_.end(), b.bytes_.begin(), b.bytes_.end(),
            [](std::byte x, std::byte y) {
                return std::to_integer<int>(x) <=> std::to_integer<int>(y);
            });
    }

private:
    std::vector<std::byte> bytes_;
};

Rdata a_rdata(std::span<const std::uint8_t, 4> address);
Rdata aaaa_rdata(std::span<const std::uint8_t, 16> address);
Rdata name_rdata(const Name& name);  // NS, CNAME, PTR, DNAME
// TXT from strings; each is cut to 255 bytes.
Rdata txt_rdata(std::span<const std::string> strings);

struct Soa {
    Name primary, mailbox;
    std::uint32_t serial = 0, refresh = 0, retry = 0, expire = 0, minimum = 0;
    static std::optional<Soa> read(std::span<const std::byte> rdata);
    Rdata rdata() const;
};

struct RRset {
    Name owner;
    Type type = Type::a;
    Ttl ttl;
    std::vector<Rdata> rdatas;
    friend bool operator==(const RRset&, const RRset&) = default;
};

// Where names stand in the rdata of a type: `skip` bytes, then `names` names, all uncompressed.
// `compressible` for the types of RFC 1035 alone (RFC 3597 §4). Types without names have none.
struct RdataShape {
    std::uint8_t skip = 0;
    std::uint8_t names = 0;
    bool compressible = false;
};
constexpr RdataShape shape_of(Type type) {
    switch (type) {
        case Type::ns:
        case Type::md:
        case Type::mf:
        case Type::cname:
        case Type::mb:
        case Type::mg:
        case Type::mr:
        case Type::ptr:
            return {0, 1, true};
        case Type::soa:
        case Type::minfo:
            return {0, 2, true};
        case Type::mx:
            return {2, 1, true};
        case Type::srv:
            return {6, 1, false};
        case Type::dname:
            return {0, 1, false};
        default:
            return {};
    }
}
struct ByteRange {
    std::size_t begin = 0, end = 0;
    constexpr bool holds(std::size_t at) const { return at >= begin && at < end; }
};
// Where the names stand in well-formed data, one behind the other; empty when there are none.
ByteRange names_in(Type type, std::span<const std::byte> rdata);
// Whether `rdata` has the form that the server relies on when it answers: whole names where
// shape_of() says, the exact length of A, AAAA and SOA, nothing empty where something must be.
bool well_formed(Type type, std::span<const std::byte> rdata);

}  // namespace zones

#include "zones/record.h"

#include "zones/node.h"
#include "zones/words.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

namespace zones {

namespace {

// Mnemonics of the IANA registry that may stand in a zone or a question.
constexpr std::pair<std::string_view, std::uint16_t> mnemonics[] = {
    {"A", 1},           {"NS", 2},       {"MD", 3},        {"MF", 4},       {"CNAME", 5},
    {"SOA", 6},         {"MB", 7},       {"MG", 8},        {"MR", 9},       {"NULL", 10},
    {"WKS", 11},        {"PTR", 12},     {"HINFO", 13},    {"MINFO", 14},   {"MX", 15},
    {"TXT", 16},        {"RP", 17},      {"AFSDB", 18},    {"X25", 19},     {"ISDN", 20},
    {"RT", 21},         {"NSAP", 22},    {"NSAP-PTR", 23}, {"SIG", 24},     {"KEY", 25},
    {"PX", 26},         {"GPOS", 27},    {"AAAA", 28},     {"LOC", 29},     {"NXT", 30},
    {"EID", 31},        {"NIMLOC", 32},  {"SRV", 33},      {"ATMA", 34},    {"NAPTR", 35},
    {"KX", 36},         {"CERT", 37},    {"A6", 38},       {"DNAME", 39},   {"SINK", 40},
    {"OPT", 41},        {"APL", 42},     {"DS", 43},       {"SSHFP", 44},   {"IPSECKEY", 45},
    {"RRSIG", 46},      {"NSEC", 47},    {"DNSKEY", 48},   {"DHCID", 49},   {"NSEC3", 50},
    {"NSEC3PARAM", 51}, {"TLSA", 52},    {"SMIMEA", 53},   {"HIP", 55},     {"NINFO", 56},
    {"RKEY", 57},       {"TALINK", 58},  {"CDS", 59},      {"CDNSKEY", 60}, {"OPENPGPKEY", 61},
    {"CSYNC", 62},      {"ZONEMD", 63},  {"SVCB", 64},     {"HTTPS", 65},   {"DSYNC", 66},
    {"HHIT", 67},       {"BRID", 68},    {"SPF", 99},      {"UINFO", 100},  {"UID", 101},
    {"GID", 102},       {"UNSPEC", 103}, {"NID", 104},     {"L32", 105},    {"L64", 106},
    {"LP", 107},        {"EUI48", 108},  {"EUI64", 109},   {"TKEY", 249},   {"TSIG", 250},
    {"IXFR", 251},      {"AXFR", 252},   {"MAILB", 253},   {"MAILA", 254},  {"ANY", 255},
    {"URI", 256},       {"CAA", 257},    {"AVC", 258},     {"DOA", 259},    {"AMTRELAY", 260},
    {"RESINFO", 261},   {"WALLET", 262}, {"CLA", 263},     {"IPN", 264},    {"TA", 32768},
    {"DLV", 32769},
};

void append(std::vector<std::byte>& to, std::span<const std::byte> some) {
    to.insert(to.end(), some.begin(), some.end());
}

void append32(std::vector<std::byte>& to, std::uint32_t value) {
    std::byte bytes[4];
    store32(bytes, value);
    append(to, bytes);
}

// First byte behind the uncompressed name at `at`; nullopt when there is none.
std::optional<std::size_t> behind_name(std::span<const std::byte> rdata, std::size_t at) {
    if (at > rdata.size()) return std::nullopt;
    const auto name = Name::from_wire(rdata.subspan(at));
    if (!name) return std::nullopt;
    return at + name->wire().size();
}

}  // namespace

std::string type_text(Type type) {
    const auto value = static_cast<std::uint16_t>(type);
    for (const auto& [word, number] : mnemonics)
        if (number == value) return std::string(word);
    return "TYPE" + std::to_string(value);
}

std::optional<Type> parse_type(std::string_view text) {
    for (const auto& [word, number] : mnemonics)
        if (equal_words(text, word)) return static_cast<Type>(number);
    if (text.size() < 5 || !equal_words(text.substr(0, 4), "TYPE")) return std::nullopt;
    std::uint16_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + 4, end, value);
    if (error != std::errc() || stop != end) return std::nullopt;
    return static_cast<Type>(value);
}

bool is_meta(Type type) {
    const auto value = static_cast<std::uint16_t>(type);
    return value == 0 || type == Type::opt || (value >= 128 && value <= 255);
}

Rdata a_rdata(std::span<const std::uint8_t, 4> address) {
    return Rdata(std::as_bytes(address));
}
Rdata aaaa_rdata(std::span<const std::uint8_t, 16> address) {
    return Rdata(std::as_bytes(address));
}
Rdata name_rdata(const Name& name) {
    return Rdata(name.wire());
}

Rdata txt_rdata(std::span<const std::string> strings) {
    std::vector<std::byte> bytes;
    for (const std::string& string : strings) {
        const std::size_t size = std::min<std::size_t>(string.size(), 255);
        bytes.push_back(static_cast<std::byte>(size));
        append(bytes, std::as_bytes(std::span(string.data(), size)));
    }
    return Rdata(bytes);
}

std::optional<Soa> Soa::read(std::span<const std::byte> rdata) {
    if (!well_formed(Type::soa, rdata)) return std::nullopt;
    Soa soa;
    soa.primary = *Name::from_wire(rdata);
    soa.mailbox = *Name::from_wire(rdata.subspan(soa.primary.wire().size()));
    const std::byte* const numbers = rdata.data() + rdata.size() - 20;
    soa.serial = load32(numbers);
    soa.refresh = load32(numbers + 4);
    soa.retry = load32(numbers + 8);
    soa.expire = load32(numbers + 12);
    soa.minimum = load32(numbers + 16);
    return soa;
}

Rdata Soa::rdata() const {
    std::vector<std::byte> bytes;
    append(bytes, primary.wire());
    append(bytes, mailbox.wire());
    for (const std::uint32_t number : {serial, refresh, retry, expire, minimum})
        append32(bytes, number);
    return Rdata(bytes);
}

ByteRange names_in(Type type, std::span<const std::byte> rdata) {
    const RdataShape shape = shape_of(type);
    std::size_t end = shape.skip;
    for (unsigned i = 0; i < shape.names && end < rdata.size(); ++i) {
        while (end < rdata.size() && rdata[end] != std::byte{0})
            end += std::to_integer<std::size_t>(rdata[end]) + 1;
        ++end;  // the root's own zero
    }
    return {std::min<std::size_t>(shape.skip, rdata.size()), std::min(end, rdata.size())};
}

bool well_formed(Type type, std::span<const std::byte> rdata) {
    if (rdata.size() > rrset_size_max - record_head) return false;
    switch (type) {
        case Type::a:
            return rdata.size() == 4;
        case Type::aaaa:
            return rdata.size() == 16;
        case Type::txt: {
            if (rdata.empty()) return false;
            std::size_t at = 0;
            while (at < rdata.size()) at += std::to_integer<std::size_t>(rdata[at]) + 1;
            return at == rdata.size();
        }
        default:
            break;
    }
    const RdataShape shape = shape_of(type);
    if (shape.names == 0) return true;
    std::optional<std::size_t> at = shape.skip;
    for (unsigned i = 0; i < shape.names && at; ++i) at = behind_name(rdata, *at);
    if (!at) return false;
    return rdata.size() - *at == (type == Type::soa ? 20U : 0U);
}

}  // namespace zones

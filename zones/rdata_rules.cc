#include "zones/rdata_rules.h"

#include "zones/node.h"
#include "zones/words.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>

#include <arpa/inet.h>

#include "zones/ldns.h"

namespace zones {

namespace {

constexpr Type type_wks{11}, type_x25{19}, type_nsap{22}, type_loc{29}, type_apl{42},
    type_sshfp{44}, type_ipseckey{45}, type_nsec3{50}, type_cds{59}, type_csync{62},
    type_zonemd{63}, type_dlv{32769};

using Words = std::span<const std::string_view>;
using Bytes = std::span<const std::byte>;

unsigned number(std::byte b) {
    return std::to_integer<unsigned>(b);
}

template <class Number>
std::optional<Number> whole_number(std::string_view text) {
    Number value{};
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    return error == std::errc() && stop == end ? std::optional(value) : std::nullopt;
}

std::optional<unsigned> hex_digit(char c) {
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    const auto lower = static_cast<unsigned>(c | 0x20);
    if (lower >= 'a' && lower <= 'f') return lower - 'a' + 10;
    return std::nullopt;
}

// The largest number that a field can hold; 0 for fields that are no numbers.
std::uint64_t most_of(ldns_rdf_type field) {
    switch (field) {
        case LDNS_RDF_TYPE_INT8:
        case LDNS_RDF_TYPE_ALG:
        case LDNS_RDF_TYPE_CERTIFICATE_USAGE:
        case LDNS_RDF_TYPE_SELECTOR:
        case LDNS_RDF_TYPE_MATCHING_TYPE:
            return 0xff;
        case LDNS_RDF_TYPE_INT16:
        case LDNS_RDF_TYPE_CERT_ALG:
            return 0xffff;
        case LDNS_RDF_TYPE_INT32:
        case LDNS_RDF_TYPE_PERIOD:
            return 0xffff'ffff;
        default:
            return 0;
    }
}

// Too large a number wraps in ldns: 65546 would be a preference of 10. Half a byte of hex is filled
// up with a zero. Words that are no plain numbers are left to it.
std::string wrong_fields(Type type, Words words) {
    const ldns_rr_descriptor* about = ldns_rr_descript(static_cast<std::uint16_t>(type));
    for (std::size_t i = 0; i < std::min<std::size_t>(words.size(), about->_maximum); ++i) {
        const ldns_rdf_type field = ldns_rr_descriptor_field_type(about, i);
        if (const std::uint64_t most = most_of(field); most != 0) {
            const auto value = read_ttl(words[i]);
            if (value && *value > most)
                return std::string(words[i]) + " is above " + std::to_string(most);
        }
        if (field != LDNS_RDF_TYPE_HEX) continue;
        std::size_t digits = 0;
        for (const std::string_view word : words.subspan(i)) digits += word.size();
        if (digits % 2 != 0) return "an odd number of hex digits";
        return {};
    }
    return {};
}

// RFC 1876 §3: degrees, minutes and seconds of both ways, then the altitude at least.
std::string wrong_loc(Words words) {
    std::size_t at = 0;
    for (const auto& [most, ways] :
         {std::pair<unsigned, std::string_view>{90, "NSns"}, {180, "EWew"}}) {
        double place = 0, scale = 1;
        std::size_t fields = 0;
        while (at < words.size() && fields < 3 && words[at].size() > 0 && words[at][0] >= '0' &&
               words[at][0] <= '9') {
            const auto value = whole_number<double>(words[at]);
            if (!value || (fields > 0 && *value >= 60)) return "minutes and seconds are below 60";
            place += *value / scale;
            scale *= 60;
            ++fields;
            ++at;
        }
        const bool way = at < words.size() && words[at].size() == 1 &&
                         ways.find(words[at][0]) != std::string_view::npos;
        if (fields == 0 || !way) return "as in 52 22 23.000 N 4 53 32.000 E 2.00m";
        if (place > most) return "a place beyond " + std::to_string(most) + " degrees";
        ++at;
    }
    if (at == words.size()) return "the altitude is missing";
    return {};
}

bool is_base64(Words words) {
    std::size_t digits = 0;
    bool padded = false;
    for (const std::string_view word : words)
        for (const char c : word) {
            const bool digit = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
                               c == '+' || c == '/';
            if (c != '=' && (!digit || padded)) return false;
            padded = c == '=';
            ++digits;
        }
    return digits % 4 == 0;
}

// RFC 4025 §3. What ldns refuses of these data it does not free.
std::string wrong_ipseckey(Words words) {
    if (words.size() < 4) return "as in 10 1 2 192.0.2.38 AQAB";
    const auto kind = whole_number<std::uint8_t>(words[1]);
    if (!whole_number<std::uint8_t>(words[0]) || !kind || *kind > 3 ||
        !whole_number<std::uint8_t>(words[2]))
        return "precedence, kind of gateway (0 to 3) and algorithm are numbers";
    const std::string gateway(words[3].substr(0, 1024));
    std::array<std::byte, 16> address{};
    const bool good = *kind == 0   ? gateway == "."
                      : *kind == 1 ? inet_pton(AF_INET, gateway.c_str(), address.data()) == 1
                      : *kind == 2 ? inet_pton(AF_INET6, gateway.c_str(), address.data()) == 1
                                   : Name::parse(gateway, Name::root()).has_value();
    if (!good) return "the gateway is not of its kind";
    return is_base64(words.subspan(4)) ? "" : "the key is no base 64";
}

// A port that wraps, as other numbers do; everything else of a parameter ldns judges.
std::string wrong_port(Words words) {
    constexpr std::string_view key = "port=";
    for (std::string_view word : words) {
        if (!word.starts_with(key)) continue;
        word.remove_prefix(key.size());
        if (word.size() > 1 && word.front() == '"') word = word.substr(1, word.size() - 2);
        const auto port = whole_number<std::uint32_t>(word);
        if (!port || *port > 0xffff) return "a port is a number up to 65535";
    }
    return {};
}

// RFC 9460 §2.2, §8: keys rise, and those that are mandatory are there.
std::string wrong_parameters(Bytes rdata) {
    std::size_t at = 2 + Name::from_wire(rdata.subspan(2))->wire().size();
    std::vector<unsigned> keys;
    Bytes mandatory;
    while (at < rdata.size()) {
        if (rdata.size() - at < 4) return "the data is incomplete";
        const unsigned key = load16(&rdata[at]);
        const std::size_t size = load16(&rdata[at + 2]);
        if (rdata.size() - at - 4 < size) return "the data is incomplete";
        if (!keys.empty() && key == keys.back()) return "a parameter is there twice";
        if (!keys.empty() && key < keys.back()) return "the keys of parameters must rise";
        if (key == 0) mandatory = rdata.subspan(at + 4, size);
        keys.push_back(key);
        at += 4 + size;
    }
    for (std::size_t i = 0; i + 2 <= mandatory.size(); i += 2) {
        const unsigned key = load16(&mandatory[i]);
        if (key == 0 || !std::binary_search(keys.begin(), keys.end(), key))
            return "a mandatory parameter is not there";
    }
    return {};
}

// RFC 3123 §4.
std::string wrong_prefixes(Bytes rdata) {
    for (std::size_t at = 0; at < rdata.size();) {
        if (rdata.size() - at < 4) return "the data is incomplete";
        const unsigned family = load16(&rdata[at]), bits = number(rdata[at + 2]),
                       size = number(rdata[at + 3]) & 0x7f;
        if ((family == 1 && (bits > 32 || size > 4)) || (family == 2 && (bits > 128 || size > 16)))
            return "a prefix is longer than its address";
        if (rdata.size() - at - 4 < size) return "the data is incomplete";
        at += 4 + size;
    }
    return {};
}

// The first block of a bitmap of types (RFC 4034 §4.1.2): ldns takes an unknown word for type 0.
bool has_type_0(Bytes bitmap) {
    return bitmap.size() > 2 && number(bitmap[0]) == 0 && (number(bitmap[2]) & 0x80) != 0;
}
std::string wrong_types(Type type, Bytes rdata) {
    std::size_t at = 0;
    if (type == Type::nsec) {
        const auto next = Name::from_wire(rdata);
        if (!next) return "the data is incomplete";
        at = next->wire().size();
    } else if (type == type_csync) {
        at = 6;
    } else {
        if (rdata.size() < 6) return "the data is incomplete";
        at = 5 + number(rdata[4]);
        if (at >= rdata.size()) return "the data is incomplete";
        at += 1 + number(rdata[at]);
    }
    if (at > rdata.size()) return "the data is incomplete";
    return has_type_0(rdata.subspan(at)) ? "an unknown type in the list" : "";
}

// The length of a hash follows from its kind (RFC 4034 §5.1.3, RFC 4509, RFC 6605; RFC 4255 §3.1.2,
// RFC 6594); a digest of a zone has 12 bytes or more (RFC 8976 §2.2.4).
std::string wrong_digest(std::size_t head, std::size_t wanted, Bytes rdata) {
    if (rdata.size() <= head) return "the data is incomplete";
    if (wanted == 0 || rdata.size() - head == wanted) return {};
    return "this kind of digest has " + std::to_string(wanted) + " bytes, not " +
           std::to_string(rdata.size() - head);
}
std::string wrong_digest(Type type, Bytes rdata) {
    const auto at = [&](std::size_t i) { return i < rdata.size() ? number(rdata[i]) : 0; };
    const bool zonemd = type == type_zonemd;
    if (zonemd) return rdata.size() < 6 + 12 ? "a digest has 12 bytes or more" : "";
    if (type == type_sshfp) return wrong_digest(2, at(1) == 1 ? 20 : at(1) == 2 ? 32 : 0, rdata);
    const std::size_t wanted = at(3) == 1 ? 20 : at(3) == 2 ? 32 : at(3) == 4 ? 48 : 0;
    return wrong_digest(4, wanted, rdata);
}

}  // namespace

bool is_generic(Words words) {
    return !words.empty() && words.front() == "\\#";
}

tl::expected<std::vector<std::byte>, std::string> generic_data(Words words) {
    const auto size = words.size() < 2 ? std::nullopt : whole_number<std::uint16_t>(words[1]);
    if (!size) return tl::unexpected<std::string>("\\# takes a length up to 65535, and hex digits");
    std::vector<std::byte> bytes;
    std::size_t digits = 0;
    for (const std::string_view word : words.subspan(2))
        for (const char c : word) {
            const auto digit = hex_digit(c);
            if (!digit)
                return tl::unexpected<std::string>("behind \\# LENGTH come hex digits only");
            if (digits++ % 2 == 0)
                bytes.push_back(static_cast<std::byte>(*digit << 4));
            else
                bytes.back() |= static_cast<std::byte>(*digit);
            if (bytes.size() > *size) break;
        }
    if (digits != std::size_t{*size} * 2)
        return tl::unexpected("\\# says " + std::to_string(*size) + " bytes, the digits are of " +
                              (digits > std::size_t{*size} * 2 ? "more" : "fewer"));
    return bytes;
}

// RFC 1035 §3.4.2. ldns asks the system for each service, which opens a file each time; the names
// here are those that RFC 1010 had when there was a use for the type.
tl::expected<std::vector<std::byte>, std::string> wks_data(Words words) {
    constexpr std::pair<std::string_view, unsigned> known[] = {
        {"FTP", 21},       {"SSH", 22},     {"TELNET", 23},     {"SMTP", 25},  {"TIME", 37},
        {"WHOIS", 43},     {"NICNAME", 43}, {"DOMAIN", 53},     {"TFTP", 69},  {"GOPHER", 70},
        {"FINGER", 79},    {"HTTP", 80},    {"HOSTNAMES", 101}, {"POP3", 110}, {"SUNRPC", 111},
        {"NNTP", 119},     {"NTP", 123},    {"IMAP", 143},      {"SNMP", 161}, {"HTTPS", 443},
        {"NAMESERVER", 42}};
    std::vector<std::byte> bytes(5);
    const std::string address(words[0].substr(0, 64));
    if (inet_pton(AF_INET, address.c_str(), bytes.data()) != 1)
        return tl::unexpected<std::string>("a WKS record begins with an IPv4 address");
    std::optional<unsigned> protocol;
    if (words.size() > 1)
        protocol = equal_words(words[1], "TCP")   ? 6
                   : equal_words(words[1], "UDP") ? 17
                                                  : whole_number<std::uint8_t>(words[1]);
    if (!protocol)
        return tl::unexpected<std::string>("behind the address comes a protocol, as in TCP");
    bytes[4] = static_cast<std::byte>(*protocol);
    for (const std::string_view word : words.subspan(2)) {
        std::optional<unsigned> port = whole_number<std::uint16_t>(word);
        for (const auto& [name, at] : known)
            if (equal_words(word, name)) port = at;
        if (!port)
            return tl::unexpected("unknown service '" + std::string(word.substr(0, 60)) +
                                  "': write its port");
        bytes.resize(std::max<std::size_t>(bytes.size(), 5 + *port / 8 + 1));
        bytes[5 + *port / 8] |= static_cast<std::byte>(0x80 >> *port % 8);
    }
    return bytes;
}

std::string wrong_words(Type type, Words words) {
    if (std::string wrong = wrong_fields(type, words); !wrong.empty()) return wrong;
    if (type == type_loc) return wrong_loc(words);
    if (type == type_ipseckey) return wrong_ipseckey(words);
    if (type == Type::svcb || type == Type::https) return wrong_port(words);
    if (type == type_nsap) {
        const auto digits = static_cast<std::size_t>(
            std::count_if(words[0].begin(), words[0].end(), [](char c) { return c != '.'; }));
        return digits % 2 != 0 ? "an odd number of hex digits" : "";
    }
    return {};
}

std::string wrong_data(Type type, Bytes rdata) {
    switch (static_cast<unsigned>(type)) {
        case static_cast<unsigned>(Type::svcb):
        case static_cast<unsigned>(Type::https):
            if (rdata.size() < 3 || !Name::from_wire(rdata.subspan(2)))
                return "the data is incomplete";
            return wrong_parameters(rdata);
        case static_cast<unsigned>(Type::ds):
        case static_cast<unsigned>(type_cds):
        case static_cast<unsigned>(type_dlv):
        case static_cast<unsigned>(type_sshfp):
        case static_cast<unsigned>(type_zonemd):
            return wrong_digest(type, rdata);
        case static_cast<unsigned>(Type::nsec):
        case static_cast<unsigned>(type_nsec3):
        case static_cast<unsigned>(type_csync):
            return wrong_types(type, rdata);
        case static_cast<unsigned>(Type::rrsig):
            return rdata.size() < 18 || load16(rdata.data()) == 0 ? "an unknown type is signed"
                                                                  : "";
        case static_cast<unsigned>(type_apl):
            return wrong_prefixes(rdata);
        case static_cast<unsigned>(Type::caa):
            // RFC 8659 §4.1: flags, then a tag of 1 to 15 letters and digits.
            return rdata.size() < 3 || number(rdata[1]) == 0 || rdata.size() < 2 + number(rdata[1])
                       ? "a CAA record has flags, a tag and a value"
                       : "";
        case static_cast<unsigned>(type_x25):
            return rdata.size() < 5 ? "an X.121 number has four digits or more" : "";
        case static_cast<unsigned>(type_wks):
            return rdata.size() < 5 ? "the data is incomplete" : "";
        default:
            return {};
    }
}

}  // namespace zones

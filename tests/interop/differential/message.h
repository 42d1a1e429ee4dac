#pragma once
// Responses read by a reader of the test's own: one that shares no line with the server under test
// can not share its faults.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace differential {

struct Record {
    std::string owner;  // wire form, uncompressed, as spelt
    std::uint16_t type = 0;
    std::uint16_t rclass = 0;
    std::uint32_t ttl = 0;
    std::string rdata;    // names in it uncompressed
    std::size_t end = 0;  // where it ends in the message
};

struct Message {
    std::uint16_t id = 0;
    std::uint16_t flags = 0;  // the second word of the header, with the low four bits of the rcode
    unsigned rcode = 0;       // with the upper bits of an OPT record
    std::string question;     // name, type and class as they came
    std::vector<Record> answer, authority, additional;  // without OPT
    bool has_opt = false;
    std::uint16_t udp_size = 0;  // these three of an OPT record
    unsigned edns_version = 0;
    std::uint16_t edns_flags = 0;
    std::size_t size = 0;

    bool truncated() const { return (flags & 0x0200) != 0; }
};

// nullopt: not a well-formed message, and `why` says what is wrong with it.
std::optional<Message> read_message(const std::string& bytes, std::string& why);

// `rdata` with the names in it in lower case, for types that have any.
std::string canonical_rdata(std::uint16_t type, const std::string& rdata);
// The name that stands in the data of NS, CNAME, DNAME, MX, SRV, SVCB and HTTPS; wire form.
std::optional<std::string> target_of(const Record& record);

std::string type_name(std::uint16_t type);
std::string rcode_name(unsigned rcode);
// "name ttl type data", for people.
std::string text(const Record& record);

namespace type {
inline constexpr std::uint16_t a = 1, ns = 2, cname = 5, soa = 6, ptr = 12, hinfo = 13, mx = 15,
                               txt = 16, rp = 17, afsdb = 18, aaaa = 28, loc = 29, srv = 33,
                               naptr = 35, kx = 36, cert = 37, dname = 39, opt = 41, ds = 43,
                               sshfp = 44, rrsig = 46, nsec = 47, dnskey = 48, tlsa = 52, svcb = 64,
                               https = 65, spf = 99, tsig = 250, ixfr = 251, axfr = 252,
                               mailb = 253, maila = 254, any = 255, uri = 256, caa = 257;
}

}  // namespace differential

#pragma once
// Zones from text, questions and answers as text: what the tests of zones/ share.

#include "tests/random.h"
#include "zones/respond.h"
#include "zones/soa_query.h"
#include "zones/zone_text.h"
#include "zones/zonefile.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace zones::testing {

using Bytes = std::vector<std::byte>;
using Lines = std::vector<std::string>;

Name name(std::string_view text);
// Loads `text` as the file "zone"; other files by name from `files`.
Loaded load(std::string_view origin, const std::string& text,
            const std::map<std::string, std::string>& files = {});
// A zone that must load. An SOA and NS come in front unless the text has an SOA.
std::shared_ptr<const Zone> zone(std::string_view origin, const std::string& text);
Catalog catalog(const std::vector<std::shared_ptr<const Zone>>& zones);
Lines texts(const std::vector<Mistake>& mistakes);  // "3:1: error: what", without file and hint

struct Asking {
    Type type = Type::a;
    std::uint16_t qclass = 1;
    int edns = -1;  // UDP size; none when negative
    bool dnssec_ok = false;
    bool recursion_desired = false;
    std::uint8_t opcode = 0;
    std::uint64_t rotation = 0;
    Peer::Transport transport = Peer::Transport::udp;
    std::string peer = "192.0.2.53";
    std::uint64_t now_seconds = 0;
    std::uint16_t tcp_idle_ds = 0;
};
Bytes query(std::string_view qname, const Asking& asking = {});
void append_opt(Bytes& message, std::uint16_t udp_size, bool dnssec_ok = false,
                std::uint8_t version = 0);
// Adds an EDNS option to the OPT record that ends `message`.
void append_option(Bytes& message, std::uint16_t code, const Bytes& data);
// A question for www.example with one option.
Bytes query_with_option(std::uint16_t code, const Bytes& data);
Peer peer(const Asking& asking);
Bytes reply_to(const Catalog& catalog, const Bytes& request, const Asking& asking = {});
// What came back must be a whole, well-formed response.
Answer ask(const Catalog& catalog, std::string_view qname, const Asking& asking = {});
Answer ask(const Catalog& catalog, std::string_view qname, Type type);

// The OPT record of a response, as it stands there.
struct OptSeen {
    std::uint16_t rcode = 0;  // with the header's bits
    std::uint16_t udp_size = 0;
    std::uint8_t version = 0;
    std::uint16_t flags = 0;
    std::vector<std::pair<std::uint16_t, Bytes>> options;

    const Bytes* option(std::uint16_t code) const;  // null when it is not there, or there twice
};
std::optional<OptSeen> opt_of(const Bytes& response);

// "www.example 300 A 192.0.2.1"; one line a record, in the order of the message.
Lines lines(const std::vector<RRset>& section);
std::uint16_t flags_of(const Bytes& message);
std::uint16_t rcode_of(const Bytes& message);  // of the header
Bytes bytes(std::initializer_list<int> values);
Bytes hex(std::string_view digits);
std::string hex_text(std::span<const std::byte> bytes);

class Random : public tests::SplitMix64 {
public:
    using SplitMix64::SplitMix64;
    std::size_t below(std::size_t bound) { return next() % bound; }
};

// The zone `example` alone.
inline Catalog example(const std::string& text = "www A 192.0.2.1\n") {
    return catalog({zone("example", text)});
}

}  // namespace zones::testing

template <>
struct doctest::StringMaker<zones::testing::Lines> {
    static String convert(const zones::testing::Lines& lines) {
        std::string text;
        for (const std::string& line : lines) text += "\n    " + line;
        return text.c_str();
    }
};

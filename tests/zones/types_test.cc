// Every type that may stand in a master file: read, written and read again, and beside ldns.
#include "tests/zones/samples.h"
#include "tests/zones/support.h"
#include "zones/rdata_rules.h"
#include "zones/rdata_text.h"

#include <doctest/doctest.h>

#include <set>

#include "zones/ldns.h"

using namespace zones;
using namespace zones::testing;

namespace {

const std::string front = "$TTL 300\n@ NS ns.x.\n";
const std::string soa = "@ SOA ns.x. host.x. 1 3600 600 86400 60\n";

std::string zone_with(std::string_view data) {
    return data.starts_with("SOA") ? front + "@ " + std::string(data) + '\n'
                                   : front + soa + "x " + std::string(data) + '\n';
}

Type type_of(std::string_view data) {
    return *parse_type(data.substr(0, data.find(' ')));
}

std::optional<Rdata> read(std::string_view data, const std::shared_ptr<const Zone>& zone) {
    const auto rrset =
        zone->rrset(name(data.starts_with("SOA") ? "example" : "x.example"), type_of(data));
    return rrset ? std::optional(rrset->rdatas.at(0)) : std::nullopt;
}

// As ldns has it on the wire; nullopt when it cannot read the text.
std::optional<Rdata> by_ldns(std::string_view data) {
    const std::string line = "x.example. 300 IN " + std::string(data);
    const Name example = name("example");
    const auto origin = example.wire();
    const ldns::RdfHandle under(
        ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, origin.size(), origin.data()));
    ldns_rr* made = nullptr;
    const ldns_status status = ldns_rr_new_frm_str(&made, line.c_str(), 0, under.get(), nullptr);
    const ldns::RrHandle rr(made);
    if (status != LDNS_STATUS_OK) return std::nullopt;
    std::uint8_t* wire = nullptr;
    std::size_t size = 0;
    if (ldns_rr2wire(&wire, rr.get(), LDNS_SECTION_ANSWER, &size) != LDNS_STATUS_OK)
        return std::nullopt;
    const std::unique_ptr<std::uint8_t, decltype(&std::free)> holder(wire, &std::free);
    const std::size_t head = name("x.example").wire().size() + 10;
    return Rdata(std::as_bytes(std::span(wire + head, size - head)));
}

}  // namespace

TEST_CASE("data of every type are read, written and read again the same") {
    for (const std::string_view data : good_data) {
        CAPTURE(data);
        const Loaded loaded = load("example", zone_with(data));
        for (const Mistake& mistake : loaded.mistakes)
            CHECK_MESSAGE(mistake.severity == Mistake::warning, mistake.text());
        REQUIRE(loaded.zone != nullptr);
        REQUIRE(read(data, loaded.zone));
        const Loaded again = load("example", zone_text(*loaded.zone));
        REQUIRE(again.zone != nullptr);
        CHECK(read(data, again.zone) == read(data, loaded.zone));
        // RFC 3597 §5: the same bytes, said as of an unknown type.
        const Rdata rdata = *read(data, loaded.zone);
        const auto bytes = rdata.bytes();
        std::string hex;
        for (const std::byte b : bytes) {
            char digits[3];
            std::snprintf(digits, sizeof digits, "%02x", std::to_integer<unsigned>(b));
            hex += digits;
        }
        const auto type = std::to_string(static_cast<unsigned>(type_of(data)));
        const std::string owner = data.starts_with("SOA") ? "@" : "x";
        const Loaded generic =
            load("example", front + (owner == "x" ? soa : "") + owner + " TYPE" + type + " \\# " +
                                std::to_string(bytes.size()) + " " + hex + "\n");
        REQUIRE(generic.zone != nullptr);
        CHECK(read(data, generic.zone) == read(data, loaded.zone));
    }
}

TEST_CASE("where ldns reads a type's text, its bytes are ours") {
    std::size_t compared = 0;
    for (const std::string_view data : good_data) {
        // ldns reads NSAP-PTR as a string, though it is a name (RFC 1706 §6).
        if (data.starts_with("NSAP-PTR") || data.find("\\#") != std::string_view::npos) continue;
        CAPTURE(data);
        const auto theirs = by_ldns(data);
        if (!theirs) continue;
        ++compared;
        CHECK(read(data, load("example", zone_with(data)).zone) == theirs);
    }
    CHECK(compared > 60);
}

TEST_CASE("there is a sample of every type that ldns knows and a zone may hold") {
    std::set<Type> sampled;
    for (const std::string_view data : good_data) sampled.insert(type_of(data));
    for (unsigned number = 1; number < 65'536; ++number) {
        const ldns_rr_descriptor* about = ldns_rr_descript(static_cast<std::uint16_t>(number));
        const auto type = static_cast<Type>(number);
        if (about == nullptr || about->_type != number || is_meta(type)) continue;
        CAPTURE(number);
        // NSEC3 takes an owner of its own; MD and MF are refused.
        if (type == Type{50} || type == Type::md || type == Type::mf) continue;
        CHECK(sampled.contains(type));
        CHECK(type_text(type).substr(0, 4) != "TYPE");
    }
}

TEST_CASE("a hashed name has its NSEC3") {
    const std::string hash = "2T7B4G4VSA5SMI47K61MV5BV1A22BOJR";
    const Loaded loaded =
        load("example", front + soa + hash + " NSEC3 1 0 1 aa " + hash + " A RRSIG\n");
    REQUIRE(loaded.zone != nullptr);
    CHECK(zone_text(*loaded.zone).find("1 0 1 aa 2t7b4g4vsa5smi47k61mv5bv1a22bojr A RRSIG") !=
          std::string::npos);
}

TEST_CASE("data that are not what they seem are refused, not guessed at") {
    for (const std::string_view data : wrong_data_lines) {
        CAPTURE(data);
        const Loaded loaded = load("example", zone_with(data));
        CHECK(loaded.zone == nullptr);
        REQUIRE_FALSE(loaded.mistakes.empty());
        CHECK(loaded.mistakes.front().severity == Mistake::error);
        CHECK(loaded.mistakes.front().line > 0);
    }
}

TEST_CASE("a type that nobody here can read says how it is written") {
    const Loaded loaded = load("example", zone_with("DSYNC CDS NOTIFY 5300 x."));
    CHECK(loaded.mistakes.at(0).what ==
          "wrong DSYNC data 'CDS NOTIFY 5300 x.': of this type only the bytes are known: "
          "\\# LENGTH HEX (RFC 3597 §5)");
    CHECK(load("example", zone_with("DSYNC \\# 4 00010203")).zone != nullptr);
}

TEST_CASE("a wrapped or half number never becomes another one") {
    const auto what = [](std::string_view data) {
        return load("example", zone_with(data)).mistakes.at(0).what;
    };
    CHECK(what("MX 65536 host") == "wrong MX data '65536 host': 65536 is above 65535");
    CHECK(what("TLSA 3 1 1 0") == "wrong TLSA data '3 1 1 0': an odd number of hex digits");
    CHECK(what("NSEC x.example. NOPE") ==
          "wrong NSEC data 'x.example. NOPE': an unknown type in the list");
    CHECK(what("TYPE65280 \\# 2 00") ==
          "wrong TYPE65280 data '\\# 2 00': \\# says 2 bytes, the digits are of fewer");
    CHECK(what("SVCB 1 . port=1 port=2") ==
          "wrong SVCB data '1 . port=1 port=2': a parameter is there twice");
    CHECK(what("DS 1 8 1 00") ==
          "wrong DS data '1 8 1 00': this kind of digest has 20 bytes, not 1");
}

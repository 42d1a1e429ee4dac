// The writer of messages: whatever RRsets it is given, in whatever order and within whatever
// limit, the message holds each of them whole or not at all, and a reader gets back the very names
// and data that went in.
#include "tests/fuzz/check.h"
#include "tests/fuzz/input.h"
#include "zones/soa_query.h"
#include "zones/wire.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <vector>

#include "zones/ldns.h"

using namespace zones;

namespace {

using Bytes = std::vector<std::byte>;

// Names grow out of each other, so that compression has work.
Bytes made_name(fuzz::Input& input, const std::deque<Bytes>& known) {
    Bytes wire = known[input.below(known.size())];
    for (std::size_t labels = input.below(4); labels > 0; --labels) {
        const std::size_t length = 1 + input.below(input.below(8) == 0 ? label_size_max : 3);
        if (wire.size() + length + 1 > name_size_max) break;
        const auto given = input.bytes(length);
        Bytes label(length + 1, std::byte{'a'});
        label[0] = static_cast<std::byte>(length);
        std::copy(given.begin(), given.end(), label.begin() + 1);
        wire.insert(wire.begin(), label.begin(), label.end());
    }
    return wire;
}

Rdata made_rdata(fuzz::Input& input, Type type, const std::deque<Bytes>& known) {
    const RdataShape shape = shape_of(type);
    Bytes data;
    const auto append = [&](std::span<const std::byte> some) {
        data.insert(data.end(), some.begin(), some.end());
    };
    for (unsigned i = 0; i < shape.skip; ++i) data.push_back(static_cast<std::byte>(input.byte()));
    for (unsigned i = 0; i < shape.names; ++i) append(known[input.below(known.size())]);
    if (type == Type::soa) data.resize(data.size() + 20, std::byte{1});
    if (type == Type::a) data.resize(4, static_cast<std::byte>(input.byte()));
    if (type == Type::aaaa) data.resize(16, static_cast<std::byte>(input.byte()));
    if (type == Type::txt) {
        const std::size_t length = input.below(256);
        data.push_back(static_cast<std::byte>(length));
        data.resize(1 + length, static_cast<std::byte>(input.byte()));
    }
    FUZZ_CHECK(well_formed(type, data));
    return Rdata(data);
}

struct Written {
    Section section;
    RRset rrset;
};

bool same(const RRset& a, const RRset& b, Writer::Case spelling) {
    if (a.owner != b.owner || a.type != b.type || a.ttl != b.ttl) return false;
    if (a.rdatas.size() != b.rdatas.size()) return false;
    const auto owner_a = a.owner.wire(), owner_b = b.owner.wire();
    if (spelling == Writer::Case::exact &&
        !std::equal(owner_a.begin(), owner_a.end(), owner_b.begin(), owner_b.end()))
        return false;
    for (std::size_t i = 0; i < a.rdatas.size(); ++i) {
        const auto x = a.rdatas[i].bytes(), y = b.rdatas[i].bytes();
        const ByteRange names = names_in(a.type, x);
        if (x.size() != y.size()) return false;
        for (std::size_t at = 0; at < x.size(); ++at) {
            if (x[at] == y[at]) continue;
            if (spelling == Writer::Case::exact || !names.holds(at)) return false;
            if (lower1(std::to_integer<std::uint8_t>(x[at])) !=
                lower1(std::to_integer<std::uint8_t>(y[at])))
                return false;
        }
    }
    return true;
}

// One RRset a record, in the order of the message.
void flatten(const std::vector<RRset>& section, std::vector<RRset>& all) {
    for (const RRset& rrset : section)
        for (const Rdata& rdata : rrset.rdatas)
            all.push_back({rrset.owner, rrset.type, rrset.ttl, {rdata}});
}

void check_message(std::span<const std::byte> message, const std::vector<Written>& written,
                   Writer::Case spelling) {
    const auto answer = read_answer(message);
    FUZZ_CHECK(answer.has_value());
    std::vector<RRset> read, wrote;
    flatten(answer->answer, read);
    flatten(answer->authority, read);
    flatten(answer->additional, read);
    for (const Section section : {Section::answer, Section::authority, Section::additional})
        for (const Written& one : written)
            if (one.section == section) flatten({one.rrset}, wrote);
    FUZZ_CHECK(read.size() == wrote.size());
    for (std::size_t i = 0; i < read.size(); ++i) FUZZ_CHECK(same(wrote[i], read[i], spelling));

    ldns_pkt* packet = nullptr;
    FUZZ_CHECK(ldns_wire2pkt(&packet, reinterpret_cast<const std::uint8_t*>(message.data()),
                             message.size()) == LDNS_STATUS_OK);
    FUZZ_CHECK(std::size_t{ldns_pkt_ancount(packet)} + ldns_pkt_nscount(packet) +
                   ldns_pkt_arcount(packet) ==
               wrote.size());
    ldns_pkt_free(packet);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::array types{Type::a,     Type::aaaa,  Type::ns,  Type::cname,
                               Type::soa,   Type::mx,    Type::txt, Type::srv,
                               Type::dname, Type::minfo, Type::ptr, Type{65280}};
    constexpr std::size_t rrsets_max = 64;
    fuzz::Input input(data, size);
    const auto spelling = input.below(2) == 0 ? Writer::Case::any : Writer::Case::exact;
    const std::size_t limit = header_size + input.below(65536 - header_size);
    static Bytes out(65536);
    Writer writer(out, limit, spelling);
    writer.begin(7, Flag::qr);

    std::deque<Bytes> names{Bytes{std::byte{0}}};  // a deque: paths point into them
    std::vector<Written> written;
    auto section = Section::answer;
    for (std::size_t i = 0; i < rrsets_max && !input.empty(); ++i) {
        if (input.below(4) == 0 && section != Section::additional)
            section = static_cast<Section>(static_cast<int>(section) + 1);
        names.push_back(made_name(input, names));
        const Path owner(names.back());
        const Type type = types[input.below(types.size())];
        const Ttl ttl{static_cast<std::uint32_t>(input.byte())};
        RRset rrset{*Name::from_wire(names.back()), type, ttl, {}};
        for (std::size_t records = 1 + input.below(4); records > 0; --records)
            rrset.rdatas.push_back(made_rdata(input, type, names));
        // As in a zone, an owner has one RRset of a type: a reader would make one of two.
        if (std::any_of(written.begin(), written.end(), [&](const Written& before) {
                return before.rrset.owner == rrset.owner && before.rrset.type == type;
            }))
            continue;
        const Bytes packed = pack_rrset(type, ttl, rrset.rdatas);
        if (writer.rrset(section, owner, owner.depth(), RRsetView(packed.data())))
            written.push_back({section, std::move(rrset)});
    }
    const std::size_t length = writer.finish(0, Rcode::noerror);
    FUZZ_CHECK(length <= limit);
    check_message(std::span(out).first(length), written, spelling);
    return 0;
}

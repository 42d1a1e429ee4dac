// IXFR and what it stands on. A zone with a history is asked with any bytes behind the question;
// what comes back must be the SOA, the whole zone, or steps that lead from a version of the history
// to the newest, to the record. And any bytes are taken for a delta, or refused, by their own
// merit.
#include "tests/fuzz/check.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/zones.h"
#include "zones/condense.h"
#include "zones/difference.h"
#include "zones/respond.h"
#include "zones/soa_query.h"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

using namespace zones;

namespace {

using Records = std::set<std::string>;

std::string text_of(const RRset& rrset) {
    const auto wire = rrset.owner.wire();
    const auto rdata = rrset.rdatas.at(0).bytes();
    std::string text(reinterpret_cast<const char*>(wire.data()), wire.size());
    text += "/" + std::to_string(static_cast<int>(rrset.type)) + "/" +
            std::to_string(rrset.ttl.seconds) + "/";
    return text.append(reinterpret_cast<const char*>(rdata.data()), rdata.size());
}

Records records_of(const Zone& zone) {
    Records records;
    Zone::Cursor cursor;
    while (const Node* node = zone.next(cursor))
        for (const RRset& rrset : zone.rrsets(*Name::from_wire(node->name())))
            for (const Rdata& rdata : rrset.rdatas)
                records.insert(text_of({rrset.owner, rrset.type, rrset.ttl, {rdata}}));
    return records;
}

// Versions with serials 1, 2, … of a zone with all that a delta can hold; its last file is new.
struct Served {
    std::shared_ptr<const Catalog> catalog;
    std::map<std::uint32_t, Records> versions;
    std::shared_ptr<const Zone> newest;
};

Served serve() {
    const std::string text =
        "www A 192.0.2.1\nwww A 192.0.2.2\nWww TXT x\nmail MX 10 www\na.b.c A 192.0.2.3\n"
        "alias CNAME www\n*.w A 192.0.2.4\nsub NS ns.sub\nns.sub A 192.0.2.5\n"
        "big TXT " +
        std::string(240, 'y') + "\n";
    const auto file = [&](std::uint32_t serial, const std::string& more) {
        return fuzz::zone("example", "$TTL 300\n@ SOA ns h " + std::to_string(serial) +
                                         " 1 1 1 1\n@ NS ns\nns A 192.0.2.9\n" + text + more);
    };
    Served served;
    auto now = file(1, "");
    History history(now);
    const auto put = [&](std::shared_ptr<const Zone> next) {
        history = history.advance(next);
        now = std::move(next);
        served.versions[now->serial().value()] = records_of(*now);
    };
    served.versions[1] = records_of(*now);
    for (std::uint8_t i = 0; i < 6; ++i) {
        const std::array<std::uint8_t, 4> address{192, 0, 2, i};
        const std::vector<Zone::Change> changes{
            {fuzz::name("www.example"), Type::a, Ttl{5}, {a_rdata(address)}},
            {fuzz::name("n" + std::to_string(i) + ".x.example"),
             Type::a,
             Ttl{5},
             {a_rdata(address)}},
            {fuzz::name("n" + std::to_string(i - 1) + ".x.example"), Type::a, Ttl{5}, {}}};
        put(now->with(changes, now->serial().next()).value());
    }
    put(file(9, "new TXT file\n"));
    FUZZ_CHECK(history.size() == 7);
    served.newest = now;
    Catalog catalog = Catalog().with(history);
    served.catalog = std::make_shared<const Catalog>(
        catalog.with(Access{{{*Prefix::parse("192.0.2.0/24"), {}}}, {}}));
    return served;
}

bool is_soa(const RRset& rrset) {
    return rrset.type == Type::soa;
}

// RFC 1995 §4, of an answer that is no error.
void check_told(const Served& served, const std::vector<RRset>& answer) {
    const Records& newest = served.versions.at(served.newest->serial().value());
    FUZZ_CHECK(!answer.empty() && is_soa(answer.front()));
    FUZZ_CHECK(newest.contains(text_of(answer.front())));
    if (answer.size() == 1) return;
    FUZZ_CHECK(text_of(answer.front()) == text_of(answer.back()));
    if (!is_soa(answer[1])) {
        Records all;
        for (auto rrset = answer.begin(); rrset + 1 != answer.end(); ++rrset)
            FUZZ_CHECK(all.insert(text_of(*rrset)).second);
        FUZZ_CHECK(all == newest);
        return;
    }
    const auto from = Soa::read(answer[1].rdatas.at(0).bytes());
    FUZZ_CHECK(from.has_value() && served.versions.contains(from->serial));
    Records records = served.versions.at(from->serial);
    std::size_t i = 1;
    while (i + 1 < answer.size()) {
        do FUZZ_CHECK(records.erase(text_of(answer[i])) == 1);
        while (!is_soa(answer.at(++i)));
        do FUZZ_CHECK(records.insert(text_of(answer[i])).second);
        while (!is_soa(answer.at(++i)));
    }
    FUZZ_CHECK(records == newest);
}

void ask(const Served& served, fuzz::Input& input) {
    const std::uint8_t how = input.byte();
    const bool udp = (how & 1) != 0;
    std::vector<std::byte> request = make_query(fuzz::name("example"), Type::ixfr, 1);
    store16(request.data() + 8, (how & 2) != 0 ? 1 : how >> 4);
    store16(request.data() + 10, how >> 2 & 3);
    const auto rest = input.rest();
    request.insert(request.end(), rest.begin(), rest.end());
    Peer peer;
    peer.address = Prefix::parse("192.0.2.53")->address;
    peer.udp_size_max = 1232;
    peer.transport = udp ? Peer::Transport::udp : Peer::Transport::tcp;
    std::vector<RRset> answer;
    std::uint16_t rcode = 0;
    const auto take = [&](std::span<const std::byte> message) {
        const auto read = read_answer(message);
        FUZZ_CHECK(read.has_value());
        FUZZ_CHECK((load16(message.data() + 2) & Flag::tc) == 0);
        rcode |= read->rcode;
        for (const RRset& rrset : read->answer)
            for (const Rdata& rdata : rrset.rdatas)
                answer.push_back({rrset.owner, rrset.type, rrset.ttl, {rdata}});
    };
    if (udp) {
        std::vector<std::byte> out(message_size_max);
        const std::size_t size = respond(*served.catalog, request, peer, Turn{}, out);
        FUZZ_CHECK(size != 0 && size <= peer.udp_size_max);
        take(std::span(out).first(size));
    } else {
        Response response = respond(served.catalog, request, peer, Turn{});
        for (std::vector<std::byte> message; response.next(message);) take(message);
    }
    if (rcode == 0)
        check_told(served, answer);
    else
        FUZZ_CHECK(answer.empty());
}

void unpack(const Served& served, fuzz::Input& input) {
    const auto bytes = input.rest();
    const auto delta = Delta::unpack(served.newest->origin(), bytes);
    if (!delta) return;
    FUZZ_CHECK(std::ranges::equal(delta->packed(), bytes) && delta->from() < delta->to());
    for (const auto half : {Delta::Half::deleted, Delta::Half::added}) {
        std::size_t at = 0, soas = 0;
        while (const auto group = delta->next(half, at)) {
            FUZZ_CHECK(Name::from_wire(group->owner)->under(served.newest->origin()));
            for (std::size_t i = 0; i < group->records.size();
                 i += RRsetView::record_size(group->records.data() + i))
                soas += load16(group->records.data() + i) == static_cast<unsigned>(Type::soa);
        }
        FUZZ_CHECK(soas == 1);
    }
    // As from a ledger: whatever the steps claim, they are told and condensed without harm.
    const auto next = served.newest->with({}, delta->to());
    FUZZ_CHECK(next.has_value());
    const auto step = std::make_shared<const Delta>(*delta);
    const History history = History::resume(*next, std::array{step});
    FUZZ_CHECK(history.size() <= 1);
    if (history.size() == 1) FUZZ_CHECK(condense(history, std::size_t{1} << 30).has_value());
    const Catalog catalog = served.catalog->with(history);
    Peer peer;
    peer.address = Prefix::parse("192.0.2.53")->address;
    peer.transport = Peer::Transport::tcp;
    auto request = make_query(fuzz::name("example"), Type::ixfr, 1);
    Soa soa;
    soa.serial = delta->from().value();
    const Rdata rdata = soa.rdata();
    std::vector<std::byte> record(2 + record_head + rdata.bytes().size());
    store16(record.data(), 0xc00c);
    write_record(record.data() + 2, static_cast<std::uint16_t>(Type::soa), 0, rdata.bytes());
    request.insert(request.end(), record.begin(), record.end());
    store16(request.data() + 8, 1);
    Response response = respond(std::make_shared<const Catalog>(catalog), request, peer, Turn{});
    for (std::vector<std::byte> message; response.next(message);)
        FUZZ_CHECK(read_answer(message).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Served served = serve();
    fuzz::Input input(data, size);
    if ((input.byte() & 1) != 0)
        ask(served, input);
    else
        unpack(served, input);
    return 0;
}

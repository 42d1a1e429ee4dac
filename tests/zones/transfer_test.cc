#include "tests/zones/history_support.h"
#include "zones/builder.h"
#include "zones/wire.h"

#include <doctest/doctest.h>

#include <algorithm>

#include <time.h>

using namespace zones;
using namespace zones::testing;

namespace {

const Access to_us{{{*Prefix::parse("192.0.2.53"), {}}}, {}};

Lines lines_of(const Zone& zone) {
    Lines result;
    Zone::Cursor cursor;
    while (const Node* node = zone.next(cursor))
        for (const std::string& line : lines(zone.rrsets(*Name::from_wire(node->name()))))
            result.push_back(line);
    return result;
}

void check_whole(const Zone& zone, Lines got) {
    REQUIRE(got.size() == zone.records() + 1);
    CHECK(got.front().find(" SOA ") != std::string::npos);
    CHECK(got.front() == got.back());
    got.pop_back();
    Lines want = lines_of(zone);
    std::sort(got.begin(), got.end());
    std::sort(want.begin(), want.end());
    CHECK(got == want);
}

}  // namespace

TEST_CASE("a transfer tells the SOA, everything else and the SOA again (RFC 5936 §2.2)") {
    const auto ours = zone("example",
                           "WWW A 192.0.2.1\nwww.sub AAAA 2001:db8::1\nsub NS ns.sub\n"
                           "ns.sub A 192.0.2.2\n@ MX 10 www\nx TXT \"a\" \"b\"\n");
    const auto messages = stream(catalog({ours}).with(to_us), query("example", axfr()), axfr());
    REQUIRE(messages.size() == 1);
    check_whole(*ours, told(messages));
    CHECK(read_answer(messages[0])->question == name("example"));
}

TEST_CASE("a transfer keeps the case of names (RFC 5936 §3.4)") {
    const auto ours = zone("Example", "WwW A 192.0.2.1\nalias CNAME wWw.eXample.\n");
    const auto messages = stream(catalog({ours}).with(to_us), query("eXAMPLE", axfr()), axfr());
    const Lines got = told(messages);
    CHECK(std::count(got.begin(), got.end(), "WwW.Example 300 A 192.0.2.1") == 1);
    CHECK(std::count(got.begin(), got.end(), "alias.Example 300 CNAME wWw.eXample.") == 1);
}

TEST_CASE("a large zone goes in messages of at most 64 KiB, all of one version") {
    std::string text;
    for (int i = 0; i < 30'000; ++i)
        text += "host" + std::to_string(i) + " A 10.0." + std::to_string(i / 250) + "." +
                std::to_string(i % 250) + "\n";
    text += "big TXT";
    for (int i = 0; i < 240; ++i) text += " \"" + std::string(250, 'x') + "\"";
    text += "\n";
    const auto ours = zone("example", text);
    const auto messages = stream(catalog({ours}).with(to_us), query("example", axfr()), axfr());
    CHECK(messages.size() > 5);
    for (std::size_t i = 0; i < messages.size(); ++i) {
        CHECK(messages[i].size() <= transfer_message_max);
        CHECK(load16(&messages[i][4]) == (i == 0 ? 1 : 0));
        CHECK(load16(&messages[i][0]) == 0x1234);
    }
    check_whole(*ours, told(messages));
}

TEST_CASE("the largest record that a zone may have can be transferred, under any name") {
    const std::string longest = std::string(63, 'a') + "." + std::string(63, 'b') + "." +
                                std::string(63, 'c') + "." + std::string(49, 'd');
    ZoneBuilder builder(name("example"));
    const auto model = zone("example", "");
    builder.add(name("example").wire(), Type::soa, Ttl{1}, model->soa().first_rdata());
    builder.add(name("example").wire(), Type::ns, Ttl{1}, name(longest + ".example").wire());
    const Bytes largest(rrset_size_max - record_head);
    builder.add(name(longest + ".example").wire(), static_cast<Type>(65280), Ttl{1}, largest);
    Flaws flaws;
    const Name made[] = {name(longest + ".example")};
    const auto built = builder.build(flaws, made);
    REQUIRE(built != nullptr);
    const Catalog zones = catalog({built}).with(to_us);
    check_whole(*built, told(stream(zones, query("example", axfr()), axfr())));
    Asking asking = axfr();
    asking.type = static_cast<Type>(65280);
    CHECK_FALSE(ask(zones, longest + ".example", asking).truncated);
}

TEST_CASE("a changed version is transferred as it is now") {
    const auto before = zone("example", "a A 192.0.2.1\nb A 192.0.2.2\nc.d A 192.0.2.3\n");
    const auto after = before->with(
        std::vector<Zone::Change>{{name("a.example"), Type::a, Ttl{5}, {}},
                                  {name("n.example"), Type::txt, Ttl{5}, {txt_rdata({})}}},
        Serial(2));
    CHECK_FALSE(after.has_value());  // TXT needs one string at least
    const std::string text = "x";
    const auto good = before->with(
        std::vector<Zone::Change>{{name("a.example"), Type::a, Ttl{5}, {}},
                                  {name("n.example"), Type::txt, Ttl{5}, {txt_rdata({&text, 1})}}},
        Serial(2));
    REQUIRE(good.has_value());
    const Lines got = told(stream(catalog({*good}).with(to_us), query("example", axfr()), axfr()));
    check_whole(**good, got);
    CHECK(std::count(got.begin(), got.end(), "n.example 5 TXT \"x\"") == 1);
    CHECK(std::count(got.begin(), got.end(), "a.example 300 A 192.0.2.1") == 0);
}

TEST_CASE("who may not have a transfer is refused, whatever way is tried") {
    const Catalog zones = catalog({zone("example", "sub NS x.\n")});
    struct Row {
        const char* qname;
        Type type;
        bool udp, allowed;
        int rcode;
    };
    for (const Row& row :
         {Row{"example", Type::axfr, false, false, 5}, Row{"example", Type::axfr, true, false, 1},
          Row{"example", Type::axfr, true, true, 1}, Row{"example", Type::ixfr, false, false, 5},
          Row{"example", Type::ixfr, true, false, 5}, Row{"example", Type::ixfr, true, true, 0},
          Row{"www.example", Type::axfr, false, true, 9},
          Row{"sub.example", Type::axfr, false, true, 9},
          Row{"example.org", Type::axfr, false, true, 9},
          Row{"example.org", Type::ixfr, false, true, 9},
          Row{"example.org", Type::ixfr, true, true, 9}}) {
        CAPTURE(row.qname);
        CAPTURE(row.udp);
        CAPTURE(row.allowed);
        const Catalog served = row.allowed ? zones.with(to_us) : zones;
        Asking asking = axfr();
        asking.type = row.type;
        const Bytes request =
            row.type == Type::ixfr ? ixfr_query(name(row.qname), 0) : query(row.qname, asking);
        if (row.udp) asking.transport = Peer::Transport::udp;
        const auto messages = row.udp ? std::vector<Bytes>(1, reply_to(served, request, asking))
                                      : stream(served, request, asking);
        REQUIRE(messages.size() == 1);
        CHECK(rcode_of(messages[0]) == row.rcode);
        CHECK(load16(&messages[0][6]) == (row.rcode == 0 ? 1 : 0));
    }
    // The datagram door does not give a transfer even to a peer that came by TCP.
    CHECK(rcode_of(reply_to(zones.with(to_us), query("example", axfr()), axfr())) == 5);
}

TEST_CASE("IXFR: the SOA alone to who is current, everything to who is not (RFC 1995)") {
    const auto ours = zone("example", "www A 192.0.2.1\n");  // serial 1
    const Catalog zones = catalog({ours}).with(to_us);
    Asking tcp = axfr();
    CHECK(told(stream(zones, ixfr_query(name("example"), 1), tcp)).size() == 1);
    CHECK(told(stream(zones, ixfr_query(name("example"), 2), tcp)).size() == 1);
    check_whole(*ours, told(stream(zones, ixfr_query(name("example"), 0), tcp)));
    check_whole(*ours, told(stream(zones, ixfr_query(name("example"), 0xffff'ffff), tcp)));
    tcp.transport = Peer::Transport::udp;
    const auto answer = read_answer(reply_to(zones, ixfr_query(name("example"), 0), tcp));
    REQUIRE(answer.has_value());
    CHECK(answer->serial() == Serial(1));
    CHECK(answer->answer.size() == 1);
}

TEST_CASE("other requests over a stream have one answer, or none") {
    const Catalog zones = catalog({zone("example", "www A 192.0.2.1\n")});
    Asking tcp;
    tcp.transport = Peer::Transport::tcp;
    CHECK(stream(zones, query("www.example", tcp), tcp).size() == 1);
    CHECK(stream(zones, Bytes(3), tcp).empty());
    Bytes response = query("www.example", tcp);
    response[2] |= std::byte{0x80};
    CHECK(stream(zones, response, tcp).empty());
}

TEST_CASE("a transfer asked with EDNS has an OPT record in its first message") {
    Asking asking = axfr();
    asking.edns = 4096;
    const auto messages =
        stream(catalog({zone("example", "")}).with(to_us), query("example", asking), asking);
    CHECK(read_answer(messages.at(0))->udp_size.has_value());
}

TEST_CASE("in a message of a transfer every name in a pointer's reach is told once") {
    std::string text;
    for (int i = 0; i < 300; ++i) {
        const std::string host = "host" + std::to_string(i) + ".a.b.c.d";
        text += host + " A 192.0.2.1\n" + host + " TXT x\n";
        text += "mail" + std::to_string(i) + " MX 1 " + host + "\n";
    }
    const auto ours = zone("long.name.of.a.zone.example", text);
    const auto messages =
        stream(catalog({ours}).with(to_us), query("long.name.of.a.zone.example", axfr()), axfr());
    REQUIRE(messages.size() == 1);
    check_whole(*ours, told(messages));
    // A host is spelt once, with a pointer to its parent; after that it is a pointer alone.
    const std::size_t record = 2 + 10;
    const std::size_t spelt = 300 * (8 + 9);
    CHECK(messages[0].size() < 300 * (3 * record + 4 + 2 + 4) + spelt + 200);
}

TEST_CASE("transfers of names without a common suffix take linear time (cve_compress_budget)") {
    const auto of = [](int count) {
        std::string text;
        for (int i = 0; i < count; ++i) {
            std::string owner, target = "t" + std::to_string(i);
            for (int label = 0; label < 25; ++label) owner += "o" + std::to_string(i) + ".";
            for (int label = 0; label < 20; ++label)
                target = "a" + std::to_string(i) + "." + target;
            text += owner + "example. PTR " + target + ".\n";
        }
        return catalog({zone("example", text)}).with(to_us);
    };
    // Of this thread alone: other programs run here, too.
    const auto now_ms = [] {
        timespec now{};
        ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
        return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
    };
    const auto cost = [&](const Catalog& zones) {
        double best = 1e9;
        for (int round = 0; round < 3; ++round) {
            const double begun = now_ms();
            stream(zones, query("example", axfr()), axfr());
            best = std::min(best, now_ms() - begun);
        }
        return best;
    };
    // Both of several messages, as what no pointer reaches has a price of its own.
    const double once = cost(of(400)), ten_times = cost(of(4000));
    CHECK(ten_times < 30 * once + 1);  // 100 times as much, were it quadratic
}

// Attacks that other servers fell to, each as a fact that holds here. What such a request may cost
// is in faults_cost_test.cc.
#include "tests/zones/faults.h"
#include "zones/notify.h"
#include "zones/wire.h"

#include <algorithm>

#include <doctest/doctest.h>

using namespace zones;
using namespace zones::testing;

TEST_CASE("a request is not followed where its pointers lead (cve_pointer_loop)") {
    const Catalog zones = target();
    const Bytes itself = bytes({0xc0, 12}), forward = bytes({0xc0, 0xff}), reserved = bytes({0x80});
    for (const Bytes& name : {itself, forward, bytes({1, 'a', 0xc0, 12}), bytes({0xff, 0xff})}) {
        // In the question, which is never compressed: malformed.
        Bytes asked(header_size);
        store16(&asked[4], 1);
        append(asked, name);
        append(asked, bytes({0, 1, 0, 1}));
        CHECK(rcode_of(reply_to(zones, asked)) == 1);
        // As an owner elsewhere: stepped over, and the question is answered.
        for (const int section : {6, 8, 10}) {
            Bytes request = query("www.example");
            append(request, name);
            append(request, record(1, 1, bytes({1, 2, 3, 4})));
            store16(&request[static_cast<std::size_t>(section)], 1);
            CHECK(rcode_of(reply_to(zones, request)) == 0);
        }
    }
    Bytes request = query("www.example");
    append(request, reserved);
    append(request, record(1, 1, {}));
    store16(&request[6], 1);
    CHECK(rcode_of(reply_to(zones, request)) == 1);
}

TEST_CASE("every type with every opcode, with and without EDNS (cve_assert_sweep)") {
    const Catalog zones = target();
    Bytes out(message_size_max);
    const Peer asker = peer({});
    for (const bool edns : {false, true}) {
        Bytes request = query("www.example");
        const std::size_t type_at = request.size() - 4;
        if (edns) append_opt(request, 1232, true);
        for (unsigned opcode = 0; opcode < 16; ++opcode) {
            request[2] = static_cast<std::byte>(opcode << 3);
            for (unsigned type = 0; type <= 0xffff; ++type) {
                store16(&request[type_at], static_cast<std::uint16_t>(type));
                const std::size_t size = respond(zones, request, asker, Turn{}, out);
                REQUIRE(size >= header_size);
                REQUIRE((std::to_integer<unsigned>(out[2]) & 0xf8) == (0x80 | opcode << 3));
            }
        }
    }
}

TEST_CASE("records of every type, without data and with all that fits (cve_assert_sweep)") {
    const Catalog zones = target();
    const auto shared = std::make_shared<const Catalog>(zones);
    Bytes out(message_size_max);
    const Peer asker = peer({});
    const Bytes question = query("www.example");
    const std::size_t room = message_size_max - question.size() - 1 - 10;
    for (const int section : {6, 8, 10})
        for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{255}, room}) {
            CAPTURE(section);
            CAPTURE(size);
            Bytes request = question;
            request.push_back(std::byte{0});
            append(request, record(0, 1, Bytes(size)));
            store16(&request[static_cast<std::size_t>(section)], 1);
            const std::size_t type_at = question.size() + 1;
            for (unsigned type = 0; type <= 0xffff; ++type) {
                store16(&request[type_at], static_cast<std::uint16_t>(type));
                const std::size_t got = respond(zones, request, asker, Turn{}, out);
                REQUIRE(got >= header_size);
                // Malformed is what may not stand there, and an OPT's data that are no options.
                const bool opt = type == 41, tsig = type == 250;
                const unsigned rcode = std::to_integer<unsigned>(out[3]) & 0xf;
                if (!opt && !tsig && type != 24) REQUIRE(rcode == 0);
                if ((opt || tsig) && section != 10) REQUIRE(rcode == 1);
            }
        }
    // On our side: data of no bytes, and as many as an RRset may have.
    const auto base = zone("example", "none TYPE65280 \\# 0\n");
    const Bytes most(rrset_size_max - record_head, std::byte{7});
    const auto made = base->with(
        std::vector<Zone::Change>{
            {name("most.example"), static_cast<Type>(65280), Ttl{5}, {Rdata(most)}}},
        Serial(2));
    REQUIRE(made.has_value());
    const Catalog odd = catalog({*made});
    const auto none =
        read_answer(reply_to(odd, query("none.example", {.type = static_cast<Type>(65280)})));
    REQUIRE(none.has_value());
    CHECK(none->answer.at(0).rdatas.at(0).bytes().empty());
    Bytes request = query("most.example", {.type = static_cast<Type>(65280)});
    append_opt(request, 65535);
    for (const std::uint16_t option : {3, 11}) append_option(request, option, {});
    append_option(request, 10, hex("2464c4abcf10c957"));
    const auto whole = read_answer(answer_by_tcp(odd, request));
    REQUIRE(whole.has_value());
    CHECK(whole->answer.at(0).rdatas.at(0).bytes().size() == rrset_size_max - record_head);
    CHECK((flags_of(reply_to(odd, request)) & Flag::tc) != 0);
}

TEST_CASE("a class that is not IN is refused whatever is asked in it (cve_class_not_in)") {
    const Catalog zones = target();
    const auto shared = std::make_shared<const Catalog>(zones);
    for (const std::uint16_t qclass : {0, 2, 3, 4, 254, 255, 65535})
        for (unsigned opcode = 0; opcode < 16; ++opcode)
            for (const int type : {0, 1, 2, 6, 16, 41, 249, 250, 251, 252, 253, 254, 255, 65535})
                for (const char* name : {"www.example", "example", ".", "version.bind"}) {
                    CAPTURE(qclass);
                    CAPTURE(opcode);
                    CAPTURE(type);
                    Asking asking;
                    asking.qclass = qclass;
                    asking.opcode = static_cast<std::uint8_t>(opcode);
                    asking.type = static_cast<Type>(type);
                    Bytes request = query(name, asking);
                    // With a record of that class in each section, as an UPDATE has them.
                    for (const int section : {6, 8}) {
                        if (type == 251) break;  // RFC 1995 §3: there it is the client's SOA
                        append(request, bytes({0xc0, 12}));
                        append(request, record(6, qclass, {}));
                        store16(&request[static_cast<std::size_t>(section)], 1);
                    }
                    const bool known =
                        qclass == 3 && opcode == 0 && *name == 'v' && type != 251 && type != 252;
                    const unsigned expected = opcode == 0                  ? (known ? 0U : 5U)
                                              : opcode == 4 || opcode == 5 ? 5U
                                                                           : 4U;
                    const Bytes response = reply_to(zones, request);
                    REQUIRE(rcode_of(response) == expected);
                    REQUIRE(load16(&response[6]) <= (known ? 1 : 0));
                    asking.transport = Peer::Transport::tcp;
                    Response stream = respond(shared, request, peer(asking), Turn{});
                    Bytes message;
                    REQUIRE(stream.next(message));
                    REQUIRE(rcode_of(message) == expected);
                    REQUIRE_FALSE(stream.next(message));
                }
}

TEST_CASE(
    "no answer is ever answered, whatever it is and by whichever way (qr_bit_never_answered)") {
    const Catalog zones = target();
    const auto shared = std::make_shared<const Catalog>(zones);
    Asking tcp;
    tcp.transport = Peer::Transport::tcp;
    Bytes request = query("www.example");
    append_opt(request, 1232);
    Bytes out(message_size_max), message;
    for (unsigned flags = 0x8000; flags <= 0xffff; ++flags) {
        store16(&request[2], static_cast<std::uint16_t>(flags));
        REQUIRE(respond(zones, request, peer({}), Turn{}, out) == 0);
        if (flags % 64 == 0)
            REQUIRE_FALSE(respond(shared, request, peer(tcp), Turn{}).next(message));
    }
    for (std::size_t size = 0; size <= request.size(); ++size)
        REQUIRE(respond(zones, std::span(request).first(size), peer({}), Turn{}, out) == 0);
    // Our own answers least of all.
    for (const char* name : {"www.example", "no.example", "sub.example", "other"})
        CHECK(reply_to(zones, reply_to(zones, query(name))).empty());
}

TEST_CASE("a flood of NOTIFY is refused without a look at our zones (notify_in_flood)") {
    const Catalog zones = target(), none;
    Random random(7);
    const auto soa = zone("example", "")->rrset(name("example"), Type::soa);
    for (int round = 0; round < 20'000; ++round) {
        const char* names[] = {"example", "www.example", "other", "."};
        const Bytes notify =
            make_notify(name(names[random.below(4)]), Serial(random.next() & 0xffff), *soa,
                        static_cast<std::uint16_t>(round));
        const Bytes response = reply_to(zones, notify);
        REQUIRE(rcode_of(response) == 5);
        REQUIRE((flags_of(response) & Flag::aa) == 0);
        REQUIRE(response.size() <= notify.size());
        REQUIRE(response == reply_to(none, notify));
    }
}

TEST_CASE("UPDATE is refused before its sections are looked at (update_refused)") {
    const Catalog zones = target(), none;
    const Bytes whole = [] {
        Bytes update = query("example", {.type = Type::soa, .opcode = 5});
        append(update, bytes({0xc0, 12}));
        append(update, record(1, 255, {}));  // a prerequisite
        append(update, bytes({3, 'n', 'e', 'w', 0xc0, 12}));
        append(update, record(1, 1, bytes({192, 0, 2, 1})));
        store16(&update[6], 1);
        store16(&update[8], 1);
        return update;
    }();
    CHECK(rcode_of(reply_to(zones, whole)) == 5);
    Random random(9);
    for (int round = 0; round < 20'000; ++round) {
        Bytes update = whole;
        update.resize(header_size + random.below(update.size() - header_size + 1));
        for (std::size_t i = 4; i < update.size(); ++i)
            if (random.below(8) == 0) update[i] = static_cast<std::byte>(random.next());
        const Bytes response = reply_to(zones, update);
        // Only what looks like an OPT (RFC 6891 §7) or a TSIG (RFC 8945 §5.2) may come before the
        // opcode.
        const auto has = [&](const Bytes& type) {
            return std::search(update.begin(), update.end(), type.begin(), type.end()) !=
                   update.end();
        };
        if (!has(bytes({0, 41})) && !has(bytes({0, 250}))) REQUIRE(rcode_of(response) == 5);
        REQUIRE(load16(&response[6]) == 0);
        REQUIRE(response.size() <= update.size() + 17);
    }
    CHECK(reply_to(zones, whole) == reply_to(none, whole));
}

TEST_CASE("a datagram is never answered by more than the client allows (amp_factor)") {
    std::string text;
    for (int i = 0; i < 200; ++i)
        text += "fat TXT " + std::string(200, static_cast<char>('a' + i % 26)) + std::to_string(i) +
                "\n" + "@ MX 10 m" + std::to_string(i) + "\nm" + std::to_string(i) +
                " A 192.0.2.1\n" + "sub NS n" + std::to_string(i) + ".sub\n" + "n" +
                std::to_string(i) + ".sub A 192.0.2.1\n";
    text += "thin A 192.0.2.1\nthin AAAA ::1\nthin TXT x\nthin MX 10 m1\n";
    const Catalog zones = target().with(History(zone("example", text)));
    for (const char* qname : {"fat.example", "example", "x.sub.example", "thin.example",
                              "no.example", "other", "version.bind"})
        for (const int type : {1, 2, 15, 16, 251, 252, 255})
            for (const int edns : {-1, 0, 511, 512, 513, 700, 1231, 1232, 1233, 4096, 65535}) {
                CAPTURE(qname);
                CAPTURE(type);
                CAPTURE(edns);
                Asking asking;
                asking.type = static_cast<Type>(type);
                asking.edns = edns;
                Bytes request = query(qname, asking);
                const std::size_t allowed =
                    edns < 512 ? 512 : std::min<std::size_t>(static_cast<std::size_t>(edns), 1232);
                CHECK(reply_to(zones, request).size() <= allowed);
                if (edns < 0) continue;
                for (const std::uint16_t option : {3, 11, 12}) append_option(request, option, {});
                append_option(request, 10, hex("2464c4abcf10c957"));
                append_option(request, 8, hex("0002800020010db8000000000000000000000001"));
                CHECK(reply_to(zones, request).size() <= allowed);
            }
    // RFC 8482 §4.1: ANY is answered by one RRset.
    CHECK(ask(zones, "thin.example", Type::any).answer.size() == 1);
    // Refusals are as long as the question.
    CHECK(reply_to(zones, query("a.b.c.other.tld2")).size() <=
          query("a.b.c.other.tld2").size() + 12 + 64);
}

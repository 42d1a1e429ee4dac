// Bytes that no honest client sends. Under the sanitizers, and with assertions on, nothing here may
// stop the program; and whatever is answered must be a whole response.
#include "tests/zones/support.h"
#include "zones/notify.h"
#include "zones/wire.h"

#include <doctest/doctest.h>

#include <cstring>

using namespace zones;
using namespace zones::testing;

namespace {

Catalog target() {
    return catalog({zone("example",
                         "www A 192.0.2.1\nwww TXT x\na CNAME www\n*.w MX 10 www\nd DNAME e\n"
                         "x.e TXT x\nsub NS ns.sub\nns.sub A 192.0.2.3\nsub DS 1 8 2 " +
                             std::string(64, '0') + "\n"),
                    zone(".", "tld NS ns.tld\nns.tld A 192.0.2.9\n")})
        .with(Access{{{*Prefix::parse("0.0.0.0/0"), {}}}, {*Prefix::parse("0.0.0.0/0")}})
        .with(Identity{"v", "i"});
}

// Both doors, and what they say is well-formed. The request is copied to the heap exactly, so that
// a read behind its end is seen.
void knock(const Catalog& zones, const std::shared_ptr<const Catalog>& shared,
           const Bytes& request) {
    static Bytes out(message_size_max);
    Asking asking;
    const std::size_t size = respond(zones, request, peer(asking), Turn{}, out);
    REQUIRE(size <= udp_size_default);
    if (size > 0) {
        REQUIRE(read_answer(std::span(out).first(size)).has_value());
        REQUIRE(std::memcmp(out.data(), request.data(), 2) == 0);
    } else {
        REQUIRE((request.size() < header_size || (request[2] & std::byte{0x80}) != std::byte{0}));
    }
    asking.transport = Peer::Transport::tcp;
    Response response = respond(shared, request, peer(asking), Turn{});
    Bytes message;
    for (int messages = 0; response.next(message); ++messages) {
        REQUIRE(messages < 2);
        REQUIRE(read_answer(message).has_value());
    }
}

std::vector<Bytes> seeds() {
    std::vector<Bytes> result;
    for (const char* qname : {"www.example", "x.d.example", "q.w.example", "h.sub.example", "."})
        for (const int type : {1, 6, 15, 251, 252, 255}) {
            Asking asking;
            asking.type = static_cast<Type>(type);
            asking.edns = type == 6 ? -1 : 1232;
            result.push_back(query(qname, asking));
        }
    Bytes ixfr = query("example", {.type = Type::ixfr});
    const Bytes soa = bytes({0xc0, 12, 0, 6, 0, 1, 0, 0, 0, 0, 0, 22, 0, 0, 0, 0, 0,
                             0,    0,  0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  0, 0, 0, 0, 0});
    ixfr.insert(ixfr.end(), soa.begin(), soa.end());
    store16(&ixfr[8], 1);
    result.push_back(ixfr);
    const auto ours = zone("example", "");
    result.push_back(
        make_notify(name("example"), Serial(1), *ours->rrset(name("example"), Type::soa), 7));
    return result;
}

}  // namespace

TEST_CASE("a request cut anywhere is answered or dropped, never worse") {
    const Catalog zones = target();
    const auto shared = std::make_shared<const Catalog>(zones);
    for (const Bytes& seed : seeds())
        for (std::size_t size = 0; size <= seed.size(); ++size)
            knock(zones, shared,
                  Bytes(seed.begin(), seed.begin() + static_cast<std::ptrdiff_t>(size)));
}

TEST_CASE("requests with random bytes changed are answered or dropped") {
    const Catalog zones = target();
    const auto shared = std::make_shared<const Catalog>(zones);
    const auto start = seeds();
    Random random(1);
    for (int round = 0; round < 60'000; ++round) {
        Bytes request = start[random.below(start.size())];
        for (std::size_t changes = 1 + random.below(6); changes > 0; --changes) {
            const std::size_t at = random.below(request.size());
            switch (random.below(4)) {
                case 0:
                    request[at] = static_cast<std::byte>(random.next());
                    break;
                case 1:
                    request[at] ^= static_cast<std::byte>(1U << random.below(8));
                    break;
                case 2:
                    request.erase(request.begin() + static_cast<std::ptrdiff_t>(at));
                    break;
                default:
                    request.insert(request.begin() + static_cast<std::ptrdiff_t>(at),
                                   static_cast<std::byte>(random.below(2) ? 0xc0 : random.next()));
            }
            if (request.empty()) request.push_back(std::byte{0});
        }
        CAPTURE(round);
        knock(zones, shared, request);
    }
}

TEST_CASE("bytes that are all random are answered or dropped") {
    const Catalog zones = target();
    const auto shared = std::make_shared<const Catalog>(zones);
    Random random(2);
    for (int round = 0; round < 20'000; ++round) {
        Bytes request(random.below(80));
        for (std::byte& byte : request) byte = static_cast<std::byte>(random.next());
        // Mostly a believable header, or little would be seen of the rest.
        if (request.size() > header_size && random.below(4) != 0) {
            request[2] = std::byte{0};
            store16(&request[4], 1);
            for (const std::size_t at : {6, 8, 10}) store16(&request[at], random.below(3) & 0xff);
        }
        knock(zones, shared, request);
    }
}

TEST_CASE("every type, in every kind of class, with every opcode (cve_assert_sweep)") {
    const Catalog zones = target();
    Bytes out(message_size_max);
    const Peer asker = peer({});
    for (const char* qname :
         {"www.example", "example", "n.w.example", "sub.example", "a.example"}) {
        Bytes request = query(qname);
        for (const std::uint16_t qclass : {0, 1, 3, 4, 254, 255, 65535}) {
            store16(&request[request.size() - 2], qclass);
            for (unsigned type = 0; type <= 0xffff; ++type) {
                store16(&request[request.size() - 4], static_cast<std::uint16_t>(type));
                const std::size_t size = respond(zones, request, asker, Turn{}, out);
                REQUIRE(size >= header_size);
            }
        }
    }
    // All flag bits, opcodes and codes.
    Bytes request = query("www.example");
    for (unsigned flags = 0; flags <= 0xffff; ++flags) {
        store16(&request[2], static_cast<std::uint16_t>(flags));
        const std::size_t size = respond(zones, request, asker, Turn{}, out);
        REQUIRE((size == 0) == ((flags & Flag::qr) != 0));
    }
}

TEST_CASE("out may be of any size") {
    const Catalog zones = target();
    for (const Bytes& seed : seeds())
        for (std::size_t room = 0; room < 700; room += room < 80 ? 1 : 37) {
            Bytes out(room);
            const std::size_t size = respond(zones, seed, peer({}), Turn{}, out);
            REQUIRE(size <= room);
            if (size > 0) REQUIRE(read_answer(std::span(out).first(size)).has_value());
        }
}

TEST_CASE("a name of 255 bytes is answered, one of 256 is malformed (cve_qname_255)") {
    const Catalog zones = target();
    std::string longest = "example";  // 9 bytes, and 2 for each label in front
    for (int i = 0; i < 123; ++i) longest = "b." + longest;
    Bytes request = query(longest);
    CHECK(request.size() == header_size + 255 + 4);
    CHECK(rcode_of(reply_to(zones, request)) == 3);
    for (const char* suffix : {"d.example", "w.example", "sub.example"}) {
        std::string long_name = suffix;
        while (long_name.size() + 2 <= 253) long_name = "b." + long_name;
        const Bytes response = reply_to(zones, query(long_name));
        CHECK(read_answer(response).has_value());
    }
    Bytes too_long(header_size);
    store16(&too_long[4], 1);
    for (int i = 0; i < 4; ++i) {
        too_long.push_back(std::byte{63});
        too_long.resize(too_long.size() + 63, std::byte{'a'});
    }
    too_long.resize(too_long.size() + 5);
    CHECK(rcode_of(reply_to(zones, too_long)) == 1);
}

TEST_CASE("dots and zero bytes in labels are bytes like others (cve_dot_in_label)") {
    const Catalog zones = catalog({zone("example", "a\\.b A 192.0.2.1\nc\\000d A 192.0.2.2\n")});
    CHECK(ask(zones, "a\\.b.example", Type::a).answer.size() == 1);
    CHECK(ask(zones, "a.b.example", Type::a).rcode == 3);
    CHECK(ask(zones, "c\\000d.example", Type::a).answer.size() == 1);
    CHECK(ask(zones, "c.example", Type::a).rcode == 3);
}

TEST_CASE("pointers that go in circles or forwards end the reading (cve_pointer_loop)") {
    const auto with_name = [](std::initializer_list<int> wire) {
        Bytes message = bytes({0, 1, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0});
        const Bytes more = bytes(wire);
        message.insert(message.end(), more.begin(), more.end());
        message.resize(message.size() + 4);
        return message;
    };
    CHECK(read_answer(with_name({0})).has_value());
    CHECK_FALSE(read_answer(with_name({0xc0, 12})).has_value());
    CHECK_FALSE(read_answer(with_name({1, 'a', 0xc0, 12})).has_value());
    CHECK_FALSE(read_answer(with_name({0xc0, 14, 0})).has_value());
    CHECK_FALSE(read_answer(with_name({0xff, 0xff})).has_value());
    CHECK_FALSE(read_answer(with_name({0x80, 0})).has_value());
}

TEST_CASE("a name may lean on a bounded number of others (cve_pointer_budget)") {
    // Record i owns a pointer to the owner of record i - 1, and so on to the question.
    Bytes message = bytes({0, 1, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1});
    std::uint16_t count = 0;
    std::size_t last = header_size;
    while (message.size() < 16'000) {
        const std::size_t at = message.size();
        message.resize(at + 2 + 10);
        store16(&message[at], static_cast<std::uint16_t>(0xc000 | last));
        last = at;
        ++count;
    }
    store16(&message[6], count);
    // A chain longer than the bound is refused; the same records with short chains are read.
    CHECK_FALSE(read_answer(message).has_value());
    for (std::size_t at = header_size + 5; at < message.size(); at += 12)
        store16(&message[at], 0xc00c);
    CHECK(read_answer(message).has_value());
}

TEST_CASE("answers cut or changed anywhere are read or refused") {
    const Catalog zones = target();
    const auto start = seeds();
    Random random(3);
    for (const Bytes& seed : start) {
        const Bytes response = reply_to(zones, seed);
        for (std::size_t size = 0; size < response.size(); ++size) {
            const Bytes cut(response.begin(), response.begin() + static_cast<std::ptrdiff_t>(size));
            CHECK_FALSE(read_answer(cut).has_value());
            read_notify_answer(cut);
        }
        for (int round = 0; round < 2000; ++round) {
            Bytes changed = response;
            for (int i = 0; i < 3; ++i)
                changed[random.below(changed.size())] = static_cast<std::byte>(random.next());
            if (const auto read = read_answer(changed)) lines(read->answer);
            read_notify_answer(changed);
        }
    }
}

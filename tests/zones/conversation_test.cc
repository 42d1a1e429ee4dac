#include "zones/conversation.h"

#include "tests/zones/tsig_support.h"
#include "zones/wire.h"

#include <algorithm>
#include <map>
#include <set>

using namespace zones;
using namespace zones::testing;

namespace {

const Access to_us{{{*Prefix::parse("192.0.2.53"), {}}}, {}};

Asking by_tcp(Type type = Type::a) {
    Asking asking;
    asking.type = type;
    asking.transport = Peer::Transport::tcp;
    return asking;
}

Bytes request(std::uint16_t id, std::string_view qname = "www.example", Type type = Type::a) {
    Bytes message = query(qname, by_tcp(type));
    message[0] = static_cast<std::byte>(id >> 8);
    message[1] = static_cast<std::byte>(id & 0xff);
    return message;
}

Bytes axfr(std::uint16_t id) {
    return request(id, "example", Type::axfr);
}

// RFC 1995 §3: with the SOA that the client has, of this serial.
Bytes ixfr(std::uint16_t id, std::uint8_t serial) {
    Bytes message = request(id, "example", Type::ixfr);
    message[9] = std::byte{1};
    const Bytes soa = bytes({0xc0,   12, 0, 6, 0, 1, 0, 0, 0, 0, 0, 22, 0, 0, 0, 0, 0,
                             serial, 0,  0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  0, 0, 0, 0, 0});
    message.insert(message.end(), soa.begin(), soa.end());
    return message;
}

Bytes framed(const std::vector<Bytes>& messages) {
    Bytes stream;
    for (const Bytes& message : messages) {
        Bytes prefix(stream_prefix_size);
        set_stream_prefix(prefix, message.size());
        stream.insert(stream.end(), prefix.begin(), prefix.end());
        stream.insert(stream.end(), message.begin(), message.end());
    }
    return stream;
}

// A transfer of this has a message for each 300 or so.
std::shared_ptr<const Zone> large_zone(unsigned records) {
    std::string text = "www A 192.0.2.1\n";
    for (unsigned i = 0; i < records; ++i)
        text += "h" + std::to_string(i) + " TXT \"" + std::string(200, 'x') + "\"\n";
    return zone("example", text);
}

// One client, and what it has heard.
struct Client {
    explicit Client(const Catalog& all) : catalog(all) {}

    void say(const Bytes& stream) { REQUIRE(conversation.feed(stream) == stream.size()); }
    // One speech; the messages in it.
    std::vector<Bytes> hear() {
        auto spoken = conversation.speak(catalog, turn, out);
        REQUIRE(spoken.size <= Conversation::speech_max);
        for (auto& one : spoken.transferred) transferred.push_back(std::move(one.request));
        REQUIRE(spoken.transferred.size() <= Conversation::transferred_max + 1);
        requests += spoken.requests;
        silent += spoken.silent;
        StreamReader reader;
        std::vector<Bytes> messages;
        std::span<const std::byte> rest = std::span(out).first(spoken.size);
        while (!rest.empty()) {
            rest = rest.subspan(reader.feed(rest));
            while (const auto message = reader.next())
                messages.emplace_back(message->begin(), message->end());
        }
        REQUIRE(reader.held() == 0);
        return messages;
    }
    std::vector<Bytes> hear_all() {
        std::vector<Bytes> all;
        do {
            for (Bytes& message : hear()) all.push_back(std::move(message));
            REQUIRE(conversation.transfers() <= Conversation::transfers_max);
        } while (conversation.more());
        return all;
    }

    Catalog catalog;
    Conversation conversation{peer(by_tcp())};
    Turn turn{};
    Bytes out = Bytes(Conversation::speech_max);
    std::vector<Bytes> transferred;
    std::size_t requests = 0;
    std::size_t silent = 0;
};

unsigned id_of(const Bytes& message) {
    return std::to_integer<unsigned>(message[0]) << 8 | std::to_integer<unsigned>(message[1]);
}

std::vector<unsigned> ids_of(const std::vector<Bytes>& messages) {
    std::vector<unsigned> ids;
    for (const Bytes& message : messages) ids.push_back(id_of(message));
    return ids;
}

std::size_t count(const std::vector<unsigned>& ids, unsigned id) {
    return static_cast<std::size_t>(std::count(ids.begin(), ids.end(), id));
}

Client small() {
    return Client(catalog({zone("example", "www A 192.0.2.1\n")}).with(to_us));
}

}  // namespace

TEST_CASE("the same answers come wherever the stream of requests is cut (RFC 7766 section 8)") {
    const Bytes stream = framed({request(1), request(2, "nope.example"), axfr(3), request(4)});
    Client whole = small();
    whole.say(stream);
    const auto expected = whole.hear_all();
    REQUIRE(ids_of(expected) == std::vector<unsigned>{1, 2, 4, 3});
    for (std::size_t cut = 1; cut < stream.size(); ++cut) {
        CAPTURE(cut);
        Client client = small();
        const auto at = stream.begin() + static_cast<std::ptrdiff_t>(cut);
        client.say({stream.begin(), at});
        auto heard = client.hear_all();
        client.say({at, stream.end()});
        for (Bytes& message : client.hear_all()) heard.push_back(std::move(message));
        // A transfer that was whole before the last request came ends before it.
        std::sort(heard.begin(), heard.end());
        auto sorted = expected;
        std::sort(sorted.begin(), sorted.end());
        REQUIRE(heard == sorted);
    }
}

TEST_CASE("a request that has not come whole is not answered, and is known to have begun") {
    Client client = small();
    const Bytes stream = framed({request(1)});
    for (std::size_t i = 0; i + 1 < stream.size(); ++i) {
        client.say({stream[i]});
        CHECK(client.hear().empty());
        CHECK(client.conversation.amid_request());
        CHECK_FALSE(client.conversation.more());
    }
    client.say({stream.back()});
    CHECK(client.hear().size() == 1);
    CHECK_FALSE(client.conversation.amid_request());
}

TEST_CASE("later questions are answered while a transfer streams (RFC 7766 section 6.2.1.1)") {
    Client client(catalog({large_zone(3000)}).with(to_us));
    client.say(framed({axfr(1), request(2)}));
    CHECK(ids_of(client.hear()) == std::vector<unsigned>{2, 1});
    CHECK(ids_of(client.hear()) == std::vector<unsigned>{1});
    client.say(framed({request(3), request(4)}));
    CHECK(ids_of(client.hear()) == std::vector<unsigned>{3, 4, 1});
    REQUIRE(client.conversation.more());
    CHECK(client.transferred.empty());
    client.hear_all();
    CHECK(client.transferred == std::vector<Bytes>{axfr(1)});
}

TEST_CASE("transfers on one connection alternate, message by message") {
    Client client(catalog({large_zone(3000)}).with(to_us));
    client.say(framed({axfr(1), axfr(2), axfr(3)}));
    const auto ids = ids_of(client.hear_all());
    REQUIRE(ids.size() % 3 == 0);
    REQUIRE(ids.size() > 9);
    for (std::size_t i = 0; i < ids.size(); ++i) CHECK(ids[i] == 1 + i % 3);
    CHECK(client.transferred == std::vector<Bytes>{axfr(1), axfr(2), axfr(3)});
}

TEST_CASE("a question does not wait for a flood of them, nor a transfer for the questions") {
    Client client(catalog({large_zone(3000)}).with(to_us));
    std::vector<Bytes> many{axfr(1)};
    for (unsigned i = 0; i < 1500; ++i) many.push_back(request(static_cast<std::uint16_t>(2 + i)));
    client.say(framed(many));
    do {
        const auto ids = ids_of(client.hear());
        if (client.conversation.transfers() > 0) REQUIRE(count(ids, 1) == 1);
        REQUIRE(ids.size() <= 1 + Conversation::answers_max / 30);
    } while (client.conversation.more());
    CHECK(client.requests == 1501);
}

TEST_CASE("transfers under way on a connection are bounded (tcp_pipeline_cap)") {
    Client client(catalog({large_zone(1000)}).with(to_us));
    std::vector<Bytes> many;
    for (std::uint16_t id = 1; id <= Conversation::transfers_max + 3; ++id)
        many.push_back(axfr(id));
    many.push_back(request(99));
    client.say(framed(many));
    client.hear();
    CHECK(client.conversation.transfers() == Conversation::transfers_max);
    // The one more waits, what is behind it as well, and nothing more is taken from the network.
    CHECK(client.conversation.room() == 0);
    CHECK(client.conversation.feed(framed({request(100)})) == 0);
    const auto ids = ids_of(client.hear_all());
    CHECK(client.transferred.size() == Conversation::transfers_max + 3);
    CHECK(count(ids, 99) == 1);
    CHECK(client.conversation.room() > 0);
}

TEST_CASE("what is held of requests in flight is bounded by one frame (tcp_pipeline_cap)") {
    Client client = small();
    Bytes stream;
    while (stream.size() < 3 * stream_frame_max) {
        const Bytes one = framed({request(7)});
        stream.insert(stream.end(), one.begin(), one.end());
    }
    CHECK(client.conversation.feed(stream) == stream_frame_max);
    CHECK(client.conversation.room() == 0);
    // Each speech is bounded; when nobody speaks, nothing grows.
    CHECK(client.hear().size() <= Conversation::answers_max / 30);
    CHECK(client.conversation.more());
    CHECK(client.conversation.room() > 0);
}

TEST_CASE("two requests of one id are answered one after the other") {
    Client client(catalog({large_zone(1000)}).with(to_us));
    SUBCASE("a question behind a transfer") {
        client.say(framed({axfr(1), request(1), request(2)}));
        const auto messages = client.hear_all();
        const auto ids = ids_of(messages);
        REQUIRE(ids.size() > 4);
        CHECK(ids[ids.size() - 2] == 1);
        CHECK(ids.back() == 2);
        CHECK(read_answer(messages[ids.size() - 2])->answer.front().type == Type::a);
    }
    SUBCASE("two transfers") {
        client.say(framed({axfr(1), axfr(1)}));
        client.hear();
        CHECK(client.conversation.transfers() == 1);
        CHECK(client.conversation.more());
        client.hear_all();
        CHECK(client.transferred.size() == 2);
    }
    SUBCASE("two questions") {
        client.say(framed({request(1), request(1, "nope.example")}));
        const auto messages = client.hear_all();
        REQUIRE(messages.size() == 2);
        CHECK(rcode_of(messages[0]) == 0);
        CHECK(rcode_of(messages[1]) == 3);
    }
}

TEST_CASE("each response on a connection is of the version that was current when it began") {
    Client client(catalog({large_zone(3000)}).with(to_us));
    client.say(framed({axfr(1)}));
    auto messages = client.hear();
    client.catalog = catalog({zone("example",
                                   "@ SOA ns1 admin 9 3600 600 86400 60\n@ NS ns1\n"
                                   "ns1 A 192.0.2.9\nwww A 192.0.2.2\n")})
                         .with(to_us);
    client.say(framed({request(2, "example", Type::soa)}));
    for (Bytes& message : client.hear_all()) messages.push_back(std::move(message));
    std::size_t records = 0;
    std::set<std::uint32_t> serials;
    for (const Bytes& message : messages) {
        const auto answer = read_answer(message);
        REQUIRE(answer);
        if (id_of(message) == 2) {
            CHECK(answer->serial() == Serial(9));
            continue;
        }
        for (const RRset& rrset : answer->answer) records += rrset.rdatas.size();
        if (const auto serial = answer->serial()) serials.insert(serial->value());
    }
    CHECK(records > 3000);
    CHECK(serials == std::set<std::uint32_t>{1});
}

TEST_CASE("what is no request ends the conversation, and what came before it is answered") {
    Client client = small();
    SUBCASE("a frame shorter than a header") {
        client.say(framed({request(1), Bytes(11), request(2)}));
        CHECK(ids_of(client.hear_all()) == std::vector<unsigned>{1});
    }
    SUBCASE("an empty frame") {
        client.say(framed({request(1), Bytes{}, request(2)}));
        CHECK(ids_of(client.hear_all()) == std::vector<unsigned>{1});
    }
    SUBCASE("a response") {
        Bytes response = request(3);
        response[2] |= std::byte{0x80};
        client.say(framed({request(1), response, request(2)}));
        CHECK(ids_of(client.hear_all()) == std::vector<unsigned>{1});
        CHECK(client.silent == 1);
    }
    SUBCASE("while a transfer streams, which is finished") {
        client.say(framed({axfr(1), Bytes{}}));
        CHECK(ids_of(client.hear_all()) == std::vector<unsigned>{1});
        CHECK(client.transferred.size() == 1);
    }
    CHECK(client.conversation.over());
    CHECK(client.conversation.room() == 0);
    CHECK(client.conversation.feed(framed({request(4)})) == 0);
    CHECK(client.hear_all().empty());
}

TEST_CASE("a transfer is told when its last message is, also when it is the SOA alone") {
    Client client = small();
    std::vector<Bytes> many;
    for (std::uint16_t id = 0; id < 100; ++id) many.push_back(ixfr(id, 1));
    many.push_back(request(200, "other.org", Type::axfr));  // refused
    client.say(framed(many));
    CHECK(client.hear_all().size() == 101);
    CHECK(client.transferred == std::vector<Bytes>(many.begin(), many.end() - 1));
    CHECK(client.requests == 101);
}

TEST_CASE("who may not transfer is told so, in order with the rest") {
    Client client(catalog({zone("example", "")}));
    client.say(framed({axfr(1), request(2)}));
    const auto messages = client.hear_all();
    CHECK(ids_of(messages) == std::vector<unsigned>{1, 2});
    CHECK(rcode_of(messages[0]) == 5);
    CHECK(client.transferred.empty());
}

TEST_CASE("over a stream the answer is the one that a datagram would have") {
    Client client = small();
    for (const char* qname : {"www.example", "nope.example", "example", "other.org"}) {
        CAPTURE(qname);
        client.say(framed({request(7, qname)}));
        const auto heard = client.hear_all();
        REQUIRE(heard.size() == 1);
        Asking udp;
        CHECK(heard[0] == reply_to(client.catalog, request(7, qname), udp));
    }
}

TEST_CASE("every request has its whole answer once, however it was cut and whenever we speak") {
    const Catalog served = catalog({large_zone(700)}).with(to_us);
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
        CAPTURE(seed);
        Random random(seed);
        Client client(served);
        std::vector<Bytes> said;
        std::set<unsigned> transfers;
        for (std::uint16_t id = 1; id <= 60; ++id) {
            const std::size_t kind = random.below(4);
            if (kind == 0) transfers.insert(id);
            said.push_back(kind == 0   ? axfr(id)
                           : kind == 1 ? request(id, "nope.example")
                           : kind == 2 ? ixfr(id, 1)
                                       : request(id));
        }
        const Bytes stream = framed(said);
        std::span<const std::byte> rest(stream);
        std::vector<Bytes> heard;
        while (!rest.empty() || client.conversation.more()) {
            const std::size_t piece = std::min(rest.size(), 1 + random.below(200));
            rest = rest.subspan(client.conversation.feed(rest.first(piece)));
            for (std::size_t speeches = random.below(3); speeches > 0; --speeches)
                for (Bytes& message : client.hear()) heard.push_back(std::move(message));
            REQUIRE(client.conversation.transfers() <= Conversation::transfers_max);
            if (rest.empty())
                for (Bytes& message : client.hear()) heard.push_back(std::move(message));
        }
        std::vector<unsigned> short_answers, expected;
        std::map<unsigned, std::size_t> soas;
        for (const Bytes& message : heard) {
            if (!transfers.contains(id_of(message))) {
                short_answers.push_back(id_of(message));
                continue;
            }
            const auto answer = read_answer(message);
            REQUIRE(answer);
            for (const RRset& rrset : answer->answer)
                if (rrset.type == Type::soa) soas[id_of(message)] += rrset.rdatas.size();
        }
        for (unsigned id = 1; id <= 60; ++id)
            if (!transfers.contains(id)) expected.push_back(id);
        CHECK(short_answers == expected);  // among themselves in their order
        REQUIRE(soas.size() == transfers.size());
        for (const auto& [id, count] : soas) CHECK(count == 2);
        CHECK_FALSE(client.conversation.amid_request());
        CHECK(client.conversation.held() == 0);
    }
}

TEST_CASE("a conversation tells the whole code of its answers, with what the OPT adds") {
    Bytes other_version = request(1);
    append_opt(other_version, 1232, false, 1);
    Conversation conversation{peer(by_tcp())};
    conversation.feed(framed({other_version, request(2), request(3, "nope.example")}));
    Turn turn;
    Bytes out(Conversation::speech_max);
    const auto spoken =
        conversation.speak(catalog({zone("example", "www A 192.0.2.1\n")}), turn, out);
    CHECK(spoken.responses[0] == 1);
    CHECK(spoken.responses[3] == 1);
    CHECK(spoken.responses[16] == 1);
}

TEST_CASE("a key whose name reads as an OPT is BADKEY, and is counted as that (tsig_fuzz)") {
    // Behind the question stands our copy of it: a label, then type 41 and a byte of RCODE.
    const Bytes label = hex("0600296162ff6300");
    TsigKey forged = tsig_key("forged");
    forged.name = *Name::from_wire(label);
    Conversation conversation{peer(by_tcp())};
    conversation.feed(framed({tsig_sign(request(1), forged, signed_now)}));
    Turn turn;
    Bytes out(Conversation::speech_max);
    const auto spoken = conversation.speak(catalog({zone("example", "")}), turn, out);
    CHECK(spoken.responses[static_cast<std::size_t>(Rcode::notauth)] == 1);
    CHECK(rcode_of(Bytes(out.begin() + 2, out.end())) == 9);
    REQUIRE(spoken.refused.size() == 1);
    CHECK(spoken.refused[0].outcome.refusal == Refusal::key_unknown);
}

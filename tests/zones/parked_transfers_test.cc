// Transfers that may not begin yet: they wait in their conversation, and hold up nothing else.
#include "tests/zones/support.h"
#include "zones/conversation.h"
#include "zones/wire.h"

#include <algorithm>

using namespace zones;
using namespace zones::testing;

namespace {

const Access to_us{{{*Prefix::parse("192.0.2.53"), {}}}, {}};

Catalog serving(std::string_view serial) {
    std::string text = "@ SOA ns1 admin " + std::string(serial) +
                       " 3600 600 86400 60\n@ NS ns1\nns1 A 192.0.2.9\nwww A 192.0.2.2\n";
    for (int i = 0; i < 1000; ++i)
        text += "h" + std::to_string(i) + " TXT \"" + std::string(200, 'x') + "\"\n";
    return catalog({zone("example", text)}).with(to_us);
}

struct Client {
    explicit Client(const Catalog& all) : catalog(all) {}

    void ask(std::uint16_t id, Type type = Type::axfr, const char* what = "example") {
        const Bytes message = make_query(*Name::parse(what), type, id);
        Bytes frame(stream_prefix_size);
        set_stream_prefix(frame, message.size());
        frame.insert(frame.end(), message.begin(), message.end());
        REQUIRE(conversation.feed(frame) == frame.size());
    }
    // The ids of what one speech says.
    std::vector<unsigned> hear(std::size_t may_begin) {
        const auto spoken = conversation.speak(catalog, turn, out, may_begin);
        REQUIRE(spoken.begun <= may_begin);
        begun += spoken.begun;
        std::vector<unsigned> ids;
        for (std::size_t at = 0; at < spoken.size;) {
            const std::size_t size = load16(out.data() + at);
            const auto answer = read_answer(std::span(out).subspan(at + 2, size));
            REQUIRE(answer);
            ids.push_back(answer->id);
            if (const auto serial = answer->serial()) last_serial = serial->value();
            at += stream_prefix_size + size;
        }
        return ids;
    }
    std::vector<unsigned> hear_all(std::size_t may_begin) {
        std::vector<unsigned> all;
        do {
            for (const unsigned id : hear(may_begin)) all.push_back(id);
        } while (conversation.more());
        return all;
    }

    Catalog catalog;
    Conversation conversation{[] {
        Asking asking;
        asking.transport = Peer::Transport::tcp;
        return peer(asking);
    }()};
    Turn turn{};
    Bytes out = Bytes(Conversation::speech_max);
    std::size_t begun = 0;
    std::uint32_t last_serial = 0;
};

}  // namespace

TEST_CASE("a transfer that may not begin is parked, and what is behind it is answered") {
    Client client(serving("1"));
    client.ask(1);
    client.ask(2, Type::a, "www.example");
    client.ask(3, Type::axfr, "other.org");  // refused, not parked
    CHECK(client.hear(0) == std::vector<unsigned>{2, 3});
    CHECK(client.conversation.parked() == 1);
    CHECK(client.conversation.transfers() == 0);
    CHECK_FALSE(client.conversation.more());
    CHECK(client.conversation.last_number() == 0);
    const auto ids = client.hear_all(1);
    CHECK(ids.size() > 2);
    CHECK(std::count(ids.begin(), ids.end(), 1u) == static_cast<std::ptrdiff_t>(ids.size()));
    CHECK(client.conversation.parked() == 0);
}

TEST_CASE("parked transfers begin in the order of asking, before those that are asked for now") {
    Client client(serving("1"));
    for (std::uint16_t id = 1; id <= 3; ++id) client.ask(id);
    CHECK(client.hear(0).empty());
    CHECK(client.hear(1) == std::vector<unsigned>{1});
    CHECK(client.conversation.parked() == 2);
    client.ask(4);
    CHECK(client.hear(1) == std::vector<unsigned>{1});
    CHECK(client.conversation.transfers() == 2);
    CHECK(client.hear(0) == std::vector<unsigned>{2});
    CHECK(client.conversation.parked() == 2);
    CHECK(client.begun == 2);
    client.hear_all(2);
    CHECK(client.begun == 4);
}

TEST_CASE("a parked transfer is of the version that was served when it was asked for") {
    Client client(serving("1"));
    client.ask(1);
    client.hear(0);
    client.catalog = serving("2");
    client.hear_all(1);
    CHECK(client.last_serial == 1);
}

TEST_CASE("those under way and those parked have one bound (tcp_pipeline_cap)") {
    Client client(serving("1"));
    for (std::uint16_t id = 1; id <= Conversation::transfers_max + 2; ++id) client.ask(id);
    client.hear(3);
    CHECK(client.conversation.transfers() == 3);
    CHECK(client.conversation.parked() == Conversation::transfers_max - 3);
    CHECK(client.conversation.room() == 0);
    client.hear_all(0);
    CHECK(client.begun == 3);
    CHECK(client.conversation.parked() == Conversation::transfers_max - 1);
    CHECK(client.conversation.room() > 0);
}

TEST_CASE("a request with the id of a parked transfer waits for it without asking for turns") {
    Client client(serving("1"));
    client.ask(1);
    client.ask(1, Type::a, "www.example");
    CHECK(client.hear(0).empty());
    CHECK_FALSE(client.conversation.more());
    CHECK(client.conversation.room() == 0);
    const auto ids = client.hear_all(1);
    CHECK(ids.size() > 2);
    CHECK(client.conversation.room() > 0);
    CHECK_FALSE(client.conversation.amid_request());
}

#include "agent/io/master_record.h"
#include "heartbeat/io/asio.h"
#include "heartbeat/io/clock.h"

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

using namespace agent;
using heartbeat::Address;
using heartbeat::boot_now;
using heartbeat::Duration;
using heartbeat::ErrorCode;
using heartbeat::Instant;
using std::chrono::milliseconds;
using udp = boost::asio::ip::udp;
using Bytes = std::vector<std::byte>;
using Replies = std::vector<Bytes>;

namespace {

void put(Bytes& out, std::initializer_list<int> bytes) {
    for (const int b : bytes) out.push_back(static_cast<std::byte>(b));
}

// The question's bytes as an answer: flags set, and `records` appended with their count.
Bytes answer(Bytes question, const Bytes& records, int count, int rcode = 0) {
    question[2] = std::byte{0x84};  // QR AA
    question[3] = static_cast<std::byte>(rcode);
    question[7] = static_cast<std::byte>(count);
    question.insert(question.end(), records.begin(), records.end());
    return question;
}

Bytes a_record(int last) {
    Bytes out;
    put(out, {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4, 192, 0, 2, last});
    return out;
}

Bytes question(AddressKind kind = AddressKind::v4) {
    return *master_question("master.wiki.example", kind, 0x1234);
}

// A name server that answers each question as the test says; nullopt is silence.
struct NameServer {
    using Act = std::function<Replies(const Bytes& question, bool v4)>;
    NameServer(boost::asio::io_context& loop, Act what)
        : socket(loop, {boost::asio::ip::make_address("127.0.5.9"), 0}), act(std::move(what)) {
        receive();
    }
    void receive() {
        socket.async_receive_from(
            boost::asio::buffer(buffer), from, [this](ErrorCode error, std::size_t n) {
                if (error) return;
                const auto* const first = reinterpret_cast<const std::byte*>(buffer.data());
                const Bytes asked(first, first + n);
                const bool v4 = asked[n - 3] == std::byte{1};
                for (const Bytes& reply : act(asked, v4))
                    socket.send_to(boost::asio::buffer(reply), from);
                receive();
            });
    }
    udp::socket socket;
    Act act;
    udp::endpoint from;
    std::array<char, 2048> buffer{};
};

using Found = tl::expected<std::vector<Address>, std::string>;

Found ask(const NameServer::Act& act, Duration* took = nullptr) {
    boost::asio::io_context loop;
    NameServer server(loop, act);
    MasterRecord record(loop, {"127.0.5.9", server.socket.local_endpoint().port(),
                               "master.wiki.example", milliseconds(300)});
    std::optional<Found> found;
    const Instant begun = boot_now();
    record.ask([&](Found answer) { found = std::move(answer); });
    while (!found && boot_now() < begun + std::chrono::seconds(5))
        loop.run_one_for(milliseconds(20));
    REQUIRE(found);
    if (took) *took = boot_now() - begun;
    return *found;
}

}  // namespace

TEST_CASE("the question is one, without recursion, under the given id") {
    const Bytes wire = question();
    CHECK(wire.size() == 12 + 21 + 4);
    CHECK(wire[0] == std::byte{0x12});
    CHECK(wire[1] == std::byte{0x34});
    CHECK(wire[2] == std::byte{0});
    CHECK(wire[3] == std::byte{0});
    CHECK_FALSE(master_question("master..example", AddressKind::v4, 1));
    CHECK_FALSE(master_question(std::string(300, 'a'), AddressKind::v4, 1));
}

TEST_CASE("an answer is read when it is the answer to the question") {
    const auto two = [] {
        Bytes out = a_record(1);
        const Bytes more = a_record(2);
        out.insert(out.end(), more.begin(), more.end());
        return out;
    }();
    const auto read = read_answer(question(), answer(question(), two, 2));
    REQUIRE(read);
    REQUIRE(*read);
    CHECK(**read == std::vector{*Address::parse("192.0.2.1"), *Address::parse("192.0.2.2")});

    SUBCASE("in any case of letters") {
        Bytes reply = answer(question(), a_record(1), 1);
        reply[13] = std::byte{'M'};
        CHECK(read_answer(question(), reply));
    }
    SUBCASE("a name without addresses, or without existence, has none") {
        CHECK(read_answer(question(), answer(question(), {}, 0)).value()->empty());
        CHECK(read_answer(question(), answer(question(), {}, 0, 3)).value()->empty());
    }
    SUBCASE("not with another id, question, type or direction") {
        Bytes other_id = answer(question(), a_record(1), 1);
        other_id[1] = std::byte{0x35};
        CHECK_FALSE(read_answer(question(), other_id));
        Bytes other_name = answer(question(), a_record(1), 1);
        other_name[13] = std::byte{'x'};
        CHECK_FALSE(read_answer(question(), other_name));
        CHECK_FALSE(read_answer(question(AddressKind::v6), answer(question(), a_record(1), 1)));
        CHECK_FALSE(read_answer(question(), question()));
    }
    SUBCASE("a refusal, a cut or a damaged answer is an error") {
        CHECK_FALSE(*read_answer(question(), answer(question(), {}, 0, 5)));
        Bytes cut = answer(question(), {}, 0);
        cut[2] = std::byte{0x86};
        CHECK_FALSE(*read_answer(question(), cut));
    }
    SUBCASE("no length of it breaks the reader") {
        const Bytes whole = answer(question(), two, 2);
        for (std::size_t i = 0; i < whole.size(); ++i) {
            const auto part = read_answer(question(), std::span(whole).first(i));
            CHECK((!part || !*part));
        }
    }
}

TEST_CASE("the name server is asked for A and AAAA, and what it says is put together") {
    Duration took{};
    const Found found = ask(
        [](const Bytes& asked, bool v4) {
            Bytes forged = answer(asked, a_record(66), 1);
            forged[0] = static_cast<std::byte>(~std::to_integer<int>(forged[0]));
            return Replies{forged, answer(asked, v4 ? a_record(7) : Bytes{}, v4 ? 1 : 0)};
        },
        &took);
    REQUIRE(found);
    CHECK(*found == std::vector{*Address::parse("192.0.2.7")});
    CHECK(took < milliseconds(250));
}

TEST_CASE("a name server that is silent, half silent or refuses is no news") {
    Duration took{};
    CHECK(ask([](const Bytes&, bool) { return Replies{}; }, &took).error() == "no answer in time");
    CHECK(took < milliseconds(900));
    CHECK_FALSE(ask([](const Bytes& asked, bool v4) {
        return v4 ? Replies{answer(asked, a_record(1), 1)} : Replies{};
    }));
    CHECK(ask([](const Bytes& asked, bool) { return Replies{answer(asked, {}, 0, 5)}; })
              .error()
              .find("rcode 5") != std::string::npos);
}

// IXFR (RFC 1995): whatever version a client has, what it is told makes it ours.
#include "zones/ixfr.h"
#include "tests/zones/history_support.h"
#include "tests/zones/tsig_support.h"
#include "zones/condense.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <set>

using namespace zones;
using namespace zones::testing;

namespace {

Catalog serving(const History& history) {
    Access access;
    access.transfer = {{*Prefix::parse("192.0.2.53"), {}}};
    return Catalog().with(history).with(access);
}

Lines ixfr(const History& history, Serial serial) {
    return told(stream(serving(history), ixfr_query(history.origin(), serial.value()), axfr()));
}

Lines ixfr_by_udp(const History& history, Serial serial, int edns, Bytes* raw = nullptr) {
    Asking asking = axfr();
    asking.transport = Peer::Transport::udp;
    Bytes request = ixfr_query(history.origin(), serial.value());
    if (edns >= 0) append_opt(request, static_cast<std::uint16_t>(edns));
    const Bytes response = reply_to(serving(history), request, asking);
    if (raw != nullptr) *raw = response;
    return told({response});
}

bool is_soa(const std::string& line) {
    return line.find(" SOA ") != std::string::npos;
}

std::set<std::string> lines_of(const Zone& zone) {
    const Catalog catalog = serving(History(std::make_shared<const Zone>(zone)));
    Lines all = told(stream(catalog, query(zone.origin().text(), axfr()), axfr()));
    REQUIRE(all.front() == all.back());
    all.pop_back();
    const std::set<std::string> result(all.begin(), all.end());
    REQUIRE(result.size() == all.size());
    return result;
}

struct Played {
    std::set<std::string> zone;
    std::size_t steps = 0;  // 0: the whole zone came
};

// What a secondary does with the answer (RFC 1995 §4), strictly.
Played play(const Lines& answer, std::set<std::string> zone) {
    REQUIRE(answer.size() >= 2);
    REQUIRE(is_soa(answer.front()));
    REQUIRE(answer.front() == answer.back());
    if (!is_soa(answer[1])) return {{answer.begin(), answer.end() - 1}, 0};
    Played played{std::move(zone), 0};
    bool exact = true;
    std::size_t i = 1;
    while (i + 1 < answer.size()) {
        REQUIRE(is_soa(answer[i]));
        exact &= played.zone.erase(answer[i++]) == 1;
        while (!is_soa(answer[i])) exact &= played.zone.erase(answer[i++]) == 1;
        exact &= played.zone.insert(answer[i++]).second;
        while (!is_soa(answer[i])) exact &= played.zone.insert(answer[i++]).second;
        ++played.steps;
    }
    REQUIRE(exact);
    return played;
}

std::shared_ptr<const Zone> large_zone(int names = 500) {
    std::string text;
    for (int i = 0; i < names; ++i) text += "h" + std::to_string(i) + " A 192.0.2.1\n";
    return zone("Example", text);
}

std::shared_ptr<const Zone> with_address(const std::shared_ptr<const Zone>& from,
                                         const std::string& host, int i) {
    const std::uint8_t address[4] = {10, 0, static_cast<std::uint8_t>(i / 256),
                                     static_cast<std::uint8_t>(i % 256)};
    const std::vector<Zone::Change> changes{
        {name(host + ".example"), Type::a, Ttl{5}, {a_rdata(address)}}};
    return from->with(changes, from->serial().next()).value();
}

}  // namespace

TEST_CASE("random histories: IXFR from any version ends where AXFR does (ixfr_chain_fuzz)") {
    std::size_t incremental = 0, whole = 0, condensed = 0;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        CAPTURE(seed);
        Random random(seed);
        RandomVersions versions(seed);
        History history(versions.now());
        std::vector<std::shared_ptr<const Zone>> all{versions.now()};
        for (int step = 0; step < 12; ++step) {
            random.below(8) == 0 ? versions.other_file() : versions.live_change();
            history = history.advance(versions.now());
            all.push_back(versions.now());
        }
        const auto ours = lines_of(*all.back());
        for (std::size_t from = 0; from + 1 < all.size(); ++from) {
            CAPTURE(from);
            if (!(all[from]->serial() < all.back()->serial())) continue;
            // Where the serials have gone round their circle, a serial may be that of two versions.
            const auto same = [&](const auto& other) {
                return other->serial() == all[from]->serial();
            };
            if (std::count_if(all.begin(), all.end(), same) > 1) continue;
            const Played played = play(ixfr(history, all[from]->serial()), lines_of(*all[from]));
            REQUIRE(played.zone == ours);
            const auto way = history.way_from(all[from]->serial());
            REQUIRE((way.has_value() || played.steps == 0));
            ++(played.steps == 0 ? whole : incremental);
            condensed += way && played.steps == 1 && way->steps > 1;
        }
    }
    CHECK(incremental > 20);
    CHECK(whole > 20);
    CHECK(condensed > 3);
}

TEST_CASE("many steps as one are what lies between first and last") {
    for (std::uint64_t seed = 50; seed < 70; ++seed) {
        CAPTURE(seed);
        RandomVersions versions(seed);
        const auto first = versions.now();
        History history(first);
        for (int i = 0; i < 10; ++i) {
            versions.live_change();
            history = history.advance(versions.now());
        }
        if (history.size() != 10) continue;  // a step was dearer than the zone
        const auto one = condense(history, 1 << 20);
        REQUIRE(one.has_value());
        CHECK(is_step(*one, *first, *versions.now()));
        CHECK(one->bytes() <= difference(*first, *versions.now()).bytes() + 10);
    }
}

TEST_CASE("a name that changes a thousand times while a secondary sleeps is told once") {
    const auto first = large_zone(8000);
    History history(first);
    for (int i = 0; i < 1000; ++i)
        history = history.advance(with_address(history.newest(), "w", i));
    REQUIRE(history.size() == 1000);
    const Lines answer = ixfr(history, first->serial());
    CHECK(answer.size() == 5);
    CHECK(play(answer, lines_of(*first)).zone == lines_of(*history.newest()));
}

TEST_CASE("steps that have little in common are told one by one") {
    const auto first = large_zone(2000);
    History history(first);
    for (int i = 0; i < 20; ++i) {
        std::vector<Zone::Change> changes;
        for (int host = 0; host < 10; ++host)
            changes.push_back({name("h" + std::to_string(i * 10 + host) + ".example"),
                               Type::a,
                               Ttl{5},
                               {a_rdata(std::array<std::uint8_t, 4>{10, 0, 0, 1})}});
        const auto& newest = history.newest();
        history = history.advance(newest->with(changes, newest->serial().next()).value());
    }
    const Played played = play(ixfr(history, first->serial()), lines_of(*first));
    CHECK(played.steps == 20);
    CHECK(played.zone == lines_of(*history.newest()));
}

TEST_CASE("who is current, or ahead, gets the SOA alone (RFC 1995 §2)") {
    const History history = History(large_zone()).advance(with_address(large_zone(), "w", 1));
    for (const std::uint32_t serial : {2U, 3U, 0x8000'0001U}) {
        CHECK(ixfr(history, Serial(serial)).size() == 1);
        CHECK(ixfr_by_udp(history, Serial(serial), 4096).size() == 1);
    }
    // No order: nobody knows who is ahead. All of it makes the client ours.
    CHECK(play(ixfr(history, Serial(0x8000'0002U)), {}).zone == lines_of(*history.newest()));
}

TEST_CASE("whom the history does not reach, or reaches only with more than all, gets all") {
    const auto first = zone("example", "www A 192.0.2.1\n");
    History history(first);
    for (int i = 0; i < 10; ++i)
        history = history.advance(with_address(history.newest(), std::to_string(i), i));
    const auto ours = lines_of(*history.newest());
    const Played all = play(ixfr(history, Serial(0)), {});
    CHECK(all.steps == 0);
    CHECK(all.zone == ours);
    // From serial 1 there would be ten steps, each with two SOAs.
    const Played dear = play(ixfr(history, Serial(1)), lines_of(*first));
    CHECK(dear.steps == 0);
    CHECK(dear.zone == ours);
    CHECK(ixfr(history, Serial(10)).size() == 5);
}

TEST_CASE("over UDP the differences go whole or not at all (RFC 1995 §2)") {
    const auto first = large_zone();
    History history(first);
    for (int i = 0; i < 8; ++i)
        history = history.advance(with_address(history.newest(), "Host" + std::to_string(i), i));
    const auto ours = lines_of(*history.newest());
    const std::string soa = ixfr(history, Serial(9)).front();
    std::size_t fitted = 0;
    for (int size = 512; size <= 1232; size += 8)
        for (std::uint32_t from = 1; from < 9; ++from) {
            Bytes raw;
            const Lines answer = ixfr_by_udp(history, Serial(from), size, &raw);
            REQUIRE(raw.size() <= static_cast<std::size_t>(size));
            REQUIRE((flags_of(raw) & Flag::tc) == 0);
            REQUIRE(opt_of(raw).has_value());
            if (answer.size() == 1) {
                REQUIRE(answer.front() == soa);
                continue;
            }
            ++fitted;
            std::shared_ptr<const Zone> before = first;
            for (std::uint32_t i = 1; i < from; ++i)
                before =
                    with_address(before, "Host" + std::to_string(i - 1), static_cast<int>(i) - 1);
            REQUIRE(play(answer, lines_of(*before)).zone == ours);
        }
    CHECK(fitted > 100);
    // Without EDNS it is 512 bytes; and what the history does not know is the SOA alone.
    CHECK(ixfr_by_udp(history, Serial(8), -1).size() == 5);
    CHECK(ixfr_by_udp(history, Serial(1), -1).size() == 1);
    CHECK(ixfr_by_udp(history, Serial(0), 4096).size() == 1);
}

TEST_CASE("signed differences by UDP are whole, within their size, beside EXPIRE (RFC 8945 §5.3)") {
    const auto first = large_zone();
    History history(first);
    std::vector<std::set<std::string>> versions{lines_of(*first)};
    for (int i = 0; i < 8; ++i) {
        history = history.advance(with_address(history.newest(), "Host" + std::to_string(i), i));
        versions.push_back(lines_of(*history.newest()));
    }
    const std::string label(40, 'k');
    const TsigKey key = tsig_key(label + "." + label + "." + label, TsigAlgorithm::hmac_sha512);
    Access access;
    access.transfer = {{std::nullopt, key.name}};
    const Catalog zones = Catalog().with(history).with(access).with(TsigKeys({key}));
    const Asking asking{.now_seconds = signed_now};
    std::size_t fitted = 0, alone = 0;
    for (int size = 512; size <= 1232; size += 24)
        for (std::uint32_t from = 1; from < 9; ++from) {
            CAPTURE(size);
            CAPTURE(from);
            Bytes request = ixfr_query(history.origin(), from);
            append_opt(request, static_cast<std::uint16_t>(size));
            const Bytes expire = hex("00090000");
            store16(&request[request.size() - 2], expire.size());
            request.insert(request.end(), expire.begin(), expire.end());
            Bytes mac;
            const Bytes response =
                reply_to(zones, tsig_sign(request, key, signed_now, &mac), asking);
            REQUIRE(response.size() <= static_cast<std::size_t>(size));
            REQUIRE(rcode_of(response) == 0);
            REQUIRE((flags_of(response) & Flag::tc) == 0);
            REQUIRE(verify(response, key, mac) == TsigError::none);
            const Bytes plain = unsigned_part(response);
            REQUIRE(opt_of(plain).value().option(9) != nullptr);
            const Lines answer = told({plain});
            if (answer.size() == 1) {
                ++alone;
                continue;
            }
            ++fitted;
            REQUIRE(play(answer, versions[from - 1]).zone == versions.back());
        }
    CHECK(fitted > 40);
    CHECK(alone > 20);
}

TEST_CASE("differences of more than a message are told in several, each packed full") {
    const auto first = large_zone(20'000);
    std::vector<Zone::Change> changes;
    for (int i = 0; i < 6000; ++i) {
        const std::uint8_t address[4] = {10, 1, static_cast<std::uint8_t>(i / 256),
                                         static_cast<std::uint8_t>(i % 256)};
        changes.push_back(
            {name("h" + std::to_string(i) + ".example"), Type::a, Ttl{5}, {a_rdata(address)}});
    }
    const History history = History(first).advance(first->with(changes, Serial(2)).value());
    const auto messages = stream(serving(history), ixfr_query(name("example"), 1), axfr());
    REQUIRE(messages.size() > 3);
    for (std::size_t i = 0; i + 1 < messages.size(); ++i)
        CHECK(messages[i].size() > transfer_message_max - 100);
    CHECK(load16(&messages[0][4]) == 1);
    CHECK(load16(&messages[1][4]) == 0);
    CHECK(play(told(messages), lines_of(*first)).zone == lines_of(*history.newest()));
}

TEST_CASE("a request for IXFR names one version of the zone it asks for, or is FORMERR") {
    const History history = History(large_zone());
    const auto rcode = [&](const Bytes& request) {
        const auto messages = stream(serving(history), request, axfr());
        REQUIRE(messages.size() == 1);
        return rcode_of(messages[0]);
    };
    const Bytes good = ixfr_query(name("eXample"), 1);
    CHECK(rcode(good) == 0);
    const std::size_t soa = 12 + 9 + 4;  // behind the question
    SUBCASE("no SOA") {
        Bytes none(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(soa));
        store16(&none[8], 0);
        CHECK(rcode(none) == 1);
    }
    SUBCASE("two") {
        Bytes two = good;
        two.insert(two.end(), good.begin() + static_cast<std::ptrdiff_t>(soa), good.end());
        store16(&two[8], 2);
        CHECK(rcode(two) == 1);
    }
    SUBCASE("another type, another class, cut short") {
        Bytes bad = good;
        store16(&bad[soa + 2], 2);
        CHECK(rcode(bad) == 1);
        bad = good;
        store16(&bad[soa + 4], 3);
        CHECK(rcode(bad) == 1);
        bad = good;
        bad.pop_back();
        CHECK(rcode(bad) == 1);
    }
    SUBCASE("whose owner is spelt out, in another case") {
        Bytes plain = good;
        const Bytes owner = bytes({7, 'E', 'X', 'A', 'm', 'p', 'l', 'e', 0});
        plain.erase(plain.begin() + static_cast<std::ptrdiff_t>(soa),
                    plain.begin() + static_cast<std::ptrdiff_t>(soa) + 2);
        plain.insert(plain.begin() + static_cast<std::ptrdiff_t>(soa), owner.begin(), owner.end());
        CHECK(rcode(plain) == 0);
        plain[soa + 3] = std::byte{'x'};
        CHECK(rcode(plain) == 1);
    }
    SUBCASE("whose owner is another, or a pointer to nowhere") {
        for (const std::uint16_t pointer : {0xc00d, 0xc014, 0xc000, 0xc019, 0xc01a, 0xffff}) {
            Bytes bad = good;
            store16(&bad[soa], pointer);
            CAPTURE(pointer);
            CHECK(rcode(bad) == 1);
        }
    }
}

TEST_CASE("a transfer is of one version, also while a hundred others are published (F7)") {
    const auto first = large_zone(20'000);
    auto catalog = std::make_shared<const Catalog>(serving(History(first)));
    const auto want = lines_of(*first);
    const Bytes request = query("example", axfr());
    Response response = respond(catalog, request, peer(axfr()), Turn{});
    std::vector<Bytes> messages(1);
    REQUIRE(response.next(messages.back()));
    auto now = first;
    for (int i = 0; i < 100; ++i) {
        now = with_address(now, "h" + std::to_string(i * 7), i);
        catalog = std::make_shared<const Catalog>(
            catalog->with(catalog->zone(name("example"))->advance(now)));
    }
    for (Bytes message; response.next(message);) messages.push_back(message);
    REQUIRE(messages.size() > 3);
    CHECK(play(told(messages), {}).zone == want);
}

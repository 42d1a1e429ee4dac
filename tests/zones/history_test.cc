// Deltas, differences and histories: whatever a zone's versions are, the steps between them say all
// that changed and nothing else.
#include "tests/zones/history_support.h"
#include "zones/builder.h"

#include <doctest/doctest.h>

#include <vector>

using namespace zones;
using namespace zones::testing;

namespace {

using Deltas = std::vector<std::shared_ptr<const Delta>>;

std::shared_ptr<const Zone> with_address(const std::shared_ptr<const Zone>& from, int i) {
    const std::uint8_t address[4] = {192, 0, 2, static_cast<std::uint8_t>(i % 200 + 10)};
    const std::vector<Zone::Change> changes{
        {name("www." + from->origin().text()), Type::a, Ttl{5}, {a_rdata(address)}}};
    return from->with(changes, from->serial().next()).value();
}

Lines half_of(const Delta& delta, Delta::Half half) {
    Lines result;
    std::size_t at = 0;
    while (const auto group = delta.next(half, at))
        for (std::size_t i = 0; i < group->records.size();
             i += RRsetView::record_size(group->records.data() + i)) {
            const std::byte* record = group->records.data() + i;
            const RRset rrset{*Name::from_wire(group->owner),
                              static_cast<Type>(load16(record)),
                              Ttl{load32(record + 4)},
                              {Rdata(RRsetView::rdata(record))}};
            if (rrset.type != Type::soa) result.push_back(lines({rrset}).front());
        }
    return result;
}
Lines went(const Delta& delta) {
    return half_of(delta, Delta::Half::deleted);
}
Lines came(const Delta& delta) {
    return half_of(delta, Delta::Half::added);
}

std::shared_ptr<const Zone> file(const std::string& text, std::uint32_t serial) {
    return zone("example", "$TTL 300\n@ SOA ns hostmaster " + std::to_string(serial) +
                               " 1 1 1 1\n@ NS ns.elsewhere.\n" + text);
}

}  // namespace

TEST_CASE("a difference has the records that changed, and no others of their RRset") {
    const auto before = file("www A 192.0.2.1\nwww A 192.0.2.2\nold TXT x\n", 1);
    const auto after = file("www A 192.0.2.3\nwww A 192.0.2.2\nnew TXT x\n", 2);
    const Delta delta = difference(*before, *after);
    CHECK(is_step(delta, *before, *after));
    Lines gone = went(delta), come = came(delta);
    std::sort(gone.begin(), gone.end());
    std::sort(come.begin(), come.end());
    CHECK(gone == Lines{"old.example 300 TXT \"x\"", "www.example 300 A 192.0.2.1"});
    CHECK(come == Lines{"new.example 300 TXT \"x\"", "www.example 300 A 192.0.2.3"});
}

TEST_CASE("another TTL takes the whole RRset along (RFC 2181 §5.2)") {
    const auto before = file("www A 192.0.2.1\nwww A 192.0.2.2\n", 1);
    const auto after = file("www 60 A 192.0.2.1\nwww 60 A 192.0.2.2\n", 2);
    const Delta delta = difference(*before, *after);
    CHECK(went(delta).size() == 2);
    CHECK(came(delta).size() == 2);
    CHECK(is_step(delta, *before, *after));
}

TEST_CASE("a name that is spelt otherwise goes and comes with all its records") {
    const auto before = file("www A 192.0.2.1\nwww TXT x\nmx MX 1 Host.example.\n", 1);
    const auto after = file("WWW A 192.0.2.1\nWWW TXT x\nmx MX 1 host.example.\n", 2);
    const Delta delta = difference(*before, *after);
    CHECK(went(delta).size() == 3);
    CHECK(came(delta).size() == 3);
    CHECK(is_step(delta, *before, *after));
}

TEST_CASE("records in another order are no difference") {
    const auto before = file("www A 192.0.2.1\nwww A 192.0.2.2\n", 1);
    const auto after = file("www A 192.0.2.2\nwww A 192.0.2.1\n", 2);
    const Delta delta = difference(*before, *after);
    CHECK(went(delta).empty());
    CHECK(came(delta).empty());
}

TEST_CASE("random histories: every step is exact, from version to version and over many") {
    for (std::uint64_t seed = 0; seed < 25; ++seed) {
        CAPTURE(seed);
        Random random(seed * 7 + 1);
        RandomVersions versions(seed);
        History history(versions.now());
        std::vector<std::shared_ptr<const Zone>> all{versions.now()};
        std::vector<Delta> steps;
        for (int step = 0; step < 30; ++step) {
            CAPTURE(step);
            random.below(5) == 0 ? versions.other_file() : versions.live_change();
            steps.push_back(difference(*all.back(), *versions.now()));
            REQUIRE(is_step(steps.back(), *all.back(), *versions.now()));
            all.push_back(versions.now());
            history = history.advance(versions.now());
            // A step that is dearer than the whole zone is not kept, nor what was before it.
            const bool dear =
                steps.back().bytes() > std::max(History::bytes_min, versions.now()->told_bytes());
            REQUIRE((history.size() == 0) == dear);
            if (!dear) REQUIRE(is_step(*history.last(), *all[all.size() - 2], *all.back()));
        }
        // From any version to the newest, and straight from one to another.
        const std::size_t from = random.below(all.size());
        Records records = records_of(*all[from]);
        for (std::size_t i = from; i < steps.size(); ++i) carry_out(steps[i], records);
        CHECK(records == records_of(*all.back()));
        const std::size_t to = from + random.below(all.size() - from);
        CHECK(is_step(difference(*all[from], *all[to]), *all[from], *all[to]));
        records = records_of(*all[all.size() - 1 - history.size()]);
        for (const auto& delta : history.deltas()) carry_out(*delta, records);
        CHECK(records == records_of(*history.newest()));
    }
}

TEST_CASE("bases that were compared ahead serve while live changes go on on both sides") {
    for (std::uint64_t seed = 100; seed < 130; ++seed) {
        CAPTURE(seed);
        RandomVersions old_file(seed);
        const auto before = old_file.now();
        old_file.other_file();
        const auto after = old_file.now();
        const auto known = compare_bases(*before, *after);
        const auto one = with_address(with_address(before, 1), 2);
        const auto other = with_address(after, 7);
        REQUIRE(known->is_of(*one, *other));
        CHECK_FALSE(known->is_of(*other, *one));
        CHECK(is_step(difference(*one, *other, known.get()), *one, *other));
        // What is about others is not believed.
        CHECK(is_step(difference(*other, *one, known.get()), *other, *one));
    }
}

TEST_CASE("a difference that is larger than allowed is none, at the byte") {
    const auto before = file("www A 192.0.2.1\n", 1);
    const auto after = file("www A 192.0.2.2\nx A 192.0.2.3\n", 2);
    const std::size_t size = difference(*before, *after).bytes();
    CHECK(difference_within(size, *before, *after).has_value());
    CHECK_FALSE(difference_within(size - 1, *before, *after).has_value());
}

TEST_CASE("the step that folds an overlay costs no walk of the zone") {
    std::string text;
    for (int i = 0; i < 200'000; ++i) text += "h" + std::to_string(i) + " A 192.0.2.1\n";
    const auto before = file(text, 1);
    std::vector<Zone::Change> changes;
    for (int i = 0; i < 49'999; ++i)
        changes.push_back({name("h" + std::to_string(i) + ".example"), Type::a, Ttl{5}, {}});
    const auto brim = before->with(changes, Serial(2)).value();
    REQUIRE(brim->changed() > 0);
    const auto folded =
        brim->with(std::vector<Zone::Change>{{name("h199999.example"), Type::a, Ttl{5}, {}}},
                   Serial(3))
            .value();
    REQUIRE(folded->changed() == 0);
    const Delta delta = difference(*brim, *folded);
    CHECK(went(delta) == Lines{"h199999.example 300 A 192.0.2.1"});
    // From another version it is told by comparing the bases: as exact, and dearer.
    CHECK(went(difference(*before, *folded)).size() == 50'000);
}

TEST_CASE("the same names may change for ever: the overlay does not grow, and nothing folds") {
    auto now = file("www A 192.0.2.1\n", 1);
    for (int i = 0; i < 3000; ++i) {
        now = with_address(now, i);
        REQUIRE(now->changed() == 2);  // and the apex, for its SOA
    }
}

TEST_CASE("a history keeps so many steps, and so many bytes") {
    const auto first = file("www 5 A 192.0.2.1\n", 1);
    SUBCASE("by count, to one more and one less") {
        History history(first, {40, 1 << 20});
        for (int i = 0; i < 100; ++i) {
            history = history.advance(with_address(history.newest(), i));
            REQUIRE(history.size() == std::min<std::size_t>(40, static_cast<std::size_t>(i + 1)));
            REQUIRE(history.deltas().back()->to() == history.newest()->serial());
            REQUIRE(history.way_from(history.deltas().front()->from())->steps == history.size());
        }
        CHECK(history.deltas().front()->from() == Serial(61));
        CHECK_FALSE(history.way_from(Serial(60)).has_value());
        CHECK(history.with({7, 1 << 20}).deltas().front()->from() == Serial(94));
    }
    SUBCASE("by bytes") {
        History history = History(first).advance(with_address(first, 1));
        const std::size_t one = history.bytes();
        REQUIRE(one == history.last()->bytes());
        history = History(first, {1000, 5 * one});
        for (int i = 0; i < 50; ++i) {
            history = history.advance(with_address(history.newest(), i));
            REQUIRE(history.bytes() <= 5 * one);
        }
        CHECK(history.size() == 5);
        CHECK(history.bytes() == 5 * one);
        CHECK(history.with({1000, 5 * one - 1}).size() == 4);
    }
    SUBCASE("none at all") {
        CHECK(History(first, {0, 1 << 20}).advance(with_address(first, 1)).size() == 0);
        CHECK(History(first, {10, 0}).advance(with_address(first, 1)).size() == 0);
    }
    SUBCASE("and never more than the zone itself takes, where that is more than a little") {
        std::string text;
        for (int i = 0; i < 2000; ++i) text += "h" + std::to_string(i) + " A 192.0.2.1\n";
        const auto large = file(text, 1);
        History history(large, {65536, 1 << 30});
        for (int i = 0; i < 1500; ++i) history = history.advance(with_address(history.newest(), i));
        CHECK(history.bytes() <= history.newest()->told_bytes());
        CHECK(history.bytes() > history.newest()->told_bytes() - 1000);
        History small(first, {65536, 1 << 30});
        for (int i = 0; i < 300; ++i) small = small.advance(with_address(small.newest(), i));
        CHECK(small.bytes() <= History::bytes_min);
        CHECK(small.bytes() > History::bytes_min - 1000);
    }
}

TEST_CASE("a history is begun anew where a client could not follow") {
    const auto first = file("www 5 A 192.0.2.1\n", 10);
    const History history = History(first).advance(with_address(first, 1));
    REQUIRE(history.size() == 1);
    CHECK(history.advance(file("www A 192.0.2.9\n", 5)).size() == 0);   // went back
    CHECK(history.advance(file("www A 192.0.2.9\n", 11)).size() == 0);  // the same
    CHECK(history.advance(file("www A 192.0.2.9\n", 11 + 0x8000'0000U)).size() == 0);
    CHECK(history.advance(file("www A 192.0.2.9\n", 12)).size() == 2);
}

TEST_CASE("steps are shared between histories, and freed when nobody has them") {
    const auto first = file("www 5 A 192.0.2.1\n", 1);
    std::weak_ptr<const Delta> oldest;
    {
        History history = History(first, {3, 1 << 20}).advance(with_address(first, 1));
        oldest = history.last();
        const History old = history;
        for (int i = 0; i < 3; ++i) history = history.advance(with_address(history.newest(), i));
        CHECK(history.size() == 3);
        CHECK(oldest.lock() == old.last());
    }
    CHECK(oldest.expired());
    History history = History(first, {3, 1 << 20}).advance(with_address(first, 1));
    oldest = history.last();
    for (int i = 0; i < 3; ++i) history = history.advance(with_address(history.newest(), i));
    CHECK(oldest.expired());
}

TEST_CASE("a history goes on over a restart, as far as the chain is unbroken") {
    History history(file("www 5 A 192.0.2.1\n", 1));
    for (int i = 0; i < 70; ++i) history = history.advance(with_address(history.newest(), i));
    Deltas kept;
    for (const auto& delta : history.deltas())
        kept.push_back(std::make_shared<const Delta>(
            Delta::unpack(history.origin(), delta->packed()).value()));
    const auto resumed = [&](const Deltas& deltas, HistoryLimits limits = {}) {
        return History::resume(history.newest(), deltas, limits);
    };
    CHECK(resumed(kept).size() == 70);
    CHECK(resumed(kept).bytes() == history.bytes());
    CHECK(resumed(kept, {64, 1 << 20}).way_from(Serial(7))->steps == 64);
    CHECK(resumed({}).size() == 0);
    Deltas torn = kept;
    torn.erase(torn.begin() + 50);
    CHECK(resumed(torn).size() == 19);
    kept.pop_back();  // the newest step was not written any more
    CHECK(resumed(kept).size() == 0);
}

TEST_CASE("a way is told from every serial of the history, with its bytes") {
    History history(file("www 5 A 192.0.2.1\n", 1));
    for (int i = 0; i < 70; ++i) history = history.advance(with_address(history.newest(), i));
    std::size_t bytes = 0;
    for (std::size_t back = 1; back <= 70; ++back) {
        bytes += history.step(70 - back)->bytes();
        const auto way = history.way_from(Serial(static_cast<std::uint32_t>(71 - back)));
        REQUIRE(way.has_value());
        CHECK(way->steps == back);
        CHECK(way->bytes == bytes);
    }
    // No further back than so many steps.
    CHECK(history.way_from(Serial(61), 10)->steps == 10);
    CHECK_FALSE(history.way_from(Serial(61), 9).has_value());
    CHECK_FALSE(history.way_from(Serial(70), 0).has_value());
    CHECK_FALSE(history.way_from(Serial(71)).has_value());  // that is the newest itself
    CHECK_FALSE(history.way_from(Serial(0)).has_value());
}

TEST_CASE("bytes that are no delta are not taken for one (ixfr_chain_fuzz)") {
    const auto before = file("www A 192.0.2.1\nwww A 192.0.2.2\nmx MX 1 www\n", 1);
    const auto after = file("www A 192.0.2.3\nmx MX 2 www\nb.x TXT y\n", 2);
    const Delta delta = difference(*before, *after);
    const Name origin = name("example");
    const Bytes good(delta.packed().begin(), delta.packed().end());
    REQUIRE(Delta::unpack(origin, good).has_value());
    CHECK(is_step(*Delta::unpack(origin, good), *before, *after));
    CHECK_FALSE(Delta::unpack(name("other"), good).has_value());
    for (std::size_t size = 0; size < good.size(); ++size) {
        CAPTURE(size);
        CHECK_FALSE(Delta::unpack(origin, std::span(good).first(size)).has_value());
    }
    Bytes longer = good;
    longer.push_back({});
    CHECK_FALSE(Delta::unpack(origin, longer).has_value());
    // The version, the class of a record, a type that no zone has, an SOA among the others.
    const auto broken = [&](auto change) {
        Bytes bad = good;
        change(bad);
        return !Delta::unpack(origin, bad).has_value();
    };
    constexpr std::size_t head = 9, owner = 9;
    constexpr std::size_t count = head + owner, soa = count + 2;
    const std::size_t second = soa + 10 + load16(&good[soa + 8]);
    CHECK(broken([](Bytes& b) { b[0] = std::byte{2}; }));
    CHECK(broken([](Bytes& b) { store32(&b[1], load32(&b[1]) + 1); }));
    CHECK(broken([](Bytes& b) { store32(&b[1], 0xffff'ffff); }));
    CHECK(broken([](Bytes& b) { store32(&b[5], load32(&b[5]) + 1); }));
    CHECK(broken([](Bytes& b) { b[head + 1] = std::byte{'x'}; }));       // whose SOA?
    CHECK(broken([](Bytes& b) { store16(&b[count], 2); }));              // two SOAs
    CHECK(broken([](Bytes& b) { store16(&b[count], 0); }));              // none
    CHECK(broken([](Bytes& b) { store16(&b[soa], 16); }));               // TXT
    CHECK(broken([](Bytes& b) { store16(&b[soa + 2], 3); }));            // class CH
    CHECK(broken([](Bytes& b) { store32(&b[soa + 4], 0xffff'ffff); }));  // TTL
    CHECK(broken([&](Bytes& b) { b[second] = std::byte{0xc0}; }));       // a pointer
    Bytes back = good;                                                   // serials that do not rise
    store32(&back[second - 20], 2);
    CHECK_FALSE(Delta::unpack(origin, back).has_value());
}

TEST_CASE("whatever bytes a delta's are changed to, it is refused or whole (ixfr_chain_fuzz)") {
    RandomVersions versions(9);
    const auto before = versions.now();
    versions.other_file();
    const Delta delta = difference(*before, *versions.now());
    const Bytes good(delta.packed().begin(), delta.packed().end());
    Random random(4);
    for (int i = 0; i < 20'000; ++i) {
        Bytes bad = good;
        for (std::size_t flips = 1 + random.below(3); flips > 0; --flips)
            bad[random.below(bad.size())] = static_cast<std::byte>(random.next());
        const auto taken = Delta::unpack(name("example"), bad);
        if (!taken) continue;
        bool whole = true;
        for (const auto half : {Delta::Half::deleted, Delta::Half::added}) {
            std::size_t at = 0;
            while (const auto group = taken->next(half, at)) whole &= group->count > 0;
        }
        REQUIRE((whole && taken->from() < taken->to()));
    }
}

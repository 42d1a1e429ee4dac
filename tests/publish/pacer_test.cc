#include "dnsd/publish/pacer.h"

#include <doctest/doctest.h>

using namespace dnsd;
using namespace std::chrono_literals;

namespace {

using Instant = Pacer::Instant;

const zones::Name wiki = *zones::Name::parse("wiki.example");
const zones::Name other = *zones::Name::parse("other.example");
const Instant t0{1h};

bool publishes(Pacer& pacer, const zones::Name& zone, Instant now, bool urgent = false) {
    if (!pacer.wanted(zone, urgent, now)) return false;
    pacer.published(zone, now);
    return true;
}

int burst_at(Pacer& pacer, Instant now) {
    int count = 0;
    while (count < 1000 && publishes(pacer, wiki, now)) ++count;
    return count;
}

}  // namespace

TEST_CASE("a burst goes out at once, and no more than that") {
    Pacer pacer;
    CHECK(pacer.wakes_at() == Instant::max());
    CHECK(burst_at(pacer, t0) == Pacer::burst);
    CHECK(pacer.wakes_at() == t0 + Pacer::every);
    CHECK_FALSE(publishes(pacer, wiki, t0 + Pacer::every - 1ns));
    CHECK(publishes(pacer, wiki, t0 + Pacer::every));
    CHECK(pacer.wakes_at() == Instant::max());  // nothing waits
    CHECK_FALSE(publishes(pacer, wiki, t0 + Pacer::every));
    CHECK(pacer.wakes_at() == t0 + 2 * Pacer::every);
}

TEST_CASE("a quiet second gives the whole burst back, and a longer one no more") {
    Pacer pacer;
    burst_at(pacer, t0);
    CHECK(burst_at(pacer, t0 + 10 * Pacer::every) == 10);
    CHECK(burst_at(pacer, t0 + 1h) == Pacer::burst);
}

TEST_CASE("a server that flaps 100 times a second makes 20 serials a second (zone change storm)") {
    Pacer pacer;
    int published = 0;
    for (int i = 0; i < 1000; ++i) published += publishes(pacer, wiki, t0 + i * 10ms);
    CHECK(published == Pacer::burst + 199);
}

TEST_CASE("zones are paced each for itself") {
    Pacer pacer;
    burst_at(pacer, t0);
    CHECK(publishes(pacer, other, t0));
    CHECK_FALSE(publishes(pacer, wiki, t0));
}

TEST_CASE("what is urgent is never held back, and counts") {
    Pacer pacer;
    burst_at(pacer, t0);
    CHECK(publishes(pacer, wiki, t0, true));
    CHECK_FALSE(publishes(pacer, wiki, t0 + Pacer::every - 1ns));
    SUBCASE("but a storm of it delays the others by one step at most") {
        for (int i = 0; i < 1000; ++i) CHECK(publishes(pacer, wiki, t0, true));
        CHECK_FALSE(publishes(pacer, wiki, t0));
        CHECK(pacer.wakes_at() == t0 + Pacer::every);
    }
}

TEST_CASE("what waits is over with the next publication, or when it is dropped") {
    Pacer pacer;
    burst_at(pacer, t0);
    CHECK_FALSE(pacer.wanted(wiki, false, t0));
    REQUIRE(pacer.wakes_at() != Instant::max());
    SUBCASE("another publication took it along") {
        pacer.published(wiki, t0);
    }
    SUBCASE("dropped") {
        pacer.dropped(wiki);
        pacer.dropped(other);
    }
    CHECK(pacer.wakes_at() == Instant::max());
}

TEST_CASE("what was wanted at its time waits no more, though it could not be published") {
    Pacer pacer;
    burst_at(pacer, t0);
    CHECK_FALSE(pacer.wanted(wiki, false, t0));
    CHECK(pacer.wanted(wiki, false, t0 + Pacer::every));
    CHECK(pacer.wakes_at() == Instant::max());  // or it would be owed at once, for ever
    CHECK(pacer.wanted(wiki, false, t0 + Pacer::every));
}

TEST_CASE("the first of those that wait says when to wake") {
    Pacer pacer;
    burst_at(pacer, t0);
    pacer.dropped(wiki);
    const Instant later = t0 + 20ms;
    for (int i = 0; i < Pacer::burst; ++i) CHECK(publishes(pacer, other, later));
    CHECK_FALSE(pacer.wanted(other, false, later));
    CHECK(pacer.wakes_at() == later + Pacer::every);
    CHECK_FALSE(pacer.wanted(wiki, false, later));
    CHECK(pacer.wakes_at() == t0 + Pacer::every);
}

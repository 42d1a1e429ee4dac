#include "dnsd/io/stale_targets.h"

#include <doctest/doctest.h>

using dnsd::StaleTargets;

TEST_CASE("whom to tell is looked at again when a reload's versions go out at last") {
    StaleTargets targets;
    CHECK(targets.told(true, true));  // the reload; its ledger failed
    CHECK_FALSE(targets.told(false, true));
    CHECK_FALSE(targets.told(false, true));
    CHECK(targets.told(false, false));
    CHECK_FALSE(targets.told(false, false));
}

TEST_CASE(
    "whom to tell is looked at once for a reload that goes through, and never for a standing") {
    StaleTargets targets;
    CHECK_FALSE(targets.told(false, false));
    CHECK_FALSE(targets.told(false, true));
    CHECK_FALSE(targets.told(false, false));
    CHECK(targets.told(true, false));
    CHECK_FALSE(targets.told(false, false));
}

TEST_CASE("who could not be told for want of memory is told by the next publication") {
    StaleTargets targets;
    CHECK(targets.told(true, false));
    targets.missed();
    CHECK(targets.told(false, false));
    CHECK_FALSE(targets.told(false, false));
}

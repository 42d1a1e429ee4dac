// Where a key is asked for, nothing goes without it: neither side believes the other, each keeps
// what it has, and the log says why.

#include "tests/interop/follow/fleet.h"

#include <doctest/doctest.h>

namespace {

using namespace follow;

constexpr int port = 21880;

SharedKey wrong_key() {
    SharedKey key = test_key();
    key.secret[0] = key.secret[0] == 'A' ? 'B' : 'A';
    return key;
}

void restart_with(Fleet& fleet, const SharedKey& key) {
    Arbiter::Place place = fleet.arbiter().place();
    place.key = key;
    fleet.arbiter().stop();
    fleet.arbiter().change(place);
    fleet.arbiter().start();
}

}  // namespace

TEST_CASE("with another secret on one side a secondary keeps its version, and the log says why") {
    const Scratch scratch("keys");
    Fleet fleet(scratch.path(), port, Fleet::Trust::by_key, 2);  // they soon ask by themselves
    fleet.start();
    const std::uint32_t before = fleet.publish();
    REQUIRE_MESSAGE(fleet.followed(20s), fleet.logs());
    const std::size_t log_size = fleet.arbiter().log().size();
    restart_with(fleet, wrong_key());
    fleet.publish();
    const auto logged = [&](const std::string& line) {
        return until(
            20s, [&] { return fleet.arbiter().log().find(line, log_size) != std::string::npos; },
            20ms);
    };
    for (const Secondary& one : fleet.secondaries()) {
        const std::string& address = one.place().address;
        CHECK_MESSAGE(logged(" of follow.example to " + address + ": the signature is wrong"),
                      one.name() << ":\n"
                                 << fleet.logs());
        // NSD leaves a NOTIFY that it does not believe without an answer.
        CHECK_MESSAGE(logged("secondary " + address + ":" + std::to_string(one.place().port) +
                             (one.place().kind == ServerKind::nsd
                                  ? ": has left "
                                  : ": its answer is not to be trusted: the other side finds our "
                                    "signature wrong (BADSIG)")),
                      one.name() << ":\n"
                                 << fleet.logs());
        CHECK_MESSAGE(one.serial() == before, one.name());
    }
    restart_with(fleet, test_key());
    CHECK_MESSAGE(fleet.followed(30s), fleet.logs());
    CHECK(fleet.differences() == "");
}

TEST_CASE("a zone that a key guards is told to nobody without it") {
    const Scratch scratch("guarded");
    Fleet fleet(scratch.path(), port, Fleet::Trust::by_key);
    fleet.arbiter().start();
    CHECK(whole_zone("127.0.0.1", port).empty());
    CHECK(whole_zone("127.0.0.1", port, wrong_key()).empty());
    CHECK(whole_zone("127.0.0.1", port, test_key("other-key.example")).empty());
    CHECK(whole_zone("127.0.0.1", port, test_key()).size() > 200);
}

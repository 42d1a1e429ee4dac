#include "heartbeat/replay.h"

#include "tests/heartbeat/world.h"

#include <doctest/doctest.h>

using namespace heartbeat;
using namespace heartbeat::test;
using namespace std::chrono_literals;
using Verdict = BootMemory::Verdict;

TEST_CASE("the last nonces of a peer are remembered, and no more than two generations") {
    NonceMemory memory;
    Nonces nonces(7);
    std::vector<Nonce> said;
    for (std::size_t i = 0; i < 5 * NonceMemory::generation_max; ++i) {
        const Nonce nonce = nonces.next();
        CHECK_FALSE(memory.seen(nonce));
        memory.record(nonce);
        said.push_back(nonce);
        CHECK(memory.size() <= 2 * NonceMemory::generation_max);
    }
    for (std::size_t i = 0; i < NonceMemory::generation_max; ++i)
        CHECK(memory.seen(said[said.size() - 1 - i]));
    CHECK_FALSE(memory.seen(said.front()));
}

TEST_CASE("a bucket gives its burst at once and its rate on the long run") {
    TokenBucket bucket(10, 3);
    CHECK(bucket.take(at(0ms)));
    CHECK(bucket.take(at(0ms)));
    CHECK(bucket.take(at(0ms)));
    CHECK_FALSE(bucket.take(at(0ms)));
    CHECK_FALSE(bucket.take(at(99ms)));
    CHECK(bucket.take(at(101ms)));
    CHECK_FALSE(bucket.take(at(102ms)));
    for (int i = 0; i < 3; ++i) CHECK(bucket.take(at(1h)));
    CHECK_FALSE(bucket.take(at(1h)));
}

TEST_CASE("an instant that goes back gives no token") {
    TokenBucket bucket(10, 1);
    CHECK(bucket.take(at(5s)));
    CHECK_FALSE(bucket.take(at(0s)));
    CHECK_FALSE(bucket.take(at(5s)));
}

TEST_CASE("counters of a boot only rise") {
    BootMemory memory(10min);
    CHECK(memory.judge(boot(1), 5) == Verdict::unknown);
    CHECK(memory.admit(boot(1), 5, at(0s)));
    CHECK(memory.judge(boot(1), 4) == Verdict::old);
    CHECK(memory.judge(boot(1), 5) == Verdict::old);
    CHECK(memory.judge(boot(1), 6) == Verdict::fresh);
    memory.heard(boot(1), 9, at(1s));
    CHECK(memory.judge(boot(1), 9) == Verdict::old);
    CHECK(memory.judge(boot(1), 10) == Verdict::fresh);
}

TEST_CASE("a replaced boot at its last counter is a replay, above it another machine") {
    BootMemory memory(10min);
    memory.admit(boot(1), 5, at(0s));
    memory.admit(boot(2), 1, at(1s));
    CHECK(memory.judge(boot(1), 5) == Verdict::old);
    CHECK(memory.judge(boot(1), 6) == Verdict::replaced);
    CHECK(memory.judge(boot(2), 2) == Verdict::fresh);
    // On the way when the new boot came in, or still running.
    CHECK_FALSE(memory.heard(boot(1), 6, at(1s) + BootMemory::straggler_max));
    CHECK(memory.judge(boot(1), 6) == Verdict::old);
    CHECK(memory.heard(boot(1), 7, at(1001ms) + BootMemory::straggler_max));
}

TEST_CASE("replaced boots are bounded, and none is forgotten while its cookie is good") {
    BootMemory busy(10min);
    for (std::uint8_t i = 0; i <= BootMemory::replaced_max; ++i) busy.admit(boot(i), 1, at(1s));
    CHECK_FALSE(busy.admit(boot(100), 1, at(1s + 10min)));
    CHECK(busy.judge(boot(0), 1) == Verdict::old);
    CHECK(busy.admit(boot(100), 1, at(1s + 10min + 1ms)));
    CHECK(busy.judge(boot(0), 1) == Verdict::unknown);
}

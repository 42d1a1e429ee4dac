#include "tests/arbiter/post.h"

using namespace agent;
using namespace agent::test;

TEST_CASE("a reply to what was never asked, or heard before, is not obeyed") {
    Post post;
    post.begin();
    post.ack(Epoch{1}, 99);
    CHECK(post.duty.epoch() == Epoch{});
    post.ack(Epoch{1}, 1);
    const auto deadline = post.duty.deadline();
    REQUIRE(deadline);
    post.pass(100ms);
    post.ack(Epoch{1}, 1);
    CHECK(post.duty.deadline() == deadline);
}

TEST_CASE("a reply that is older than one that was obeyed is not obeyed") {
    Post post;
    post.begin();
    post.pass(250ms);
    REQUIRE(post.said().request == 2);
    post.deny(Epoch{3});
    post.ack(Epoch{3}, 1);
    CHECK(post.duty.epoch() == Epoch{});
}

TEST_CASE("an epoch below the highest seen, the promise or the fence is not obeyed") {
    SUBCASE("seen") {
        Post post({Epoch{5}, Epoch{}, Epoch{}});
        post.begin().ack(Epoch{4});
        CHECK(post.duty.epoch() == Epoch{});
    }
    SUBCASE("promised") {
        Post post({Epoch{5}, Epoch{7}, Epoch{}});
        post.begin().ack(Epoch{6});
        CHECK(post.duty.epoch() == Epoch{});
        post.pass(1s);
        post.ack(Epoch{7});
        CHECK(post.duty.epoch() == Epoch{7});
    }
    SUBCASE("fenced") {
        Post post({Epoch{5}, Epoch{}, Epoch{5}});
        post.begin().ack(Epoch{5});
        CHECK(post.duty.epoch() == Epoch{});
    }
    SUBCASE("impossible") {
        Post post;
        post.begin().ack(Epoch{UINT64_MAX});
        CHECK(post.duty.epoch() == Epoch{});
    }
}

TEST_CASE("an ACK to a heartbeat that did not ask is not obeyed, nor one with a senseless lease") {
    Post post;
    post.begin();
    SUBCASE("it asked for nothing") {
        post.pass(10ms).page(false);
        post.pass(20ms);
        REQUIRE(post.said().wants == Wish::nothing);
        post.ack(Epoch{1});
    }
    SUBCASE("no lease") {
        post.ack(Epoch{1}, 1, 0s);
    }
    SUBCASE("too long") {
        post.ack(Epoch{1}, 1, 61s);
    }
    CHECK(post.duty.epoch() == Epoch{});
}

TEST_CASE("requests are remembered up to a bound, the oldest go first") {
    Post post;
    post.begin();
    while (post.said().request <= Duty::outstanding_max) post.pass(250ms);
    const std::uint64_t newest = post.said().request;
    post.deny(Epoch{}, heartbeat::NoOrder{});  // of the newest
    Post other;
    other.begin();
    while (other.said().request <= Duty::outstanding_max) other.pass(250ms);
    other.ack(Epoch{1}, 1, 60s);  // fell out, though its lease would still live
    CHECK(other.duty.epoch() == Epoch{});
    other.ack(Epoch{1}, 2, 60s);
    CHECK(other.duty.epoch() == Epoch{1});
    CHECK(newest == Duty::outstanding_max + 1);
}

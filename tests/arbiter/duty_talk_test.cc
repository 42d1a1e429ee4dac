#include "tests/arbiter/post.h"

using namespace agent;
using namespace agent::test;

TEST_CASE("the first heartbeat waits for the first looks, but not for ever") {
    Post post;
    post.step(ClockTicked{});
    CHECK_FALSE(post.asked<SendHeartbeat>());
    SUBCASE("they come") {
        post.begin();
        CHECK(post.said().wants == Wish::master);
        CHECK(post.said().role == Role::replica);
    }
    SUBCASE("they do not") {
        post.pass(3s);
        REQUIRE(post.asked<SendHeartbeat>());
        CHECK(post.said().wants == Wish::nothing);
    }
}

TEST_CASE("a heartbeat goes out every H, and again after H/4 and H/2 of silence, newly numbered") {
    Post post;
    post.begin();
    const auto sent = [&] { return post.count<SendHeartbeat>(post.story); };
    REQUIRE(sent() == 1);
    post.pass(249ms);
    CHECK(sent() == 1);
    post.pass(1ms);
    CHECK(sent() == 2);
    post.pass(250ms);
    CHECK(sent() == 3);
    CHECK(post.said().request == 3);
    post.pass(499ms);
    CHECK(sent() == 3);
    post.pass(1ms);
    CHECK(sent() == 4);
    post.deny(Epoch{});
    post.pass(999ms);
    CHECK(sent() == 4);  // answered: nothing to resend
}

TEST_CASE("a change of a fact is said at once, a position that grows is not") {
    Post post;
    post.begin();
    post.deny(Epoch{});
    post.pass(100ms);
    post.database.received = *heartbeat::GtidPosition::parse("0-1-101");
    post.look();
    CHECK(post.said().request == 1);
    post.page(false);
    CHECK(post.said().request == 2);
    CHECK(post.said().why == "page: HTTP 503, want 200");
    CHECK(post.said().wants == Wish::nothing);
}

TEST_CASE("a fact that flutters makes no flood") {
    Post post;
    post.begin();
    for (int i = 0; i < 1000; ++i) {
        post.page(i % 2 == 0);
        post.pass(1ms);
    }
    CHECK(post.said().request > Duty::outstanding_max / 2);
    CHECK(post.said().request <= 50 + 8 + 4);
}

TEST_CASE("a DENY that says so is asked again after its time, and not after H") {
    Post post;
    post.begin();
    Deny deny;
    deny.request = 1;
    deny.retry_after = 100ms;
    post.step(ReplyHeard{deny});
    post.pass(99ms);
    CHECK(post.said().request == 1);
    post.pass(1ms);
    CHECK(post.said().request == 2);
}

TEST_CASE("a why is cut to what fits, and printable") {
    Post post;
    post.step(PageSeen{{false, false, std::string(200, '\n')}});
    post.look();
    CHECK(post.said().why.size() == Heartbeat::why_max);
    CHECK(post.said().why.find('\n') == std::string::npos);
}

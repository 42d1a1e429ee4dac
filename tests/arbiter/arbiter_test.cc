// What fits none of the rooms: a pool alone, and whom a reply is for.
#include "rules.h"

#include <doctest/doctest.h>

using namespace dnsd;
using namespace dnsd::testing;

TEST_CASE("a group without databases never elects, and has a pool all the same") {
    Desk desk(rules(2));
    heartbeat::Heartbeat page_only;
    page_only.health = {true, true, true, true, false};
    page_only.may_not_lead = true;
    for (int i = 0; i < 20; ++i) {
        desk.hear("wiki1", page_only);
        desk.hear("wiki2", page_only);
        desk.pass(1s);
    }
    CHECK(desk.state() == LeaseState::free);
    CHECK(desk.pool() == "wiki1 wiki2");
    CHECK_FALSE(desk.arbiter.standing().master);
}

TEST_CASE("replies carry the serial under which the zone now stands") {
    Desk desk = led();
    desk.step(Published{1742});
    CHECK(desk.denied("wiki2", replica()).serial == 1742);
    CHECK(std::get<heartbeat::Ack>(desk.hear("wiki1", master(Epoch{5}))).serial == 1742);
}

TEST_CASE("a heartbeat of a server that is not configured is not answered") {
    Desk desk = led();
    desk.hear("stranger", replica());
    CHECK_FALSE(has<SendReply>(desk.last));
}

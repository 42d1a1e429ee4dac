#include "heartbeat/io/timer.h"

#include "heartbeat/io/asio.h"
#include "heartbeat/io/clock.h"

#include <doctest/doctest.h>

using namespace heartbeat;
using namespace std::chrono_literals;

TEST_CASE("a timer fires once, and never before its instant") {
    asio::io_context loop;
    BootTimer timer(loop);
    int fired = 0;
    const Instant due = boot_now() + 20ms;
    Instant seen{};
    timer.set(due, [&] {
        ++fired;
        seen = boot_now();
    });
    loop.run();
    CHECK(fired == 1);
    CHECK((seen >= due));
}

TEST_CASE("an instant that is past fires at once, but from the loop") {
    asio::io_context loop;
    BootTimer timer(loop);
    int fired = 0;
    timer.set(Instant{}, [&] { ++fired; });
    CHECK(fired == 0);
    loop.run();
    CHECK(fired == 1);
}

TEST_CASE("what is set anew takes the place of what was set, earlier or later") {
    asio::io_context loop;
    BootTimer timer(loop);
    std::string fired;
    timer.set(boot_now() + 1h, [&] { fired += "late"; });
    timer.set(boot_now() + 10ms, [&] { fired += "early"; });
    loop.run();
    CHECK(fired == "early");
    loop.restart();
    timer.set(Instant{}, [&] { fired += "past"; });
    timer.set(boot_now() + 10ms, [&] { fired += "+later"; });
    loop.run();
    CHECK(fired == "early+later");
}

TEST_CASE("a callback may set its timer again, or end it") {
    asio::io_context loop;
    auto timer = std::make_unique<BootTimer>(loop);
    int fired = 0;
    timer->set(Instant{}, [&] {
        ++fired;
        timer->set(Instant{}, [&] {
            ++fired;
            timer.reset();
        });
    });
    loop.run();
    CHECK(fired == 2);
    CHECK_FALSE(timer);
}

TEST_CASE("a timer that was cancelled does not fire, and can be set again") {
    asio::io_context loop;
    BootTimer timer(loop);
    int fired = 0;
    timer.set(boot_now() + 5ms, [&] { fired += 1; });
    timer.cancel();
    loop.run_for(30ms);
    CHECK(fired == 0);
    timer.set(boot_now() + 5ms, [&] { fired += 10; });
    loop.restart();
    loop.run();
    CHECK(fired == 10);
}

TEST_CASE("a timer that is cancelled and set in one go fires") {
    asio::io_context loop;
    BootTimer timer(loop);
    int fired = 0;
    timer.set(boot_now() + 1h, [&] { fired += 1; });
    timer.cancel();
    timer.set(boot_now() + 5ms, [&] { fired += 10; });
    loop.run_for(1s);
    CHECK(fired == 10);
}

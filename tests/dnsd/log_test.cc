// A log whose reader has stopped.
#include "dnsd/io/log.h"
#include "tests/dnsd/support.h"

#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <csignal>

using namespace test;

TEST_CASE("a reader that has stopped holds nothing up, and hears how much it missed") {
    constexpr std::size_t messages = 2000;
    const std::string padding(100, 'x');
    int log[2], done[2], go[2];
    for (int* ends : {log, done, go}) REQUIRE(::pipe(ends) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
        ::dup2(log[1], STDERR_FILENO);
        for (std::size_t i = 0; i < messages; ++i) dnsd::log_info(padding);
        char byte = 'x';
        if (::write(done[1], &byte, 1) == 1 && ::read(go[0], &byte, 1) == 1)
            dnsd::log_info("read again");
        ::_exit(0);
    }
    REQUIRE(child > 0);
    std::string heard;
    const auto drain = [&] {
        std::array<char, 4096> bytes;
        while (readable(log[0], 100ms)) {
            const ssize_t got = ::read(log[0], bytes.data(), bytes.size());
            if (got <= 0) return;
            heard.append(bytes.data(), static_cast<std::size_t>(got));
        }
    };
    CHECK(readable(done[0], 10s));  // through, though nobody has read a byte
    drain();
    const auto whole = static_cast<std::size_t>(std::count(heard.begin(), heard.end(), '\n'));
    CHECK(whole > 100);
    CHECK(whole < messages);
    CHECK(::write(go[1], "x", 1) == 1);
    int status = -1;
    const bool ended = eventually([&] { return ::waitpid(child, &status, WNOHANG) == child; });
    CHECK(ended);
    if (!ended) {
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, 0);
    }
    drain();
    CHECK(heard.find(fmt::format("log messages lost before this, as nobody read them: {}\n",
                                 messages - whole)) != std::string::npos);
    CHECK(heard.ends_with("read again\n"));
    for (const int* ends : {log, done, go}) {
        ::close(ends[0]);
        ::close(ends[1]);
    }
}

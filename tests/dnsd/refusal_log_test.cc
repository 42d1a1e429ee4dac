#include "dnsd/io/refusal_log.h"

#include <doctest/doctest.h>

namespace {

using namespace dnsd;
using namespace std::chrono_literals;
using heartbeat::Instant;
using Kind = RefusalLog::Kind;

const Instant t0{1000s};

zones::AddressBytes v4(std::uint32_t host) {
    zones::AddressBytes out{};
    out[10] = out[11] = 0xff;
    for (std::size_t i = 0; i < 4; ++i)
        out[12 + i] = static_cast<std::uint8_t>(host >> (24 - 8 * i));
    return out;
}
zones::AddressBytes v6(std::uint8_t network, std::uint8_t host) {
    zones::AddressBytes out{0x20, 0x01, 0x0d, 0xb8};
    out[7] = network;
    out[15] = host;
    return out;
}

}  // namespace

TEST_CASE("a source gets one line a minute, and the next tells how many were left out") {
    RefusalLog log;
    CHECK(log.refused(Kind::by_tcp, v4(1), "refused", t0) == "refused");
    for (int i = 0; i < 100; ++i)
        CHECK_FALSE(log.refused(Kind::by_tcp, v4(1), "refused", t0 + 59s));
    CHECK(log.refused(Kind::by_tcp, v4(2), "another", t0 + 59s) == "another");
    CHECK(log.refused(Kind::by_tcp, v4(1), "refused", t0 + 60s) ==
          "refused; and 100 more refused there since the last such line");
    CHECK(log.refused(Kind::by_tcp, v4(1), "refused", t0 + 120s) == "refused");
}

TEST_CASE("the addresses of one IPv6 network of 64 bits are one source") {
    RefusalLog log;
    CHECK(log.refused(Kind::by_tcp, v6(1, 1), "a", t0));
    CHECK_FALSE(log.refused(Kind::by_tcp, v6(1, 2), "b", t0));
    CHECK(log.refused(Kind::by_tcp, v6(2, 1), "c", t0));
}

TEST_CASE("a flood from everywhere is a bounded table and a bounded number of lines") {
    RefusalLog log;
    unsigned lines = 0;
    for (std::uint32_t i = 0; i < 100'000; ++i)
        lines += log.refused(Kind::by_tcp, v4(i), "refused", t0 + i * 100us).has_value();
    CHECK(lines == RefusalLog::lines_max);
    CHECK(log.sources(Kind::by_tcp) == RefusalLog::sources_max);
    CHECK_FALSE(log.summary(t0 + 59s));
    const auto summary = log.summary(t0 + 60s);
    REQUIRE(summary);
    CHECK(summary->starts_with("99940 more refused"));
    CHECK_FALSE(log.summary(t0 + 180s));
}

TEST_CASE("one that was left out for the sake of the others has its line in the next minute") {
    RefusalLog log;
    for (std::uint32_t i = 0; i < RefusalLog::lines_max; ++i)
        CHECK(log.refused(Kind::by_tcp, v4(i), "x", t0));
    CHECK_FALSE(log.refused(Kind::by_tcp, v4(999), "refused", t0));
    CHECK(log.refused(Kind::by_tcp, v4(999), "refused", t0 + 61s) ==
          "refused; and 1 more refused there since the last such line");
}

TEST_CASE("refusals that nobody could look at are told with the others") {
    RefusalLog log;
    log.left_out(7);
    const auto summary = log.summary(t0);
    REQUIRE(summary);
    CHECK(summary->starts_with("7 more"));
}

TEST_CASE("a flood with forged sources takes no line from a secondary, nor from who comes by TCP") {
    RefusalLog log;
    for (std::uint32_t i = 0; i < 100'000; ++i)
        log.refused(Kind::stranger_by_udp, v4(i), "refused", t0);
    CHECK(log.refused(Kind::known_by_udp, v4(1), "the secondary", t0) == "the secondary");
    CHECK(log.refused(Kind::by_tcp, v4(2), "by TCP", t0) == "by TCP");
    CHECK_FALSE(log.refused(Kind::by_tcp, v4(2), "by TCP", t0 + 59s));
    CHECK_FALSE(log.refused(Kind::stranger_by_udp, v4(200'000), "refused", t0));
    const auto summary = log.summary(t0 + 60s);
    REQUIRE(summary);
    CHECK(summary->starts_with("99942 more refused"));
    CHECK(log.sources(Kind::by_tcp) == 1);
}

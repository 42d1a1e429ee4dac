#include "dnsd/io/transfer_ring.h"

#include <thread>
#include <vector>

#include <doctest/doctest.h>

namespace {

using namespace dnsd;
using Bytes = std::vector<std::byte>;

const Endpoint from{heartbeat::Address::v4({192, 0, 2, 1}), 5353};

Bytes request(unsigned number, std::size_t size = 40) {
    Bytes out(size);
    out[0] = static_cast<std::byte>(number >> 8);
    out[1] = static_cast<std::byte>(number);
    return out;
}
const Bytes response = [] {
    Bytes out(300);
    out[3] = std::byte{0x85};
    out[6] = std::byte{1};
    out[7] = std::byte{2};
    return out;
}();

unsigned number_of(const UdpTransfer& one) {
    return std::to_integer<unsigned>(one.request[0]) << 8 |
           std::to_integer<unsigned>(one.request[1]);
}

}  // namespace

TEST_CASE("what was asked of transfers by UDP comes out as it went in") {
    TransferRing ring;
    zones::Outcome outcome;
    outcome.refusal = zones::Refusal::not_allowed;
    outcome.transfer = true;
    ring.push(from, outcome, request(7), response);
    unsigned seen = 0;
    ring.drain([&](const UdpTransfer& one) {
        ++seen;
        CHECK(one.from == from);
        CHECK(one.outcome.refusal == zones::Refusal::not_allowed);
        CHECK(one.rcode == 5);
        CHECK(one.answers == 258);
        CHECK(one.response == 300);
        CHECK(one.request_size == 40);
        CHECK(number_of(one) == 7);
    });
    CHECK(seen == 1);
    ring.drain([&](const UdpTransfer&) { ++seen; });
    CHECK(seen == 1);
}

TEST_CASE("a full ring and a request that is too long are counted and gone") {
    TransferRing ring;
    for (unsigned i = 0; i < TransferRing::capacity + 3; ++i)
        ring.push(from, {}, request(i), response);
    CHECK(ring.left_out().permitted == 3);
    unsigned next = 0;
    ring.drain([&](const UdpTransfer& one) { CHECK(number_of(one) == next++); });
    CHECK(next == TransferRing::capacity);
    ring.push(from, {}, request(1, UdpTransfer::request_max + 1), response);
    CHECK(ring.left_out().permitted == 4);
    ring.push(from, {}, request(1, UdpTransfer::request_max), response);
    CHECK(ring.left_out().permitted == 4);
}

TEST_CASE("what a full ring leaves out is counted as what it is: permitted, or refused and why") {
    TransferRing ring;
    zones::Outcome refused;
    refused.refusal = zones::Refusal::bad_time;
    for (unsigned i = 0; i < TransferRing::capacity; ++i) ring.push(from, {}, request(i), response);
    for (unsigned i = 0; i < 5; ++i) ring.push(from, {}, request(i), response);
    for (unsigned i = 0; i < 2; ++i) ring.push(from, refused, request(i), response);
    CHECK(ring.left_out().permitted == 5);
    CHECK(ring.left_out().all_refused() == 2);
    CHECK(ring.left_out().refused[static_cast<std::size_t>(zones::Refusal::bad_time)] == 2);
}

TEST_CASE("two threads: nothing is lost but what is counted, and all comes in order") {
    TransferRing ring;
    constexpr unsigned all = 20'000;
    std::thread writer([&] {
        for (unsigned i = 0; i < all; ++i) ring.push(from, {}, request(i), response);
    });
    std::uint64_t seen = 0;
    unsigned last = 0;
    bool in_order = true;
    const auto take = [&](const UdpTransfer& one) {
        in_order = in_order && (seen == 0 || number_of(one) > last);
        last = number_of(one);
        ++seen;
    };
    while (seen + ring.left_out().permitted < all) ring.drain(take);
    writer.join();
    CHECK(in_order);
    CHECK(seen + ring.left_out().permitted == all);
}

#include "dnsd/io/transfer_queue.h"

#include "tests/dnsd/tcp_support.h"

#include <new>
#include <thread>

#include <doctest/doctest.h>

using namespace dnsd;
using namespace test;

namespace {

using What = TransferNews::What;

TransferNews news(What what, std::uint64_t transfer = 0) {
    TransferNews out{what, {heartbeat::Address::v4({192, 0, 2, 1}), 53}};
    if (what != What::ended || transfer == 0) out.zone = name("a-name.example.org");
    if (what == What::refused) out.outcome.refusal = zones::Refusal::not_allowed;
    if (what == What::begun) out.signer = name("a-key.example.org");
    out.transfer = transfer;
    return out;
}

std::vector<TransferNews> drained(TransferQueue& queue) {
    std::vector<TransferNews> out;
    queue.drain([&](const TransferNews& one) { out.push_back(one); });
    return out;
}

std::uint64_t not_allowed(const TransferQueue& queue) {
    return queue.left_out().refused[static_cast<std::size_t>(zones::Refusal::not_allowed)];
}

}  // namespace

TEST_CASE("refusals wait for the reader up to a bound, and the rest is counted by why") {
    unsigned woken = 0;
    TransferQueue queue([&] { ++woken; });
    for (std::size_t i = 0; i < TransferQueue::refused_max + 5; ++i)
        queue.push(news(What::refused));
    CHECK(queue.waiting() == TransferQueue::refused_max);
    CHECK(not_allowed(queue) == 5);
    CHECK(queue.left_out().all_refused() == 5);
    CHECK(queue.left_out().permitted == 0);
    CHECK(woken == 0);
    CHECK(drained(queue).size() == TransferQueue::refused_max);
    CHECK(drained(queue).empty());
    queue.push(news(What::refused));
    CHECK(drained(queue).size() == 1);
}

TEST_CASE("a begin or an end wakes the reader, once until it comes") {
    unsigned woken = 0;
    TransferQueue queue([&] { ++woken; });
    for (int i = 0; i < 3; ++i) queue.push(news(What::ended));
    CHECK(woken == 1);
    CHECK(drained(queue).size() == 3);
    queue.push(news(What::ended));
    CHECK(woken == 2);
}

TEST_CASE("a reader that cannot be woken is woken by the next, and finds all") {
    unsigned woken = 0;
    TransferQueue queue([&] {
        if (++woken == 1) throw std::bad_alloc();
    });
    queue.push(news(What::ended));
    queue.push(news(What::ended));
    CHECK(woken == 2);
    CHECK(drained(queue).size() == 2);
}

TEST_CASE("the end of a transfer that was told as begun has room, and the begin's names") {
    TransferQueue queue([] {});
    std::uint64_t begun = 0;
    while (queue.left_out().permitted == 0) queue.push(news(What::begun, ++begun));
    --begun;  // the last was left out
    CHECK(begun == TransferQueue::transfers_max / 2);
    // However much else is told.
    for (int i = 0; i < 100; ++i) queue.push(news(What::ended));
    CHECK(queue.left_out().permitted == 101);
    for (std::uint64_t i = 1; i <= begun; ++i) queue.push(news(What::ended, i));
    CHECK(queue.left_out().permitted == 101);
    CHECK(queue.waiting() == TransferQueue::transfers_max);
    const auto all = drained(queue);
    REQUIRE(all.size() == 2 * begun);
    CHECK(all.back().what == What::ended);
    CHECK(all.back().transfer == begun);
    CHECK(all.back().zone == name("a-name.example.org"));
    CHECK(all.back().signer == name("a-key.example.org"));
    // Of the one that was left out, and of one that has ended before.
    queue.push(news(What::ended, begun + 1));
    queue.push(news(What::ended, 1));
    CHECK(queue.left_out().permitted == 103);
    CHECK(drained(queue).empty());
    queue.push(news(What::ended));
    CHECK(drained(queue).size() == 1);
}

TEST_CASE("what a reader could not take does not come again, and what stands behind it does") {
    TransferQueue queue([] {});
    for (int i = 0; i < 2; ++i) queue.push(news(What::ended));
    queue.push(news(What::refused));
    CHECK_THROWS_AS(queue.drain([](const TransferNews&) { throw std::bad_alloc(); }),
                    std::bad_alloc);
    const auto rest = drained(queue);
    REQUIRE(rest.size() == 2);
    CHECK(rest[0].what == What::ended);
    CHECK(rest[1].what == What::refused);
}

TEST_CASE(
    "a pipeline of refused transfers takes a bounded memory of a reader that is busy "
    "(tcp_pipeline_cap)") {
    constexpr unsigned requests = 100'000, batch = 500;
    TransferQueue queue([] {});  // nobody reads
    Running running({}, zone("example.org", zone_text(7)), to_the_secondary(),
                    zones::udp_size_default, [&](TransferNews one) { queue.push(std::move(one)); });
    const TcpClient client(running.endpoint);
    Bytes pipeline;
    for (unsigned i = 0; i < batch; ++i) {
        const Bytes one = TcpClient::framed(
            query(static_cast<std::uint16_t>(i), zones::Type::axfr, "example.org"));
        pipeline.insert(pipeline.end(), one.begin(), one.end());
    }
    Bytes answers(1u << 20);
    for (unsigned asked = 0; asked < requests; asked += batch) {
        client.send_raw(pipeline);
        while (running.server->totals().queries.requests < asked + batch ||
               readable(client.fd(), 0ms))
            if (readable(client.fd(), 100ms))
                REQUIRE(::recv(client.fd(), answers.data(), answers.size(), 0) > 0);
    }
    CHECK(queue.waiting() == TransferQueue::refused_max);
    CHECK(eventually([&] { return not_allowed(queue) == requests - TransferQueue::refused_max; }));
}

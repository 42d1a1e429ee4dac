// Requests that cost other servers far more than their length. Work is measured in processor time
// of this thread, the best of several runs, with room for sanitizers.
#include "tests/zones/faults.h"
#include "zones/notify.h"
#include "zones/wire.h"

#include <algorithm>

#include <doctest/doctest.h>
#include <time.h>

using namespace zones;
using namespace zones::testing;

namespace {

template <class Work>
double milliseconds(Work work) {
    double best = 1e9;
    for (int run = 0; run < 5; ++run) {
        timespec begin{}, end{};
        ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
        work();
        ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
        best = std::min(best, static_cast<double>(end.tv_sec - begin.tv_sec) * 1e3 +
                                  static_cast<double>(end.tv_nsec - begin.tv_nsec) / 1e6);
    }
    return best;
}

// 64 KiB of records; record i owns a pointer to the owner of record i - 1 as far as pointers reach,
// or all of them to the question.
Bytes full_of_pointers(bool chained, bool response) {
    Bytes message = query("www.example");
    if (response) message[2] = std::byte{0x80};
    std::size_t last = header_size;
    std::uint16_t count = 0;
    while (message.size() + 12 <= message_size_max) {
        const std::size_t at = message.size();
        message.resize(at + 2);
        store16(&message[at], static_cast<std::uint16_t>(0xc000 | last));
        append(message, record(1, 1, {}));
        if (chained && at <= 0x3fff) last = at;
        ++count;
    }
    store16(&message[6], count);
    return message;
}

}  // namespace

TEST_CASE("64 KiB of pointers to pointers cost no more than their length (cve_pointer_budget)") {
    const Catalog zones = target();
    const Bytes chained = full_of_pointers(true, false), flat = full_of_pointers(false, false);
    CHECK(rcode_of(answer_by_tcp(zones, chained)) == 0);
    Bytes out(message_size_max);
    Peer peer;
    peer.transport = Peer::Transport::tcp;
    const auto cost = [&](const Bytes& request) {
        return milliseconds([&] { respond(zones, request, peer, Turn{}, out); });
    };
    const double deep = cost(chained), shallow = cost(flat);
    CHECK(deep < 20);  // below 0.1 ms without sanitizers
    CHECK(deep < 3 * shallow + 0.1);
    // The reader of answers follows pointers, a bounded number for each name and so for them all.
    CHECK_FALSE(read_answer(full_of_pointers(true, true)).has_value());
    const Bytes response = full_of_pointers(false, true);
    CHECK(read_answer(response).has_value());
    CHECK(milliseconds([&] { read_notify_answer(full_of_pointers(true, true)); }) < 20);
}

TEST_CASE("names without a common suffix are written in linear time (cve_compress_budget)") {
    // PTR records of as many labels as names can have, each of a domain of its own.
    const auto answering = [](int count) {
        std::string text;
        for (int i = 0; i < count; ++i) {
            std::string name = "t" + std::to_string(i);
            for (int label = 0; label < 20; ++label) name = "a" + std::to_string(i) + "." + name;
            text += "w PTR " + name + ".\n";
        }
        return catalog({zone("example", text)});
    };
    const Bytes request = query("w.example", {.type = Type::ptr});
    const auto cost = [&](const Catalog& zones) {
        return milliseconds([&] { answer_by_tcp(zones, request); });
    };
    const Catalog few = answering(100), many = answering(500);
    const auto whole = read_answer(answer_by_tcp(many, request));
    REQUIRE(whole.has_value());
    CHECK(whole->answer.at(0).rdatas.size() == 500);
    const double once = cost(few), five_times = cost(many);
    CHECK(five_times < 10 * once + 0.2);  // 25 times as much, were it quadratic
    CHECK(five_times < 50);
    // A thousand short ones.
    std::string text;
    for (int i = 0; i < 1000; ++i)
        text += "w NS n" + std::to_string(i) + ".t" + std::to_string(i) + ".\n";
    const Catalog thousand = catalog({zone("example", text)});
    const Bytes referral = answer_by_tcp(thousand, query("x.w.example"));
    CHECK(read_answer(referral)->authority.at(0).rdatas.size() == 1000);
    CHECK(milliseconds([&] { answer_by_tcp(thousand, query("x.w.example")); }) < 50);
}

TEST_CASE("SIG(0) and TKEY are refused as they come, unread (sig0_refused_cheap)") {
    const Catalog zones = target();
    const Bytes plain = query("www.example");
    Bytes signed_one = plain;
    signed_one.push_back(std::byte{0});
    append(signed_one, record(24, 255, Bytes(18 + 1 + 512)));
    store16(&signed_one[10], 1);
    CHECK(rcode_of(reply_to(zones, signed_one)) == 4);
    CHECK(load16(&reply_to(zones, signed_one)[6]) == 0);
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{17}}) {
        Bytes cut = plain;
        cut.push_back(std::byte{0});
        append(cut, record(24, 255, Bytes(size)));
        store16(&cut[10], 1);
        CHECK(rcode_of(reply_to(zones, cut)) == (size < 2 ? 0 : 4));
    }
    // Nor may it take a zone along.
    Bytes transfer = query("example", {.type = Type::axfr});
    transfer.push_back(std::byte{0});
    append(transfer, record(24, 255, Bytes(18)));
    store16(&transfer[10], 1);
    CHECK(rcode_of(answer_by_tcp(zones, transfer)) == 4);
    Bytes tkey = query("www.example", {.type = Type::tkey});
    append(tkey, bytes({0xc0, 12}));
    append(tkey, record(249, 255, Bytes(400)));
    store16(&tkey[10], 1);
    CHECK(rcode_of(reply_to(zones, tkey)) == 4);
    // However much of it: a message full of signatures costs what its length does.
    Bytes full = plain;
    std::uint16_t count = 0;
    while (full.size() + 1 + 10 + 18 <= message_size_max) {
        full.push_back(std::byte{0});
        append(full, record(24, 255, Bytes(18)));
        ++count;
    }
    store16(&full[10], count);
    CHECK(rcode_of(answer_by_tcp(zones, full)) == 4);
    CHECK(milliseconds([&] { answer_by_tcp(zones, full); }) < 20);
}

TEST_CASE("more than one question is malformed at once, however many follow (qdcount_flood)") {
    const Catalog zones = target();
    for (const std::uint16_t count : {2, 3, 255, 65535}) {
        Bytes request = query("www.example");
        const Bytes one(request.begin() + header_size, request.end());
        for (int i = 1; i < count && request.size() + one.size() <= message_size_max; ++i)
            append(request, one);
        store16(&request[4], count);
        CHECK(rcode_of(reply_to(zones, request)) == 1);
        CHECK(reply_to(zones, request).size() == header_size);
        CHECK(milliseconds([&] { reply_to(zones, request); }) < 1);
    }
    // Nor do announced records that are not there cost anything.
    for (const int section : {6, 8, 10}) {
        Bytes request = query("www.example");
        store16(&request[static_cast<std::size_t>(section)], 65535);
        CHECK(rcode_of(reply_to(zones, request)) == 1);
        CHECK(milliseconds([&] { reply_to(zones, request); }) < 1);
    }
}

#include "dnsd/arbiter/record_text.h"

#include <limits>

#include <doctest/doctest.h>

namespace {

using namespace dnsd;
using namespace std::chrono_literals;

ServerId id(std::string_view text) {
    return *ServerId::parse(text);
}

// Every field otherwise than by default.
Record full() {
    Record r;
    r.revision = 41;
    r.epoch = {17};
    r.holder = id("wiki2");
    r.holder_start = 1'700'000'000'000'000'001;
    r.holder_had = *heartbeat::GtidPosition::parse("0-1-41,1-2-7");
    r.closed = true;
    r.lease_may_live = true;
    r.lease_longest = 6s;
    r.semi_sync = {{id("wiki1"), 55, false}, {id("wiki3"), 0, true}};
    r.covered = true;
    r.semi_sync_unknown = true;
    r.rejoining = {id("wiki4"), id("wiki1")};
    r.barred = {id("wiki3")};
    r.places = {{id("wiki2"), {*Address::parse("192.0.2.12")}},
                {id("wiki3"), {*Address::parse("192.0.2.13"), *Address::parse("2001:db8::13")}}};
    r.refused = {{id("wiki4"), {15}}};
    r.master_addresses = {*Address::parse("192.0.2.12"), *Address::parse("2001:db8::12")};
    r.stable_set = {id("wiki1"), id("wiki2")};
    r.master_published = id("wiki1");
    r.master_epoch = {16};
    r.mode = Mode::observe;
    r.pause = Until{1800, 1'763'000'000};
    r.drains = {{id("wiki3"), {0, 0}}, {id("wiki4"), {60, 1'763'000'060}}};
    r.damping.failovers = {1'763'000'000, 1'763'000'500};
    r.damping.block = Until{120, 1'763'000'620};
    r.damping.manual = true;
    r.damping.penalties = {{id("wiki1"), 1.0 / 3, 1'763'000'500}, {id("wiki2"), 2, -1}};
    r.pace = Until{240, 1'763'000'700};
    return r;
}

std::string resealed(std::string text) {
    // A record whose text is exactly what we want to have read.
    const std::string open = text.substr(0, text.rfind(" seal="));
    char digits[17];
    std::snprintf(digits, sizeof digits, "%016llx",
                  static_cast<unsigned long long>(checksum({open})));
    return open + " seal=" + digits;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    REQUIRE(at != std::string::npos);
    return resealed(text.replace(at, from.size(), to));
}

}  // namespace

TEST_CASE("a record reads back as it was written, every field of it") {
    CHECK(read_record(record_text(full())) == full());
    CHECK(read_record(record_text(Record{})) == Record{});
    Record empty;
    empty.holder_had = heartbeat::GtidPosition{};
    CHECK(read_record(record_text(empty)) == empty);
    Record most = full();
    most.revision = most.epoch.value = most.holder_start = std::numeric_limits<uint64_t>::max();
    most.lease_longest = Record::unbounded;
    most.damping.penalties[0].points = std::numeric_limits<double>::max();
    most.pause = Until{std::numeric_limits<std::int64_t>::min(), -1};
    CHECK(read_record(record_text(most)) == most);
}

TEST_CASE("a record is one line of printable ASCII") {
    for (const char c : record_text(full())) CHECK((c >= ' ' && c <= '~'));
}

TEST_CASE("a record that was cut anywhere is no record") {
    const std::string text = record_text(full());
    for (std::size_t size = 0; size < text.size(); ++size) {
        CAPTURE(size);
        CHECK_FALSE(read_record(text.substr(0, size)));
    }
    CHECK(read_record(text.substr(0, 30)).error() == "it is cut off, or has no seal");
    CHECK_FALSE(read_record(text + " "));
    CHECK_FALSE(read_record(text + text));
}

TEST_CASE("a record with any one bit flipped is no record") {
    const std::string text = record_text(full());
    for (std::size_t bit = 0; bit < text.size() * 8; ++bit) {
        CAPTURE(bit);
        std::string broken = text;
        broken[bit / 8] = static_cast<char>(broken[bit / 8] ^ (1 << (bit % 8)));
        CHECK_FALSE(read_record(broken));
    }
}

TEST_CASE("the beginning of one record and the end of another are no record") {
    const std::string one = record_text(full());
    Record next = full();
    ++next.revision;
    ++next.epoch.value;
    const std::string other = record_text(next);
    for (std::size_t at = 0; at <= one.size(); ++at) {
        const std::string torn = one.substr(0, at) + other.substr(std::min(at, other.size()));
        const auto read = read_record(torn);
        CAPTURE(at);
        if (read) CHECK((torn == one || torn == other));
    }
}

TEST_CASE("what is sealed and makes no sense is told, with its place") {
    const std::string text = record_text(full());
    CHECK(read_record(resealed(text)) == full());
    const auto wrong = [&](const std::string& from, const std::string& to) {
        const auto read = read_record(replaced(text, from, to));
        return read ? std::string("was read") : read.error();
    };
    CHECK(wrong("epoch=17", "epoch=x") == "it is sealed, but makes no sense at epoch");
    CHECK(wrong("epoch=17", "epoch=18446744073709551616") ==
          "it is sealed, but makes no sense at epoch");
    CHECK(wrong("revision=41 ", "") == "it is sealed, but makes no sense at revision");
    CHECK(wrong("closed=1", "closed=2") == "it is sealed, but makes no sense at closed");
    CHECK(wrong("wiki3:0:leaving", "wiki3:0:left") ==
          "it is sealed, but makes no sense at semi_sync");
    CHECK(wrong("wiki1:55", "wiki1") == "it is sealed, but makes no sense at semi_sync");
    CHECK(wrong("holder=wiki2", "holder=-wiki2") == "it is sealed, but makes no sense at holder");
    CHECK(wrong("mode=observe", "mode=sleep") == "it is sealed, but makes no sense at mode");
    CHECK(wrong("pause=1800:", "pause=1800:1:") == "it is sealed, but makes no sense at pause");
    CHECK(wrong("wiki4:60:", "wiki4:") == "it is sealed, but makes no sense at drains");
    CHECK(wrong("wiki4:15", "wiki4") == "it is sealed, but makes no sense at refused");
    CHECK(wrong("wiki2:2:-1", "wiki2:nan:-1") == "it is sealed, but makes no sense at penalties");
    CHECK(wrong("pace=240:", "pace=240") == "it is sealed, but makes no sense at pace");
    CHECK(wrong("pace=240:1763000700", "pace=- more=1") ==
          "it is sealed, but makes no sense at its end");
    CHECK(wrong("epoch=17", "epoch=017") == "it is sealed, but written otherwise than by us");
    CHECK(wrong("wiki2:2:-1", "wiki2:2.0:-1") == "it is sealed, but written otherwise than by us");
}

TEST_CASE("the parts of a checksum can not slide into each other") {
    CHECK(checksum({"ab", "c"}) != checksum({"a", "bc"}));
    CHECK(checksum({"ab", ""}) != checksum({"ab"}));
}

// The status as dig is told it.
#include "dnsd/io/chaos.h"

#include "tests/dnsd_state/samples.h"

#include <doctest/doctest.h>

using namespace dnsd;
using namespace std::chrono_literals;

namespace {

using Strings = std::vector<std::string>;

// The strings of each record of a name, record by record.
std::vector<Strings> told(const zones::ChaosRecords& records, const std::string& text) {
    std::vector<Strings> all;
    const zones::Name name = *zones::Name::parse(text);
    const zones::RRsetView rrset = records.find(zones::Path(name));
    if (!rrset) return all;
    const std::byte* at = rrset.records().data();
    for (std::size_t i = 0; i < rrset.count(); ++i, at += zones::RRsetView::record_size(at)) {
        auto rest = zones::RRsetView::rdata(at);
        Strings strings;
        while (!rest.empty()) {
            const auto size = std::to_integer<std::size_t>(rest[0]);
            strings.emplace_back(reinterpret_cast<const char*>(rest.data()) + 1, size);
            rest = rest.subspan(size + 1);
        }
        all.push_back(std::move(strings));
    }
    return all;
}

std::vector<Strings> told(const Status& status, const std::string& text) {
    return told(chaos_records(status), text);
}

// One that is behind in `zone`.
SecondaryStatus behind_in(const std::string& zone, const std::string& host = "ns2.wiki.example") {
    SecondaryStatus out = samples::status().secondaries[0];
    out.address = *Address::parse("203.0.113.9");
    out.zone = *zones::Name::parse(zone);
    out.name = host;
    out.serial = zones::Serial(1741);
    out.behind = 1;
    out.behind_for = 255s;
    return out;
}

}  // namespace

TEST_CASE("standing.arbiter tells each group with its zone's serial") {
    Status status = samples::status();
    status.groups[0].servers[0].in_pool = false;
    CHECK(told(status, "standing.arbiter") ==
          std::vector<Strings>{{"state=warning", "serial=1742", "epoch=17", "master=wiki2",
                                "www=1/2", "fail_open=no", "mode=act", "group=wiki.example",
                                "zone=wiki.example"}});
    status.groups.push_back(status.groups[0]);
    status.groups[1].name = "b";
    status.groups[1].zone = "not.served.example";
    status.groups[1].master = std::nullopt;
    status.groups[1].fail_open = true;
    CHECK(told(status, "standing.arbiter")[1] ==
          Strings{"state=critical", "serial=none", "epoch=17", "master=none", "www=1/2",
                  "fail_open=yes", "mode=act", "group=b", "zone=not.served.example"});
}

TEST_CASE("without groups standing.arbiter tells the state and how many zones there are") {
    Status status = samples::status();
    status.groups.clear();
    CHECK(told(status, "standing.arbiter") ==
          std::vector<Strings>{{"state=ok", "zones=1", "mode=act"}});
    CHECK(told(status, "lease.arbiter").empty());
    status.mode.clear();
    CHECK(told(status, "standing.arbiter") == std::vector<Strings>{{"state=ok", "zones=1"}});
}

TEST_CASE("NAME.server.arbiter tells of one server") {
    Status status = samples::status();
    ServerStatus& server = status.groups[0].servers[0];
    CHECK(told(status, "wiki1.server.arbiter") ==
          std::vector<Strings>{{"www=in", "role=replica", "heard=0.4", "group=wiki.example"}});
    server.in_pool = false;
    server.since = 255s;
    server.last_heard = std::nullopt;
    server.why = "page: HTTP 503, want 200";
    CHECK(told(status, "wiki1.server.arbiter") ==
          std::vector<Strings>{{"www=out", "role=replica", "since=2026-11-22T10:19:07Z",
                                "heard=never", "why=page: HTTP 503, want 200",
                                "group=wiki.example"}});
    CHECK(told(status, "wiki2.server.arbiter")[0][1] == "role=master");
    CHECK(told(status, "wiki3.server.arbiter").empty());
}

TEST_CASE("lease.arbiter tells who holds it for how long, or what is waited for") {
    Status status = samples::status();
    CHECK(told(status, "lease.arbiter") ==
          std::vector<Strings>{
              {"state=held", "holder=wiki2", "epoch=17", "left=5.1", "group=wiki.example"}});
    status.groups[0].holder = std::nullopt;
    status.groups[0].state = LeaseState::free;
    status.groups[0].lease_left = 0s;
    status.groups[0].waiting_for = "wiki2 to report";
    CHECK(told(status, "lease.arbiter") ==
          std::vector<Strings>{{"state=free", "holder=none", "epoch=17", "left=0.0",
                                "waiting_for=wiki2 to report", "group=wiki.example"}});
}

TEST_CASE("NAME.secondary.arbiter tells one record for each zone, those behind first") {
    Status status = samples::status();
    CHECK(told(status, "ns1.secondary.arbiter") ==
          std::vector<Strings>{
              {"serial=1742", "behind=0", "zone=wiki.example", "address=198.51.100.1"}});
    SecondaryStatus well = behind_in("a.example", "NS2.a.example");
    well.behind = 0;
    well.behind_for = std::nullopt;
    well.port = 5353;
    status.secondaries.push_back(well);
    status.secondaries.push_back(behind_in("wiki.example"));
    CHECK(told(status, "ns2.secondary.arbiter") ==
          std::vector<Strings>{
              {"serial=1741", "behind=1", "since=2026-11-22T10:19:07Z", "zone=wiki.example",
               "address=203.0.113.9"},
              {"serial=1741", "behind=0", "zone=a.example", "address=203.0.113.9:5353"}});
}

TEST_CASE("a secondary without a name, or with an odd one, is found by its address") {
    Status status = samples::status();
    SecondaryStatus& secondary = status.secondaries[0];
    secondary.name = "";
    secondary.serial = std::nullopt;
    secondary.behind = std::nullopt;
    CHECK(told(status, "198-51-100-1.secondary.arbiter") ==
          std::vector<Strings>{
              {"serial=unknown", "behind=unknown", "zone=wiki.example", "address=198.51.100.1"}});
    secondary.address = *Address::parse("2001:db8::1");
    CHECK(told(status, "2001-db8--1.secondary.arbiter").size() == 1);
    secondary.name = "n\\.s.wiki.example";
    CHECK(told(status, "2001-db8--1.secondary.arbiter").size() == 1);
    CHECK(chaos_records(status).names() == 5);  // standing, lease, two servers and this
}

TEST_CASE("of a secondary with very many zones those behind are told, and how many are not") {
    Status status = samples::status();
    const SecondaryStatus well = status.secondaries[0];
    status.secondaries.assign(chaos_zones_max + 1000, well);
    status.secondaries.push_back(behind_in("last.example", "ns1.wiki.example"));
    const auto all = told(status, "ns1.secondary.arbiter");
    REQUIRE(all.size() <= chaos_zones_max + 1);
    REQUIRE(all.size() > 400);
    CHECK(all[0][3] == "zone=last.example");
    CHECK(all.back() ==
          Strings{"more=" + std::to_string(chaos_zones_max + 1001 - (all.size() - 1))});
}

TEST_CASE("what servers say of themselves is printable and cut, and shows that it was") {
    Status status = samples::status();
    status.groups[0].servers[0].why = "\xff\x1b[31m\n" + std::string(300, 'x');
    const auto strings = told(status, "wiki1.server.arbiter").at(0);
    CHECK(strings[3].size() == 255);
    CHECK(strings[3].substr(0, 12) == "why=??[31m?x");
    CHECK(strings[3].substr(250) == "xx...");
}

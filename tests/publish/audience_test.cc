#include "dnsd/publish/audience.h"

#include "zones/zonefile.h"

#include <doctest/doctest.h>

namespace {

using namespace dnsd;
using heartbeat::Address;
using zones::Name;
using Texts = std::vector<std::string>;

Name name(std::string_view text) {
    return *Name::parse(text);
}

std::shared_ptr<const zones::Zone> zone(std::string_view origin, const std::string& body) {
    const std::string text = "$TTL 300\n@ SOA ns0 admin 1 3600 600 86400 60\n" + body;
    const auto loaded = zones::load_zone(
        name(origin), "zone",
        [&](const std::string&) -> tl::expected<std::string, std::string> { return text; });
    REQUIRE(loaded.zone);
    return loaded.zone;
}

zones::Catalog catalog(const std::vector<std::shared_ptr<const zones::Zone>>& zones) {
    zones::Catalog out;
    for (const auto& one : zones) out = out.with(zones::History(one));
    return out;
}

std::string text(const Notifier::Target& target) {
    return target.address.text() + ":" + std::to_string(target.port) + " " + target.name +
           (target.configured ? " configured" : "");
}

Texts told(const zones::Catalog& catalog, std::string_view origin,
           std::vector<Notifier::Target> configured = {}, bool notify_ns = true,
           const std::set<Address>& ourselves = {}) {
    Texts out;
    const auto& of = *catalog.zone(name(origin))->newest();
    for (const auto& target : audience(catalog, of, std::move(configured), notify_ns, ourselves))
        out.push_back(text(target));
    return out;
}

const std::string three_servers =
    "@ NS ns0\n@ NS ns1\n@ NS ns2\n"
    "ns0 A 192.0.2.1\nns1 A 198.51.100.1\nns1 AAAA 2001:db8::1\nns2 A 203.0.113.9\n";

}  // namespace

TEST_CASE("the NS set is told, but for the primary that the SOA names (RFC 1996 2.1)") {
    const auto all = catalog({zone("wiki.example", three_servers)});
    CHECK(told(all, "wiki.example") == Texts{"198.51.100.1:53 ns1.wiki.example",
                                             "2001:db8::1:53 ns1.wiki.example",
                                             "203.0.113.9:53 ns2.wiki.example"});
    CHECK(told(all, "wiki.example", {}, false).empty());
}

TEST_CASE("who is configured comes first, is named by the NS set, and is told once") {
    const auto all = catalog({zone("wiki.example", three_servers)});
    const std::vector<Notifier::Target> configured{
        {*Address::parse("203.0.113.9"), 5353, name("wiki.example")},
        {*Address::parse("203.0.113.200"), 53, name("wiki.example")}};
    CHECK(told(all, "wiki.example", configured) ==
          Texts{"203.0.113.9:5353 ns2.wiki.example configured", "203.0.113.200:53  configured",
                "198.51.100.1:53 ns1.wiki.example", "2001:db8::1:53 ns1.wiki.example"});
    CHECK(told(all, "wiki.example", configured, false) ==
          Texts{"203.0.113.9:5353 ns2.wiki.example configured", "203.0.113.200:53  configured"});
}

TEST_CASE("we do not tell ourselves") {
    const auto all = catalog({zone("wiki.example", three_servers)});
    CHECK(told(all, "wiki.example", {}, true,
               {*Address::parse("198.51.100.1"), *Address::parse("2001:db8::1")}) ==
          Texts{"203.0.113.9:53 ns2.wiki.example"});
}

TEST_CASE("addresses come from any zone of ours, glue too, and from nowhere else") {
    const auto all = catalog({zone("wiki.example",
                                   "@ NS ns.hoster.example.\n@ NS ns.elsewhere.org.\n@ NS ns.sub\n"
                                   "sub NS ns.sub\nns.sub A 198.51.100.7\n"),
                              zone("hoster.example", "@ NS ns\nns A 198.51.100.8\n")});
    CHECK(told(all, "wiki.example") ==
          Texts{"198.51.100.8:53 ns.hoster.example", "198.51.100.7:53 ns.sub.wiki.example"});
}

// The reader of zone files would refuse the most of these; that is no reason to trust it.
TEST_CASE("names of hosts that are strange or lead nowhere make no target (notify_out_badname)") {
    const auto good = zone("wiki.example",
                           "@ NS ns0\nns0 A 192.0.2.1\nalias CNAME one\ndn DNAME one.example.\n"
                           "a\\000b A 192.0.2.77\none A 192.0.2.78\nzero A 0.0.0.0\nzero AAAA ::\n"
                           "many A 224.0.0.1\nmany AAAA ff02::1\nall A 255.255.255.255\n");
    zones::RRset ns{name("wiki.example"), zones::Type::ns, {300}, {}};
    for (const char* host : {"a\\000b", "\\255\\.\\255", "alias", "nothing", "*", "x.dn", "zero",
                             "many", "one", "all"})
        ns.rdatas.emplace_back(name(std::string(host) + ".wiki.example").wire());
    ns.rdatas.emplace_back(Name().wire());
    const auto strange = good->with(std::vector<zones::RRset>{ns}, zones::Serial(2));
    REQUIRE(strange);
    CHECK(told(catalog({*strange}), "wiki.example") ==
          Texts{"192.0.2.77:53 a\\000b.wiki.example", "192.0.2.78:53 one.wiki.example"});
}

TEST_CASE("of one zone's NS set a bounded number is told") {
    std::string body;
    for (unsigned i = 0; i < ns_targets_max + 10; ++i) {
        const std::string host = "n" + std::to_string(i);
        body += "@ NS " + host + "\n" + host + " A 10.0.0." + std::to_string(i + 1) + "\n";
    }
    CHECK(told(catalog({zone("wiki.example", body)}), "wiki.example").size() == ns_targets_max);
}

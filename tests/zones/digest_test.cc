#include "zones/digest.h"
#include "tests/zones/support.h"

#include <doctest/doctest.h>

#include <set>

using namespace zones;
using namespace zones::testing;

namespace {

const std::string apex = "$TTL 300\n@ SOA ns host 1 2 3 4 5\n@ NS ns\nns A 192.0.2.53\n";

Digest of(const std::string& text) {
    return content_digest(*zone("example", text));
}

}  // namespace

TEST_CASE("the content of a zone is told apart by every record, its TTL and every byte of it") {
    const std::string others[] = {
        "",
        "w A 192.0.2.1\n",
        "w A 192.0.2.2\n",
        "v A 192.0.2.1\n",
        "w 301 A 192.0.2.1\n",
        "w A 192.0.2.1\nw A 192.0.2.2\n",
        "w AAAA ::1\n",
        "w TXT a\n",
        "w TXT A\n",
        "w TXT a \"\"\n",
        "w TXT \"\" a\n",
        "w MX 65 a.x.\n",
        "w MX 97 a.x.\n",
        "w MX 97 b.x.\n",
        "w MINFO a. b.\n",
        "w MINFO b. a.\n",
        "w TYPE65280 \\# 1 41\n",
        "w TYPE65280 \\# 1 61\n",
        "w TYPE65280 \\# 1 00\n",
        "w TYPE65280 \\# 2 0000\n",
        "v A 192.0.2.1\nw A 192.0.2.2\n",
        "v A 192.0.2.2\nw A 192.0.2.1\n",
    };
    std::set<std::string> seen;
    for (const std::string& text : others) seen.insert(of(apex + text).text());
    for (const char* soa : {"n. h. 1 2 3 4 5", "m. h. 1 2 3 4 5", "n. g. 1 2 3 4 5",
                            "n. h. 1 3 3 4 5", "n. h. 1 2 3 4 6"})
        seen.insert(of(std::string("$TTL 300\n@ SOA ") + soa + "\n@ NS ns.x.\n").text());
    CHECK(seen.size() == std::size(others) + 5);
}

TEST_CASE("the content is the same whatever the serial, the order and the case of names") {
    const Digest once = of(apex + "w MX 65 a.x.\nw MX 97 a.x.\nv A 192.0.2.1\n");
    CHECK(once == of(apex + "v A 192.0.2.1\nw MX 97 a.x.\nw MX 65 a.x.\n"));
    CHECK(once == of(apex + "W MX 65 A.x.\nw MX 97 a.X.\nV A 192.0.2.1\n"));
    CHECK(once == of("$TTL 300\n@ SOA NS Host 4294967295 2 3 4 5\n@ NS Ns\nNS A 192.0.2.53\n"
                     "v A 192.0.2.1\nw MX 97 a.x.\nw MX 65 a.x.\n"));
}

TEST_CASE("the content is the same in the overlay and in the base") {
    const auto before = zone("example", apex + "w A 192.0.2.1\nx.y A 192.0.2.1\n");
    const std::uint8_t address[4] = {192, 0, 2, 7};
    const Zone::Change changes[] = {{name("w.example"), Type::a, {9}, {a_rdata(address)}},
                                    {name("x.y.example"), Type::a, {9}, {}},
                                    {name("z.example"), Type::a, {9}, {a_rdata(address)}}};
    const auto after = before->with(changes, Serial(7));
    REQUIRE(after);
    CHECK(content_digest(**after) == of(apex + "w 9 A 192.0.2.7\nz 9 A 192.0.2.7\n"));
    CHECK_FALSE(content_digest(**after) == content_digest(*before));
}

TEST_CASE("a digest that was kept is still good in the next version of this program") {
    CHECK(of(apex).text() == "bffdfd0942861529897237429c15095d");
}

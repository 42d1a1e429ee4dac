// We and named-checkzone judge the same zones alike: what it refuses we refuse, what it accepts we
// accept, and where it warns so do we. `-i local` keeps it from asking the world.

#include "tests/interop/checkzone_cases.h"
#include "tests/lab/process.h"
#include "tests/lab/real_zones.h"
#include "tests/zones/samples.h"
#include "zones/zone_text.h"
#include "zones/zonefile.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <random>
#include <set>
#include <sstream>

#include <doctest/doctest.h>

namespace {

using namespace lab;

// Where we differ, and why.
const std::map<std::string_view, std::string_view> differences = {
    {"ttl_big", "BIND serves a TTL above 2147483647 as 0; a typing error must not pass so"},
    {"ns_wild", "RFC 4592 §4.2 discourages it and bars it not; NSD and Knot serve it"},
    {"ns_wild_in_zone", "RFC 4592 §4.2 discourages it and bars it not; NSD and Knot serve it"},
    {"date", "$DATE is of files that BIND wrote for itself"},
    {"cname_key", "which key algorithms are deprecated is for the validators to say"},
    {"line: $GENERATE 1-2 \"$.a\" A 192.0.2.$", "both refuse; it is here as its words vary"},
    {"line: $GENERATE 1-1 a A (192.0.2.1)", "parentheses may stand anywhere (RFC 1035 §5.1)"},
    {"line: $GENERATE 1-1 ( a A 192.0.2.1 )", "parentheses may stand anywhere (RFC 1035 §5.1)"},
    {"line: $GENERATE 1-3/2x a$ A 192.0.2.$", "BIND reads over what is behind the step"},
    {"line: $GENERATE 1-3/2/1 a$ A 192.0.2.$", "BIND reads over what is behind the step"},
    {"line: $GENERATE +1-3 a$ A 192.0.2.$", "a range is two numbers"},
    {"ATMA \\# 2 0102", "BIND reads into the address; to us it is bytes"},
    {"DSYNC \\# 1 00", "BIND reads into it; to us it is bytes"},
    {"CLA \\# 1 00", "unknown to this BIND"},
    {"IPN \\# 1 00", "unknown to this BIND"},
    {"SINK \\# 3 010203", "ldns writes it as bytes, which this BIND refuses to read back"},
    {"AMTRELAY 10 0 1 203.0.113.15", "ldns, as packaged, reads it as \\# only"},
    {"DSYNC CDS NOTIFY 5300 x.", "newer than ldns, which reads it as \\# only"},
};

struct Verdict {
    bool served = false;
    bool warned = false;
    std::set<unsigned> lines;  // of which something is said
    std::string text;
};

class Judges {
public:
    Judges() : scratch_("checkzone"), file_(scratch_ / "zone") {}

    Verdict theirs(const std::string& origin, const std::string& text) const {
        write_file(file_, text);
        const Outcome outcome = run({"named-checkzone", "-i", "local", origin, file_});
        Verdict verdict;
        verdict.served = outcome.status == 0;
        std::istringstream lines(outcome.out + outcome.err);
        for (std::string line; std::getline(lines, line);) {
            if (line == "OK" || line.empty() || line.find(": loaded serial ") != std::string::npos)
                continue;
            // Said to those who wrote a file by hand; we read such files as they are.
            if (line.find("file does not end with newline") != std::string::npos) continue;
            verdict.warned = true;
            verdict.text += line + '\n';
            // Of an RRset with several TTLs we name one record, BIND others as well.
            if (line.starts_with(file_ + ":") && line.find("TTL set to prior") == std::string::npos)
                verdict.lines.insert(
                    static_cast<unsigned>(std::atoi(line.c_str() + file_.size() + 1)));
        }
        return verdict;
    }

    Verdict ours(const std::string& origin, const std::string& text) const {
        const zones::Loaded loaded = loaded_from(origin, text);
        Verdict verdict;
        verdict.served = loaded.zone != nullptr;
        verdict.warned = !loaded.mistakes.empty();
        for (const zones::Mistake& mistake : loaded.mistakes) {
            verdict.lines.insert(mistake.line);
            verdict.text += mistake.text() + '\n';
        }
        return verdict;
    }

    static zones::Loaded loaded_from(const std::string& origin, const std::string& text) {
        return zones::load_zone(*zones::Name::parse(origin), "zone", [&](const std::string& path) {
            using Text = tl::expected<std::string, std::string>;
            return path == "zone" ? Text(text) : Text(tl::unexpected<std::string>("no such file"));
        });
    }

    // The zone as named-compilezone writes it; empty when it refuses it.
    std::string compiled(const std::string& origin, const std::string& text) const {
        write_file(file_, text);
        const std::string out = scratch_ / "out";
        const Outcome outcome =
            run({"named-compilezone", "-i", "none", "-k", "ignore", "-o", out, origin, file_});
        return outcome.status == 0 ? read_file(out) : "";
    }

private:
    Scratch scratch_;
    std::string file_;
};

bool is_explained(std::string_view name) {
    return differences.contains(name);
}

void judge(const Judges& judges, const std::string& origin, const std::string& text) {
    const Verdict theirs = judges.theirs(origin, text), ours = judges.ours(origin, text);
    const std::string both =
        "named-checkzone:\n" + theirs.text + "we:\n" + ours.text + "zone:\n" + text.substr(0, 2000);
    CHECK_MESSAGE(theirs.served == ours.served, both);
    if (!theirs.served || !ours.served) return;
    if (theirs.warned) CHECK_MESSAGE(ours.warned, both);
    CHECK_MESSAGE(std::includes(ours.lines.begin(), ours.lines.end(), theirs.lines.begin(),
                                theirs.lines.end()),
                  both);
}

std::string with_front(std::string_view lines) {
    return std::string(front) + std::string(lines);
}

// The whole run is asked for by ARBITER_LONG.
int rounds(int few, int many) {
    return std::getenv("ARBITER_LONG") != nullptr ? many : few;
}

}  // namespace

TEST_CASE("every kind of mistake is judged as named-checkzone judges it") {
    const Judges judges;
    for (const ZoneCase& one : whole_zones) {
        CAPTURE(one.name);
        judge(judges, "example", std::string(one.text));
    }
    for (const ZoneCase& one : added_lines) {
        if (is_explained(one.name)) continue;
        CAPTURE(one.name);
        judge(judges, "example", with_front(one.text));
    }
}

TEST_CASE("names in reverse zones and at the root are judged alike") {
    const Judges judges;
    const std::string servers = "$TTL 300\n@ SOA ns.x. host.x. 1 3600 600 86400 60\n@ NS ns.x.\n";
    for (const char* origin : {"2.0.192.in-addr.arpa", "8.b.d.0.1.0.0.2.ip6.arpa"})
        judge(judges, origin, servers + "1 PTR a_b.x.\n2 PTR ok.x.\n* PTR *.x.\na_b PTR c.x.\n");
    judge(judges, ".", servers);
    judge(judges, ".", servers + "ns.x. A 192.0.2.1\nx. NS ns.x.\n");
    judge(judges, "example", servers + "gc._msdcs A 192.0.2.1\ngc._msdcs.a MX 1 m.x.\n");
}

TEST_CASE("random mixtures of mistakes are judged as named-checkzone judges them") {
    const Judges judges;
    std::vector<std::string> lines;
    for (const ZoneCase& one : added_lines) {
        // An include's path means another file to each of us, and an open quote or parenthesis
        // takes in what follows.
        if (!is_explained(one.name) && one.name != "include_none" && one.name != "paren_unclosed" &&
            one.name != "quote_newline" && one.name != "cr" && one.name != "bsend")
            lines.emplace_back(one.text);
    }
    std::mt19937_64 random(3);
    const int zones = rounds(150, 5000);
    for (int round = 0; round < zones; ++round) {
        CAPTURE(round);
        std::string text(front);
        for (std::size_t count = 1 + random() % 5; count > 0; --count)
            text += "$ORIGIN example.\n$TTL 300\n" + lines[random() % lines.size()];
        judge(judges, "example", text);
    }
    std::printf("%d random zones judged as by named-checkzone\n", zones);
}

TEST_CASE("data of every type mean what they mean to BIND, read and written") {
    const Judges judges;
    const std::string servers = "$TTL 300\n@ SOA ns.x. host.x. 1 3600 600 86400 60\n@ NS ns.x.\n";
    for (const std::string_view data : zones::testing::good_data) {
        if (is_explained(data)) continue;
        CAPTURE(data);
        const bool soa = data.starts_with("SOA");
        const std::string text = soa ? "$TTL 300\n@ NS ns.x.\n@ " + std::string(data) + '\n'
                                     : servers + "x " + std::string(data) + '\n';
        const std::string theirs = judges.compiled("example", text);
        const auto ours = Judges::loaded_from("example", text).zone;
        REQUIRE(ours != nullptr);
        // What is written as bytes may be of a type whose text BIND writes and ldns cannot read.
        if (data.find("\\#") == std::string_view::npos) {
            const auto read = Judges::loaded_from("example", theirs).zone;
            REQUIRE(read != nullptr);
            CHECK(zones::zone_text(*read) == zones::zone_text(*ours));
        }
        CHECK(judges.compiled("example", zones::zone_text(*ours)) == theirs);
    }
    for (const std::string_view data : zones::testing::wrong_data_lines) {
        if (is_explained(data)) continue;
        CAPTURE(data);
        const std::string text = data.starts_with("SOA")
                                     ? "$TTL 300\n@ NS ns.x.\n@ " + std::string(data) + '\n'
                                     : servers + "x " + std::string(data) + '\n';
        CHECK(judges.compiled("example", text).empty());
        CHECK(Judges::loaded_from("example", text).zone == nullptr);
    }
}

TEST_CASE("zones of the real world are judged alike") {
    const auto folder = real_zones_folder(ARBITER_SOURCE_DIR);
    if (!folder) {
        MESSAGE("nothing was tested: there are no real zones (ARBITER_REAL_ZONES)");
        return;
    }
    const Judges judges;
    std::set<std::string> seen;  // many zones share a file
    int count = 0;
    for (const auto& [name, file] : real_zones_in(*folder)) {
        const bool known = !seen.insert(std::filesystem::canonical(file)).second;
        if (known && count % rounds(8, 1) != 0 && ++count) continue;
        CAPTURE(name);
        judge(judges, name, read_file(file));
        ++count;
    }
    CHECK(count > 0);
}

#include "tests/house/rules.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <doctest/doctest.h>

namespace {

using house::Source;

std::vector<Source> read_house() {
    std::vector<Source> sources;
    const std::filesystem::path root = ARBITER_SOURCE_DIR;
    for (const char* folder : {"zones", "heartbeat", "dnsd", "agent"}) {
        for (const auto& entry : std::filesystem::recursive_directory_iterator(root / folder)) {
            const std::string end = entry.path().extension();
            if (end != ".h" && end != ".cc") continue;
            std::ifstream file(entry.path());
            sources.push_back({std::filesystem::relative(entry.path(), root).generic_string(),
                               {std::istreambuf_iterator<char>(file), {}}});
        }
    }
    std::sort(sources.begin(), sources.end(),
              [](const Source& a, const Source& b) { return a.path < b.path; });
    return sources;
}

bool refused(const std::string& path, const std::string& text) {
    return !house::faults_in({path, text}).empty();
}

}  // namespace

TEST_CASE("an include points down or stays in its folder") {
    CHECK_FALSE(refused("dnsd/publish/edition.cc", "#include \"zones/zone.h\"\n"));
    CHECK(refused("zones/zone.cc", "#include \"heartbeat/message.h\"\n"));
    CHECK(refused("zones/zone.cc", "#include \"dnsd/publish/edition.h\"\n"));
    CHECK(refused("heartbeat/message_read.cc", "#include \"zones/name.h\"\n"));
    CHECK(refused("heartbeat/message_read.cc", "#include \"heartbeat/io/clock.h\"\n"));
    CHECK(refused("dnsd/arbiter/lease.cc", "#include \"zones/zone.h\"\n"));
    CHECK(refused("dnsd/publish/edition.cc", "#include \"dnsd/arbiter/arbiter.h\"\n"));
    CHECK(refused("dnsd/ctl/status.cc", "#include \"dnsd/io/ledger.h\"\n"));
    CHECK(refused("agent/io/mysql.cc", "#include \"dnsd/arbiter/facts.h\"\n"));
    CHECK(refused("agent/duty/duty.cc", "#include \"zones/name.h\"\n"));
    CHECK(refused("zones/zone.cc", "#include \"name.h\"\n"));
}

TEST_CASE("a library is touched at its door only") {
    CHECK_FALSE(refused("heartbeat/seal.cc", "#include <sodium.h>\n"));
    CHECK(refused("heartbeat/session.cc", "#include <sodium.h>\n"));
    CHECK(refused("zones/zonefile.cc", "#include <ldns/ldns.h>\n"));
    CHECK_FALSE(refused("zones/zonefile.cc", "#include \"zones/ldns.h\"\n"));
    CHECK(refused("zones/zonefile.h", "#include \"zones/ldns.h\"\n"));
    CHECK_FALSE(refused("zones/tsig_hmac.cc", "#include <openssl/sha.h>\n"));
    CHECK(refused("zones/tsig.cc", "#include <openssl/sha.h>\n"));
    CHECK(refused("dnsd/arbiter/lease.cc", "#include <boost/asio.hpp>\n"));
    CHECK(refused("dnsd/io/control.cc", "#include <sqlite3.h>\n"));
    CHECK(refused("agent/io/control.cc", "#include <cppconn/driver.h>\n"));
}

TEST_CASE("only a shell reads a clock, draws at random, opens a file or a socket") {
    CHECK_FALSE(refused("dnsd/io/control.cc", "auto t = Clock::now();\n"));
    CHECK(refused("dnsd/arbiter/lease.cc", "auto t = Clock::now();\n"));
    CHECK_FALSE(refused("dnsd/arbiter/lease.cc", "// never Clock::now() here\n"));
    CHECK(refused("heartbeat/session.cc", "std::random_device chance;\n"));
    CHECK(refused("zones/zonefile.cc", "#include <fstream>\n"));
}

TEST_CASE("includes that run in a circle are found") {
    const auto circles = house::circles_in(
        {{"zones/a.h", "#include \"zones/b.h\"\n"}, {"zones/b.h", "#include \"zones/a.h\"\n"}});
    CHECK(circles == std::vector<std::string>{"zones/a.h -> zones/b.h -> zones/a.h"});
}

TEST_CASE("this house stands as it was planned") {
    const std::vector<Source> sources = read_house();
    REQUIRE(sources.size() > 20);
    for (const Source& source : sources) {
        for (const std::string& fault : house::faults_in(source)) FAIL_CHECK(fault);
        const auto lines = std::count(source.text.begin(), source.text.end(), '\n');
        if (lines > 450) MESSAGE(source.path << " has " << lines << " lines: is a noun missing?");
    }
    for (const std::string& circle : house::circles_in(sources)) FAIL_CHECK(circle);
}

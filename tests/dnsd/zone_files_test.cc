#include "dnsd/io/zone_files.h"

#include "dnsd/io/setup.h"
#include "tests/dnsd/support.h"

#include <sys/stat.h>

using namespace dnsd;
using namespace test;
using Outcome = ZoneRead::Outcome;

namespace {

ZoneRead read_one(ZoneReader& reader, const ZoneSource& source) {
    auto read = reader.read({source});
    REQUIRE(read.size() == 1);
    return std::move(read.front());
}

}  // namespace

TEST_CASE("a directory's zones are its NAME.zone files, links followed") {
    const Folder folder;
    folder.write("example.org.zone", zone_text(1));
    folder.write("root.zone", zone_text(1));
    folder.write("notes.txt", "not a zone");
    std::filesystem::create_symlink(folder.path("example.org.zone"), folder.path("other.org.zone"));
    const auto found = zones_in(folder.path());
    REQUIRE(found);
    CHECK(found->mistakes.empty());
    REQUIRE(found->sources.size() == 3);
    CHECK(found->sources[0].origin == name("example.org"));
    CHECK(found->sources[1].origin == name("other.org"));
    CHECK(found->sources[2].origin == zones::Name::root());
    ZoneReader reader;
    for (const ZoneRead& read : reader.read(found->sources)) {
        REQUIRE(read.zone);
        CHECK(read.zone->origin() == read.source.origin);
    }
}

TEST_CASE("names that are no zone names, or the same one twice, are mistakes") {
    const Folder folder;
    folder.write("a..b.zone", zone_text(1));
    folder.write("Example.org.zone", zone_text(1));
    folder.write("example.org.zone", zone_text(1));
    const auto found = zones_in(folder.path());
    REQUIRE(found);
    CHECK(found->sources.size() == 1);
    CHECK(found->mistakes.size() == 2);
}

TEST_CASE("a second file for a zone does not take it over, and both are named (RFC 4343)") {
    const Folder folder;
    const std::string served = folder.write("a.test.zone", zone_text(1));
    const auto sources = dnsd::setup_for_directory({}, folder.path(), {}, 1).sources;
    REQUIRE(sources()->mistakes.empty());
    const std::string other = folder.write("A.TEST.zone", zone_text(2));  // sorts first
    const std::string third = folder.write("a.tesT.zone", zone_text(2));
    for (int i = 0; i < 2; ++i) {
        const auto found = sources();
        REQUIRE(found->sources.size() == 1);
        CHECK(found->sources[0].path == served);
        CHECK(found->sources[0].origin.text() == "a.test");
        REQUIRE(found->mistakes.size() == 2);
        for (const zones::Mistake& mistake : found->mistakes) {
            CHECK((mistake.file == other || mistake.file == third));
            CHECK(mistake.what.find(" is already in ") != std::string::npos);
        }
        CHECK(found->mistakes.back().what.ends_with(served));
    }
    std::filesystem::remove(served);
    CHECK(sources()->sources[0].path == other);
}

TEST_CASE("a file whose name begins with a dot is an editor's, and no zone's") {
    const Folder folder;
    folder.write("a.test.zone", zone_text(1));
    std::filesystem::create_symlink("user@host.4711:1", folder.path(".#a.test.zone"));
    folder.write(".a.test.zone", "half a fi");
    const auto found = zones_in(folder.path());
    REQUIRE(found);
    CHECK(found->sources.size() == 1);
    CHECK(found->mistakes.empty());
}

TEST_CASE("a directory that is not there is one sentence") {
    const auto found = zones_in("/nonexistent/zones");
    REQUIRE_FALSE(found);
    CHECK(found.error() ==
          "cannot read the directory /nonexistent/zones: No such file or directory");
}

TEST_CASE("what is no regular file is refused and never waited for") {
    const Folder folder;
    REQUIRE(::mkfifo(folder.path("fifo").c_str(), 0600) == 0);
    CHECK_FALSE(read_text(folder.path("fifo")));
    CHECK_FALSE(read_text(folder.path()));
    CHECK_FALSE(read_text(folder.path("absent")));
}

TEST_CASE("only content makes a zone file new") {
    const Folder folder;
    const ZoneSource source{
        name("example.org"), folder.write("example.org.zone", zone_text(1)), {}};
    ZoneReader reader;
    const ZoneRead first = read_one(reader, source);
    CHECK(first.outcome == Outcome::loaded);
    CHECK(first.soa.file == source.path);
    CHECK(first.soa.line == 2);
    CHECK(first.soa.column == 17);
    SUBCASE("nothing happened") {
        CHECK(read_one(reader, source).outcome == Outcome::unchanged);
    }
    SUBCASE("it was written again") {
        folder.write("example.org.zone", zone_text(1));
        CHECK(read_one(reader, source).outcome == Outcome::unchanged);
    }
    SUBCASE("it changed, and bears its old time") {
        const auto time = std::filesystem::last_write_time(source.path);
        folder.write("example.org.zone", zone_text(1, "www A 192.0.2.2\n"));
        std::filesystem::last_write_time(source.path, time);
        const ZoneRead read = read_one(reader, source);
        CHECK(read.outcome == Outcome::loaded);
        CHECK(read.content != first.content);
    }
    SUBCASE("only a comment changed") {
        folder.write("example.org.zone", zone_text(1, "; a comment\n"));
        const ZoneRead read = read_one(reader, source);
        CHECK(read.outcome == Outcome::loaded);
        CHECK(read.content == first.content);
    }
    SUBCASE("what was read got lost: it is told once more") {
        reader.forget();
        CHECK(read_one(reader, source).outcome == Outcome::loaded);
        CHECK(read_one(reader, source).outcome == Outcome::unchanged);
    }
}

TEST_CASE("a file that is included counts as the zone's own") {
    const Folder folder;
    folder.write("hosts", "www A 192.0.2.2\n");
    const ZoneSource source{
        name("example.org"),
        folder.write("example.org.zone", zone_text(1, "$INCLUDE " + folder.path("hosts") + "\n")),
        {}};
    ZoneReader reader;
    CHECK(read_one(reader, source).outcome == Outcome::loaded);
    CHECK(read_one(reader, source).outcome == Outcome::unchanged);
    folder.write("hosts", "www A 192.0.2.3\n");
    CHECK(read_one(reader, source).outcome == Outcome::loaded);
}

TEST_CASE("a file with errors fails with its places, each time, until it is mended") {
    const Folder folder;
    const ZoneSource source{
        name("example.org"), folder.write("example.org.zone", zone_text(1)), {}};
    ZoneReader reader;
    CHECK(read_one(reader, source).outcome == Outcome::loaded);
    folder.write("example.org.zone", zone_text(2, "www A 192.0.2\nmail MX\n"));
    for (int i = 0; i < 2; ++i) {
        const ZoneRead read = read_one(reader, source);
        CHECK(read.outcome == Outcome::failed);
        REQUIRE(read.mistakes.size() == 2);
        CHECK(read.mistakes[0].line == 5);
        CHECK(read.mistakes[1].line == 6);
        CHECK(read.mistakes[0].text().starts_with(source.path + ":5:"));
    }
    folder.write("example.org.zone", zone_text(1));
    CHECK(read_one(reader, source).outcome == Outcome::unchanged);
}

TEST_CASE("a ledger is told a digest that follows the content, also back to what it was") {
    const Folder folder;
    const ZoneSource source{
        name("example.org"), folder.write("example.org.zone", zone_text(1)), {}};
    ZoneReader reader;
    const std::string first = read_one(reader, source).content;
    CHECK(first.size() == 32);
    folder.write("example.org.zone", zone_text(1, "www A 192.0.2.2\n"));
    const ZoneRead other = read_one(reader, source);
    CHECK(other.content != first);
    folder.write("example.org.zone", zone_text(1, "; a comment\n"));
    const ZoneRead back = read_one(reader, source);
    CHECK(back.content == first);
    folder.write("example.org.zone", zone_text(2));
    CHECK(read_one(reader, source).content == first);
}

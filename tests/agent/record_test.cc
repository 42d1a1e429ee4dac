#include "agent/io/record.h"

#include <filesystem>
#include <fstream>
#include <string>

#include <doctest/doctest.h>

#include <unistd.h>

using namespace agent;

namespace {

const ServerId wiki1 = *ServerId::parse("wiki1");
const ServerId wiki2 = *ServerId::parse("wiki2");
const AgentRecord some{Epoch{17}, Epoch{18}, Epoch{16}};
const AgentRecord errant{Epoch{17}, Epoch{18}, Epoch{16},
                         Errant{1'700'000'000, heartbeat::GtidPosition::parse("0-1-42,1-7-9")}};

struct Folder {
    Folder()
        : path(std::filesystem::temp_directory_path() /
               ("arbiter-record-" + std::to_string(::getpid()))) {
        std::filesystem::remove_all(path);
    }
    ~Folder() { std::filesystem::remove_all(path); }
    std::filesystem::path path;
};

void put(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

}  // namespace

TEST_CASE("a record comes back as it was saved, also by the next process") {
    const Folder folder;
    {
        const auto file = RecordFile::open(folder.path, wiki1, "daemon");
        REQUIRE(file);
        CHECK(file->load() == AgentRecord{});  // a new agent
        REQUIRE(file->save(some));
        CHECK(file->load() == some);
        REQUIRE(file->save({Epoch{~std::uint64_t{0}}, Epoch{18}, Epoch{18}}));
    }
    const auto again = RecordFile::open(folder.path, wiki1, "daemon");
    REQUIRE(again);
    CHECK(again->load() == AgentRecord{Epoch{~std::uint64_t{0}}, Epoch{18}, Epoch{18}});
    CHECK_FALSE(std::filesystem::exists(folder.path / "record.new"));
}

TEST_CASE("that the database has what no master gave it comes back too") {
    CHECK(parse_record(wiki1, record_text(wiki1, errant)) == errant);
    AgentRecord unknown = errant;
    unknown.errant->at.reset();  // where, is not known
    CHECK(parse_record(wiki1, record_text(wiki1, unknown)) == unknown);
    unknown.errant->at = heartbeat::GtidPosition{};  // nothing had been applied
    CHECK(parse_record(wiki1, record_text(wiki1, unknown)) == unknown);
    AgentRecord refused = errant;
    refused.errant->refused = true;
    refused.errant->under = Epoch{15};
    CHECK(record_text(wiki1, refused).find("\nrefused 15 1700000000 ") != std::string::npos);
    CHECK(parse_record(wiki1, record_text(wiki1, refused)) == refused);
}

TEST_CASE("what was seen of the relay log comes back too") {
    AgentRecord seen = errant;
    seen.relay = {1'700'000'000, 3, {41, 42, 5, false}};
    CHECK(record_text(wiki1, seen).find("\nrelay 1700000000 3 41 42 5 open\n") !=
          std::string::npos);
    CHECK(parse_record(wiki1, record_text(wiki1, seen)) == seen);
    seen.errant.reset();
    seen.relay.log = {0, 0, 5, true};
    CHECK(parse_record(wiki1, record_text(wiki1, seen)) == seen);
}

TEST_CASE("a second agent on the same state is refused, and told who runs") {
    const Folder folder;
    const auto first = RecordFile::open(folder.path, wiki1, "once");
    REQUIRE(first);
    const auto second = RecordFile::open(folder.path, wiki1, "daemon");
    REQUIRE_FALSE(second);
    CHECK(second.error().in_use);
    CHECK(second.error().holder == "once");
    CHECK(second.error().text.find(folder.path.string()) != std::string::npos);
}

TEST_CASE("a damaged record is refused, whichever byte it is") {
    const std::string good = record_text(wiki1, some);
    REQUIRE(parse_record(wiki1, good) == some);
    for (std::size_t i = 0; i < good.size(); ++i) {
        for (const unsigned char bit : {0x01, 0x10, 0x80}) {
            std::string bad = good;
            bad[i] = static_cast<char>(static_cast<unsigned char>(bad[i]) ^ bit);
            CAPTURE(i);
            CHECK_FALSE(parse_record(wiki1, bad));
        }
        CHECK_FALSE(parse_record(wiki1, good.substr(0, i)));
    }
    for (std::string bad : {"errant 17\n", "errant x 0-1-42\n", "errant 17 0-1\n", "errant \n",
                            "refused 17 0-1-42\n", "refused 5 x 0-1-42\n"}) {
        CAPTURE(bad);
        std::string text = record_text(wiki1, errant);
        const std::size_t line = text.find("errant");
        text.replace(line, text.find('\n', line) + 1 - line, bad);
        CHECK_FALSE(parse_record(wiki1, text));
    }
    CHECK_FALSE(parse_record(wiki1, good + "\n"));
    CHECK_FALSE(parse_record(wiki1, good + good));
    CHECK_FALSE(parse_record(wiki1, ""));
}

TEST_CASE("another server's record is refused") {
    const auto read = parse_record(wiki2, record_text(wiki1, some));
    REQUIRE_FALSE(read);
    CHECK(read.error().find("wiki1") != std::string::npos);
}

TEST_CASE("the refusal of a damaged file names it and says what to do") {
    const Folder folder;
    const auto file = RecordFile::open(folder.path, wiki1, "daemon");
    REQUIRE(file);
    put(file->path(), "garbage\n");
    const auto read = file->load();
    REQUIRE_FALSE(read);
    CHECK(read.error().find(file->path()) == 0);
    CHECK(read.error().find("remove the file") != std::string::npos);
    put(file->path(), record_text(wiki1, some) + std::string(RecordFile::size_max, '\n'));
    CHECK_FALSE(file->load());
}

TEST_CASE("a record that cannot be written is an error, and the old one stays") {
    const Folder folder;
    const auto file = RecordFile::open(folder.path, wiki1, "daemon");
    REQUIRE(file);
    REQUIRE(file->save(some));
    std::filesystem::create_directory(folder.path / "record.new");  // in the way
    const auto saved = file->save({Epoch{20}, Epoch{20}, Epoch{20}});
    REQUIRE_FALSE(saved);
    CHECK(saved.error().find("record.new") != std::string::npos);
    CHECK(file->load() == some);
}

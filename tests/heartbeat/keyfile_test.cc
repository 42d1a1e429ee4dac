#include "heartbeat/io/keyfile.h"

#include "heartbeat/io/clock.h"

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace heartbeat;

namespace {

class Folder {
public:
    Folder() {
        std::string pattern = std::filesystem::temp_directory_path() / "keyfile.XXXXXX";
        path_ = ::mkdtemp(pattern.data());
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    std::string operator/(const char* name) const { return path_ + "/" + name; }

private:
    std::string path_;
};

SecretKeys some_keys(const char* name) {
    return SecretKeys::make(ServerId::parse(name).value(), fresh_seed());
}
unsigned mode_of(const std::string& path) {
    struct stat about {};
    REQUIRE(::stat(path.c_str(), &about) == 0);
    return about.st_mode & 07777;
}
bool says(const auto& result, const std::string& words) {
    if (result) return false;
    CAPTURE(result.error());
    const bool found = result.error().find(words) != std::string::npos;
    CHECK(found);
    return found;
}

}  // namespace

TEST_CASE("keys come back from their files, the secret one readable by its owner alone") {
    const Folder folder;
    const SecretKeys keys = some_keys("wiki1");
    const mode_t before = ::umask(0);
    REQUIRE(write_secret_keys(folder / "wiki1.key", keys));
    REQUIRE(write_public_keys(folder / "wiki1.pub", keys.public_keys()));
    ::umask(before);
    CHECK(mode_of(folder / "wiki1.key") == 0600);
    CHECK(mode_of(folder / "wiki1.pub") == 0644);
    const auto secret = read_secret_keys(folder / "wiki1.key");
    REQUIRE(secret);
    CHECK(secret->public_keys() == keys.public_keys());
    const auto open = read_public_keys(folder / "wiki1.pub");
    REQUIRE(open);
    CHECK(*open == std::vector{keys.public_keys()});
}

TEST_CASE("a secret key file that others can use is refused, with its owner, mode and remedy") {
    const Folder folder;
    const std::string path = folder / "wiki1.key";
    REQUIRE(write_secret_keys(path, some_keys("wiki1")));
    for (const mode_t mode : {0640, 0604, 0620, 0602, 0610, 0601, 0644, 0777}) {
        CAPTURE(mode);
        REQUIRE(::chmod(path.c_str(), mode) == 0);
        const auto refused = read_secret_keys(path);
        REQUIRE_FALSE(refused);
        CHECK(says(refused, path));
        CHECK(says(refused, "chmod 600 " + path));
        CHECK(says(refused, ::geteuid() == 0 ? "'root'" : "owner"));
    }
    REQUIRE(::chmod(path.c_str(), 0640) == 0);
    CHECK(says(read_secret_keys(path), "0640"));
    REQUIRE(::chmod(path.c_str(), 0400) == 0);
    CHECK(read_secret_keys(path));
}

TEST_CASE("a secret key file of another user is refused") {
    if (::geteuid() != 0) return;  // only root can give files away
    const Folder folder;
    const std::string path = folder / "wiki1.key";
    REQUIRE(write_secret_keys(path, some_keys("wiki1")));
    REQUIRE(::chown(path.c_str(), 12345, 0) == 0);
    const auto refused = read_secret_keys(path);
    CHECK(says(refused, "uid 12345"));
    CHECK(says(refused, "chown 0 " + path));
}

TEST_CASE("a file that is there is never overwritten") {
    const Folder folder;
    const SecretKeys first = some_keys("wiki1");
    REQUIRE(write_secret_keys(folder / "wiki1.key", first));
    CHECK(says(write_secret_keys(folder / "wiki1.key", some_keys("wiki1")), "not overwritten"));
    CHECK(read_secret_keys(folder / "wiki1.key")->public_keys() == first.public_keys());
    std::filesystem::create_symlink(folder / "elsewhere", folder / "link.key");
    CHECK_FALSE(write_secret_keys(folder / "link.key", first));
    CHECK_FALSE(std::filesystem::exists(folder / "elsewhere"));
}

TEST_CASE("what a writer that was stopped has left behind keeps no other from its file") {
    const Folder folder;
    const std::string path = folder / "keys";
    REQUIRE(store_secret_text(path, "old"));
    std::ofstream(path + ".new") << "half";
    std::filesystem::permissions(path + ".new", std::filesystem::perms(0600));
    REQUIRE(store_secret_text(path, "new"));
    CHECK(read_secret_text(path).value() == "new");
    CHECK(mode_of(path) == 0600);
    CHECK_FALSE(std::filesystem::exists(path + ".new"));
    // What another has put there is not ours to remove.
    std::ofstream(path + ".new") << "somebody's";
    std::filesystem::permissions(path + ".new", std::filesystem::perms(0644));
    CHECK_FALSE(store_secret_text(path, "newer"));
    CHECK(read_secret_text(path).value() == "new");
}

TEST_CASE("a link to a file of secrets stays one, and leads to what was stored") {
    const Folder folder;
    const std::string path = folder / "keys", link = folder / "link";
    REQUIRE(store_secret_text(path, "old"));
    std::filesystem::create_symlink("keys", link);
    REQUIRE(store_secret_text(link, "new"));
    CHECK(std::filesystem::is_symlink(link));
    CHECK(read_secret_text(path).value() == "new");
    const std::string nowhere = folder / "nowhere";
    std::filesystem::create_symlink("absent", nowhere);
    CHECK_FALSE(store_secret_text(nowhere, "new"));
    CHECK(std::filesystem::is_symlink(nowhere));
}

TEST_CASE("a file that is missing, no file, too large or no key is refused, and named") {
    const Folder folder;
    CHECK(says(read_secret_keys(folder / "none.key"), folder / "none.key"));
    CHECK(says(read_secret_keys(folder / "none.key"), "No such file"));
    std::filesystem::create_directory(folder / "folder.key");
    CHECK(says(read_secret_keys(folder / "folder.key"), "no file"));
    REQUIRE(::mkfifo((folder / "fifo.key").c_str(), 0600) == 0);
    CHECK(says(read_secret_keys(folder / "fifo.key"), "no file"));
    std::ofstream(folder / "large.pub") << std::string(key_file_size_max + 1, '\n');
    CHECK(says(read_public_keys(folder / "large.pub"), "larger than 4096"));
    std::ofstream(folder / "empty.pub") << "# nothing\n\n";
    CHECK(says(read_public_keys(folder / "empty.pub"), "holds no key"));
    CHECK(says(write_secret_keys(folder / "no/such.key", some_keys("a")), "can not be made"));
}

TEST_CASE("a public key file holds one key, or two of one name") {
    const Folder folder;
    const std::string one = some_keys("wiki1").public_keys().text();
    const std::string two = some_keys("wiki1").public_keys().text();
    const std::string other = some_keys("wiki2").public_keys().text();
    std::ofstream(folder / "two.pub") << "# the new one first\n" << one << "\r\n\n" << two;
    const auto keys = read_public_keys(folder / "two.pub");
    REQUIRE(keys);
    CHECK(keys->size() == 2);
    std::ofstream(folder / "three.pub") << one << '\n' << two << '\n' << two << '\n';
    CHECK(says(read_public_keys(folder / "three.pub"), "line 3: a third key"));
    std::ofstream(folder / "mixed.pub") << one << '\n' << other << '\n';
    CHECK(says(read_public_keys(folder / "mixed.pub"), "line 2: this key is 'wiki2'"));
    std::ofstream(folder / "bad.pub") << one.substr(0, one.size() - 1) << '\n';
    CHECK(says(read_public_keys(folder / "bad.pub"), "line 1: its checksum"));
}

TEST_CASE("the clock only goes on, and no two random things are the same") {
    const Instant first = boot_now();
    CHECK((boot_now() >= first));
    std::set<Nonce> nonces;
    for (int i = 0; i < 100; ++i) nonces.insert(fresh_nonce());
    CHECK(nonces.size() == 100);
    CHECK((fresh_boot() != fresh_boot()));
    CHECK(fresh_seed() != fresh_seed());
}

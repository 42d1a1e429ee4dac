#include "heartbeat/io/keyfile.h"

#include "heartbeat/session.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace heartbeat {

namespace {

class File {
public:
    explicit File(int fd) : fd_(fd) {}
    File(File&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    File& operator=(File&&) = delete;
    ~File() {
        if (fd_ >= 0) ::close(fd_);
    }
    int get() const { return fd_; }

private:
    int fd_;
};

std::string reason() {
    return std::strerror(errno);
}

std::string owner_of(const struct stat& about) {
    // Reentrant: the daemons resolve names on another thread meanwhile.
    passwd entry{};
    passwd* found = nullptr;
    std::array<char, 4096> buffer{};
    if (getpwuid_r(about.st_uid, &entry, buffer.data(), buffer.size(), &found) == 0 &&
        found != nullptr)
        return "'" + std::string(found->pw_name) + "'";
    return "uid " + std::to_string(about.st_uid);
}

std::string mode_of(const struct stat& about) {
    std::string digits = "0000";
    for (int i = 3, mode = about.st_mode & 07777; i >= 0; --i, mode >>= 3)
        digits[static_cast<std::size_t>(i)] = static_cast<char>('0' + (mode & 7));
    return digits;
}

// What makes a secret no secret; nullopt when all is well.
std::optional<std::string> loose(const std::string& path, const struct stat& about) {
    if (about.st_uid != 0 && about.st_uid != geteuid())
        return "secret key file " + path + " is refused: it belongs to " + owner_of(about) +
               ", who is neither root nor the user of this program; run: chown " +
               std::to_string(geteuid()) + " " + path;
    if ((about.st_mode & 077) != 0)
        return "secret key file " + path + " is refused: others than its owner " + owner_of(about) +
               " can use it (mode " + mode_of(about) + "); run: chmod 600 " + path;
    return std::nullopt;
}

enum class Secrecy { open, secret };

tl::expected<std::string, std::string> read_file(const std::string& path, Secrecy secrecy,
                                                 std::size_t size_max = key_file_size_max) {
    // O_NONBLOCK: a FIFO in place of the file shall not hold us up.
    const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (file.get() < 0)
        return tl::unexpected("key file " + path + " can not be opened: " + reason());
    struct stat about {};
    if (::fstat(file.get(), &about) != 0)
        return tl::unexpected("key file " + path + " can not be looked at: " + reason());
    if (!S_ISREG(about.st_mode)) return tl::unexpected("key file " + path + " is no file");
    if (secrecy == Secrecy::secret)
        if (auto complaint = loose(path, about)) return tl::unexpected(*std::move(complaint));

    std::string text(size_max + 1, '\0');
    std::size_t size = 0;
    while (size < text.size()) {
        const ssize_t got = ::read(file.get(), text.data() + size, text.size() - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            const std::string why = reason();
            wipe(text);
            return tl::unexpected("key file " + path + " can not be read: " + why);
        }
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    if (size > size_max) {
        wipe(text);
        return tl::unexpected("key file " + path + " is no key file: it is larger than " +
                              std::to_string(size_max) + " bytes");
    }
    text.resize(size);
    return text;
}

std::string folder_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t put = ::write(fd, text.data(), text.size());
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return false;
        text.remove_prefix(static_cast<std::size_t>(put));
    }
    return ::fsync(fd) == 0;
}

tl::expected<void, std::string> write_new(const std::string& path, std::string_view text,
                                          mode_t mode) {
    const File file(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
    if (file.get() < 0 && errno == EEXIST)
        return tl::unexpected("key file " + path +
                              " is there already and is not overwritten: move it away, or take "
                              "another folder");
    if (file.get() < 0) return tl::unexpected("key file " + path + " can not be made: " + reason());
    // The umask may have taken from the mode; it must never have added.
    if (::fchmod(file.get(), mode) != 0 || !write_all(file.get(), text)) {
        const std::string why = reason();
        ::unlink(path.c_str());
        return tl::unexpected("key file " + path + " can not be written: " + why);
    }
    const File folder(::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder.get() < 0 || ::fsync(folder.get()) != 0)
        return tl::unexpected("key file " + path + " is written, but its folder can not be made " +
                              "durable: " + reason());
    return {};
}

// What a link leads to is replaced, and not the link.
tl::expected<std::string, std::string> behind_links(const std::string& path) {
    struct stat about {};
    if (::lstat(path.c_str(), &about) != 0 || !S_ISLNK(about.st_mode)) return path;
    const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr),
                                                           std::free);
    if (!real)
        return tl::unexpected("key file " + path + " is a link that leads nowhere: " + reason());
    return std::string(real.get());
}

// One that was stopped before it was done has left this behind; nobody reads it.
void remove_leftover(const std::string& fresh) {
    struct stat about {};
    if (::lstat(fresh.c_str(), &about) == 0 && S_ISREG(about.st_mode) &&
        about.st_uid == geteuid() && (about.st_mode & 07777) == 0600)
        ::unlink(fresh.c_str());
}

}  // namespace

tl::expected<SecretKeys, std::string> read_secret_keys(const std::string& path) {
    auto text = read_file(path, Secrecy::secret);
    if (!text) return tl::unexpected(text.error());
    auto keys = SecretKeys::parse(*text);
    wipe(*text);
    if (!keys) return tl::unexpected("secret key file " + path + ": " + keys.error());
    return *std::move(keys);
}

tl::expected<std::string, std::string> read_secret_text(const std::string& path,
                                                        std::size_t size_max) {
    return read_file(path, Secrecy::secret, size_max);
}

tl::expected<void, std::string> store_secret_text(const std::string& link,
                                                  const std::string& text) {
    const auto real = behind_links(link);
    if (!real) return tl::unexpected(real.error());
    const std::string& path = *real;
    const std::string fresh = path + ".new";
    // Held to the end: what is there is nobody's who still writes it.
    const File folder(::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder.get() < 0)
        return tl::unexpected("key file " + path + " can not be made: " + reason());
    if (::flock(folder.get(), LOCK_EX | LOCK_NB) != 0)
        return tl::unexpected("the folder of key file " + path + " can not be locked: " + reason());
    remove_leftover(fresh);
    if (const auto written = write_new(fresh, text, 0600); !written) return written;
    struct stat about {};
    const bool keeps_owner = ::stat(path.c_str(), &about) != 0 ||
                             (about.st_uid == geteuid() && about.st_gid == getegid()) ||
                             ::chown(fresh.c_str(), about.st_uid, about.st_gid) == 0;
    if (!keeps_owner || ::rename(fresh.c_str(), path.c_str()) != 0) {
        const std::string why = reason();
        ::unlink(fresh.c_str());
        return tl::unexpected("key file " + path + " can not be replaced: " + why);
    }
    if (::fsync(folder.get()) != 0)
        return tl::unexpected("key file " + path + " is written, but its folder can not be made " +
                              "durable: " + reason());
    return {};
}

tl::expected<std::vector<PublicKeys>, std::string> read_public_keys(const std::string& path) {
    const auto text = read_file(path, Secrecy::open);
    if (!text) return tl::unexpected(text.error());
    std::vector<PublicKeys> keys;
    std::string_view rest = *text;
    for (int number = 1; !rest.empty(); ++number) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        const std::string_view line = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (line.find_first_not_of(" \t\r") == std::string_view::npos || line.front() == '#')
            continue;
        const std::string where = "public key file " + path + ", line " + std::to_string(number);
        auto key = PublicKeys::parse(line);
        if (!key) return tl::unexpected(where + ": " + key.error());
        if (!keys.empty() && keys.front().name != key->name)
            return tl::unexpected(where + ": this key is '" + std::string(key->name.text()) +
                                  "', the one before '" + std::string(keys.front().name.text()) +
                                  "': one name a file");
        if (keys.size() == AgentIdentity::keys_max)
            return tl::unexpected(where + ": a third key: at most two, while a key is being " +
                                  "changed");
        keys.push_back(*std::move(key));
    }
    if (keys.empty()) return tl::unexpected("public key file " + path + " holds no key");
    return keys;
}

tl::expected<void, std::string> write_secret_keys(const std::string& path, const SecretKeys& keys) {
    std::string line = keys.text();
    std::string text;
    text.reserve(line.size() + 1);
    text.append(line).append("\n");
    wipe(line);
    auto written = write_new(path, text, 0600);
    wipe(text);
    return written;
}

tl::expected<void, std::string> write_public_keys(const std::string& path, const PublicKeys& keys) {
    return write_new(path, keys.text() + '\n', 0644);
}

}  // namespace heartbeat

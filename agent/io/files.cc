#include "agent/io/files.h"

#include "agent/io/handle.h"

#include <cerrno>
#include <cstring>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

namespace agent {

namespace {

tl::expected<std::string, std::string> read(const std::string& path, bool secret) {
    const auto failed = [&](const char* what) {
        return tl::unexpected(fmt::format("{}: {}: {}", path, what, std::strerror(errno)));
    };
    // O_NONBLOCK: a FIFO is refused below instead of waited for.
    const Handle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (!file) return failed("cannot be opened");
    struct stat status {};
    if (::fstat(file.get(), &status) < 0) return failed("cannot be read");
    if (!S_ISREG(status.st_mode)) {
        return tl::unexpected(fmt::format("{}: is not a regular file", path));
    }
    if (secret && (status.st_mode & 077) != 0) {
        return tl::unexpected(fmt::format(
            "{0}: others can get at it (owner uid {1}, mode {2:04o}): run `chmod 600 {0}`", path,
            status.st_uid, status.st_mode & 07777));
    }
    std::string text;
    std::vector<char> buffer(16 * 1024);
    while (true) {
        const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return failed("cannot be read");
        if (got == 0) return text;
        text.append(buffer.data(), static_cast<std::size_t>(got));
        if (text.size() > file_read_max) {
            return tl::unexpected(fmt::format("{}: is larger than {} bytes", path, file_read_max));
        }
    }
}

}  // namespace

tl::expected<std::string, std::string> read_text(const std::string& path) {
    return read(path, false);
}

tl::expected<std::string, std::string> read_secret_text(const std::string& path) {
    return read(path, true);
}

}  // namespace agent

#include "agent/io/record.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace agent {

namespace {

constexpr std::string_view first_line = "arbiter-agent record 1";

// FNV-1a: against damage, not against an enemy, who could write a good one as well.
std::uint64_t checksum(std::string_view text) {
    std::uint64_t sum = 0xcbf29ce484222325;
    for (const char c : text) sum = (sum ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    return sum;
}

std::string told(const std::string& path, const char* what) {
    return fmt::format("{}: {}: {}", path, what, std::strerror(errno));
}

// The next line, without its end; the text goes on behind it.
std::string_view take_line(std::string_view& text) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return line;
}

std::optional<Epoch> take_epoch(std::string_view& text, std::string_view key) {
    std::string_view line = take_line(text);
    if (line.substr(0, key.size()) != key || line.size() <= key.size() || line[key.size()] != ' ') {
        return std::nullopt;
    }
    line.remove_prefix(key.size() + 1);
    Epoch epoch;
    const auto [rest, error] = std::from_chars(line.data(), line.data() + line.size(), epoch.value);
    if (error != std::errc() || rest != line.data() + line.size()) return std::nullopt;
    return epoch;
}

// A number, and the space behind it.
bool take_number(std::string_view& line, std::uint64_t& number) {
    const auto [rest, error] = std::from_chars(line.data(), line.data() + line.size(), number);
    line.remove_prefix(static_cast<std::size_t>(rest - line.data()));
    if (error != std::errc() || line.substr(0, 1) != " ") return false;
    line.remove_prefix(1);
    return true;
}

// A line that is there only while the database has what a master lacked: "errant 17 0-1-42", with
// "?" for a position that is not known; "refused 5 17 0-1-42" when the master of epoch 5 said so,
// and that is all that is known. False: it is none.
bool take_errant(std::string_view& text, std::optional<Errant>& errant) {
    Errant found;
    const auto begins = [&](std::string_view key) { return text.substr(0, key.size()) == key; };
    found.refused = begins("refused ");
    if (!found.refused && !begins("errant ")) return true;
    std::string_view line = take_line(text);
    line.remove_prefix(line.find(' ') + 1);
    if (found.refused && !take_number(line, found.under.value)) return false;
    if (!take_number(line, found.start)) return false;
    if (line != "?") {
        found.at = heartbeat::GtidPosition::parse(line);
        if (!found.at) return false;
    }
    errant = std::move(found);
    return true;
}

// A line that is there from when a database was first looked at: its start, how often a relay log
// was lost in it, and what was seen of the last: "relay 17 1 42 43 2 open".
bool take_relay(std::string_view& text, RelayKnown& relay) {
    constexpr std::string_view key = "relay ";
    if (text.substr(0, key.size()) != key) return true;
    std::string_view line = take_line(text);
    line.remove_prefix(key.size());
    std::uint64_t generation = 0;
    const bool numbers = take_number(line, relay.start) && take_number(line, generation) &&
                         take_number(line, relay.log.io) && take_number(line, relay.log.sql) &&
                         take_number(line, relay.log.starts);
    if (!numbers || generation > std::numeric_limits<std::uint16_t>::max()) return false;
    relay.generation = static_cast<std::uint16_t>(generation);
    relay.log.drained = line == "drained";
    return relay.log.drained || line == "open";
}

bool write_all(int file, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(file, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

}  // namespace

std::string record_text(const ServerId& self, const AgentRecord& record) {
    std::string text =
        fmt::format("{}\nserver {}\nseen {}\npromised {}\nfenced {}\n", first_line, self.text(),
                    record.seen.value, record.promised.value, record.fenced.value);
    if (record.errant)
        text += fmt::format(
            "{} {} {}\n",
            record.errant->refused ? fmt::format("refused {}", record.errant->under.value)
                                   : "errant",
            record.errant->start, record.errant->at ? record.errant->at->text() : "?");
    if (const RelayKnown& relay = record.relay; relay.start != 0)
        text +=
            fmt::format("relay {} {} {} {} {} {}\n", relay.start, relay.generation, relay.log.io,
                        relay.log.sql, relay.log.starts, relay.log.drained ? "drained" : "open");
    return text + fmt::format("checksum {:016x}\n", checksum(text));
}

tl::expected<AgentRecord, std::string> parse_record(const ServerId& self, std::string_view text) {
    const std::string_view whole = text;
    if (text.empty()) return tl::unexpected<std::string>("it is empty");
    if (take_line(text) != first_line) {
        return tl::unexpected<std::string>("it is not a record of this version");
    }
    const std::string server = fmt::format("server {}", self.text());
    const std::string_view server_line = take_line(text);
    const auto seen = take_epoch(text, "seen");
    const auto promised = take_epoch(text, "promised");
    const auto fenced = take_epoch(text, "fenced");
    std::optional<Errant> errant;
    const bool whole_errant = take_errant(text, errant);
    RelayKnown relay;
    const bool whole_relay = take_relay(text, relay);
    const std::string_view covered = whole.substr(0, whole.size() - text.size());
    // The whole rest at once: nothing may be missing and nothing may follow.
    if (!seen || !promised || !fenced || !whole_errant || !whole_relay ||
        text != fmt::format("checksum {:016x}\n", checksum(covered))) {
        return tl::unexpected<std::string>("its checksum does not match");
    }
    if (server_line != server) {
        return tl::unexpected(fmt::format("it belongs to '{}', this is '{}'", server_line, server));
    }
    return AgentRecord{*seen, *promised, *fenced, std::move(errant), relay};
}

RecordFile::RecordFile(std::string directory, const ServerId& self, Handle lock)
    : directory_(std::move(directory)),
      path_(directory_ + "/record"),
      self_(self),
      lock_(std::move(lock)) {}

tl::expected<RecordFile, RecordFile::OpenError> RecordFile::open(const std::string& directory,
                                                                 const ServerId& self,
                                                                 std::string_view holder) {
    const auto refused = [](std::string text) {
        return tl::unexpected(OpenError{false, {}, std::move(text)});
    };
    if (::mkdir(directory.c_str(), 0700) < 0 && errno != EEXIST) {
        return refused(told(directory, "cannot be made"));
    }
    const std::string path = directory + "/lock";
    Handle lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!lock) return refused(told(path, "cannot be opened"));
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK) return refused(told(path, "cannot be locked"));
        std::array<char, 32> said{};
        const ssize_t got = ::pread(lock.get(), said.data(), said.size(), 0);
        return tl::unexpected(OpenError{
            true, std::string(said.data(), static_cast<std::size_t>(std::max<ssize_t>(0, got))),
            fmt::format("{}: another arbiter-agent runs on this state directory", directory)});
    }
    if (::ftruncate(lock.get(), 0) < 0 || !write_all(lock.get(), holder)) {
        return refused(told(path, "cannot be written"));
    }
    return RecordFile(directory, self, std::move(lock));
}

tl::expected<AgentRecord, std::string> RecordFile::load() const {
    const Handle file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file && errno == ENOENT) return AgentRecord{};
    if (!file) return tl::unexpected(told(path_, "cannot be opened"));
    std::vector<char> bytes(size_max + 1);
    std::size_t size = 0;
    while (size < bytes.size()) {
        const ssize_t got = ::read(file.get(), bytes.data() + size, bytes.size() - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return tl::unexpected(told(path_, "cannot be read"));
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    auto record = parse_record(self_, {bytes.data(), size});
    if (!record) {
        return tl::unexpected(fmt::format(
            "{}: {}; what this server promised is not known. If its database is a replica that "
            "follows the master, remove the file; if not, make it one first",
            path_, record.error()));
    }
    return *record;
}

tl::expected<void, std::string> RecordFile::save(const AgentRecord& record) const {
    // A new file each time: after a failed fsync nobody knows what of the old one is on disk.
    const std::string fresh = path_ + ".new";
    Handle file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!file) return tl::unexpected(told(fresh, "cannot be made"));
    if (!write_all(file.get(), record_text(self_, record)) || ::fsync(file.get()) < 0) {
        const std::string why = told(fresh, "cannot be written");
        ::unlink(fresh.c_str());
        return tl::unexpected(why);
    }
    file = Handle();
    if (::rename(fresh.c_str(), path_.c_str()) < 0) {
        return tl::unexpected(told(path_, "cannot be replaced"));
    }
    const Handle folder(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder || ::fsync(folder.get()) < 0) {
        return tl::unexpected(told(directory_, "cannot be made durable"));
    }
    return {};
}

}  // namespace agent

#include "dnsd/io/zone_files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <new>
#include <set>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dnsd/io/sockets.h"
#include "zones/digest.h"

namespace dnsd {
namespace {

constexpr std::string_view suffix = ".zone";

// Of the bytes of files (FNV-1a): for telling versions of an operator's own files apart, no defence
// against forgery.
class Digest {
public:
    void add(std::string_view bytes) {
        for (const char c : bytes) {
            value_ ^= static_cast<unsigned char>(c);
            value_ *= 0x100000001b3ULL;
        }
    }
    // With its length, so that a byte that moves from one file to the next is a change.
    void add_file(std::string_view text) {
        add(text);
        add(fmt::format(";{};", text.size()));
    }
    std::string text() const { return fmt::format("{:016x}", value_); }

private:
    std::uint64_t value_ = 0xcbf29ce484222325ULL;
};

// Of the files as they are now; empty when one of them cannot be read.
std::string bytes_of(const std::vector<std::string>& files) {
    Digest digest;
    for (const std::string& file : files) {
        const auto text = read_text(file);
        if (!text) return {};
        digest.add_file(*text);
    }
    return digest.text();
}

// "." for root.zone, NAME for NAME.zone.
tl::expected<zones::Name, std::string> zone_named_by(const std::string& file) {
    const std::string stem = file.substr(0, file.size() - suffix.size());
    if (stem == "root") return zones::Name::root();
    return zones::Name::parse(stem);
}

bool has_error(const std::vector<zones::Mistake>& mistakes) {
    return std::any_of(mistakes.begin(), mistakes.end(), [](const zones::Mistake& mistake) {
        return mistake.severity == zones::Mistake::error;
    });
}

ZoneRead too_large_now(const ZoneSource& source) {
    ZoneRead read{source, ZoneRead::Outcome::failed};
    read.mistakes.push_back({source.path, 0, 0, zones::Mistake::error,
                             "not enough memory to read it",
                             "the old and the new version are held at once"});
    return read;
}

}  // namespace

tl::expected<std::string, std::string> read_text(const std::string& path) {
    const auto failed = [&](const char* what, int code) {
        return tl::unexpected(fmt::format("cannot {} {}: {}", what, path, std::strerror(code)));
    };
    const Fd fd(
        ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));  // a FIFO must not hang us
    if (!fd) return failed("open", errno);
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) return failed("examine", errno);
    if (!S_ISREG(status.st_mode))
        return tl::unexpected(fmt::format("cannot read {}: it is not a file", path));
    if (static_cast<std::size_t>(status.st_size) > zone_file_bytes_max)
        return tl::unexpected(fmt::format("cannot read {}: it has {} bytes, {} is the most", path,
                                          status.st_size, zone_file_bytes_max));
    std::string text(static_cast<std::size_t>(status.st_size), '\0');
    std::size_t filled = 0;
    while (filled < text.size()) {
        const ssize_t got = ::read(fd.get(), text.data() + filled, text.size() - filled);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return failed("read", errno);
        if (got == 0) break;  // it was cut since
        filled += static_cast<std::size_t>(got);
    }
    text.resize(filled);
    return text;
}

tl::expected<ZoneSources, std::string> zones_in(const std::string& directory,
                                                const ZonePaths& before) {
    std::error_code error;
    std::vector<std::string> files;
    for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end;
         at.increment(error)) {
        std::string name = at->path().filename().string();
        const bool hidden = name.starts_with('.');  // as editors lock and save
        if (!hidden && name.size() > suffix.size() && name.ends_with(suffix))
            files.push_back(std::move(name));
    }
    if (error)
        return tl::unexpected(
            fmt::format("cannot read the directory {}: {}", directory, error.message()));
    std::sort(files.begin(), files.end());
    ZoneSources result;
    std::map<zones::Name, std::size_t> taken;  // in result.sources
    const auto refuse = [&](const std::string& path, std::string what, std::string hint) {
        result.mistakes.push_back(
            {path, 0, 0, zones::Mistake::error, std::move(what), std::move(hint)});
    };
    for (const std::string& file : files) {
        std::string path = (std::filesystem::path(directory) / file).string();
        const auto origin = zone_named_by(file);
        if (!origin) {
            refuse(path, "the file's name is not that of a zone: " + origin.error(),
                   "NAME.zone holds the zone NAME, root.zone the root");
            continue;
        }
        const auto [first, fresh] = taken.try_emplace(*origin, result.sources.size());
        if (fresh) {
            result.sources.push_back({*origin, std::move(path), {}});
            continue;
        }
        // A file that comes to stand beside it does not take a zone over.
        std::string& chosen = result.sources[first->second].path;
        const auto known = before.find(*origin);
        if (known != before.end() && known->second == path) {
            std::swap(chosen, path);
            result.sources[first->second].origin = *origin;  // as it is spelt there
        }
        refuse(path, fmt::format("zone {} is already in {}", origin->text(), chosen),
               "names of zones do not tell a from A (RFC 4343): delete one of the files");
    }
    return result;
}

// What is known changes at the end and all at once: whoever never gets this result, since memory
// ran out, must get the same from the next reading.
std::vector<ZoneRead> ZoneReader::read(const std::vector<ZoneSource>& sources) {
    std::map<zones::Name, Known> now;
    std::set<zones::Name> wanted;
    std::vector<ZoneRead> result;
    result.reserve(sources.size());
    for (const ZoneSource& source : sources) {
        wanted.insert(source.origin);
        const auto known = known_.find(source.origin);
        Known fresh;
        try {
            result.push_back(
                read_one(source, known == known_.end() ? nullptr : &known->second, fresh));
        } catch (const std::bad_alloc&) {  // of one zone, perhaps a large one
            result.push_back(too_large_now(source));
        }
        if (result.back().outcome == ZoneRead::Outcome::loaded)
            now.insert_or_assign(source.origin, std::move(fresh));
    }
    std::erase_if(known_, [&](const auto& known) { return !wanted.contains(known.first); });
    now.merge(known_);
    known_ = std::move(now);
    return result;
}

ZoneRead ZoneReader::read_one(const ZoneSource& source, const Known* known, Known& now) const {
    ZoneRead read{source};
    if (known != nullptr && known->files.front() == source.path &&
        bytes_of(known->files) == known->bytes)
        return read;
    // The digest is of the very bytes that are parsed: the file may be written to meanwhile.
    Digest digest;
    std::vector<std::string> files;  // in the order of reading
    zones::Loaded loaded = zones::load_zone(
        source.origin, source.path,
        [&](const std::string& path) {
            auto text = read_text(path);
            if (text) digest.add_file(*text);
            files.push_back(path);
            return text;
        },
        source.watch);
    read.mistakes = loaded.mistakes;
    if (loaded.zone && inspect_)
        for (zones::Mistake& mistake : inspect_(loaded))
            read.mistakes.push_back(std::move(mistake));
    if (!loaded.zone || has_error(read.mistakes)) {
        read.outcome = ZoneRead::Outcome::failed;
        return read;
    }
    read.outcome = ZoneRead::Outcome::loaded;
    read.zone = std::move(loaded.zone);
    read.content = zones::content_digest(*read.zone).text();
    read.soa = {source.path};
    if (loaded.soa) {
        const zones::Place& place = loaded.soa->serial;
        read.soa = {place.file, place.line, place.column};
    }
    now = {std::move(files), digest.text()};
    return read;
}

}  // namespace dnsd

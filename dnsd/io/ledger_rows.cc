#include "dnsd/io/ledger_rows.h"

#include <charconv>
#include <sstream>
#include <vector>

#include <fmt/format.h>

namespace dnsd {

namespace {

// Reads "key=value" words in their order; any surprise makes the whole row unreadable.
class Words {
public:
    explicit Words(const std::string& text) : stream_(text) {}
    std::string next(std::string_view key) {
        std::string word;
        stream_ >> word;
        if (!word.starts_with(key) || word.size() <= key.size() || word[key.size()] != '=')
            ok_ = false;
        return ok_ ? word.substr(key.size() + 1) : std::string();
    }
    template <typename Number>
    Number number(std::string_view key) {
        const std::string word = next(key);
        Number value{};
        const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
        if (error != std::errc{} || end != word.data() + word.size()) ok_ = false;
        return value;
    }
    std::vector<ServerId> ids(std::string_view key) {
        std::vector<ServerId> out;
        const std::string word = next(key);
        if (word == "-") return out;
        std::istringstream list(word);
        for (std::string name; std::getline(list, name, ',');) {
            const auto id = ServerId::parse(name);
            if (id)
                out.push_back(*id);
            else
                ok_ = false;
        }
        return out;
    }
    std::optional<ServerId> id(std::string_view key) {
        const auto list = ids(key);
        if (list.size() > 1) ok_ = false;
        return list.empty() ? std::nullopt : std::optional(list.front());
    }
    bool ok() { return ok_ && (stream_ >> std::ws).eof(); }

private:
    std::istringstream stream_;
    bool ok_ = true;
};

std::optional<std::uint32_t> read_serial(const std::string& text) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace

std::uint64_t row_checksum(std::string_view kind, std::string_view name, std::string_view text) {
    return checksum({kind, name, text});
}

std::uint64_t delta_checksum(std::string_view zone, std::uint32_t from, std::uint32_t to,
                             std::span<const std::byte> packed) {
    return row_checksum(zone, fmt::format("{} {}", from, to),
                        {reinterpret_cast<const char*>(packed.data()), packed.size()});
}

// "1742 1740": the file's own serial comes second. Ledgers of format 1 have the first alone.
std::string row_text(const Served& served) {
    const std::string file = served.file_serial ? fmt::format(" {}", *served.file_serial) : "";
    return fmt::format("{}{}\n{}\n{}", served.serial, file, served.file_digest, served.live);
}

std::optional<Record> read_old_record(const std::string& text) {
    Words words(text);
    Record record;
    record.epoch.value = words.number<std::uint64_t>("epoch");
    record.holder = words.id("holder");
    record.closed = words.number<unsigned>("closed") != 0;
    record.lease_may_live = words.number<unsigned>("may_live") != 0;
    record.lease_longest = Duration(words.number<std::int64_t>("longest_ns"));
    words.ids("semi_sync");
    record.stable_set = words.ids("stable");
    record.master_published = words.id("master");
    record.master_epoch.value = words.number<std::uint64_t>("master_epoch");
    // Who acknowledged what under it was written nowhere.
    record.semi_sync_unknown = record.epoch > Epoch{};
    return words.ok() ? std::optional(record) : std::nullopt;
}

std::optional<Served> read_served(const std::string& text) {
    const std::size_t first = text.find('\n');
    const std::size_t second = first == std::string::npos ? first : text.find('\n', first + 1);
    if (second == std::string::npos) return std::nullopt;
    Served served;
    const std::string serials = text.substr(0, first);
    const std::size_t space = serials.find(' ');
    const auto serial = read_serial(serials.substr(0, space));
    if (!serial) return std::nullopt;
    served.serial = *serial;
    if (space != std::string::npos) {
        served.file_serial = read_serial(serials.substr(space + 1));
        if (!served.file_serial) return std::nullopt;
    }
    served.file_digest = text.substr(first + 1, second - first - 1);
    served.live = text.substr(second + 1);
    return served;
}

}  // namespace dnsd

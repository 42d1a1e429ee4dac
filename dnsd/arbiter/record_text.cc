#include "dnsd/arbiter/record_text.h"

#include <array>
#include <charconv>
#include <cstdio>

namespace dnsd {

namespace {

constexpr std::string_view nothing = "-";  // no name of a server, and no number
constexpr std::string_view seal_key = " seal=";
constexpr std::size_t seal_digits = 16;

// ---- Writing

template <typename Number>
std::string number_text(Number value) {
    std::array<char, 32> text{};
    const auto done = std::to_chars(text.data(), text.data() + text.size(), value);
    return {text.data(), done.ptr};
}

std::string text_of(const ServerId& id) {
    return std::string(id.text());
}
std::string text_of(const Address& address) {
    return address.text();
}
std::string text_of(std::int64_t seconds) {
    return number_text(seconds);
}
std::string text_of(const Acker& acker) {
    return text_of(acker.id) + ":" + number_text(acker.start) + (acker.leaving ? ":leaving" : "");
}
std::string text_of(const LastPlace& place) {
    std::string text = text_of(place.id);
    for (const Address& address : place.addresses) text += "@" + text_of(address);
    return text;
}
std::string text_of(const Refused& refused) {
    return text_of(refused.id) + ":" + number_text(refused.epoch.value);
}
std::string text_of(const Until& until) {
    return number_text(until.length_seconds) + ":" + number_text(until.unix_seconds);
}
std::string text_of(const Drained& drained) {
    return text_of(drained.id) + ":" + text_of(drained.until);
}
// The shortest text that reads back as the same number.
std::string text_of(const Damping::Penalty& penalty) {
    return text_of(penalty.id) + ":" + number_text(penalty.points) + ":" +
           number_text(penalty.unix_seconds);
}
// In brackets: an empty one is not none.
std::string text_of(const heartbeat::GtidPosition& position) {
    return "[" + position.text() + "]";
}
std::string text_of(Mode mode) {
    return mode == Mode::act ? "act" : "observe";
}

template <typename Item>
std::string list_text(const std::vector<Item>& items) {
    std::string text;
    for (const Item& item : items) text += (text.empty() ? "" : ",") + text_of(item);
    return text.empty() ? std::string(nothing) : text;
}
template <typename Item>
std::string list_text(const std::optional<Item>& item) {
    return item ? text_of(*item) : std::string(nothing);
}

std::string seal_text(std::string_view text) {
    std::array<char, seal_digits + 1> digits{};
    std::snprintf(digits.data(), digits.size(), "%016llx",
                  static_cast<unsigned long long>(checksum({text})));
    return digits.data();
}

// ---- Reading

// One word, cut at its separators; any surprise makes all of it wrong.
class Cut {
public:
    Cut(std::string_view text, char separator) : text_(text), separator_(separator) {}
    bool more() const { return !done_; }
    std::string_view next() {
        const std::size_t end = text_.find(separator_);
        const std::string_view part = text_.substr(0, end);
        done_ = end == std::string_view::npos;
        text_ = done_ ? std::string_view() : text_.substr(end + 1);
        return part;
    }

private:
    std::string_view text_;
    char separator_;
    bool done_ = false;
};

template <typename Number>
bool read(std::string_view text, Number& into) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
    return error == std::errc{} && end == text.data() + text.size();
}
bool read(std::string_view text, bool& into) {
    into = text == "1";
    return into || text == "0";
}
bool read(std::string_view text, Epoch& into) {
    return read(text, into.value);
}
bool read(std::string_view text, Duration& into) {
    Duration::rep count = 0;
    const bool good = read(text, count);
    into = Duration(count);
    return good;
}
bool read(std::string_view text, std::optional<ServerId>& into) {
    into = ServerId::parse(text);
    return into.has_value();
}
bool read(std::string_view text, std::optional<Mode>& into) {
    if (text == "act") into = Mode::act;
    if (text == "observe") into = Mode::observe;
    return into.has_value();
}
bool read_until(Cut& parts, Until& into) {
    return read(parts.next(), into.length_seconds) && parts.more() &&
           read(parts.next(), into.unix_seconds);
}
bool read(std::string_view text, std::optional<Until>& into) {
    Cut parts(text, ':');
    return read_until(parts, into.emplace()) && !parts.more();
}

bool read(std::string_view text, std::optional<heartbeat::GtidPosition>& into) {
    if (!text.starts_with('[') || !text.ends_with(']') || text.size() < 2) return false;
    into = heartbeat::GtidPosition::parse(text.substr(1, text.size() - 2));
    return into.has_value();
}

// An item of a list: its server, and what stands behind that.
bool read_item(std::string_view text, std::vector<ServerId>& into) {
    const auto id = ServerId::parse(text);
    if (id) into.push_back(*id);
    return id.has_value();
}
bool read_item(std::string_view text, std::vector<Address>& into) {
    const auto address = Address::parse(text);
    if (address) into.push_back(*address);
    return address.has_value();
}
bool read_item(std::string_view text, std::vector<std::int64_t>& into) {
    return read(text, into.emplace_back());
}
bool read_item(std::string_view text, std::vector<Acker>& into) {
    Cut parts(text, ':');
    const auto id = ServerId::parse(parts.next());
    if (!id || !parts.more()) return false;
    Acker& acker = into.emplace_back(Acker{*id});
    if (!read(parts.next(), acker.start)) return false;
    acker.leaving = parts.more();
    return !acker.leaving || (parts.next() == "leaving" && !parts.more());
}
bool read_item(std::string_view text, std::vector<Refused>& into) {
    Cut parts(text, ':');
    const auto id = ServerId::parse(parts.next());
    if (!id || !parts.more()) return false;
    return read(parts.next(), into.emplace_back(Refused{*id, {}}).epoch) && !parts.more();
}
bool read_item(std::string_view text, std::vector<LastPlace>& into) {
    Cut parts(text, '@');
    const auto id = ServerId::parse(parts.next());
    if (!id) return false;
    LastPlace& place = into.emplace_back(LastPlace{*id, {}});
    while (parts.more())
        if (!read_item(parts.next(), place.addresses)) return false;
    return true;
}
bool read_item(std::string_view text, std::vector<Drained>& into) {
    Cut parts(text, ':');
    const auto id = ServerId::parse(parts.next());
    if (!id || !parts.more()) return false;
    return read_until(parts, into.emplace_back(Drained{*id, {}}).until) && !parts.more();
}
bool read_item(std::string_view text, std::vector<Damping::Penalty>& into) {
    Cut parts(text, ':');
    const auto id = ServerId::parse(parts.next());
    if (!id || !parts.more()) return false;
    Damping::Penalty& penalty = into.emplace_back(Damping::Penalty{*id});
    // Written so that a NaN fails too, which would make a record unlike itself.
    return read(parts.next(), penalty.points) && penalty.points >= 0 && parts.more() &&
           read(parts.next(), penalty.unix_seconds) && !parts.more();
}
template <typename Item>
bool read(std::string_view text, std::vector<Item>& into) {
    for (Cut items(text, ','); items.more();)
        if (!read_item(items.next(), into)) return false;
    return true;
}

// The words in their order; the first that is wrong is kept.
class Words {
public:
    explicit Words(std::string_view text) : words_(text, ' ') {}

    template <typename Value>
    void take(std::string_view key, Value& into) {
        const std::string_view word = value(key);
        if (wrong_.empty() && !read(word, into)) wrong_ = key;
    }
    template <typename List>
    void take_or_nothing(std::string_view key, List& into) {
        const std::string_view word = value(key);
        if (wrong_.empty() && word != nothing && !read(word, into)) wrong_ = key;
    }
    // Empty: all were good, and there are no more.
    std::string_view wrong() {
        if (wrong_.empty() && words_.more()) wrong_ = "its end";
        return wrong_;
    }

private:
    std::string_view value(std::string_view key) {
        if (!wrong_.empty()) return {};
        const std::string_view word = words_.more() ? words_.next() : std::string_view();
        if (!word.starts_with(key) || word.substr(key.size(), 1) != "=") wrong_ = key;
        return wrong_.empty() ? word.substr(key.size() + 1) : std::string_view();
    }
    Cut words_;
    std::string_view wrong_;
};

std::string open_text(const Record& r) {
    std::string text = "revision=" + number_text(r.revision);
    const auto add = [&](std::string_view key, const std::string& value) {
        text.append(" ").append(key).append("=").append(value);
    };
    const auto flag = [&](std::string_view key, bool value) { add(key, value ? "1" : "0"); };
    add("epoch", number_text(r.epoch.value));
    add("holder", list_text(r.holder));
    add("holder_start", number_text(r.holder_start));
    add("holder_had", list_text(r.holder_had));
    flag("closed", r.closed);
    flag("may_live", r.lease_may_live);
    add("longest_ns", number_text(r.lease_longest.count()));
    add("semi_sync", list_text(r.semi_sync));
    flag("covered", r.covered);
    flag("semi_sync_unknown", r.semi_sync_unknown);
    add("rejoining", list_text(r.rejoining));
    add("barred", list_text(r.barred));
    add("places", list_text(r.places));
    add("refused", list_text(r.refused));
    add("stable", list_text(r.stable_set));
    add("master", list_text(r.master_published));
    add("master_epoch", number_text(r.master_epoch.value));
    add("master_at", list_text(r.master_addresses));
    add("mode", list_text(r.mode));
    add("pause", list_text(r.pause));
    add("drains", list_text(r.drains));
    add("failovers", list_text(r.damping.failovers));
    add("block", list_text(r.damping.block));
    flag("manual", r.damping.manual);
    add("penalties", list_text(r.damping.penalties));
    add("pace", list_text(r.pace));
    return text;
}

}  // namespace

std::uint64_t checksum(std::initializer_list<std::string_view> parts) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const std::string_view part : parts) {
        for (const char c : part) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
        hash = (hash ^ 0x100) * 0x100000001b3;
    }
    return hash;
}

std::string record_text(const Record& record) {
    std::string text = open_text(record);
    const std::string seal = seal_text(text);
    return text.append(seal_key).append(seal);
}

tl::expected<Record, std::string> read_record(std::string_view text) {
    const std::size_t tail = seal_key.size() + seal_digits;
    if (text.size() < tail || text.substr(text.size() - tail, seal_key.size()) != seal_key)
        return tl::unexpected(std::string("it is cut off, or has no seal"));
    const std::string_view open = text.substr(0, text.size() - tail);
    if (text.substr(text.size() - seal_digits) != seal_text(open))
        return tl::unexpected(std::string("its seal is broken"));
    Record r;
    Words words(open);
    words.take("revision", r.revision);
    words.take("epoch", r.epoch);
    words.take_or_nothing("holder", r.holder);
    words.take("holder_start", r.holder_start);
    words.take_or_nothing("holder_had", r.holder_had);
    words.take("closed", r.closed);
    words.take("may_live", r.lease_may_live);
    words.take("longest_ns", r.lease_longest);
    words.take_or_nothing("semi_sync", r.semi_sync);
    words.take("covered", r.covered);
    words.take("semi_sync_unknown", r.semi_sync_unknown);
    words.take_or_nothing("rejoining", r.rejoining);
    words.take_or_nothing("barred", r.barred);
    words.take_or_nothing("places", r.places);
    words.take_or_nothing("refused", r.refused);
    words.take_or_nothing("stable", r.stable_set);
    words.take_or_nothing("master", r.master_published);
    words.take("master_epoch", r.master_epoch);
    words.take_or_nothing("master_at", r.master_addresses);
    words.take_or_nothing("mode", r.mode);
    words.take_or_nothing("pause", r.pause);
    words.take_or_nothing("drains", r.drains);
    words.take_or_nothing("failovers", r.damping.failovers);
    words.take_or_nothing("block", r.damping.block);
    words.take("manual", r.damping.manual);
    words.take_or_nothing("penalties", r.damping.penalties);
    words.take_or_nothing("pace", r.pace);
    if (const std::string_view wrong = words.wrong(); !wrong.empty())
        return tl::unexpected("it is sealed, but makes no sense at " + std::string(wrong));
    // Whatever else would read as the same is no text of ours.
    if (open_text(r) != open)
        return tl::unexpected(std::string("it is sealed, but written otherwise than by us"));
    return r;
}

}  // namespace dnsd

#include "heartbeat/gtid.h"

#include <algorithm>
#include <charconv>

namespace heartbeat {

namespace {

// Reads one number that ends at `stop` or at the end; moves `text` behind it and the stop.
template <typename Number>
bool take(std::string_view& text, char stop, Number& number) {
    const std::size_t end = std::min(text.find(stop), text.size());
    const auto [behind, error] = std::from_chars(text.data(), text.data() + end, number);
    if (error != std::errc() || behind != text.data() + end) return false;
    text.remove_prefix(std::min(end + 1, text.size()));
    return true;
}

std::string_view trimmed(std::string_view text) {
    const auto blank = " \t\r\n";
    const std::size_t begin = text.find_first_not_of(blank);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(blank) - begin + 1);
}

}  // namespace

std::optional<GtidPosition> GtidPosition::of(std::vector<Gtid> entries) {
    std::sort(entries.begin(), entries.end(),
              [](const Gtid& a, const Gtid& b) { return a.domain < b.domain; });
    const auto twice =
        std::adjacent_find(entries.begin(), entries.end(),
                           [](const Gtid& a, const Gtid& b) { return a.domain == b.domain; });
    if (twice != entries.end()) return std::nullopt;
    GtidPosition position;
    position.entries_ = std::move(entries);
    return position;
}

std::optional<GtidPosition> GtidPosition::parse(std::string_view text) {
    std::vector<Gtid> entries;
    text = trimmed(text);
    while (!text.empty()) {
        const std::size_t comma = std::min(text.find(','), text.size());
        std::string_view one = trimmed(text.substr(0, comma));
        Gtid gtid;
        if (!take(one, '-', gtid.domain) || !take(one, '-', gtid.server) ||
            !take(one, '-', gtid.sequence) || !one.empty())
            return std::nullopt;
        entries.push_back(gtid);
        if (comma == text.size()) break;
        text = trimmed(text.substr(comma + 1));
        if (text.empty()) return std::nullopt;
    }
    return of(std::move(entries));
}

std::string GtidPosition::text() const {
    std::string text;
    for (const Gtid& gtid : entries_) {
        if (!text.empty()) text += ',';
        text += std::to_string(gtid.domain) + '-' + std::to_string(gtid.server) + '-' +
                std::to_string(gtid.sequence);
    }
    return text;
}

GtidPosition GtidPosition::merged(const GtidPosition& other) const {
    GtidPosition result = *this;
    for (const Gtid& theirs : other.entries_) {
        const auto mine = std::find_if(result.entries_.begin(), result.entries_.end(),
                                       [&](const Gtid& g) { return g.domain == theirs.domain; });
        if (mine == result.entries_.end())
            result.entries_.push_back(theirs);
        else if (mine->sequence < theirs.sequence)
            *mine = theirs;
    }
    std::sort(result.entries_.begin(), result.entries_.end(),
              [](const Gtid& a, const Gtid& b) { return a.domain < b.domain; });
    return result;
}

std::partial_ordering operator<=>(const GtidPosition& a, const GtidPosition& b) {
    bool less = false;
    bool greater = false;
    auto left = a.entries_.begin();
    auto right = b.entries_.begin();
    while (left != a.entries_.end() || right != b.entries_.end()) {
        if (right == b.entries_.end() ||
            (left != a.entries_.end() && left->domain < right->domain)) {
            greater = true;
            ++left;
        } else if (left == a.entries_.end() || right->domain < left->domain) {
            less = true;
            ++right;
        } else {
            if (left->sequence == right->sequence && left->server != right->server)
                return std::partial_ordering::unordered;
            less |= left->sequence < right->sequence;
            greater |= left->sequence > right->sequence;
            ++left;
            ++right;
        }
    }
    if (less && greater) return std::partial_ordering::unordered;
    if (less) return std::partial_ordering::less;
    if (greater) return std::partial_ordering::greater;
    return std::partial_ordering::equivalent;
}

}  // namespace heartbeat

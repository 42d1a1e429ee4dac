#include "zones/condense.h"

#include <algorithm>
#include <functional>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace zones {

namespace {

std::string_view text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A record with its owner, both in the memory of a delta.
struct Key {
    std::span<const std::byte> owner, record;
    friend bool operator==(const Key& a, const Key& b) {
        return text_of(a.record) == text_of(b.record) && text_of(a.owner) == text_of(b.owner);
    }
};
struct KeyHash {
    std::size_t operator()(const Key& key) const {
        const std::hash<std::string_view> hash;
        return hash(text_of(key.owner)) * 31 + hash(text_of(key.record));
    }
};

class Net {
public:
    explicit Net(std::size_t bytes_max) : bytes_max_(bytes_max) {}

    // False when there is too much to remember.
    bool add(const Delta& step) {
        for (const auto half : {Delta::Half::deleted, Delta::Half::added}) {
            std::size_t at = 0;
            step.next(half, at);  // the SOA
            while (const auto group = step.next(half, at)) {
                add(half, *group);
                if (bytes_ > bytes_max_) return false;
            }
        }
        return true;
    }

    // By name, then by record.
    std::vector<std::pair<Key, Delta::Half>> sorted() const {
        std::vector<std::pair<Key, Delta::Half>> all(net_.begin(), net_.end());
        std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
            const int owners = text_of(a.first.owner).compare(text_of(b.first.owner));
            return owners != 0 ? owners < 0 : text_of(a.first.record) < text_of(b.first.record);
        });
        return all;
    }

private:
    void add(Delta::Half half, const Delta::Group& group) {
        for (std::size_t at = 0; at < group.records.size();) {
            const std::size_t size = RRsetView::record_size(group.records.data() + at);
            const Key key{group.owner, group.records.subspan(at, size)};
            at += size;
            const auto [found, is_new] = net_.try_emplace(key, half);
            const std::size_t bytes = key.owner.size() + size;
            if (is_new) {
                bytes_ += bytes;
            } else if (found->second != half) {
                // What came went, or the other way round.
                net_.erase(found);
                bytes_ -= bytes;
            }
        }
    }

    std::unordered_map<Key, Delta::Half, KeyHash> net_;
    std::size_t bytes_max_, bytes_ = 0;
};

}  // namespace

std::optional<Delta> condense(const History& history, std::size_t bytes_max) {
    if (history.size() == 0) return std::nullopt;
    Net net(bytes_max);
    for (std::size_t i = 0; i < history.size(); ++i)
        if (!net.add(*history.step(i))) return std::nullopt;

    const auto soa_of = [](const Delta& delta, Delta::Half half) {
        std::size_t at = 0;
        return *delta.next(half, at);
    };
    const auto before = soa_of(*history.step(0), Delta::Half::deleted);
    const auto after = soa_of(*history.last(), Delta::Half::added);
    DeltaWriter writer(before, after, bytes_max);
    for (const auto& [key, half] : net.sorted()) writer.add(half, key.owner, key.record.data());
    return writer.finish();
}

}  // namespace zones

#pragma once
// A map by hash of which old versions live on: two levels, 256 buckets, each a small array sorted
// by hash. A change copies the table of buckets and the buckets that it touches; all else is
// shared.

#include "zones/path.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace zones {

// Entry is a cheap value with a member `hash` and a function `same(const Entry&)`.
template <class Entry>
class Buckets {
public:
    static constexpr std::size_t bucket_count = 256;

    bool empty() const { return size_ == 0; }
    std::size_t size() const { return size_; }

    // The entry with this hash of which `is(entry)` holds.
    template <class Is>
    const Entry* find(Hash hash, Is is) const noexcept {
        if (size_ == 0) return nullptr;
        const auto& bucket = (*table_)[bucket_of(hash)];
        if (bucket == nullptr) return nullptr;
        for (auto at = first(*bucket, hash); at != bucket->end() && at->hash == hash; ++at)
            if (is(*at)) return &*at;
        return nullptr;
    }

    // Entries of `put` take the place of those that are the same; those of `take` go.
    Buckets with(std::span<const Entry> put, std::span<const Entry> take) const {
        Buckets next;
        auto table = table_ ? std::make_shared<Table>(*table_) : std::make_shared<Table>();
        next.size_ = size_;
        // Buckets of this batch are ours alone until the table is handed out.
        std::array<std::shared_ptr<Bucket>, bucket_count> own;
        const auto mine = [&](Hash hash) -> Bucket& {
            const std::size_t index = bucket_of(hash);
            if (own[index] == nullptr) {
                const auto& old = (*table)[index];
                own[index] = old ? std::make_shared<Bucket>(*old) : std::make_shared<Bucket>();
                (*table)[index] = own[index];
            }
            return *own[index];
        };
        for (const Entry& entry : take) next.size_ -= remove(mine(entry.hash), entry);
        for (const Entry& entry : put) {
            Bucket& bucket = mine(entry.hash);
            next.size_ += 1 - remove(bucket, entry);
            bucket.insert(first(bucket, entry.hash), entry);
        }
        next.table_ = std::move(table);
        return next;
    }

    // Each entry once, in an order of our own; `visit` returns false to stop.
    template <class Visit>
    void for_each(Visit visit) const {
        if (size_ == 0) return;
        for (const auto& bucket : *table_)
            if (bucket != nullptr)
                for (const Entry& entry : *bucket)
                    if (!visit(entry)) return;
    }
    // For walks with pauses: the entries of one bucket.
    std::span<const Entry> bucket(std::size_t index) const {
        if (size_ == 0 || (*table_)[index] == nullptr) return {};
        return *(*table_)[index];
    }

    // Whether these two have one and the same bucket `index`.
    bool shares(const Buckets& other, std::size_t index) const {
        const auto bucket = [index](const Buckets& of) {
            return of.table_ == nullptr ? nullptr : (*of.table_)[index].get();
        };
        return bucket(*this) == bucket(other);
    }

private:
    using Bucket = std::vector<Entry>;
    using Table = std::array<std::shared_ptr<const Bucket>, bucket_count>;

public:
    // By which a map is known again, as long as it lives, without being kept.
    class Identity {
    public:
        bool is_of(const Buckets& map) const {
            return was_empty_ ? map.table_ == nullptr
                              : map.table_ != nullptr && table_.lock() == map.table_;
        }

    private:
        friend class Buckets;
        explicit Identity(const std::shared_ptr<const Table>& table)
            : table_(table), was_empty_(table == nullptr) {}
        std::weak_ptr<const Table> table_;
        bool was_empty_;
    };
    Identity identity() const { return Identity(table_); }

private:
    static std::size_t bucket_of(Hash hash) { return hash >> 56; }
    template <class B>
    static auto first(B& bucket, Hash hash) {
        return std::lower_bound(bucket.begin(), bucket.end(), hash,
                                [](const Entry& entry, Hash h) { return entry.hash < h; });
    }
    static std::size_t remove(Bucket& bucket, const Entry& entry) {
        for (auto at = first(bucket, entry.hash); at != bucket.end() && at->hash == entry.hash;
             ++at)
            if (at->same(entry)) {
                bucket.erase(at);
                return 1;
            }
        return 0;
    }

    std::shared_ptr<const Table> table_;
    std::size_t size_ = 0;
};

}  // namespace zones

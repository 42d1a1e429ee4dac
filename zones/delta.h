#pragma once
// What turned one version of a zone into another: the records that went and those that came, in
// wire form, ready to be sent (RFC 1995 §4) or kept. A record is the same as another when every
// byte of it is, its TTL and the case of its names, too: who takes away what went and adds what
// came has this version to the letter.

#include "zones/name.h"
#include "zones/node.h"
#include "zones/serial.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace zones {

class Delta {
public:
    enum class Half { deleted, added };

    // Some records of one name. They stand one behind the other, as in a packed RRset.
    struct Group {
        std::span<const std::byte> owner;
        std::size_t count = 0;
        std::span<const std::byte> records;
    };

    Serial from() const { return from_; }
    Serial to() const { return to_; }
    std::size_t bytes() const { return packed_.size(); }
    std::span<const std::byte> packed() const { return packed_; }
    // Judges every byte: nullopt when these are not a delta of the zone `origin`, from one serial
    // to a higher one.
    static std::optional<Delta> unpack(const Name& origin, std::span<const std::byte> packed);

    // The group of `half` at `at`, which goes on to the next; nullopt behind the last. The first
    // of each half is the version's SOA, alone.
    std::optional<Group> next(Half half, std::size_t& at) const;

private:
    friend class DeltaWriter;
    // Version of the format, length of what is deleted, length of what is added.
    static constexpr std::size_t head = 9;

    explicit Delta(std::vector<std::byte> packed);
    std::span<const std::byte> half(Half half) const;

    std::vector<std::byte> packed_;
    Serial from_{0}, to_{0};
};

// Gathers a delta. The records of one name come together, as far as they are of the same half.
class DeltaWriter {
public:
    // What was gathered is kept up to `bytes_max`.
    DeltaWriter(const Delta::Group& soa_before, const Delta::Group& soa_after,
                std::size_t bytes_max);

    // `record` points behind the owner; it is no SOA.
    void add(Delta::Half half, std::span<const std::byte> owner, const std::byte* record);
    // More than bytes_max came: there will be no delta.
    bool overflown() const { return overflown_; }
    std::optional<Delta> finish();

private:
    struct Gathered {
        std::vector<std::byte> bytes;
        std::size_t group_at = 0;  // of the last owner
    };
    Gathered& of(Delta::Half half) { return halves_[static_cast<std::size_t>(half)]; }
    void open(Gathered& half, std::span<const std::byte> owner);
    void append(Delta::Half half, std::span<const std::byte> owner, const std::byte* record);

    std::size_t bytes_max_;
    bool overflown_ = false;
    Gathered halves_[2];
};

}  // namespace zones

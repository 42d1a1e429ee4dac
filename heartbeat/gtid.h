#pragma once
// Replication positions that can be compared without asking a database: MariaDB's domain-server-seq
// lists. (MySQL's uuid sets get a flavour of their own with the MySQL dialect.)

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace heartbeat {

enum class GtidFlavour : std::uint8_t { none = 0, mariadb = 1, mysql = 2 };

// The last transaction of one replication domain.
struct Gtid {
    std::uint32_t domain = 0;
    std::uint32_t server = 0;
    std::uint64_t sequence = 0;
    friend bool operator==(const Gtid&, const Gtid&) = default;
};

// A position in every domain, sorted by domain, one entry a domain. Empty means "nothing yet".
class GtidPosition {
public:
    // A position that does not fit into a datagram is not comparable (PROTOCOL.md, "Bytes").
    static constexpr std::size_t domains_max = 23;

    GtidPosition() = default;

    // "0-1-42,1-7-9", as @@gtid_binlog_pos prints it; spaces are allowed, nothing else is.
    static std::optional<GtidPosition> parse(std::string_view text);
    // Entries in any order; nullopt when a domain comes twice.
    static std::optional<GtidPosition> of(std::vector<Gtid> entries);

    const std::vector<Gtid>& entries() const { return entries_; }
    bool empty() const { return entries_.empty(); }
    bool fits() const { return entries_.size() <= domains_max; }
    std::string text() const;

    // The greater of both in every domain: what a replica has when it has either.
    GtidPosition merged(const GtidPosition& other) const;

    friend bool operator==(const GtidPosition&, const GtidPosition&) = default;
    // unordered: each has something that the other lacks, or one sequence number was given out by
    // two servers in one domain, which is divergence (LAB.md, "Dialects").
    friend std::partial_ordering operator<=>(const GtidPosition& a, const GtidPosition& b);

private:
    std::vector<Gtid> entries_;
};

}  // namespace heartbeat

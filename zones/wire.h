#pragma once
// Bytes to query and answer to bytes: our own, because every query passes here. Nothing allocates,
// nothing throws, and the work is in proportion to the length of the message.

#include "zones/edns.h"
#include "zones/node.h"
#include "zones/path.h"
#include "zones/record.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace zones {

inline constexpr std::size_t header_size = 12;

enum class Opcode : std::uint8_t { query = 0, notify = 4, update = 5 };

enum class Rcode : std::uint16_t {
    noerror = 0,
    formerr = 1,
    servfail = 2,
    nxdomain = 3,
    notimp = 4,
    refused = 5,
    yxdomain = 6,
    notauth = 9,
    badvers = 16,
    badcookie = 23,
};

// Codes that answers have, with those that an OPT extends, are below this (RFC 6895 §2.3).
inline constexpr std::size_t rcodes_max = 24;

struct Flag {
    static constexpr std::uint16_t qr = 0x8000, aa = 0x0400, tc = 0x0200, rd = 0x0100, ra = 0x0080,
                                   ad = 0x0020, cd = 0x0010;
};

// A request as far as it could be read. When `verdict` is not noerror the rest may be missing; but
// an OPT that could be read is there, to be answered by one (RFC 6891 §6.1.1, §7). Without a
// question and without a verdict it is a request for a cookie (RFC 7873 §5.4), or of an opcode that
// is refused for what it is.
struct Query {
    Rcode verdict = Rcode::noerror;
    std::uint16_t id = 0;
    std::uint16_t flags = 0;
    Opcode opcode = Opcode::query;
    bool has_question = false;
    std::uint8_t name_size = 0;  // the name itself stands at header_size, uncompressed
    Type type = Type::a;
    std::uint16_t qclass = 0;
    std::optional<Edns> edns;
    bool signed_by_sig0 = false;
    std::uint16_t tsig_at = 0;  // where the TSIG record stands, which ends the request; 0 for none
    std::optional<std::uint32_t> ixfr_serial;  // of the SOA in the authority section (RFC 1995 §3)

    std::span<const std::byte> name(std::span<const std::byte> request) const {
        return request.subspan(header_size, name_size);
    }
    // The question section, as it came.
    std::span<const std::byte> question(std::span<const std::byte> request) const {
        if (!has_question) return {};
        return request.subspan(header_size, std::size_t{name_size} + 4);
    }
};

// nullopt: nothing that deserves an answer (shorter than a header, or itself a response).
std::optional<Query> read_query(std::span<const std::byte> request) noexcept;

// Length of the uncompressed name at `at`; 0 when there is none.
std::size_t plain_name_size(std::span<const std::byte> message, std::size_t at) noexcept;
// First byte behind the name at `at`, which may end in a pointer; 0 when it is cut short or
// malformed. Pointers are not followed: the names of other records mean nothing to a query.
std::size_t skip_name(std::span<const std::byte> message, std::size_t at) noexcept;

// The name at `at`, pointers followed: goes to `out`, and `at` moves behind it where it stands. The
// length of the name; 0 when it is malformed or leans on more names than an honest one does.
std::size_t expand_name(std::span<const std::byte> message, std::size_t& at,
                        std::span<std::byte, name_size_max> out) noexcept;
// Where the last record of a message stands; its end when it has none, 0 when it is malformed.
std::size_t last_record(std::span<const std::byte> message) noexcept;

enum class Section : std::uint8_t { answer, authority, additional };

// Writes one response. Names are compressed against those written before (RFC 1035 §4.1.4): in
// owners always, in rdata only of types that RFC 3597 §4 allows.
class Writer {
public:
    // May a name be spelt as another that differs in case? RFC 4343 §4.1: in data, too, a name may
    // so take the question's case.
    enum class Case { any, exact };

    // Writes into at most `limit` bytes of `out`, which has room for a header at least.
    Writer(std::span<std::byte> out, std::size_t limit, Case spelling = Case::any) noexcept;

    // The header's id and flags; the counts follow from what is written.
    void begin(std::uint16_t id, std::uint16_t flags) noexcept;
    // The question, as it came in; `name` is its path. False when there is no room.
    bool question(std::span<const std::byte> section, const Path& name) noexcept;
    // A whole RRset or nothing: false and no trace when it does not fit. The first record written
    // is number `rotation` modulo their count; TTLs above `ttl_max` are lowered.
    bool rrset(Section section, const Path& owner, std::size_t depth, RRsetView rrset,
               std::uint64_t rotation = 0, std::uint32_t ttl_max = Ttl::seconds_max) noexcept;
    // One record: `record` points behind the owner, as in a packed RRset.
    bool record(Section section, const Path& owner, std::size_t depth, const std::byte* record,
                std::uint32_t ttl_max = Ttl::seconds_max) noexcept;
    // From now on names are spelt as they are.
    void exact() noexcept { spelling_ = Case::exact; }
    // How far the message is; what was written since is taken back by rewind().
    struct Mark {
        std::size_t size, spelt_count;
        std::array<std::uint16_t, 3> counts;
        Case spelling;
    };
    Mark mark() const noexcept { return {size_, spelt_count_, counts_, spelling_}; }
    void rewind(const Mark& mark) noexcept;
    // Room that only opt() may use.
    void reserve(std::size_t bytes) noexcept { reserved_ = bytes; }
    bool opt(const OptRecord& opt, Rcode rcode) noexcept;
    // As if nothing had been written behind the question.
    void drop_records() noexcept;

    // Sets the flags and code and returns the length.
    std::size_t finish(std::uint16_t more_flags, Rcode rcode) noexcept;

    std::size_t count(Section section) const { return counts_[static_cast<std::size_t>(section)]; }

private:
    // A suffix that stands in the message.
    struct Spelt {
        Hash hash;
        std::uint16_t offset;
    };
    // Bounds the search for a suffix, hence the work for each name.
    static constexpr std::size_t spelt_max = 48;
    static constexpr std::size_t pointer_max = 0x3fff;

    std::size_t room() const {
        const std::size_t taken = size_ + reserved_;
        return taken < limit_ ? limit_ - taken : 0;
    }
    bool name(const Path& path, std::size_t depth) noexcept;
    bool rdata(const std::byte* record, RdataShape shape) noexcept;
    bool bytes(std::span<const std::byte> some) noexcept;
    bool stands_at(std::size_t offset, std::span<const std::byte> wire) const noexcept;
    void remember(const Path& path, std::size_t from, std::size_t to, std::size_t offset) noexcept;

    std::byte* out_;
    std::size_t limit_;
    std::size_t size_ = header_size;
    std::size_t question_end_ = header_size;
    std::size_t reserved_ = 0;
    Case spelling_;
    std::uint16_t flags_ = 0;
    std::uint16_t question_count_ = 0;
    std::array<std::uint16_t, 3> counts_{};
    std::size_t spelt_count_ = 0;
    std::array<Spelt, spelt_max> spelt_;
};

}  // namespace zones

#pragma once
// Question × zones → what to say (RFC 1034 §4.3.2): sections as views of the zones, not yet bytes.

#include "zones/catalog.h"
#include "zones/wire.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace zones {

// RFC 1034 §3.6.2 has no bound for chains of aliases; this one is the work that one question may
// ask.
inline constexpr std::size_t alias_chain_max = 16;

// An RRset and its owner, which is a suffix of a path.
struct Item {
    const Path* path;
    std::size_t depth;
    RRsetView rrset;
    const Zone* zone;
};

// All views live as long as the catalog and the question do.
class Sections {
public:
    Sections() {}  // NOLINT(modernize-use-equals-default): the arrays stay as they are

    Rcode rcode = Rcode::noerror;
    bool authoritative = false;

    std::span<const Item> answer() const { return {answer_.data(), answer_count_}; }
    // An NS RRset of a referral, or an SOA of a negative answer; null rrset for none.
    Item authority{nullptr, 0, {}, nullptr};
    bool referral = false;

private:
    friend class Resolution;
    // A DNAME gives two items a step: itself, and the CNAME made from it.
    static constexpr std::size_t answer_max = 2 * (alias_chain_max + 1);
    struct Made {
        std::array<std::byte, name_size_max> name;
        std::array<std::byte, RRsetView::head + record_head + name_size_max> rrset;
    };

    std::size_t answer_count_ = 0;
    std::size_t path_count_ = 0, made_count_ = 0;
    std::array<Item, answer_max> answer_;
    std::array<Path, alias_chain_max> paths_;  // where the question's name leads to
    std::array<Made, alias_chain_max> made_;
};

// `question` is of class IN and outlives `sections`. A name that is in no zone of ours is refused.
void answer(const Catalog& catalog, const Path& question, Type type, Sections& sections) noexcept;

}  // namespace zones

#include "zones/answer.h"

#include <cassert>
#include <cstring>
#include <variant>

namespace zones {

// One question on its way through the zones, following aliases (RFC 1034 §4.3.2).
class Resolution {
public:
    Resolution(const Catalog& catalog, const Path& question, Type type, Sections& sections)
        : catalog_(catalog), question_(question), type_(type), out_(sections), path_(&question) {}

    void run() {
        zone_ = zone_for(question_);
        if (zone_ == nullptr) {
            out_.rcode = Rcode::refused;
            return;
        }
        out_.authoritative = true;
        while (std::visit([this](const auto& outcome) { return on(outcome); },
                          zone_->find(*path_, type_))) {
        }
    }

private:
    const Zone* zone_for(const Path& path) const {
        const Zone* zone = catalog_.enclosing(path);
        // RFC 4035 §3.1.4.1: the DS RRset of a zone's apex is its parent's, when that is ours, too.
        if (type_ == Type::ds && zone != nullptr && zone->depth() == path.depth() &&
            path.depth() > 0)
            if (const Zone* parent = catalog_.enclosing(path, path.depth() - 1)) return parent;
        return zone;
    }

    void add(std::size_t depth, RRsetView rrset) {
        // A chain may pass the same DNAME again: a record stands in a message once (RFC 2181 §5).
        if (rrset.type() == Type::dname && told(depth, rrset)) return;
        assert(out_.answer_count_ < Sections::answer_max);
        out_.answer_[out_.answer_count_++] = {path_, depth, rrset, zone_};
    }

    // Each outcome: true when the search goes on with another name.
    bool on(const Found& found) {
        add(path_->depth(), found.rrset);
        return false;
    }
    bool on(const Alias& alias) {
        add(path_->depth(), alias.cname);
        return follow(alias.cname.first_rdata());
    }
    bool on(const Substitution& substitution) {
        // RFC 6672 §3.2: a DNAME goes with the CNAME that it makes, or not at all.
        if (out_.made_count_ == alias_chain_max) return false;
        add(substitution.depth, substitution.dname);
        const auto target = substitution.dname.first_rdata();
        const auto kept = path_->start(substitution.depth);  // bytes of labels in front
        if (kept + target.size() > name_size_max) {
            out_.rcode = Rcode::yxdomain;  // RFC 6672 §2.2
            return false;
        }
        Sections::Made& made = out_.made_[out_.made_count_++];
        std::memcpy(made.name.data(), path_->wire().data(), kept);
        std::memcpy(made.name.data() + kept, target.data(), target.size());
        const auto name = std::span<const std::byte>(made.name).first(kept + target.size());
        // RFC 6672 §3.1: the synthesized CNAME has the TTL of the DNAME.
        add(path_->depth(),
            write_rrset(made.rrset.data(), Type::cname, substitution.dname.ttl(), name));
        return type_ != Type::cname && type_ != Type::any && follow(name);
    }
    bool on(const Delegation& delegation) {
        out_.authority = {path_, delegation.depth, delegation.ns, zone_};
        out_.referral = true;
        // Of what is delegated we are no authority; of the alias that led here we are.
        out_.authoritative = out_.answer_count_ > 0;
        return false;
    }
    bool on(const NoData&) {
        out_.authority = {path_, zone_->depth(), zone_->soa(), zone_};  // RFC 2308 §2.2
        return false;
    }
    bool on(const NoSuchName&) {
        out_.rcode = Rcode::nxdomain;  // of the last name in a chain: RFC 6604 §2.1
        out_.authority = {path_, zone_->depth(), zone_->soa(), zone_};
        return false;
    }

    bool told(std::size_t depth, const RRsetView& rrset) const {
        const auto owner = path_->wire(depth);
        for (const Item& item : out_.answer()) {
            const auto other = item.path->wire(item.depth);
            if (item.rrset.records().data() == rrset.records().data() &&
                owner.size() == other.size() &&
                equal_names(owner.data(), other.data(), owner.size()))
                return true;
        }
        return false;
    }

    bool follow(std::span<const std::byte> target) {
        if (out_.path_count_ == alias_chain_max) return false;
        Path& next = out_.paths_[out_.path_count_];
        next.set(target);
        // RFC 1034 §3.6.2: a circle is an error, but not one that has an rcode. The data are what
        // they are: NOERROR.
        if (seen_before(next)) return false;
        ++out_.path_count_;
        path_ = &next;
        zone_ = zone_for(next);
        return zone_ != nullptr;
    }

    bool seen_before(const Path& next) const {
        const auto same = [&](const Path& path) {
            return path.hash() == next.hash() && path.wire().size() == next.wire().size() &&
                   equal_names(path.wire().data(), next.wire().data(), next.wire().size());
        };
        if (same(question_)) return true;
        for (std::size_t i = 0; i < out_.path_count_; ++i)
            if (same(out_.paths_[i])) return true;
        return false;
    }

    const Catalog& catalog_;
    const Path& question_;
    const Type type_;
    Sections& out_;
    const Path* path_;
    const Zone* zone_ = nullptr;
};

void answer(const Catalog& catalog, const Path& question, Type type, Sections& sections) noexcept {
    Resolution(catalog, question, type, sections).run();
}

}  // namespace zones

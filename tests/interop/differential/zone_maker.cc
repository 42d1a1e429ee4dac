#include "tests/interop/differential/zone_maker.h"

#include "tests/interop/differential/message.h"
#include "tests/interop/differential/rdata_maker.h"
#include "tests/interop/differential/zone_plans.h"

#include <algorithm>
#include <map>
#include <utility>

namespace differential {

namespace {

struct RRsetText {
    std::uint32_t ttl = 0;
    std::vector<std::string> data;
};

// Few labels, so that names meet: below each other, under wildcards, at cuts.
std::string some_label(Random& chance) {
    static const std::string usual[] = {"a", "b", "c", "d", "e", "www", "mail", "ns", "*", "*"};
    static const std::string odd[] = {"x.y",         "_tcp",
                                      "_443",        std::string(63, 'l'),
                                      "a*",          "**",
                                      "sp ace",      "q\"uo;te",
                                      "back\\slash", std::string("nul\0", 4),
                                      "\xff\xfe",    "@",
                                      "$TTL",        "(p)",
                                      "0",           "*a"};
    return chance.percent(90) ? chance.pick(usual) : chance.pick(odd);
}

std::string random_case(std::string label, Random& chance) {
    if (!chance.percent(15)) return label;
    for (char& c : label)
        if (c >= 'a' && c <= 'z' && chance.percent(50)) c = static_cast<char>(c - 'a' + 'A');
    return label;
}

// One zone while it grows. Each addition keeps it loadable; what would not is left out.
class Draft {
public:
    Draft(const Plan& plan, const std::vector<Plan>& all, std::uint64_t seed)
        : plan_(plan), all_(all), chance_(seed) {}

    MadeZone make() {
        apex();
        for (const Labels& origin : plan_.children)
            if (chance_.percent(80)) delegate(origin);
        std::size_t wanted = chance_.between(3, chance_.percent(10) ? 60 : 22);
        for (std::size_t i = 0; i < wanted; ++i) something();
        special();
        glue();
        if (chance_.percent(12)) large();
        if (plan_.long_chain) long_chain();
        if (plan_.much_glue) much_glue();
        return finished();
    }

private:
    using Types = std::map<std::uint16_t, RRsetText>;
    struct Owner {
        Labels spelt;
        Types types;
    };

    Owner& owner(const Labels& name) {
        Owner& found = owners_[lowered(name)];
        if (found.types.empty()) found.spelt = name;
        return found;
    }
    const Owner* there(const Labels& name) const {
        const auto found = owners_.find(lowered(name));
        return found == owners_.end() ? nullptr : &found->second;
    }
    bool has(const Labels& name, std::uint16_t type) const {
        const Owner* found = there(name);
        return found != nullptr && found->types.count(type) != 0;
    }

    bool below_dname(const Labels& name) const {
        for (Labels above = name; above.size() > plan_.origin.size();) {
            above = parent(above);
            if (has(above, type::dname)) return true;
        }
        return false;
    }
    bool has_descendants(const Labels& name) const {
        return std::any_of(owners_.begin(), owners_.end(), [&](const auto& entry) {
            return entry.first.size() > name.size() && is_under(entry.first, name);
        });
    }

    static bool is_server_of(const Labels& name, const Labels& origin) {
        return name.size() == origin.size() + 1 && lowered(name.front()).substr(0, 2) == "ns" &&
               is_under(name, origin);
    }

    // RFC 1034 §3.6.2, RFC 6672 §2.4, and what BIND, NSD and Knot load.
    bool allowed(const Labels& name, std::uint16_t type) const {
        if (wire_size(name) > wire_max) return false;
        if (plan_.kind != ZoneKind::below_dname && below_dname(name)) return false;
        const bool apex = name.size() == plan_.origin.size();
        for (const Labels& origin : plan_.out_of_bounds)
            if (is_under(name, origin) && !is_server_of(name, origin) &&
                name.size() > origin.size())
                return false;
        const bool wildcard = !name.empty() && name.front() == "*";
        const Owner* found = there(name);
        const bool empty = found == nullptr || found->types.empty();
        if (type == type::cname) return empty && !apex;
        if (has(name, type::cname)) return false;
        if (type == type::ns && wildcard) return plan_.kind == ZoneKind::wildcard_cut;
        if (type == type::dname) {
            if (wildcard && plan_.kind != ZoneKind::wildcard_dname) return false;
            if (apex && !servers_outside_) return false;  // BIND wants none of them below it
            if (plan_.without_dname || is_server_of(name, plan_.origin)) return false;
            if (!apex && has(name, type::ns)) return false;
            for (const Labels& origin : plan_.children)  // NSD sees them in the same tree
                if (is_under(origin, name) || is_under(name, origin)) return false;
            return !has(name, type::dname) &&
                   (plan_.kind == ZoneKind::below_dname || !has_descendants(name));
        }
        return !(type == type::ns && !apex && has(name, type::dname));
    }

    bool add(const Labels& name, std::uint16_t type, std::size_t count) {
        if (!allowed(name, type)) return false;
        if (type == type::cname || type == type::dname) count = 1;
        RRsetText& set = owner(name).types[type];
        if (set.data.empty()) set.ttl = static_cast<std::uint32_t>(chance_.pick(ttls));
        for (std::size_t i = 0; i < count; ++i) {
            const std::string data =
                make_rdata(type, chance_, set.data.size(), [&] { return target(); });
            const bool again = std::any_of(
                set.data.begin(), set.data.end(),
                [&](const std::string& other) { return lowered(other) == lowered(data); });
            if (!again) set.data.push_back(data);
        }
        return true;
    }

    void apex() {
        const std::uint32_t minimum = static_cast<std::uint32_t>(chance_.pick(ttls));
        RRsetText& soa = owner(plan_.origin).types[type::soa];
        soa.ttl = static_cast<std::uint32_t>(chance_.pick(ttls));
        soa.data = {text(child("ns", plan_.origin)) + " host\\.master.invalid. " +
                    std::to_string(chance_.between(1, 4'000'000'000)) + " 3600 600 86400 " +
                    std::to_string(minimum)};
        // BIND loads no zone of which a server within has no address.
        RRsetText& servers = owner(plan_.origin).types[type::ns];
        servers.ttl = static_cast<std::uint32_t>(chance_.pick(ttls));
        servers_outside_ = !plan_.origin.empty() && chance_.percent(4);
        if (servers_outside_ && !plan_.has_parent) add(plan_.origin, type::dname, 1);
        for (std::size_t i = chance_.between(1, 3); i > 0; --i) {
            Labels server = child("ns" + std::to_string(i), plan_.origin);
            const bool outside = servers_outside_ || (!plan_.origin.empty() && chance_.percent(40));
            if (outside || !add(server, type::a, some_count()))
                server = child("ns" + std::to_string(i), plain("elsewhere.example"));
            servers.data.push_back(text(server));
        }
        while (chance_.percent(50)) add(plan_.origin, some_plain_type(chance_), some_count());
    }

    std::size_t some_count() { return chance_.percent(60) ? 1 : chance_.between(1, 4); }

    Labels some_owner() {
        if (!owners_.empty() && chance_.percent(60)) {
            auto at = owners_.begin();
            std::advance(at, static_cast<std::ptrdiff_t>(chance_.below(owners_.size())));
            return at->second.spelt;
        }
        return plan_.origin;
    }
    // A name in or below what is there already.
    Labels new_name() {
        Labels name = some_owner();
        const std::size_t more = chance_.percent(65) ? 1 : chance_.between(0, 3);
        for (std::size_t i = 0; i < more; ++i)
            name = child(random_case(some_label(chance_), chance_), name);
        if (chance_.percent(2) && wire_size(name) < wire_max) {
            while (wire_size(name) + 64 <= wire_max) name = child(std::string(63, 'z'), name);
            const std::size_t left = wire_max - wire_size(name);
            if (left > 1 && chance_.percent(70)) name = child(std::string(left - 1, 'y'), name);
        }
        if (chance_.percent(2))
            for (int i = 0; i < 30 && wire_size(name) + 2 <= wire_max; ++i) name = child("n", name);
        return name;
    }

    // What aliases, hosts and servers point to: here, in another zone of ours, or elsewhere.
    Labels target() {
        const std::size_t where = chance_.below(100);
        if (where < 55) return chance_.percent(70) ? some_owner() : new_name_within();
        if (where < 80) {
            const Plan& other = chance_.pick(all_);
            if (other.kind == ZoneKind::common)
                return chance_.percent(15) ? other.origin
                                           : child(some_label(chance_), other.origin);
        }
        return child(some_label(chance_),
                     plain(chance_.percent(50) ? "invalid" : "elsewhere.example"));
    }
    Labels new_name_within() {
        for (;;) {
            Labels name = new_name();
            if (wire_size(name) <= wire_max) return name;
        }
    }

    void something() {
        const Labels name = new_name();
        const std::size_t what = chance_.below(100);
        if (what < 20) {
            add(name, type::cname, 1);
        } else if (what < 27) {
            add(name, type::dname, 1);
        } else if (what < 40) {
            delegate(name);
        } else {
            for (std::size_t types = chance_.between(1, 3); types > 0; --types)
                add(name, some_plain_type(chance_), some_count());
        }
    }

    void delegate(const Labels& name) {
        if (name.size() == plan_.origin.size() || !allowed(name, type::ns)) return;
        RRsetText& set = owner(name).types[type::ns];
        if (set.data.empty()) set.ttl = static_cast<std::uint32_t>(chance_.pick(ttls));
        for (std::size_t count = chance_.between(1, 3); count > 0; --count) {
            Labels server =
                chance_.percent(50) ? child("ns" + std::to_string(count), name) : target();
            if (wire_size(server) > wire_max) server = plain("ns.invalid");
            const std::string data = text(server);
            const bool again = std::any_of(
                set.data.begin(), set.data.end(),
                [&](const std::string& other) { return lowered(other) == lowered(data); });
            if (!again) set.data.push_back(data);
            servers_.push_back(server);
        }
        if (chance_.percent(40)) add(name, type::ds, chance_.between(1, 2));
        if (chance_.percent(30)) add(name, some_plain_type(chance_), 1);
    }

    // Addresses of the servers of delegations: whole, half, or missing.
    void glue() {
        for (const Labels& server : servers_) {
            if (!is_under(server, plan_.origin)) continue;
            if (chance_.percent(75)) add(server, type::a, some_count());
            if (chance_.percent(50)) add(server, type::aaaa, some_count());
        }
    }

    void special() {
        const Labels name = child("sp", plan_.origin);
        switch (plan_.kind) {
            case ZoneKind::common:
                break;
            case ZoneKind::wildcard_cut:
                delegate(child("*", chance_.percent(50) ? plan_.origin : name));
                break;
            case ZoneKind::wildcard_dname:
                add(child("*", chance_.percent(50) ? plan_.origin : name), type::dname, 1);
                break;
            case ZoneKind::below_dname:
                add(name, type::dname, 1);
                for (int i = 0; i < 4; ++i)
                    add(child(some_label(chance_), name), some_plain_type(chance_), 1);
                break;
        }
    }

    // RRsets at and above the sizes at which UDP ends: 512, 1232, 4096.
    void large() {
        static constexpr std::uint16_t kinds[] = {type::a,  type::aaaa, type::txt, type::mx,
                                                  type::ns, type::srv,  type::txt};
        for (std::size_t count = chance_.between(1, 3); count > 0; --count) {
            const Labels name = chance_.percent(50) ? some_owner() : new_name();
            const std::uint16_t type = chance_.pick(kinds);
            if (type == type::ns)
                delegate(name);
            else
                add(name, type, chance_.pick(large_counts));
        }
    }

    // Chains about as long as we follow (zones/answer.h), to something, to nothing, and elsewhere.
    void long_chain() {
        const Labels top = child("chain", plan_.origin);
        const std::size_t size = chance_.between(9, 16);
        for (std::size_t i = 0; i <= size; ++i) {
            const Labels name = child("l" + std::to_string(i), top);
            const Labels next = child("l" + std::to_string(i + 1), top);
            if (i < size)
                alias(name, i + 1 < size || chance_.percent(70) ? next : target());
            else if (chance_.percent(60))
                add(name, some_plain_type(chance_), some_count());
        }
    }
    void alias(const Labels& name, const Labels& target) {
        if (!add(name, type::cname, 1)) return;
        owner(name).types[type::cname].data = {text(target)};
    }

    // Glue below a cut that does not fit over UDP, or just fits (RFC 9471 §3.1).
    void much_glue() {
        const Labels cut = child("many", plan_.origin);
        if (!allowed(cut, type::ns)) return;
        RRsetText& set = owner(cut).types[type::ns];
        set.ttl = static_cast<std::uint32_t>(chance_.pick(ttls));
        const std::size_t count = chance_.percent(60) ? 13 : chance_.between(6, 13);
        const std::size_t addresses = chance_.percent(60) ? 3 : chance_.between(1, 4);
        for (std::size_t i = 0; i < count; ++i) {
            const Labels server = child("ns" + std::to_string(i), cut);
            if (!add(server, type::aaaa, addresses)) continue;
            set.data.push_back(text(server));
            servers_.push_back(server);
        }
    }

    void point_at(MadeZone& made, const Labels& name) {
        for (Labels at = name;; at = parent(at)) {
            if (!is_under(at, plan_.origin)) return;
            made.names.push_back(at);
            if (at.size() == plan_.origin.size()) return;
        }
    }

    MadeZone finished() {
        MadeZone made;
        made.origin = plan_.origin;
        made.kind = plan_.kind;
        const auto write = [&](const Owner& owner, std::uint16_t type, const RRsetText& set) {
            for (const std::string& data : set.data)
                made.text += text(owner.spelt) + " " + std::to_string(set.ttl) + " IN " +
                             type_word(type) + " " + data + "\n";
            made.types.insert(type);
        };
        const Owner& apex = owner(plan_.origin);
        write(apex, type::soa, apex.types.at(type::soa));
        // BIND takes the DS of a cut for one of the zone above when it reads it as glue of an NS.
        for (const auto& [key, owner] : owners_)
            if (const auto ds = owner.types.find(type::ds); ds != owner.types.end())
                write(owner, type::ds, ds->second);
        for (const auto& [key, owner] : owners_) {
            if (!owner.types.empty()) made.owners.insert(key);
            for (const auto& [type, set] : owner.types)
                if (type != type::soa && type != type::ds) write(owner, type, set);
            point_at(made, owner.spelt);
        }
        for (const Labels& server : servers_) point_at(made, server);
        for (const Labels& origin : plan_.children) point_at(made, origin);
        std::sort(made.names.begin(), made.names.end());
        made.names.erase(std::unique(made.names.begin(), made.names.end()), made.names.end());
        return made;
    }

    static constexpr int ttls[] = {0, 1, 60, 300, 3600, 86400, 604800, 7};
    static constexpr std::size_t large_counts[] = {20, 28, 30, 40, 70, 90};
    const Plan& plan_;
    const std::vector<Plan>& all_;
    Random chance_;
    std::map<Labels, Owner> owners_;
    bool servers_outside_ = false;  // those of the apex
    std::vector<Labels> servers_;
};

}  // namespace

std::vector<MadeZone> make_batch(std::uint64_t seed, std::size_t batch, std::size_t zones) {
    const std::uint64_t own = mixed(seed, batch);
    const std::vector<Plan> plans = make_plans(Random(own), batch, zones);
    std::vector<MadeZone> made;
    for (std::size_t i = 0; i < plans.size(); ++i)
        made.push_back(Draft(plans[i], plans, mixed(own, i + 1)).make());
    return made;
}

}  // namespace differential

#include "tests/zones/history_support.h"

#include "zones/builder.h"

#include <map>

namespace zones::testing {

namespace {

std::string record_text(std::span<const std::byte> owner, const std::byte* record) {
    std::string text(reinterpret_cast<const char*>(owner.data()), owner.size());
    return text.append(reinterpret_cast<const char*>(record), RRsetView::record_size(record));
}

template <class Visit>
void each_record(std::span<const std::byte> records, Visit visit) {
    for (std::size_t at = 0; at < records.size(); at += RRsetView::record_size(records.data() + at))
        visit(records.data() + at);
}

}  // namespace

Records records_of(const Zone& zone) {
    Records records;
    std::size_t count = 0;
    Zone::Cursor cursor;
    while (const Node* node = zone.next(cursor))
        node->for_each([&](RRsetView rrset) {
            if (rrset.type() == Type::soa) return;
            each_record(rrset.records(), [&](const std::byte* record) {
                records.insert(record_text(node->name(), record));
                ++count;
            });
        });
    REQUIRE(records.size() == count);
    return records;
}

void carry_out(const Delta& delta, Records& records) {
    bool exact = true;
    for (const auto half : {Delta::Half::deleted, Delta::Half::added}) {
        std::size_t at = 0;
        REQUIRE(delta.next(half, at).has_value());  // the SOA
        while (const auto group = delta.next(half, at)) {
            std::size_t count = 0;
            each_record(group->records, [&](const std::byte* record) {
                const std::string text = record_text(group->owner, record);
                exact &= half == Delta::Half::deleted ? records.erase(text) == 1
                                                      : records.insert(text).second;
                ++count;
            });
            exact &= count == group->count;
        }
    }
    REQUIRE(exact);
}

bool is_step(const Delta& delta, const Zone& before, const Zone& after) {
    Records records = records_of(before);
    carry_out(delta, records);
    const auto soa = [&](Delta::Half half) {
        std::size_t at = 0;
        const auto group = delta.next(half, at);
        return record_text(group->owner, group->records.data());
    };
    const auto soa_of = [](const Zone& zone) {
        return record_text(zone.origin().wire(), zone.soa().records().data());
    };
    return records == records_of(after) && delta.from() == before.serial() &&
           delta.to() == after.serial() && soa(Delta::Half::deleted) == soa_of(before) &&
           soa(Delta::Half::added) == soa_of(after);
}

std::vector<Bytes> stream(const Catalog& catalog, const Bytes& request, const Asking& asking) {
    Response response =
        respond(std::make_shared<const Catalog>(catalog), request, peer(asking), Turn{});
    std::vector<Bytes> messages;
    Bytes message;
    while (response.next(message)) messages.push_back(message);
    CHECK_FALSE(response.next(message));
    return messages;
}

Asking axfr() {
    Asking asking;
    asking.type = Type::axfr;
    asking.transport = Peer::Transport::tcp;
    return asking;
}

Bytes ixfr_query(const Name& zone, std::uint32_t serial) {
    Asking asking = axfr();
    asking.type = Type::ixfr;
    Bytes request = query(zone.text(), asking);
    Soa soa;
    soa.serial = serial;
    const Rdata rdata = soa.rdata();
    std::vector<std::byte> record(2 + 10 + rdata.bytes().size());
    store16(record.data(), 0xc00c);
    write_record(record.data() + 2, 6, 0, rdata.bytes());
    request.insert(request.end(), record.begin(), record.end());
    store16(&request[8], 1);
    return request;
}

// All records of a transfer, as lines.
Lines told(const std::vector<Bytes>& messages) {
    Lines result;
    for (const Bytes& message : messages) {
        const auto answer = read_answer(message);
        REQUIRE(answer.has_value());
        CHECK(answer->authoritative);
        CHECK(answer->rcode == 0);
        for (const std::string& line : lines(answer->answer)) result.push_back(line);
    }
    return result;
}

RandomVersions::RandomVersions(std::uint64_t seed)
    : random_(seed), now_(zone("example", "www A 192.0.2.1\nsub.deep TXT x\n")) {
    other_file();
}

Name RandomVersions::random_name() {
    static const char* const labels[] = {"a", "B", "b", "www", "WWW", "*", "deep"};
    std::string text;
    for (std::size_t depth = random_.below(4); depth > 0; --depth)
        text += std::string(labels[random_.below(std::size(labels))]) + ".";
    return name(text + "example");
}

Rdata RandomVersions::random_rdata(Type type) {
    const auto small = static_cast<std::uint8_t>(random_.below(6));
    if (type == Type::a) return a_rdata(std::array<std::uint8_t, 4>{192, 0, 2, small});
    if (type == Type::txt) {
        const std::string text(small * 20U, 'x');
        return txt_rdata({&text, 1});
    }
    Bytes preference = bytes({0, small % 2});
    const Rdata host = name_rdata(random_name());
    preference.insert(preference.end(), host.bytes().begin(), host.bytes().end());
    return Rdata(preference);
}

Zone::Change RandomVersions::random_change() {
    static constexpr Type types[] = {Type::a, Type::txt, Type::mx};
    Zone::Change change{random_name(),
                        types[random_.below(std::size(types))],
                        Ttl{static_cast<std::uint32_t>(random_.below(2) * 60 + 60)},
                        {}};
    for (std::size_t count = random_.below(5); count > 0; --count)
        change.rdatas.push_back(random_rdata(change.type));
    return change;
}

Serial RandomVersions::next_serial() {
    const auto far = static_cast<std::uint32_t>(random_.below(8) == 0 ? 0x7fff'fffe : 1);
    return Serial(now_->serial().value() + far);
}

void RandomVersions::live_change() {
    std::vector<Zone::Change> changes;
    // Once in a while so many names that the overlay is folded.
    const bool many = random_.below(12) == 0;
    for (std::size_t count = random_.below(4); count > 0; --count)
        changes.push_back(random_change());
    for (int i = 0; many && i < 1200; ++i)
        changes.push_back({name("many" + std::to_string(random_.below(4000)) + ".example"),
                           Type::a,
                           Ttl{60},
                           {random_rdata(Type::a)}});
    auto next = now_->with(changes, next_serial());
    REQUIRE_MESSAGE(next.has_value(), next.error());
    now_ = *next;
}

void RandomVersions::other_file() {
    ZoneBuilder builder(now_->origin());
    std::map<std::pair<Name, Type>, Zone::Change> rrsets;
    for (int i = 0; i < 40; ++i) {
        const Zone::Change change = random_change();
        rrsets.insert_or_assign({change.owner, change.type}, change);
    }
    for (const auto& [key, rrset] : rrsets)
        for (const Rdata& rdata : rrset.rdatas)
            builder.add(rrset.owner.wire(), rrset.type, rrset.ttl, rdata.bytes());
    auto soa = *Soa::read(now_->soa().first_rdata());
    soa.serial = next_serial().value();
    soa.retry = static_cast<std::uint32_t>(random_.below(3)) + 100;
    builder.add(now_->origin().wire(), Type::soa, Ttl{300}, soa.rdata().bytes());
    builder.add(now_->origin().wire(), Type::ns, Ttl{300}, name("ns.elsewhere").wire());
    // Some of what was there stays, in the file's order, which is another.
    Zone::Cursor cursor;
    while (const Node* node = now_->next(cursor)) {
        const Name owner = *Name::from_wire(node->name());
        for (const RRset& rrset : now_->rrsets(owner)) {
            const bool own = rrset.type == Type::soa || rrset.type == Type::ns ||
                             rrsets.contains({owner, rrset.type});
            if (own || random_.below(3) == 0) continue;
            for (auto rdata = rrset.rdatas.rbegin(); rdata != rrset.rdatas.rend(); ++rdata)
                builder.add(owner.wire(), rrset.type, rrset.ttl, rdata->bytes());
        }
    }
    Flaws flaws;
    now_ = builder.build(flaws);
    REQUIRE(now_ != nullptr);
}

}  // namespace zones::testing

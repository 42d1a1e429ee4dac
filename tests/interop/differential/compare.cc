#include "tests/interop/differential/compare.h"

#include "tests/interop/differential/labels.h"

#include <algorithm>
#include <tuple>

namespace differential {

namespace {

template <class T>
void sort_once(std::vector<T>& some) {
    std::sort(some.begin(), some.end());
    some.erase(std::unique(some.begin(), some.end()), some.end());
}

}  // namespace

std::vector<Set> sets_of(const std::vector<Record>& records) {
    std::vector<Set> sets;
    for (const Record& record : records) {
        const std::string owner = lowered(record.owner);
        if (sets.empty() || sets.back().owner != owner || sets.back().type != record.type ||
            sets.back().rclass != record.rclass)
            sets.push_back({owner, record.type, record.rclass, {}, {}});
        sets.back().ttls.push_back(record.ttl);
        sets.back().rdatas.push_back(canonical_rdata(record.type, record.rdata));
    }
    for (Set& set : sets) {
        sort_once(set.ttls);
        std::sort(set.rdatas.begin(), set.rdatas.end());  // a record told twice is a difference
    }
    return sets;
}

Reply read_reply(const std::string& bytes) {
    Reply reply;
    if (bytes.empty()) {
        reply.fault = "no answer";
        return reply;
    }
    auto message = read_message(bytes, reply.fault);
    if (!message) return reply;
    reply.message = std::move(*message);
    reply.answer = sets_of(reply.message.answer);
    reply.authority = sets_of(reply.message.authority);
    reply.additional = sets_of(reply.message.additional);
    std::sort(reply.authority.begin(), reply.authority.end());
    std::sort(reply.additional.begin(), reply.additional.end());
    return reply;
}

const char* name_of(Part part) {
    static constexpr const char* names[] = {"reply",      "rcode",     "flags",
                                            "truncation", "question",  "edns",
                                            "answer",     "authority", "additional"};
    return names[static_cast<int>(part)];
}

std::vector<Part> differences(const Reply& a, const Reply& b) {
    if (a.fault != b.fault) return {Part::reply};
    if (!a.fault.empty()) return {};
    std::vector<Part> result;
    constexpr unsigned rcode = 0x000f, tc = 0x0200;
    const auto differ = [&](bool different, Part part) {
        if (different) result.push_back(part);
    };
    differ(((a.message.flags ^ b.message.flags) & ~(rcode | tc) & 0xffff) != 0, Part::flags);
    differ(a.message.truncated() != b.message.truncated(), Part::truncation);
    differ(a.message.question != b.message.question, Part::question);
    const auto edns = [](const Message& message) {
        return std::tuple(message.has_opt, message.udp_size, message.edns_version,
                          message.edns_flags);
    };
    differ(edns(a.message) != edns(b.message), Part::edns);
    // RFC 2181 §9: what is in a truncated message is not to be used; it is asked again by TCP.
    if (a.message.truncated() || b.message.truncated()) return result;
    differ(a.message.rcode != b.message.rcode, Part::rcode);
    differ(a.answer != b.answer, Part::answer);
    differ(a.authority != b.authority, Part::authority);
    differ(a.additional != b.additional, Part::additional);
    return result;
}

std::string text(const Reply& reply) {
    if (!reply.fault.empty()) return "    " + reply.fault + "\n";
    const Message& message = reply.message;
    std::string result = "    " + rcode_name(message.rcode);
    static constexpr std::pair<unsigned, const char*> flags[] = {
        {0x8000, " qr"}, {0x0400, " aa"}, {0x0200, " tc"}, {0x0100, " rd"},
        {0x0080, " ra"}, {0x0040, " z"},  {0x0020, " ad"}, {0x0010, " cd"}};
    for (const auto& [bit, word] : flags)
        if ((message.flags & bit) != 0) result += word;
    if (message.has_opt)
        result += " opt size " + std::to_string(message.udp_size) + " version " +
                  std::to_string(message.edns_version) + " flags " +
                  std::to_string(message.edns_flags);
    result += ", " + std::to_string(message.size) + " bytes\n";
    const auto section = [&](const char* title, const std::vector<Record>& records) {
        constexpr std::size_t lines_max = 8;
        for (std::size_t i = 0; i < records.size() && i < lines_max; ++i)
            result += "    " + std::string(title) + " " + text(records[i]) + "\n";
        if (records.size() > lines_max)
            result +=
                "    " + std::string(title) + " … " + std::to_string(records.size()) + " records\n";
    };
    section("an", message.answer);
    section("au", message.authority);
    section("ad", message.additional);
    return result;
}

}  // namespace differential

#include "tests/interop/differential/message.h"

#include "tests/interop/differential/labels.h"

#include <array>
#include <cstdio>
#include <utility>

#include <arpa/inet.h>

namespace differential {

namespace {

// Where names stand in record data: bytes in front of them, how many there are, and whether RFC
// 3597 §4 lets a reader expect them compressed.
struct Shape {
    unsigned skip = 0, names = 0;
    bool compressed = false;
};

Shape shape_of(std::uint16_t type) {
    switch (type) {
        case type::ns:
        case 3:  // MD
        case 4:  // MF
        case type::cname:
        case 7:  // MB
        case 8:  // MG
        case 9:  // MR
        case type::ptr:
            return {0, 1, true};
        case type::soa:
        case 14:  // MINFO
        case type::rp:
            return {0, 2, true};
        case type::mx:
        case type::afsdb:
        case 21:  // RT
            return {2, 1, true};
        case type::kx:
        case type::svcb:
        case type::https:
            return {2, 1, false};
        case type::srv:
            return {6, 1, true};
        case type::dname:
            return {0, 1, true};
        default:
            return {};
    }
}

class Reader {
public:
    explicit Reader(const std::string& bytes) : bytes_(bytes) {}

    std::optional<Message> read(std::string& why) {
        Message message;
        message.size = bytes_.size();
        if (bytes_.size() < 12) return why = "shorter than a header", std::nullopt;
        message.id = word(0);
        message.flags = word(2);
        message.rcode = message.flags & 0xf;
        at_ = 12;
        if (word(4) > 1) return why = "more than one question", std::nullopt;
        if (word(4) == 1 && !question(message)) return why = "a bad question", std::nullopt;
        if (!section(word(6), message.answer, message, false)) return why = why_, std::nullopt;
        if (!section(word(8), message.authority, message, false)) return why = why_, std::nullopt;
        if (!section(word(10), message.additional, message, true)) return why = why_, std::nullopt;
        if (at_ != bytes_.size()) return why = "bytes behind the last record", std::nullopt;
        return message;
    }

private:
    std::uint16_t word(std::size_t at) const {
        return static_cast<std::uint16_t>(static_cast<unsigned char>(bytes_[at]) << 8 |
                                          static_cast<unsigned char>(bytes_[at + 1]));
    }
    bool has(std::size_t more) const { return bytes_.size() - at_ >= more; }

    bool question(Message& message) {
        const std::size_t begin = at_;
        std::string name;
        if (!expanded(name, bytes_.size()) || !has(4)) return false;
        at_ += 4;
        message.question = bytes_.substr(begin, at_ - begin);
        return message.question.size() == name.size() + 4;  // nothing to point at as yet
    }

    // The name at at_, its pointers followed; at_ goes behind it. `end` bounds the part in place.
    bool expanded(std::string& name, std::size_t end) {
        name.clear();
        std::size_t from = at_, before = at_;
        bool jumped = false;
        for (;;) {
            if (from >= (jumped ? bytes_.size() : end)) return false;
            const auto size = static_cast<unsigned char>(bytes_[from]);
            if (size >= 0xc0) {
                if (from + 1 >= bytes_.size()) return false;
                const std::size_t target = word(from) & 0x3fff;
                if (!jumped) at_ = from + 2;
                jumped = true;
                if (target >= before || target < 12) return false;  // backwards only
                before = from = target;
                continue;
            }
            if (size > 63 || from + 1 + size > bytes_.size()) return false;
            name.append(bytes_, from, size + 1U);
            if (name.size() > wire_max) return false;
            from += size + 1U;
            if (size == 0) break;
        }
        if (!jumped) at_ = from;
        return at_ <= end;
    }

    bool section(unsigned count, std::vector<Record>& records, Message& message, bool additional) {
        for (unsigned i = 0; i < count; ++i) {
            Record record;
            if (!expanded(record.owner, bytes_.size()) || !has(10))
                return why_ = "a bad owner or a record that is cut short", false;
            record.type = word(at_);
            record.rclass = word(at_ + 2);
            record.ttl = static_cast<std::uint32_t>(word(at_ + 4)) << 16 | word(at_ + 6);
            const std::size_t size = word(at_ + 8);
            at_ += 10;
            if (!has(size)) return why_ = "record data that are cut short", false;
            if (!data(record, at_ + size)) return why_ = "a bad name in record data", false;
            if (record.type == type::opt) {
                if (!additional || message.has_opt) return why_ = "an OPT out of place", false;
                message.has_opt = true;
                message.udp_size = record.rclass;
                message.rcode |= (record.ttl >> 24) << 4;
                message.edns_version = record.ttl >> 16 & 0xff;
                message.edns_flags = static_cast<std::uint16_t>(record.ttl & 0xffff);
            } else {
                record.end = at_;
                records.push_back(std::move(record));
            }
        }
        return true;
    }

    bool data(Record& record, std::size_t end) {
        const Shape shape = shape_of(record.type);
        if (end - at_ < shape.skip) return false;
        record.rdata = bytes_.substr(at_, shape.skip);
        at_ += shape.skip;
        for (unsigned i = 0; i < shape.names; ++i) {
            const std::size_t begin = at_;
            std::string name;
            if (!expanded(name, end)) return false;
            if (!shape.compressed && at_ - begin != name.size()) return false;
            record.rdata += name;
        }
        record.rdata += bytes_.substr(at_, end - at_);
        at_ = end;
        return true;
    }

    const std::string& bytes_;
    std::size_t at_ = 0;
    std::string why_;
};

// The shape of given data: behind the strings of NAPTR (RFC 3403 §4.1) stands a name.
Shape shape_of(std::uint16_t type, const std::string& rdata) {
    if (type != type::naptr) return shape_of(type);
    std::size_t at = 4;
    for (int strings = 0; strings < 3 && at < rdata.size(); ++strings)
        at += static_cast<unsigned char>(rdata[at]) + 1U;
    return at < rdata.size() ? Shape{static_cast<unsigned>(at), 1, false} : Shape{};
}

std::size_t name_end(const std::string& bytes, std::size_t at) {
    while (at < bytes.size() && bytes[at] != '\0') at += static_cast<unsigned char>(bytes[at]) + 1U;
    return at + 1;
}

std::string hex(const std::string& bytes, std::size_t most) {
    std::string result;
    for (std::size_t i = 0; i < bytes.size() && i < most; ++i) {
        char two[3];
        std::snprintf(two, sizeof two, "%02x", static_cast<unsigned char>(bytes[i]));
        result += two;
    }
    return bytes.size() > most ? result + "…(" + std::to_string(bytes.size()) + ")" : result;
}

}  // namespace

std::optional<Message> read_message(const std::string& bytes, std::string& why) {
    return Reader(bytes).read(why);
}

std::string canonical_rdata(std::uint16_t type, const std::string& rdata) {
    const Shape shape = shape_of(type, rdata);
    if (shape.names == 0) return rdata;
    std::size_t end = shape.skip;
    for (unsigned i = 0; i < shape.names; ++i) end = name_end(rdata, end);
    return rdata.substr(0, shape.skip) + lowered(rdata.substr(shape.skip, end - shape.skip)) +
           (end < rdata.size() ? rdata.substr(end) : "");
}

std::optional<std::string> target_of(const Record& record) {
    const Shape shape = shape_of(record.type);
    if (shape.names != 1) return std::nullopt;
    return record.rdata.substr(shape.skip, name_end(record.rdata, shape.skip) - shape.skip);
}

std::string type_name(std::uint16_t type) {
    static constexpr std::pair<std::uint16_t, const char*> names[] = {
        {type::a, "A"},           {type::ns, "NS"},       {type::cname, "CNAME"},
        {type::soa, "SOA"},       {type::ptr, "PTR"},     {type::hinfo, "HINFO"},
        {type::mx, "MX"},         {type::txt, "TXT"},     {type::rp, "RP"},
        {type::afsdb, "AFSDB"},   {type::aaaa, "AAAA"},   {type::loc, "LOC"},
        {type::srv, "SRV"},       {type::naptr, "NAPTR"}, {type::kx, "KX"},
        {type::cert, "CERT"},     {type::dname, "DNAME"}, {type::ds, "DS"},
        {type::sshfp, "SSHFP"},   {type::rrsig, "RRSIG"}, {type::nsec, "NSEC"},
        {type::dnskey, "DNSKEY"}, {type::tlsa, "TLSA"},   {type::svcb, "SVCB"},
        {type::https, "HTTPS"},   {type::spf, "SPF"},     {type::ixfr, "IXFR"},
        {type::axfr, "AXFR"},     {type::mailb, "MAILB"}, {type::maila, "MAILA"},
        {type::any, "ANY"},       {type::uri, "URI"},     {type::caa, "CAA"}};
    for (const auto& [value, name] : names)
        if (value == type) return name;
    return "TYPE" + std::to_string(type);
}

std::string rcode_name(unsigned rcode) {
    static constexpr const char* names[] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN",
                                            "NOTIMP",  "REFUSED", "YXDOMAIN", "YXRRSET",
                                            "NXRRSET", "NOTAUTH", "NOTZONE"};
    if (rcode < std::size(names)) return names[rcode];
    return rcode == 16 ? "BADVERS" : "RCODE" + std::to_string(rcode);
}

std::string text(const Record& record) {
    std::string result = text(from_wire(record.owner)) + " " + std::to_string(record.ttl) + " " +
                         type_name(record.type) + " ";
    if (record.type == type::a && record.rdata.size() == 4) {
        std::array<char, INET_ADDRSTRLEN> address{};
        return result + inet_ntop(AF_INET, record.rdata.data(), address.data(), address.size());
    }
    if (record.type == type::aaaa && record.rdata.size() == 16) {
        std::array<char, INET6_ADDRSTRLEN> address{};
        return result + inet_ntop(AF_INET6, record.rdata.data(), address.data(), address.size());
    }
    const Shape shape = shape_of(record.type);
    std::size_t at = shape.skip;
    if (shape.names > 0) result += hex(record.rdata.substr(0, at), 40);
    for (unsigned i = 0; i < shape.names; ++i) {
        const std::size_t end = name_end(record.rdata, at);
        result += " " + text(from_wire(record.rdata.substr(at, end - at)));
        at = end;
    }
    return result + " " + hex(record.rdata.substr(std::min(at, record.rdata.size())), 40);
}

}  // namespace differential

#include "zones/wire.h"

#include "zones/tsig_record.h"

#include <algorithm>
#include <array>

namespace zones {

namespace {

constexpr std::size_t fixed_size = 10;  // of a record, behind its owner

// Reads the records behind the question. What is of no use to a query is skipped, once and
// forwards; data of types that we do not know, too, are as long as they say (RFC 3597 §3), and of
// those that we know nothing is asked that the answer does not need.
class RecordReader {
public:
    RecordReader(std::span<const std::byte> message, std::size_t at, Query& query)
        : message_(message), at_(at), query_(query) {}

    // False when the message is malformed. What is wrong with a whole record is said only after
    // the signature was found, which is judged first (RFC 8945 §5.2).
    bool read() {
        const unsigned answers = load16(message_.data() + 6);
        const unsigned authorities = load16(message_.data() + 8);
        const unsigned additionals = load16(message_.data() + 10);
        bool good = true;
        for (unsigned i = 0; i < answers; ++i) {
            if (!record() || misplaced_tsig()) return false;
            good &= type_ != Type::opt;
        }
        for (unsigned i = 0; i < authorities; ++i) {
            if (!record() || misplaced_tsig()) return false;
            good &= type_ != Type::opt;
            if (i == 0 && query_.type == Type::ixfr) good &= ixfr_soa();
        }
        for (unsigned i = 0; i < additionals; ++i) {
            if (!record()) return false;
            if (type_ == Type::opt) good &= opt();
            if (type_ == Type::tsig && !tsig(i + 1 == additionals)) return false;
            query_.signed_by_sig0 |= is_sig0();
        }
        if (at_ != message_.size()) query_.tsig_at = 0;
        return good && at_ == message_.size();
    }

private:
    bool record() {
        owner_at_ = at_;
        const std::size_t behind = skip_name(message_, at_);
        if (behind == 0 || message_.size() - behind < fixed_size) return false;
        fixed_at_ = behind;
        type_ = static_cast<Type>(load16(message_.data() + behind));
        rdata_size_ = load16(message_.data() + behind + 8);
        if (message_.size() - behind - fixed_size < rdata_size_) return false;
        at_ = behind + fixed_size + rdata_size_;
        return true;
    }

    // RFC 8945 §5.1, §5.2: TSIG is the last record, there is one at most, and one that cannot be
    // read is FORMERR, whatever the opcode.
    bool tsig(bool last) {
        if (last && read_tsig(message_, owner_at_)) {
            query_.tsig_at = static_cast<std::uint16_t>(owner_at_);
            return true;
        }
        query_.verdict = Rcode::formerr;
        return false;
    }
    bool misplaced_tsig() { return type_ == Type::tsig && !tsig(false); }

    // RFC 2931 §2: a SIG that covers no type signs the message.
    bool is_sig0() const {
        return type_ == Type::sig && rdata_size_ >= 2 &&
               load16(message_.data() + fixed_at_ + fixed_size) == 0;
    }

    // RFC 6891 §6.1.1: one OPT, owned by the root. What is wrong with it is a verdict of its own,
    // as it goes for every opcode.
    bool opt() {
        const std::byte* fixed = message_.data() + fixed_at_;
        if (query_.edns || message_[owner_at_] != std::byte{0}) {
            query_.verdict = Rcode::formerr;
            return false;
        }
        Edns& edns = query_.edns.emplace();
        edns.udp_size = load16(fixed + 2);
        edns.version = std::to_integer<std::uint8_t>(fixed[5]);
        edns.dnssec_ok = (load16(fixed + 6) & 0x8000) != 0;
        // RFC 6891 §6.1.3: of another version's options nothing is known, not even their form.
        if (edns.version != 0)
            query_.verdict = Rcode::badvers;
        else if (!read_options(message_, fixed_at_ + fixed_size, rdata_size_, edns))
            query_.verdict = Rcode::formerr;
        return query_.verdict != Rcode::formerr;
    }

    // RFC 1995 §3: the client's version of the zone, and that alone.
    bool ixfr_soa() {
        const std::byte* fixed = message_.data() + fixed_at_;
        if (type_ != Type::soa || load16(message_.data() + 8) != 1 ||
            load16(fixed + 2) != query_.qclass || !owner_is_asked())
            return false;
        const std::size_t rdata_at = fixed_at_ + fixed_size;
        const auto rdata = message_.first(rdata_at + rdata_size_);
        const std::size_t mailbox = skip_name(rdata, rdata_at);
        const std::size_t numbers = mailbox == 0 ? 0 : skip_name(rdata, mailbox);
        if (numbers == 0 || rdata.size() - numbers != 20) return false;
        query_.ixfr_serial = load32(rdata.data() + numbers);
        return true;
    }

    bool owner_is_asked() const {
        std::array<std::byte, name_size_max> owner;
        std::size_t at = owner_at_;
        const auto asked = query_.name(message_);
        return expand_name(message_, at, owner) == asked.size() &&
               equal_names(owner.data(), asked.data(), asked.size());
    }

    const std::span<const std::byte> message_;
    std::size_t at_;
    Query& query_;
    std::size_t owner_at_ = 0, fixed_at_ = 0, rdata_size_ = 0;
    Type type_ = Type::a;
};

}  // namespace

std::size_t plain_name_size(std::span<const std::byte> message, std::size_t at) noexcept {
    for (std::size_t size = 0;;) {
        if (at + size >= message.size()) return 0;
        const auto label = std::to_integer<std::size_t>(message[at + size]);
        if (label > label_size_max) return 0;
        size += label + 1;
        if (size > name_size_max) return 0;
        if (label == 0) return at + size <= message.size() ? size : 0;
    }
}

std::size_t skip_name(std::span<const std::byte> message, std::size_t at) noexcept {
    for (std::size_t size = 0;;) {
        if (at >= message.size()) return 0;
        const auto label = std::to_integer<std::size_t>(message[at]);
        if (label >= 0xc0) return message.size() - at >= 2 ? at + 2 : 0;
        if (label > label_size_max) return 0;
        at += label + 1;
        size += label + 1;
        if (size > name_size_max) return 0;
        if (label == 0) return at <= message.size() ? at : 0;
    }
}

std::size_t expand_name(std::span<const std::byte> message, std::size_t& at,
                        std::span<std::byte, name_size_max> out) noexcept {
    // A name that is honestly compressed needs one pointer for each name that it leans on.
    constexpr std::size_t pointers_max = 32;
    std::size_t size = 0, from = at, behind = 0, lowest = at;
    for (std::size_t pointers = 0;;) {
        if (from >= message.size()) return 0;
        const auto label = std::to_integer<std::size_t>(message[from]);
        if (label >= 0xc0) {
            if (message.size() - from < 2) return 0;
            if (behind == 0) behind = from + 2;
            from = load16(message.data() + from) & 0x3fff;
            // Only ever backwards, hence never in a circle.
            if (from >= lowest || ++pointers > pointers_max) return 0;
            lowest = from;
            continue;
        }
        if (label > label_size_max || size + label + 1 > name_size_max ||
            message.size() - from < label + 1)
            return 0;
        std::copy_n(message.begin() + static_cast<std::ptrdiff_t>(from), label + 1,
                    out.begin() + static_cast<std::ptrdiff_t>(size));
        size += label + 1;
        from += label + 1;
        if (label == 0) break;
    }
    at = behind == 0 ? from : behind;
    return size;
}

std::size_t last_record(std::span<const std::byte> message) noexcept {
    if (message.size() < header_size) return 0;
    std::size_t at = header_size, last = 0;
    for (unsigned i = load16(message.data() + 4); i > 0; --i) {
        at = skip_name(message, at);
        if (at == 0 || message.size() - at < 4) return 0;
        at += 4;
    }
    for (std::size_t count = 6; count < header_size; count += 2)
        for (unsigned i = load16(message.data() + count); i > 0; --i) {
            last = at;
            at = skip_name(message, at);
            if (at == 0 || message.size() - at < fixed_size) return 0;
            const std::size_t size = load16(message.data() + at + 8);
            if (message.size() - at - fixed_size < size) return 0;
            at += fixed_size + size;
        }
    if (at != message.size()) return 0;
    return last == 0 ? at : last;
}

std::optional<Query> read_query(std::span<const std::byte> request) noexcept {
    if (request.size() < header_size) return std::nullopt;
    Query query;
    query.id = load16(request.data());
    query.flags = load16(request.data() + 2);
    // CVE-2012-0206: answers to answers make two servers talk for ever.
    if ((query.flags & Flag::qr) != 0) return std::nullopt;
    query.opcode = static_cast<Opcode>(query.flags >> 11 & 0xf);

    const unsigned questions = load16(request.data() + 4);
    const std::size_t name_size = questions == 1 ? plain_name_size(request, header_size) : 0;
    const std::size_t behind = header_size + name_size + 4;
    if (name_size != 0 && behind <= request.size()) {
        query.has_question = true;
        query.name_size = static_cast<std::uint8_t>(name_size);
        query.type = static_cast<Type>(load16(request.data() + behind - 4));
        query.qclass = load16(request.data() + behind - 2);
    }
    const bool readable = query.has_question || questions == 0;
    const std::size_t records_at = query.has_question ? behind : header_size;
    const bool whole = readable && RecordReader(request, records_at, query).read();
    // Other opcodes are answered for what they are, whatever else they carry.
    if (query.opcode != Opcode::query) return query;
    // RFC 9619: one question, no more and no fewer; RFC 7873 §5.4: but for asking for a cookie.
    const bool asks_cookie = questions == 0 && query.edns && query.edns->cookie.size != 0;
    const bool asks = query.has_question || asks_cookie || query.verdict == Rcode::badvers;
    if (!whole || !asks) query.verdict = Rcode::formerr;
    return query;
}

}  // namespace zones

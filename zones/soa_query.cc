#include "zones/soa_query.h"

#include "zones/wire.h"

#include <array>

namespace zones {

namespace {

class AnswerReader {
public:
    explicit AnswerReader(std::span<const std::byte> message) : message_(message) {}

    std::optional<Answer> read() {
        if (message_.size() < header_size) return std::nullopt;
        const std::uint16_t flags = load16(message_.data() + 2);
        if ((flags & Flag::qr) == 0) return std::nullopt;
        answer_.id = load16(message_.data());
        answer_.opcode = static_cast<std::uint8_t>(flags >> 11 & 0xf);
        answer_.rcode = flags & 0xf;
        answer_.authoritative = (flags & Flag::aa) != 0;
        answer_.truncated = (flags & Flag::tc) != 0;
        const unsigned questions = load16(message_.data() + 4);
        for (unsigned i = 0; i < questions; ++i) {
            const auto name = read_name();
            if (!name || message_.size() - at_ < 4) return std::nullopt;
            if (i == 0) answer_.question = *name;
            at_ += 4;
        }
        std::vector<RRset>* const sections[] = {&answer_.answer, &answer_.authority,
                                                &answer_.additional};
        for (std::size_t i = 0; i < 3; ++i) {
            const unsigned count = load16(message_.data() + 6 + 2 * i);
            for (unsigned j = 0; j < count; ++j)
                if (!record(*sections[i])) return std::nullopt;
        }
        if (at_ != message_.size()) return std::nullopt;
        return std::move(answer_);
    }

private:
    // The name at at_, pointers followed; at_ moves behind it.
    std::optional<Name> read_name() {
        std::array<std::byte, name_size_max> wire;
        const std::size_t size = expand_name(message_, at_, wire);
        return size == 0 ? std::nullopt : Name::from_wire(std::span(wire).first(size));
    }

    bool record(std::vector<RRset>& section) {
        const auto owner = read_name();
        if (!owner || message_.size() - at_ < record_head) return false;
        const std::byte* head = message_.data() + at_;
        const auto type = static_cast<Type>(load16(head));
        const Ttl ttl{load32(head + 4)};
        const std::size_t size = load16(head + 8);
        at_ += record_head;
        if (message_.size() - at_ < size) return false;
        if (type == Type::opt && &section == &answer_.additional) {
            answer_.udp_size = load16(head + 2);
            answer_.rcode =
                static_cast<std::uint16_t>(answer_.rcode | std::to_integer<unsigned>(head[4]) << 4);
            at_ += size;
            return true;
        }
        if (type == Type::tsig && &section == &answer_.additional) {
            answer_.signed_by_tsig = true;
            at_ += size;
            return true;
        }
        auto rdata = read_rdata(type, at_ + size);
        if (!rdata) return false;
        const bool same = !section.empty() && section.back().type == type &&
                          section.back().ttl == ttl && section.back().owner == *owner;
        if (!same) section.push_back({*owner, type, ttl, {}});
        section.back().rdatas.push_back(std::move(*rdata));
        return true;
    }

    std::optional<Rdata> read_rdata(Type type, std::size_t end) {
        std::vector<std::byte> bytes;
        const auto copy = [&](std::size_t count) {
            const auto some = message_.subspan(at_, count);
            bytes.insert(bytes.end(), some.begin(), some.end());
            at_ += count;
        };
        // An UPDATE or an empty RRset of RFC 2136 may have no data whatever its type.
        const RdataShape shape = at_ == end ? RdataShape{} : shape_of(type);
        if (end - at_ < shape.skip) return std::nullopt;
        copy(shape.skip);
        for (unsigned i = 0; i < shape.names; ++i) {
            const auto name = read_name();
            if (!name || at_ > end) return std::nullopt;
            bytes.insert(bytes.end(), name->wire().begin(), name->wire().end());
        }
        copy(end - at_);
        return Rdata(bytes);
    }

    const std::span<const std::byte> message_;
    std::size_t at_ = header_size;
    Answer answer_;
};

}  // namespace

std::vector<std::byte> make_query(const Name& name, Type type, std::uint16_t id,
                                  bool recursion_desired) {
    std::vector<std::byte> message(header_size);
    store16(message.data(), id);
    store16(message.data() + 2, recursion_desired ? Flag::rd : 0);
    store16(message.data() + 4, 1);
    message.insert(message.end(), name.wire().begin(), name.wire().end());
    message.resize(message.size() + 4);
    store16(message.data() + message.size() - 4, static_cast<std::uint16_t>(type));
    store16(message.data() + message.size() - 2, static_cast<std::uint16_t>(Class::in));
    return message;
}

std::optional<Answer> read_answer(std::span<const std::byte> message) {
    return AnswerReader(message).read();
}

std::optional<Serial> Answer::serial() const {
    for (const RRset& rrset : answer) {
        if (rrset.type != Type::soa || rrset.rdatas.empty()) continue;
        if (const auto soa = Soa::read(rrset.rdatas.front().bytes())) return Serial(soa->serial);
    }
    return std::nullopt;
}

}  // namespace zones

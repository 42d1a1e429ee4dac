#include "zones/notify.h"

#include "zones/node.h"
#include "zones/soa_query.h"
#include "zones/wire.h"

#include <cassert>

namespace zones {

namespace {

constexpr std::uint16_t notify_flags = static_cast<std::uint16_t>(Opcode::notify) << 11;

}  // namespace

std::vector<std::byte> make_notify(const Name& zone, Serial serial, const RRset& soa,
                                   std::uint16_t id) {
    assert(soa.type == Type::soa && soa.rdatas.size() == 1);
    std::vector<std::byte> packed = pack_rrset(soa.type, soa.ttl, soa.rdatas);
    store32(packed.data() + packed.size() - 20, serial.value());

    std::vector<std::byte> question(zone.wire().begin(), zone.wire().end());
    question.resize(question.size() + 4);
    store16(question.data() + question.size() - 4, static_cast<std::uint16_t>(Type::soa));
    store16(question.data() + question.size() - 2, static_cast<std::uint16_t>(Class::in));

    std::vector<std::byte> message(header_size + question.size() + name_size_max + packed.size());
    Writer writer(message, message.size());
    const Path path(zone);
    writer.begin(id, notify_flags);
    writer.question(question, path);
    writer.rrset(Section::answer, path, path.depth(), RRsetView(packed.data()));
    message.resize(writer.finish(Flag::aa, Rcode::noerror));
    return message;
}

std::optional<NotifyAnswer> read_notify_answer(std::span<const std::byte> message) {
    if (message.size() < header_size) return std::nullopt;
    const std::uint16_t flags = load16(message.data() + 2);
    if ((flags & Flag::qr) == 0 || (flags & 0x7800) != notify_flags) return std::nullopt;
    NotifyAnswer answer{load16(message.data()), Name(), static_cast<std::uint8_t>(flags & 0xf)};
    // What follows the question is of no interest.
    if (load16(message.data() + 4) == 1)
        if (auto name = Name::from_wire(message.subspan(header_size))) answer.zone = *name;
    return answer;
}

}  // namespace zones

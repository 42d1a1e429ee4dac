#include "zones/conversation.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace zones {

namespace {

// Is the first question's type AXFR or IXFR? Looked at before all else is read, as transfers alone
// are many messages.
bool asks_transfer(std::span<const std::byte> request) {
    const std::size_t name = plain_name_size(request, header_size);
    if (name == 0 || request.size() < header_size + name + 2) return false;
    const std::byte* type = request.data() + header_size + name;
    return type[0] == std::byte{0} && (type[1] == static_cast<std::byte>(Type::axfr) ||
                                       type[1] == static_cast<std::byte>(Type::ixfr));
}

bool same_id(std::span<const std::byte> one, std::span<const std::byte> other) {
    return one[0] == other[0] && one[1] == other[1];
}

// The serial of the version that is told to who asks for a transfer now.
Serial served(const Catalog& catalog, std::span<const std::byte> request) {
    const auto name = Name::from_wire(request.subspan(header_size));
    const History* history = name ? catalog.zone(*name) : nullptr;
    return history == nullptr ? Serial(0) : history->newest()->serial();
}

std::vector<std::byte> copy(std::span<const std::byte> bytes) {
    return {bytes.begin(), bytes.end()};
}

}  // namespace

Conversation::Told Conversation::UnderWay::told() const {
    Told out{number, copy(stream.request()), serial, false, bytes, stream.incremental()};
    if (const Name* signer = stream.signer()) out.signer = *signer;
    return out;
}

std::vector<Conversation::Told> Conversation::under_way(std::uint64_t after) const {
    std::vector<Told> out;
    for (const UnderWay& transfer : transfers_)
        if (transfer.number > after) out.push_back(transfer.told());
    return out;
}

std::size_t Conversation::feed(std::span<const std::byte> bytes) {
    return room() == 0 ? 0 : reader_.feed(bytes);
}

std::optional<std::span<const std::byte>> Conversation::next_request() {
    if (over_) return std::nullopt;
    if (!waiting_) return reader_.next();
    return std::exchange(waiting_, std::nullopt);
}

// RFC 7766 §6.2.1: a client must not have two requests with one id under way. To one that does, the
// second is answered when the first is: between the messages of a transfer it would be taken for
// one of them.
bool Conversation::must_wait(std::span<const std::byte> request) const {
    if (transfers_.size() + parked_.size() >= transfers_max && asks_transfer(request)) return true;
    const auto has_its_id = [&](const UnderWay& transfer) {
        return same_id(transfer.stream.request(), request);
    };
    return std::any_of(transfers_.begin(), transfers_.end(), has_its_id) ||
           std::any_of(parked_.begin(), parked_.end(), has_its_id);
}

void Conversation::begin(UnderWay transfer, Spoken& spoken) {
    transfer.number = ++last_number_;
    transfers_.push_back(std::move(transfer));
    ++spoken.begun;
    ++spoken.responses[static_cast<std::size_t>(Rcode::noerror)];
}

Conversation::Spoken Conversation::speak(const Catalog& catalog, Turn& turn,
                                         std::span<std::byte> out, std::size_t may_begin) {
    assert(out.size() >= speech_max);
    Spoken spoken;
    more_ = false;
    while (spoken.begun < may_begin && !parked_.empty()) {
        begin(std::move(parked_.front()), spoken);
        parked_.erase(parked_.begin());
    }
    for (;;) {
        if (spoken.size >= answers_max || spoken.transferred.size() >= transferred_max ||
            spoken.refused.size() >= refused_max) {
            more_ = true;  // perhaps
            break;
        }
        const auto request = next_request();
        if (!request) break;
        if (must_wait(*request)) {
            waiting_ = request;
            break;
        }
        spoken.size += answer(*request, catalog, turn, out.subspan(spoken.size), may_begin, spoken);
    }
    spoken.size += stream(turn, out.subspan(spoken.size), spoken);
    return spoken;
}

// One answer, or the begin of a transfer, which is not yet anything to send. A transfer that may
// not begin yet is judged now all the same: the time in its signature is not to grow old in the
// line (RFC 8945 §5.2.3), and who may not have it does not stand there.
std::size_t Conversation::answer(std::span<const std::byte> request, const Catalog& catalog,
                                 Turn& turn, std::span<std::byte> out, std::size_t may_begin,
                                 Spoken& spoken) {
    turn.next_request();
    ++spoken.requests;
    const bool transfer = asks_transfer(request);
    if (transfer) {
        if (auto allowed = begin_transfer(catalog, request, peer_, turn)) {
            UnderWay next{std::move(*allowed), 0, served(catalog, request)};
            if (spoken.begun < may_begin)
                begin(std::move(next), spoken);
            else
                parked_.push_back(std::move(next));
            return 0;
        }
    }
    const auto message = out.subspan(stream_prefix_size, message_size_max);
    Outcome outcome;
    const std::size_t size = respond(catalog, request, peer_, turn, message, &outcome);
    if (size == 0) {  // a response, for instance: there is no more to say to this client
        ++spoken.silent;
        over_ = true;
        return 0;
    }
    ++spoken.responses[static_cast<std::size_t>(outcome.rcode)];
    if (outcome.refusal != Refusal::none) spoken.refused.push_back({copy(request), outcome});
    // RFC 1995 §2: the SOA alone is the whole transfer to who has this version.
    if (transfer && outcome.rcode == Rcode::noerror)
        spoken.transferred.push_back(
            {++last_number_, copy(request), served(catalog, request), true, size, false});
    set_stream_prefix(out, size);
    return stream_prefix_size + size;
}

// One message of the transfer whose turn it is.
std::size_t Conversation::stream(const Turn& turn, std::span<std::byte> out, Spoken& spoken) {
    if (transfers_.empty()) return 0;
    UnderWay& transfer = transfers_[turn_of_];
    const auto message = out.subspan(stream_prefix_size, message_size_max);
    const std::size_t size = transfer.stream.next(message, turn.now_seconds);
    transfer.bytes += size;
    assert(size != 0);  // those that are done have gone
    set_stream_prefix(out, size);
    if (transfer.stream.done()) {
        spoken.transferred.push_back(transfer.told());
        transfers_.erase(transfers_.begin() + static_cast<std::ptrdiff_t>(turn_of_));
    } else {
        ++turn_of_;
    }
    if (turn_of_ >= transfers_.size()) turn_of_ = 0;
    return stream_prefix_size + size;
}

}  // namespace zones

#include "dnsd/io/transfer_desk.h"

#include "dnsd/io/log.h"
#include "heartbeat/io/clock.h"
#include "zones/wire.h"

#include <algorithm>
#include <new>
#include <utility>

#include <fmt/format.h>

namespace dnsd {
namespace {

using boost::system::error_code;

constexpr std::chrono::milliseconds listen_every{250};
}  // namespace

TransferDesk::TransferDesk(boost::asio::io_context& loop, const ZoneStore& store, NotifyIo& notify)
    : store_(store),
      notify_(notify),
      again_(loop),
      queue_([this, &loop] { boost::asio::post(loop, [this] { read_queue(); }); }) {}

// For want of memory the loop must not end: what was read is lost, and the rest is read later.
void TransferDesk::read_queue() {
    try {
        queue_.drain([this](const TransferNews& news) { heard(news, RefusalLog::Kind::by_tcp); });
    } catch (const std::bad_alloc&) {
        log_error("not enough memory to hear of a transfer");
    }
}

void TransferDesk::heard(const TransferNews& news, RefusalLog::Kind kind) {
    if (!news.zone) return;
    if (news.what == TransferNews::What::refused) return refused(news, kind);
    const bool known_of = news.what == TransferNews::What::ended && news.transfer != 0;
    if (!known_of) notify_.step(Notifier::SecondaryAsked{news.peer.address, *news.zone, news.has});
    if (news.what == TransferNews::What::begun)
        notify_.step(
            Notifier::TransferBegun{news.peer.address, *news.zone, news.signer, news.transfer});
    else
        notify_.step(Notifier::TransferEnded{news.peer.address, *news.zone, news.signer,
                                             news.transfer, news.seen});
}

RefusalLog::Kind TransferDesk::kind_of(const heartbeat::Address& sender) const {
    const zones::AddressBytes from = mapped(sender);
    const auto& known = store_.catalog()->access().known;
    const bool is_known = std::any_of(known.begin(), known.end(),
                                      [&](const auto& prefix) { return prefix.contains(from); });
    return is_known ? RefusalLog::Kind::known_by_udp : RefusalLog::Kind::stranger_by_udp;
}

// The same of a datagram; what it had room for, its sender has now, or not.
void TransferDesk::heard(const UdpTransfer& asked) {
    const auto request = std::span(asked.request).first(asked.request_size);
    TransferNews news{TransferNews::What::refused, asked.from,
                      zones::Name::from_wire(request.subspan(zones::header_size))};
    news.outcome = asked.outcome;
    const RefusalLog::Kind kind = kind_of(asked.from.address);
    if (asked.outcome.refusal != zones::Refusal::none) return heard(news, kind);
    const auto query = zones::read_query(request);
    if (!query || !news.zone || query->type != zones::Type::ixfr || asked.rcode != 0) return;
    news.what = TransferNews::What::ended;
    if (query->ixfr_serial) news.has = zones::Serial(*query->ixfr_serial);
    news.seen.kind = TransferKind::udp;
    news.seen.serial = store_.serial(*news.zone);
    news.seen.bytes = asked.response;
    if (asked.answers == 1)  // RFC 1995 §2, §4: it is current, or is to ask by TCP
        news.seen.result = news.has && news.seen.serial && *news.has < *news.seen.serial
                               ? TransferResult::fallback
                               : TransferResult::current;
    heard(news, kind);
}

void TransferDesk::listen_to(UdpServer& udp) {
    again_.expires_after(listen_every);
    again_.async_wait([this, &udp](const error_code& error) {
        if (!error) listen_to(udp);
    });
    read_queue();
    try {
        look(udp);
    } catch (const std::bad_alloc&) {
        log_error("not enough memory to hear of transfers by UDP");
    }
}

void TransferDesk::look(UdpServer& udp) {
    udp.drain_transfers([this](const UdpTransfer& asked) { heard(asked); });
    const std::uint64_t left_out = this->left_out(udp).all_refused();
    log_.left_out(left_out - std::exchange(left_out_, left_out));
    if (const auto line = log_.summary(heartbeat::boot_now())) log_warning(*line);
}

TransfersLeftOut TransferDesk::left_out(const UdpServer& udp) const {
    TransfersLeftOut out = queue_.left_out();
    out += udp.transfers_left_out();
    return out;
}

void TransferDesk::refused(const TransferNews& news, RefusalLog::Kind kind) {
    ++refused_[static_cast<std::size_t>(news.outcome.refusal)];
    const auto line = fmt::format(
        "refused {} of {} to {}: {}", news.outcome.transfer ? "transfer" : "a signed question",
        news.zone->text(), news.peer.address.text(), zones::text(news.outcome.refusal));
    if (const auto say = log_.refused(kind, mapped(news.peer.address), line, heartbeat::boot_now()))
        log_warning(*say);
}

}  // namespace dnsd

#include "dnsd/io/transfer_desk.h"

#include "dnsd/io/log.h"
#include "heartbeat/io/clock.h"
#include "zones/wire.h"

#include <utility>

#include <fmt/format.h>

namespace dnsd {
namespace {

using boost::system::error_code;

constexpr std::chrono::milliseconds listen_every{250};
constexpr std::size_t dns_header = 12;

}  // namespace

// The first question's name says which zone.
void TransferDesk::heard(const TransferNews& news) {
    const auto zone = zones::Name::from_wire(std::span(news.request).subspan(dns_header));
    if (!zone) return;
    if (news.what == TransferNews::What::refused) return refused(news, *zone);
    const bool known_of = news.what == TransferNews::What::ended && news.transfer != 0;
    if (!known_of) {
        const auto query = zones::read_query(news.request);
        std::optional<zones::Serial> has;
        if (query && query->ixfr_serial) has = zones::Serial(*query->ixfr_serial);
        notify_.step(Notifier::SecondaryAsked{news.peer.address, *zone, has});
    }
    if (news.what == TransferNews::What::begun)
        notify_.step(Notifier::TransferBegun{news.peer.address, *zone, news.signer, news.transfer});
    else
        notify_.step(Notifier::TransferEnded{news.peer.address, *zone, news.signer, news.transfer,
                                             news.seen});
}

// The same of a datagram; what it had room for, its sender has now, or not.
void TransferDesk::heard(const UdpTransfer& asked) {
    const auto request = std::span(asked.request).first(asked.request_size);
    TransferNews news{TransferNews::What::refused, asked.from, {request.begin(), request.end()}};
    news.outcome = asked.outcome;
    if (asked.outcome.refusal != zones::Refusal::none) return heard(news);
    const auto query = zones::read_query(request);
    const auto zone = zones::Name::from_wire(request.subspan(dns_header));
    if (!query || !zone || query->type != zones::Type::ixfr || asked.rcode != 0) return;
    news.what = TransferNews::What::ended;
    news.seen.kind = TransferKind::udp;
    news.seen.serial = store_.serial(*zone);
    news.seen.bytes = asked.response;
    if (asked.answers == 1)  // RFC 1995 §2, §4: it is current, or is to ask by TCP
        news.seen.result = query->ixfr_serial && news.seen.serial &&
                                   zones::Serial(*query->ixfr_serial) < *news.seen.serial
                               ? TransferResult::fallback
                               : TransferResult::current;
    heard(news);
}

void TransferDesk::listen_to(UdpServer& udp) {
    const std::uint64_t left_out =
        udp.drain_transfers([this](const UdpTransfer& asked) { heard(asked); });
    log_.left_out(left_out - std::exchange(left_out_, left_out));
    if (const auto line = log_.summary(heartbeat::boot_now())) log_warning(*line);
    again_.expires_after(listen_every);
    again_.async_wait([this, &udp](const error_code& error) {
        if (!error) listen_to(udp);
    });
}

void TransferDesk::refused(const TransferNews& news, const zones::Name& zone) {
    ++refused_[static_cast<std::size_t>(news.outcome.refusal)];
    const auto line = fmt::format(
        "refused {} of {} to {}: {}", news.outcome.transfer ? "transfer" : "a signed question",
        zone.text(), news.peer.address.text(), zones::text(news.outcome.refusal));
    if (const auto say = log_.refused(mapped(news.peer.address), line, heartbeat::boot_now()))
        log_warning(*say);
}

}  // namespace dnsd

#include "dnsd/io/transfer_teller.h"

#include <new>
#include <utility>

namespace dnsd {
namespace {

// The first question's name says which zone.
void asked_for(std::span<const std::byte> request, TransferNews& news) {
    if (request.size() <= zones::header_size) return;
    news.zone = zones::Name::from_wire(request.subspan(zones::header_size));
    if (const auto query = zones::read_query(request); query && query->ixfr_serial)
        news.has = zones::Serial(*query->ixfr_serial);
}

}  // namespace

void TransferTeller::tell(const TcpConnection& connection, TcpConnection::Turn& done) {
    if (!on_news_) return;
    for (auto& one : done.begun) {
        TransferNews news{TransferNews::What::begun, connection.peer};
        asked_for(one.told.request, news);
        news.signer = std::move(one.told.signer);
        news.transfer = one.transfer;
        on_news_(std::move(news));
    }
    tell_ends(connection);
    for (auto& one : done.spoken.refused) {
        TransferNews news{TransferNews::What::refused, connection.peer};
        asked_for(one.request, news);
        news.outcome = one.outcome;
        on_news_(std::move(news));
    }
}

void TransferTeller::tell_ends(const TcpConnection& connection) noexcept {
    for (auto& one : left_)
        tell_end(connection, one,
                 one.told.current ? TransferResult::current : TransferResult::done);
    left_.clear();
}

// One that was told as begun is known by its number, for which no memory is wanted.
void TransferTeller::tell_end(const TcpConnection& connection, TcpConnection::Transferred& one,
                              TransferResult result) noexcept {
    if (!on_news_) return;
    TransferNews news{TransferNews::What::ended, connection.peer};
    news.transfer = one.transfer;
    if (one.transfer == 0) {
        try {
            asked_for(one.told.request, news);
        } catch (const std::bad_alloc&) {
            return;
        }
        news.signer = std::move(one.told.signer);
    }
    // RFC 1995 §4: an IXFR may be answered by the whole zone.
    news.seen.kind =
        one.told.incremental || one.told.current ? TransferKind::ixfr : TransferKind::axfr;
    news.seen.result = result;
    news.seen.serial = one.told.serial;
    news.seen.took = std::chrono::duration_cast<heartbeat::Duration>(one.took);
    news.seen.bytes = one.told.bytes;
    on_news_(std::move(news));
}

void TransferTeller::tell_unfinished(const TcpConnection& connection, TransferResult result,
                                     TcpConnection::Clock::time_point now) noexcept {
    if (!on_news_) return;
    try {
        auto unfinished = connection.unfinished(now);
        for (auto& one : unfinished) tell_end(connection, one, result);
    } catch (const std::bad_alloc&) {
        for (const TcpConnection::Begun& one : connection.begun()) {
            TransferNews news{TransferNews::What::ended, connection.peer};
            news.transfer = one.transfer;
            news.seen.result = result;
            on_news_(std::move(news));
        }
    }
}

}  // namespace dnsd

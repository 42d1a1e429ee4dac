#pragma once
// What a TCP server says of the transfers of its connections, in its thread.

#include "dnsd/io/tcp_connection.h"
#include "dnsd/io/transfer_news.h"

#include <functional>
#include <vector>

namespace dnsd {

class TransferTeller {
public:
    // `on_news` throws nothing; without one nothing is told.
    explicit TransferTeller(std::function<void(TransferNews)> on_news)
        : on_news_(std::move(on_news)) {}

    // For a turn of a connection, which puts here the transfers whose last byte has left; empty.
    std::vector<TcpConnection::Transferred>& left() {
        left_.clear();
        return left_;
    }
    // After the turn: what began, what has left, and what was refused.
    void tell(const TcpConnection& connection, TcpConnection::Turn& done);
    // After one that memory ran out in.
    void tell_ends(const TcpConnection& connection) noexcept;
    // Of a connection that is closed.
    void tell_unfinished(const TcpConnection& connection, TransferResult result,
                         TcpConnection::Clock::time_point now) noexcept;

private:
    void tell_end(const TcpConnection& connection, TcpConnection::Transferred& one,
                  TransferResult result) noexcept;

    std::function<void(TransferNews)> on_news_;
    std::vector<TcpConnection::Transferred> left_;
};

}  // namespace dnsd

#pragma once
// Stands between a secondary and its primary on loopback: passes datagrams on, and streams until so
// many bytes of the primary's answers have gone through; then it cuts the stream.

#include "tests/lab/stream.h"

#include <atomic>
#include <cstddef>
#include <list>
#include <optional>
#include <string>
#include <thread>

namespace lab {

class CutProxy {
public:
    // Listens for UDP and TCP on `port` of that address, both of which the primary has another of.
    CutProxy(const std::string& address, int port, int primary_port);
    ~CutProxy();
    CutProxy(const CutProxy&) = delete;
    CutProxy& operator=(const CutProxy&) = delete;

    // For streams from now on and those that are open; nullopt: none is cut.
    void cut_after(std::optional<std::size_t> bytes);
    unsigned cuts() const { return cuts_; }
    // The most bytes of answers that one stream has had since it was asked last.
    std::size_t longest() { return longest_.exchange(0); }

private:
    struct Pair {
        Stream secondary;
        Stream primary;
        std::size_t passed = 0;
    };
    void serve();
    void pass_datagram();
    void accept_stream();
    bool pass_stream(Pair&);  // false: it has ended

    std::string address_;
    int primary_port_;
    int datagrams_ = -1;
    int listener_ = -1;
    int to_primary_ = -1;
    std::list<Pair> pairs_;
    std::atomic<long> cut_{-1};
    std::atomic<unsigned> cuts_{0};
    std::atomic<std::size_t> longest_{0};
    std::atomic<bool> ended_{false};
    std::thread thread_;
};

}  // namespace lab

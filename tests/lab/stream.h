#pragma once
// A TCP connection for tests, and the messages of DNS on it (RFC 1035 §4.2.2), read by nothing of
// ours but the shape of a record.

#include "tests/lab/process.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace lab {

using Bytes = std::vector<std::byte>;

class Stream {
public:
    explicit Stream(int descriptor) : descriptor_(descriptor) {}
    // nullopt when nobody listens there. A small receive buffer makes a slow reader.
    static std::optional<Stream> to(const std::string& address, int port, int receive_buffer = 0,
                                    const std::string& from = {});
    ~Stream();
    Stream(Stream&&) noexcept;
    Stream& operator=(Stream&&) noexcept;

    int descriptor() const { return descriptor_; }
    bool send(std::span<const std::byte> bytes) const;
    // What has come, at most `max` bytes; empty: it was closed, or nothing came in time.
    Bytes receive(Milliseconds at_most, std::size_t max = 65'536) const;
    // All that comes until it is closed, or for that long.
    Bytes receive_all(Milliseconds at_most) const;
    void shut() const;  // no more will be sent
    void reset();       // RST, as from a peer that died

private:
    int descriptor_ = -1;
};

// A listener on an address; port 0 draws one.
int listen_tcp(const std::string& address, int port);

// A question with the two bytes of its length before it.
Bytes framed_question(const std::string& zone, std::uint16_t type, std::uint16_t id = 7);

// The types of the answer section's records of every whole message in a stream, in order, and
// whether the stream ends with the end of a message. nullopt: not DNS.
struct Walk {
    std::vector<std::uint16_t> types;
    std::size_t messages = 0;
    bool ends_whole = false;
};
std::optional<Walk> walk(std::span<const std::byte> stream);

}  // namespace lab

#pragma once
// A client that asks for AXFR, reads all of it as fast as it comes and looks at no more than it
// must to know that it is whole.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace bench {

struct Drained {
    bool whole = false;  // the SOA came again, as the last record, and its serial is the first's
    std::size_t bytes = 0, messages = 0, records = 0;
};

class Drain {
public:
    // Connects from `source` to 127.0.0.1 and asks; throws std::runtime_error.
    Drain(const std::string& source, int port, const std::string& zone);
    ~Drain();
    Drain(Drain&&) noexcept;
    Drain& operator=(Drain&&) = delete;

    // Reads until it is whole, or ends, or `bytes_max` came.
    const Drained& read(std::size_t bytes_max = SIZE_MAX);

private:
    void take();
    bool take_message(const std::byte* at, std::size_t size);

    int socket_ = -1;
    Drained drained_;
    std::uint32_t serial_ = 0;
    std::size_t soas_ = 0;
    std::size_t held_ = 0;
    std::vector<std::byte> buffer_;
};

}  // namespace bench

#pragma once
// An IPv4 address as text and a port, as the kernel wants them.

#include <cstdint>
#include <string>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace lab {

inline sockaddr_in socket_address(const std::string& address, int port) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(static_cast<std::uint16_t>(port));
    inet_pton(AF_INET, address.c_str(), &at.sin_addr);
    return at;
}

}  // namespace lab

// Loaded into each MariaDB of the lab (LD_PRELOAD): what it connects to hears from the server's own
// 127.x address, as from a machine of its own. Loopback would show all of them as 127.0.0.1, and
// MariaDB 10.11 has no setting for the address that a replica connects from; a master bars a
// replica by just that.

#include <cstdlib>

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <sys/socket.h>

extern "C" int connect(int descriptor, const sockaddr* to, socklen_t length) {
    using Connect = int (*)(int, const sockaddr*, socklen_t);
    static const auto real = reinterpret_cast<Connect>(dlsym(RTLD_NEXT, "connect"));
    static const char* const own = std::getenv("ARBITER_LAB_SOURCE");
    sockaddr_in from{};
    from.sin_family = AF_INET;
    if (own != nullptr && to->sa_family == AF_INET && inet_pton(AF_INET, own, &from.sin_addr) == 1)
        (void)bind(descriptor, reinterpret_cast<const sockaddr*>(&from), sizeof from);
    return real(descriptor, to, length);
}

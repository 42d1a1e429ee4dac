#include "tests/dnsd/support.h"

#include "dnsd/io/start_error.h"

#include <cerrno>

using namespace dnsd;
using namespace test;

TEST_CASE("a port that is in use is refused with what, where and what to do") {
    SUBCASE("by another arbiter-dnsd, whose UDP sockets would share theirs") {
        const auto first = open_query_sockets({loopback(0)}, 2);
        REQUIRE(first);
        const Endpoint taken = first->listeners.front().endpoint;
        const auto second = open_query_sockets({taken}, 1);
        REQUIRE_FALSE(second);
        CHECK(second.error().code == EADDRINUSE);
        CHECK(second.error().text.find(taken.text()) != std::string::npos);
        CHECK(second.error().text.find("in use") != std::string::npos);
        CHECK(second.error().text.find("listen elsewhere") != std::string::npos);
        CHECK(exit_code(second.error()) == exit_unavailable);
    }
    SUBCASE("by some other program's UDP socket") {
        // The port is the kernel's choice for UDP: for TCP somebody else may have it.
        constexpr int tries = 20;
        std::string text;
        for (int i = 0; i < tries && text.find("(UDP)") == std::string::npos; ++i) {
            const auto stranger = open_notify_udp(loopback(0));
            REQUIRE(stranger);
            SocketAddress bound;
            bound.size = sizeof bound.storage;
            REQUIRE(::getsockname(stranger->get(), bound.get(), &bound.size) == 0);
            const auto ours = open_query_sockets({to_endpoint(bound.storage)}, 1);
            REQUIRE_FALSE(ours);
            text = ours.error().text;
        }
        CHECK(text.find("(UDP)") != std::string::npos);
    }
}

TEST_CASE("an address that this machine lacks is refused as a fault of the configuration") {
    const Endpoint foreign{heartbeat::Address::v4({192, 0, 2, 1}), 15653};
    const auto sockets = open_query_sockets({foreign}, 1);
    REQUIRE_FALSE(sockets);
    CHECK(sockets.error().code == EADDRNOTAVAIL);
    CHECK(exit_code(sockets.error()) == exit_config);
}

TEST_CASE("port 0 gives UDP and TCP the same free port, and each worker a socket") {
    const auto sockets = open_query_sockets({loopback(0), loopback(0)}, 3);
    REQUIRE(sockets);
    REQUIRE(sockets->listeners.size() == 2);
    for (const QuerySockets::Listener& listener : sockets->listeners) {
        CHECK(listener.endpoint.port != 0);
        REQUIRE(listener.udp.size() == 3);
        for (const Fd& fd : listener.udp) {
            SocketAddress bound;
            bound.size = sizeof bound.storage;
            REQUIRE(::getsockname(fd.get(), bound.get(), &bound.size) == 0);
            CHECK(to_endpoint(bound.storage) == listener.endpoint);
        }
    }
}

TEST_CASE("an endpoint survives the way through the kernel's form") {
    for (const char* text : {"127.0.0.1:53", "[2001:db8::1]:5353"}) {
        const auto endpoint = Endpoint::parse(text, 53);
        REQUIRE(endpoint);
        CHECK(to_endpoint(to_socket(*endpoint).storage) == *endpoint);
    }
}

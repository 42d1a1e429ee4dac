#include "heartbeat/endpoint.h"

#include <doctest/doctest.h>

using namespace heartbeat;

TEST_CASE("an endpoint is an address with a port, IPv6 in brackets") {
    for (const char* text : {"192.0.2.1:5399", "[2001:db8::1]:5399", "0.0.0.0:0", "[::]:65535"}) {
        CAPTURE(text);
        const auto endpoint = Endpoint::parse(text);
        REQUIRE(endpoint);
        CHECK(endpoint->text() == text);
    }
    for (const char* text : {"", ":", "192.0.2.1", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:-1",
                             "192.0.2.1:1x", "2001:db8::1:5399", "[192.0.2.1]:5399", "[::1]",
                             "[::1]5399", "name:5399", "[]:1", " 192.0.2.1:1"}) {
        CAPTURE(text);
        CHECK_FALSE(Endpoint::parse(text));
    }
}

TEST_CASE("a name has 1 to 32 bytes of a-z, 0-9 and '-' and no '-' at an end") {
    for (const char* text : {"a", "wiki-1", "0", "abcdefghijklmnopqrstuvwxyz012345"})
        CHECK_MESSAGE(ServerId::parse(text), text);
    for (const char* text :
         {"", "-a", "a-", "A", "a.b", "a b", "abcdefghijklmnopqrstuvwxyz0123456"})
        CHECK_FALSE_MESSAGE(ServerId::parse(text), text);
}

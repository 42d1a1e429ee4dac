// The door of every query: any bytes, by either transport, from anyone, are answered by a whole
// response within the size that was asked for, or met with silence. The response is read by our
// own reader and by ldns. The same bytes go to the readers of answers.
#include "tests/fuzz/check.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/served.h"
#include "zones/notify.h"
#include "zones/respond.h"
#include "zones/soa_query.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "zones/ldns.h"

using namespace zones;

namespace {

bool ldns_reads(std::span<const std::byte> message) {
    ldns_pkt* packet = nullptr;
    const ldns_status status = ldns_wire2pkt(
        &packet, reinterpret_cast<const std::uint8_t*>(message.data()), message.size());
    ldns_pkt_free(packet);
    return status == LDNS_STATUS_OK;
}

void check_response(std::span<const std::byte> request, std::span<const std::byte> response) {
    FUZZ_CHECK(response.size() >= header_size);
    FUZZ_CHECK(std::memcmp(request.data(), response.data(), 2) == 0);
    FUZZ_CHECK((load16(response.data() + 2) & Flag::qr) != 0);
    FUZZ_CHECK(read_answer(response).has_value());
    FUZZ_CHECK(ldns_reads(response));
}

// CVE-2012-0206: what says of itself that it is an answer gets none. All else that has a header
// gets one.
bool deserves_answer(std::span<const std::byte> request) {
    return request.size() >= header_size && (load16(request.data() + 2) & Flag::qr) == 0;
}

void by_udp(const Catalog& catalog, std::span<const std::byte> request, const Peer& peer,
            const Turn& turn) {
    static std::vector<std::byte> out(message_size_max);
    Outcome outcome;
    const std::size_t size = respond(catalog, request, peer, turn, out, &outcome);
    FUZZ_CHECK(size <= std::max<std::size_t>(peer.udp_size_max, udp_size_min));
    FUZZ_CHECK((size > 0) == deserves_answer(request));
    if (size == 0) return;
    check_response(request, std::span(out).first(size));
    const auto rcode = static_cast<std::size_t>(outcome.rcode);
    FUZZ_CHECK(rcode < rcodes_max && rcode % 16 == (load16(out.data() + 2) & 0xf));
}

void by_tcp(const std::shared_ptr<const Catalog>& catalog, std::span<const std::byte> request,
            const Peer& peer, const Turn& turn) {
    constexpr int messages_max = 4;  // the zones are small
    Response response = respond(catalog, request, peer, turn);
    std::vector<std::byte> message;
    int messages = 0;
    for (; response.next(message); ++messages) {
        FUZZ_CHECK(messages < messages_max);
        check_response(request, message);
    }
    FUZZ_CHECK((messages > 0) == deserves_answer(request));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const std::array catalogs{fuzz::served(false), fuzz::served(true)};
    constexpr std::array<std::uint16_t, 4> udp_sizes{512, 1232, 4096, 0};
    fuzz::Input input(data, size);
    const std::uint8_t how = input.byte();
    const auto request = input.rest();

    Peer peer;
    peer.address = Prefix::parse((how & 1) != 0 ? "192.0.2.53" : "2001:db8::53")->address;
    peer.port = 53;
    peer.udp_size_max = udp_sizes[how >> 1 & 3];
    Turn turn;
    turn.rotation = how >> 3 & 3;
    turn.now_seconds = 1;
    turn.tcp_idle_ds = 100;
    const auto& catalog = catalogs[how >> 5 & 1];
    by_udp(*catalog, request, peer, turn);
    peer.transport = Peer::Transport::tcp;
    by_tcp(catalog, request, peer, turn);

    (void)read_answer(request);
    (void)read_notify_answer(request);
    return 0;
}

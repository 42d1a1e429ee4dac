// bench-respond: what one datagram costs at the door, in nanoseconds of processor time, by kind of
// request; the least of several rounds.

#include "zones/respond.h"
#include "zones/soa_query.h"
#include "zones/zonefile.h"

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include <time.h>

namespace {

using Bytes = std::vector<std::byte>;

constexpr int rounds = 15;
constexpr int queries = 200'000;
constexpr int names = 10'000;

zones::TsigKey key_of(zones::TsigAlgorithm algorithm) {
    return {*zones::Name::parse("key-" + std::string(text(algorithm))), algorithm,
            Bytes(zones::mac_size(algorithm), std::byte{7})};
}

zones::TsigKeys keys() {
    std::vector<zones::TsigKey> all;
    for (std::size_t i = 0; i < zones::tsig_algorithms; ++i)
        all.push_back(key_of(static_cast<zones::TsigAlgorithm>(i)));
    return zones::TsigKeys(std::move(all));
}

zones::Catalog catalog() {
    std::string text = "$TTL 300\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.53\n";
    for (int i = 0; i < names; ++i) text += "h" + std::to_string(i) + " A 192.0.2.1\n";
    const auto loaded = zones::load_zone(
        *zones::Name::parse("example"), "zone",
        [&](const std::string&) -> tl::expected<std::string, std::string> { return text; });
    zones::EdnsRules rules;
    rules.cookies = *zones::CookieSecrets::parse("e5e973e5a6b2a43f48e7dc849e37bfcf");
    for (const char c : {'n', 's', '0'}) rules.nsid.push_back(static_cast<std::byte>(c));
    return zones::Catalog().with(zones::History(loaded.zone)).with(std::move(rules)).with(keys());
}

Bytes request(const std::string& name, int kind, const Bytes& options) {
    Bytes message = zones::make_query(*zones::Name::parse(name), zones::Type::a, 1);
    if (kind == 0) return message;
    message[11] = std::byte{1};
    for (const int byte : {0, 0, 41, 4, 208, 0, 0, 0, 0, 0, static_cast<int>(options.size())})
        message.push_back(static_cast<std::byte>(byte));
    message.insert(message.end(), options.begin(), options.end());
    return message;
}

double nanoseconds(const zones::Catalog& catalog, const std::vector<Bytes>& requests) {
    Bytes out(4096);
    zones::Peer peer;
    peer.address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1};
    double best = 1e9;
    std::size_t answered = 0;
    for (int round = 0; round < rounds; ++round) {
        timespec begin{}, end{};
        ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
        for (int i = 0; i < queries; ++i) {
            const Bytes& one = requests[static_cast<std::size_t>(i) % requests.size()];
            answered += respond(catalog, one, peer, zones::Turn{}, out);
        }
        ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
        best = std::min(best, (static_cast<double>(end.tv_sec - begin.tv_sec) * 1e9 +
                               static_cast<double>(end.tv_nsec - begin.tv_nsec)) /
                                  queries);
    }
    return answered == 0 ? 0 : best;
}

}  // namespace

int main() {
    const zones::Catalog served = catalog();
    const auto cookie = [&](const Bytes& data) {
        Bytes option{std::byte{0}, std::byte{10}, std::byte{0},
                     static_cast<std::byte>(data.size())};
        option.insert(option.end(), data.begin(), data.end());
        return option;
    };
    const Bytes client(8, std::byte{7});
    Bytes good = client, bad = client;
    zones::Peer peer;
    peer.address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1};
    const auto made = zones::make_cookie(served.edns().cookies,
                                         std::span<const std::byte, 8>(client), peer.address, 0);
    good.insert(good.end(), made.begin(), made.end());
    bad = good;
    bad.back() ^= std::byte{1};
    struct Kind {
        const char* name;
        int edns;
        Bytes options;
    };
    const Bytes nsid{std::byte{0}, std::byte{3}, std::byte{0}, std::byte{0}};
    for (const Kind& kind :
         {Kind{"without EDNS", 0, {}}, Kind{"EDNS", 1, {}}, Kind{"EDNS, NSID", 1, nsid},
          Kind{"EDNS, a client's cookie", 1, cookie(client)},
          Kind{"EDNS, a good cookie", 1, cookie(good)},
          Kind{"EDNS, a false cookie", 1, cookie(bad)}}) {
        std::vector<Bytes> requests;
        for (int i = 0; i < names; ++i)
            requests.push_back(
                request("h" + std::to_string(i) + ".example", kind.edns, kind.options));
        std::printf("%-26s %7.1f ns\n", kind.name, nanoseconds(served, requests));
    }
    for (std::size_t i = 0; i < zones::tsig_algorithms; ++i) {
        const zones::TsigKey key = key_of(static_cast<zones::TsigAlgorithm>(i));
        zones::TsigKey wrong = key;
        wrong.secret[0] ^= std::byte{1};
        for (const bool rightly : {true, false}) {
            std::vector<Bytes> requests;
            for (int k = 0; k < names; ++k) {
                const Bytes plain = request("h" + std::to_string(k) + ".example", 1, {});
                requests.push_back(zones::tsig_sign(plain, rightly ? key : wrong, 0));
            }
            const std::string name = std::string(text(key.algorithm)) + (rightly ? "" : ", BADSIG");
            std::printf("%-26s %7.1f ns\n", name.c_str(), nanoseconds(served, requests));
        }
    }
}

// The query path allocates nothing: every new in this program is counted.
#include "tests/every_new.h"
#include "tests/zones/tsig_support.h"

#include <doctest/doctest.h>

#include <atomic>

namespace {

std::atomic<std::size_t> allocations{0};

}  // namespace

void* tests::allocate(std::size_t size) {
    allocations.fetch_add(1, std::memory_order_relaxed);
    void* memory = std::malloc(size == 0 ? 1 : size);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}

// What C allocates counts too, where the sanitizers tell of it: libcrypto is C.
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*malloc_hook)(const volatile void*,
                                                                             std::size_t),
                                                         void (*free_hook)(const volatile void*))
    __attribute__((weak));

using namespace zones;
using namespace zones::testing;

TEST_CASE("answering a datagram allocates nothing, whatever its options (leak_100M)") {
    auto ours = zone("example",
                     "www A 192.0.2.1\nwww A 192.0.2.2\na CNAME www\n*.w MX 10 www\nd DNAME e\n"
                     "x.e TXT x\nsub NS ns.sub\nns.sub A 192.0.2.3\n");
    const std::string text = "y";
    ours = *ours->with(
        std::vector<Zone::Change>{{name("y.example"), Type::txt, Ttl{5}, {txt_rdata({&text, 1})}}},
        Serial(2));
    ChaosRecords told;
    const ChaosRecords::Strings strings{"state=ok", "serial=2"};
    CHECK(told.add(name("standing.arbiter"), {&strings, 1}));
    const Catalog zones =
        catalog({ours, zone("example.org", "")})
            .with(Identity{"v", "i"})
            .with(std::make_shared<const ChaosRecords>(told))
            .with(Access{{}, {*Prefix::parse("0.0.0.0/0")}})
            .with(EdnsRules{
                Bytes(nsid_size_max),
                *CookieSecrets::parse(std::string(32, 'a') + "\n" + std::string(32, 'b')), false});
    std::vector<Bytes> requests;
    for (const char* qname :
         {"www.example", "a.example", "b.w.example", "x.d.example", "n.example", "sub.example",
          "y.example", "example.net", "version.bind", "standing.arbiter"})
        for (const int type : {1, 2, 6, 15, 16, 28, 43, 251, 252, 255})
            for (const int edns : {-1, 512, 4096})
                for (const std::uint16_t qclass : {1, 3}) {
                    Asking asking;
                    asking.type = static_cast<Type>(type);
                    asking.edns = edns;
                    asking.qclass = qclass;
                    requests.push_back(query(qname, asking));
                }
    // Options: all good ones, a cookie that costs every secret a hash, malformed ones, another
    // version; and cookies without a question.
    for (const char* qname : {"www.example", "a.example", "n.example", "example.net", "id.server"})
        for (const std::uint16_t code : {3, 8, 10, 11, 12, 15, 65001})
            for (const char* data :
                 {"", "00011800c00002", "2464c4abcf10c957", "0002380020010db8000000", "00"})
                for (const std::uint8_t version : {0, 1}) {
                    Bytes request = query(qname);
                    append_opt(request, 1232, true, version);
                    append_option(
                        request, 10,
                        hex(code % 2 == 0 ? "2464c4abcf10c957"
                                          : "2464c4abcf10c95701000000000000001122334455667788"));
                    append_option(request, code, hex(data));
                    requests.push_back(std::move(request));
                }
    for (const std::uint8_t opcode : {1, 2, 4, 5, 6, 15})
        requests.push_back(query("example", {.edns = 1232, .opcode = opcode}));
    const std::size_t good = requests.size();
    for (std::size_t i = 0; i < good; i += 7) {
        requests.push_back(requests[i]);
        requests.back().resize(requests.back().size() - i % 5);
    }
    Bytes out(message_size_max);
    const Peer asker = peer({});
    std::size_t answered = 0;
    const std::size_t before = allocations.load();
    for (std::uint64_t turn = 0; turn < 100; ++turn)
        for (const Bytes& request : requests)
            answered += respond(zones, request, asker, Turn{turn}, out) > 0 ? 1 : 0;
    const std::size_t after = allocations.load();
    CHECK(answered == requests.size() * 100);
    CHECK(after - before == 0);
    CHECK(before > 0);  // or else nothing is counted
}

TEST_CASE("differences by UDP are told without an allocation, signed and not (leak_100M)") {
    auto ours = zone("example", "www A 192.0.2.1\n");
    History history(ours);
    for (std::uint32_t i = 2; i < 10; ++i) {
        const std::string text(i * 10, 'x');
        ours = *ours->with(
            std::vector<Zone::Change>{
                {name("y.example"), Type::txt, Ttl{5}, {txt_rdata({&text, 1})}}},
            Serial(i));
        history = history.advance(ours);
    }
    REQUIRE(history.size() == 8);
    const TsigKey key = tsig_key();
    std::map<Name, TransferRules> rules;
    for (int i = 0; i < 10'000; ++i)
        rules[name("z" + std::to_string(i))] = {{*Prefix::parse("198.51.100.1"), {}}};
    rules[name("example")] = {{*Prefix::parse("192.0.2.53"), {}}, {{}, key.name}};
    const Catalog zones = Catalog().with(history).with(std::move(rules)).with(TsigKeys({key}));
    std::vector<Bytes> requests;
    for (const bool is_signed : {false, true})
        for (std::uint32_t from = 0; from < 11; ++from)
            for (const int size : {-1, 512, 1232})
                for (const bool expire : {false, true}) {
                    Bytes request = query("example", {.type = Type::ixfr});
                    Bytes soa(2 + record_head + 22);
                    store16(soa.data(), 0xc00c);
                    write_record(soa.data() + 2, 6, 0, Bytes(22));
                    store32(&soa[2 + record_head + 2], from);
                    request.insert(request.end(), soa.begin(), soa.end());
                    store16(&request[8], 1);
                    if (size > 0) append_opt(request, static_cast<std::uint16_t>(size));
                    if (size > 0 && expire) {
                        store16(&request[request.size() - 2], 4);
                        const Bytes option = hex("00090000");
                        request.insert(request.end(), option.begin(), option.end());
                    }
                    requests.push_back(is_signed ? tsig_sign(request, key, signed_now) : request);
                }
    Bytes out(message_size_max);
    const Peer asker = peer({});
    std::size_t soa_alone = 0, steps = 0;
    const std::size_t before = allocations.load();
    for (const Bytes& request : requests) {
        const std::size_t size = respond(zones, request, asker, Turn{0, signed_now}, out);
        if (size == 0 || (load16(&out[2]) & 0xf) != 0) continue;
        (load16(&out[6]) == 1 ? soa_alone : steps) += 1;
    }
    const std::size_t after = allocations.load();
    CHECK(soa_alone + steps == requests.size());
    CHECK(steps > 20);
    CHECK(soa_alone > 20);
    CHECK(after - before == 0);
}

TEST_CASE("signed requests, good and bad ones, are answered without an allocation") {
    if (__sanitizer_install_malloc_and_free_hooks != nullptr)
        __sanitizer_install_malloc_and_free_hooks(
            [](const volatile void*, std::size_t) {
                allocations.fetch_add(1, std::memory_order_relaxed);
            },
            [](const volatile void*) {});
    const std::size_t hooked = allocations.load();
    void* volatile some = std::malloc(1 << 12);  // volatile: or else it is left out
    std::free(some);
    CHECK((allocations.load() > hooked) == (__sanitizer_install_malloc_and_free_hooks != nullptr));
    std::vector<TsigKey> keys;
    for (std::size_t i = 0; i < tsig_algorithms; ++i)
        keys.push_back(tsig_key("k" + std::to_string(i), static_cast<TsigAlgorithm>(i)));
    const Catalog zones = catalog({zone("example", "www A 192.0.2.1\n")})
                              .with(TsigKeys(keys))
                              .with(Access{{{{}, keys[0].name}}, {}})
                              .with(name("example"), {{{}, keys[1].name}});
    std::vector<Bytes> requests;
    for (const TsigKey& key : keys)
        for (const Type type : {Type::a, Type::soa, Type::axfr, Type::ixfr, Type::tkey})
            for (const std::uint8_t opcode : {0, 4, 5})
                for (const std::uint64_t at : {signed_now, signed_now + 1000}) {
                    Bytes plain = query("example", {.type = type, .opcode = opcode});
                    if (type == Type::ixfr) {
                        Bytes soa(2 + record_head + 22);
                        store16(soa.data(), 0xc00c);
                        write_record(soa.data() + 2, 6, 0, Bytes(22));
                        plain.insert(plain.end(), soa.begin(), soa.end());
                        store16(&plain[8], 1);
                    }
                    requests.push_back(tsig_sign(plain, key, at));
                    TsigKey forged = key;
                    forged.secret.clear();
                    requests.push_back(tsig_sign(plain, forged, at));
                    forged.name = name("forged");
                    requests.push_back(tsig_sign(plain, forged, at));
                }
    Bytes out(message_size_max);
    const Peer asker = peer({});
    std::size_t is_signed = 0;
    const std::size_t before = allocations.load();
    for (std::uint64_t turn = 0; turn < 20; ++turn)
        for (const Bytes& request : requests) {
            Outcome outcome;
            const std::size_t size =
                respond(zones, request, asker, Turn{turn, signed_now}, out, &outcome);
            const auto response = std::span<const std::byte>(out).first(size);
            const auto record = read_tsig(response, last_record(response));
            is_signed += record && !record->mac.empty() ? 1 : 0;
        }
    const std::size_t after = allocations.load();
    CHECK(is_signed == requests.size() / 3 * 20);
    CHECK(after - before == 0);
}

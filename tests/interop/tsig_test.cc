// What the clients that people have think of our signatures: dig (BIND), kdig (Knot) and drill
// (ldns), over UDP and TCP, and of transfers in many signed messages. The server is this test's
// own, around the doors of zones/, so that its clock may be wrong.

#include "tests/lab/process.h"
#include "zones/conversation.h"
#include "zones/tsig_text.h"
#include "zones/zonefile.h"

#include <array>
#include <atomic>
#include <cstring>
#include <ctime>
#include <map>
#include <thread>

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using namespace lab;
using Bytes = std::vector<std::byte>;

constexpr int port = 21010;
constexpr int hosts = 12'000;  // more than three messages of 64 KiB

zones::TsigKey key_of(zones::TsigAlgorithm algorithm) {
    zones::TsigKey key{*zones::Name::parse(std::string("k-") + std::string(text(algorithm))),
                       algorithm, Bytes(zones::mac_size(algorithm))};
    for (std::size_t i = 0; i < key.secret.size(); ++i)
        key.secret[i] = static_cast<std::byte>(i * 7 + 3);
    return key;
}

zones::Catalog served() {
    std::string text =
        "$TTL 300\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.53\n"
        "long TXT";
    for (int i = 0; i < 20; ++i) text += " \"" + std::string(100, 'x') + "\"";
    text += "\n";
    for (int i = 0; i < hosts; ++i) text += "h" + std::to_string(i) + " TXT \"some text\"\n";
    const auto loaded = zones::load_zone(
        *zones::Name::parse("tsig.example"), "zone",
        [&](const std::string&) -> tl::expected<std::string, std::string> { return text; });
    REQUIRE(loaded.zone != nullptr);
    std::vector<zones::TsigKey> keys;
    zones::Access access;
    for (std::size_t i = 0; i < zones::tsig_algorithms; ++i) {
        keys.push_back(key_of(static_cast<zones::TsigAlgorithm>(i)));
        access.transfer.push_back({std::nullopt, keys.back().name});
    }
    return zones::Catalog()
        .with(zones::History(loaded.zone))
        .with(zones::TsigKeys(std::move(keys)))
        .with(std::move(access));
}

// Answers on 127.0.0.1 from a thread of its own until it is destroyed.
class Server {
public:
    explicit Server(std::int64_t clock_off_by = 0) : clock_off_by_(clock_off_by) {
        udp_ = bound(SOCK_DGRAM);
        tcp_ = bound(SOCK_STREAM);
        REQUIRE(::listen(tcp_, 16) == 0);
        thread_ = std::thread([this] { run(); });
    }
    ~Server() {
        over_ = true;
        thread_.join();
        for (const auto& [fd, conversation] : clients_) ::close(fd);
        ::close(udp_);
        ::close(tcp_);
    }

private:
    static int bound(int type) {
        const int fd = ::socket(AF_INET, type | SOCK_CLOEXEC, 0);
        REQUIRE(fd >= 0);
        const int on = 1;
        ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_port = htons(port);
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
        return fd;
    }

    static zones::Peer local(zones::Peer::Transport transport) {
        return {zones::Prefix::parse("127.0.0.1")->address, 0, transport, 1232};
    }

    void run() {
        while (!over_) {
            std::vector<pollfd> all{{udp_, POLLIN, 0}, {tcp_, POLLIN, 0}};
            for (const auto& [fd, conversation] : clients_) all.push_back({fd, POLLIN, 0});
            if (::poll(all.data(), all.size(), 20) <= 0) continue;
            turn_.now_seconds = static_cast<std::uint64_t>(std::time(nullptr) + clock_off_by_);
            if (all[0].revents != 0) datagram();
            if (all[1].revents != 0) {
                const int fd = ::accept(tcp_, nullptr, nullptr);
                if (fd >= 0)
                    clients_[fd] =
                        std::make_unique<zones::Conversation>(local(zones::Peer::Transport::tcp));
            }
            for (std::size_t i = 2; i < all.size(); ++i)
                if (all[i].revents != 0 && !converse(all[i].fd)) {
                    ::close(all[i].fd);
                    clients_.erase(all[i].fd);
                }
        }
    }

    void datagram() {
        sockaddr_in from{};
        socklen_t size = sizeof from;
        const ssize_t got =
            ::recvfrom(udp_, in_.data(), in_.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
        if (got <= 0) return;
        const std::size_t length =
            respond(catalog_, std::span(in_).first(static_cast<std::size_t>(got)),
                    local(zones::Peer::Transport::udp), turn_, out_);
        ::sendto(udp_, out_.data(), length, 0, reinterpret_cast<const sockaddr*>(&from), size);
    }

    bool converse(int fd) {
        zones::Conversation& conversation = *clients_.at(fd);
        const ssize_t got = ::recv(fd, in_.data(), conversation.room(), 0);
        if (got <= 0) return false;
        conversation.feed(std::span(in_).first(static_cast<std::size_t>(got)));
        do {
            const auto said = conversation.speak(catalog_, turn_, out_);
            for (std::size_t at = 0; at < said.size;) {
                const ssize_t sent = ::send(fd, out_.data() + at, said.size - at, MSG_NOSIGNAL);
                if (sent <= 0) return false;
                at += static_cast<std::size_t>(sent);
            }
        } while (conversation.more());
        return true;
    }

    const zones::Catalog catalog_ = served();
    const std::int64_t clock_off_by_;
    int udp_ = -1, tcp_ = -1;
    std::map<int, std::unique_ptr<zones::Conversation>> clients_;
    zones::Turn turn_;
    Bytes in_ = Bytes(zones::stream_frame_max), out_ = Bytes(zones::Conversation::speech_max);
    std::atomic<bool> over_{false};
    std::thread thread_;
};

std::string said(std::vector<std::string> words) {
    const Outcome done = run(words, {}, 30s);
    return done.out + done.err;
}

std::string argument(const zones::TsigKey& key, const std::string& secret) {
    return std::string(text(key.algorithm)) + ":" + key.name.text() + ":" + secret;
}
std::string argument(const zones::TsigKey& key) {
    return argument(key, tsig_secret_text(key));
}

std::string dig(const std::string& key, std::vector<std::string> words) {
    words.insert(words.begin(), {"dig", "@127.0.0.1", "-p", std::to_string(port), "+norecurse",
                                 "+tries=1", "-y", key});
    return said(words);
}
std::string kdig(const std::string& key, std::vector<std::string> words) {
    words.insert(words.begin(), {"kdig", "@127.0.0.1", "-p", std::to_string(port), "+norecurse",
                                 "+retry=0", "-y", key});
    return said(words);
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

std::size_t count(const std::string& text, const std::string& part) {
    std::size_t found = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
        ++found;
    return found;
}

// What the three say when a signature is not to their liking.
bool complains(const std::string& text) {
    for (const char* words : {"verify", "could not be validated", "WARNING", "ERROR:", "failed",
                              "BADKEY", "BADSIG", "BADTIME"})
        if (has(text, words)) return true;
    return false;
}

}  // namespace

TEST_CASE("dig, kdig and drill find our signatures good, of every algorithm") {
    const Server server;
    for (std::size_t i = 0; i < zones::tsig_algorithms; ++i) {
        const zones::TsigKey key = key_of(static_cast<zones::TsigAlgorithm>(i));
        for (const char* transport : {"+notcp", "+tcp"}) {
            const std::string by_dig = dig(argument(key), {transport, "h7.tsig.example", "TXT"});
            INFO(by_dig);
            CHECK(has(by_dig, "status: NOERROR"));
            CHECK(has(by_dig, "\"some text\""));
            CHECK(has(by_dig, "TSIG PSEUDOSECTION"));
            CHECK_FALSE(complains(by_dig));
            const std::string by_kdig = kdig(argument(key), {transport, "h7.tsig.example", "TXT"});
            INFO(by_kdig);
            CHECK(has(by_kdig, "\"some text\""));
            CHECK(has(by_kdig, "TSIG PSEUDOSECTION"));
            CHECK_FALSE(complains(by_kdig));
        }
        // ldns 1.8 knows neither of these two by their names.
        if (key.algorithm == zones::TsigAlgorithm::hmac_sha224 ||
            key.algorithm == zones::TsigAlgorithm::hmac_sha384)
            continue;
        const std::string name = zones::Name::from_wire(wire_name(key.algorithm))->text() + ".";
        const std::string by_drill =
            said({"drill", "-p", std::to_string(port), "-y",
                  key.name.text() + ".:" + tsig_secret_text(key) + ":" + name, "TXT",
                  "h7.tsig.example", "@127.0.0.1"});
        INFO(by_drill);
        CHECK(has(by_drill, "rcode: NOERROR"));
        CHECK(has(by_drill, "\"some text\""));
        CHECK_FALSE(complains(by_drill));
    }
}

TEST_CASE("an answer that has no room comes by TCP, signed both times (RFC 8945 section 5.3)") {
    const Server server;
    const zones::TsigKey key = key_of(zones::TsigAlgorithm::hmac_sha512);
    const std::string cut = dig(argument(key), {"+ignore", "long.tsig.example", "TXT"});
    INFO(cut);
    CHECK(has(cut, "flags: qr aa tc"));
    CHECK(has(cut, "TSIG PSEUDOSECTION"));
    CHECK_FALSE(complains(cut));
    const std::string whole = dig(argument(key), {"long.tsig.example", "TXT"});
    CHECK(count(whole, std::string(100, 'x')) >= 20);
    const std::string by_kdig = kdig(argument(key), {"long.tsig.example", "TXT"});
    INFO(by_kdig);
    CHECK(count(by_kdig, std::string(100, 'x')) >= 20);
    CHECK_FALSE(has(by_kdig, "ERROR:"));
}

TEST_CASE("dig and kdig take a transfer of many messages, each of them signed") {
    const Server server;
    for (std::size_t i = 0; i < zones::tsig_algorithms; ++i) {
        const zones::TsigKey key = key_of(static_cast<zones::TsigAlgorithm>(i));
        for (const char* type : {"AXFR", "IXFR=0"}) {
            const std::string by_dig = dig(argument(key), {"tsig.example", type});
            CHECK(count(by_dig, "\"some text\"") == hosts);
            CHECK(count(by_dig, "TSIG\t") >= 4);
            CHECK_FALSE(complains(by_dig));
            const std::string by_kdig = kdig(argument(key), {"tsig.example", type});
            CHECK(count(by_kdig, "\"some text\"") == hosts);
            CHECK_FALSE(complains(by_kdig));
        }
    }
    const std::string unsigned_try =
        said({"dig", "@127.0.0.1", "-p", std::to_string(port), "+tries=1", "tsig.example", "AXFR"});
    CHECK(has(unsigned_try, "Transfer failed"));
    CHECK(count(unsigned_try, "\"some text\"") == 0);
}

TEST_CASE("dig and kdig tell BADKEY, BADSIG and BADTIME from us as what they are") {
    const zones::TsigKey key = key_of(zones::TsigAlgorithm::hmac_sha256);
    zones::TsigKey forged = key, other = key;
    forged.secret[0] ^= std::byte{1};
    other.name = *zones::Name::parse("forged.example");
    struct Case {
        std::int64_t clock_off_by;
        zones::TsigKey key;
        const char* says;
    };
    for (const Case& one :
         {Case{0, other, "BADKEY"}, Case{0, forged, "BADSIG"}, Case{1000, key, "BADTIME"},
          Case{-1000, key, "BADTIME"}, Case{1000, forged, "BADSIG"}}) {
        CAPTURE(std::string(one.says));
        const Server server(one.clock_off_by);
        for (const char* type : {"SOA", "AXFR"}) {
            const std::string by_dig = dig(argument(one.key), {"tsig.example", type});
            INFO(by_dig);
            CHECK((has(by_dig, one.says) || (*type == 'A' && has(by_dig, "Transfer failed"))));
            CHECK(count(by_dig, "some text") == 0);
        }
        const std::string by_kdig = kdig(argument(one.key), {"tsig.example", "SOA"});
        INFO(by_kdig);
        CHECK(has(by_kdig, one.says));
    }
    // dig cuts its MAC to 128 bits when it is asked to.
    const Server server;
    const std::string cut = dig("hmac-sha256-128:" + key.name.text() + ":" + tsig_secret_text(key),
                                {"tsig.example", "SOA"});
    INFO(cut);
    CHECK(has(cut, "status: NOTAUTH"));
    CHECK(has(cut, "BADTRUNC"));
}

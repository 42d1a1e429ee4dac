#pragma once
// A zone, keys and a configuration with one group of two servers, and agents that say what a test
// has them say.

#include "dnsd/config/config.h"
#include "heartbeat/io/asio.h"
#include "heartbeat/io/channel.h"
#include "heartbeat/io/clock.h"
#include "heartbeat/io/keyfile.h"
#include "tests/dnsd/daemon.h"

#include <array>

#include <sqlite3.h>

namespace test {

inline std::string run(const std::string& command) {
    std::string printed;
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen((command + " 2>&1").c_str(), "r"),
                                                     ::pclose);
    std::array<char, 4096> buffer;
    for (std::size_t got = 0;
         pipe && (got = std::fread(buffer.data(), 1, buffer.size(), pipe.get())) > 0;)
        printed.append(buffer.data(), got);
    return printed;
}

struct Site {
    static inline const std::string ctl_program = ARBITER_BIN_DIR "/arbiterctl";
    static inline const std::string daemon_program = ARBITER_BIN_DIR "/arbiter-dnsd";

    Site() {
        std::filesystem::create_directory(folder.path("keys"));
        folder.write("z.zone", zone_text(5));
        for (const char* name : {"ns0", "wiki1", "wiki2"})
            run(ctl_program + " keys new " + name + " --dir " + folder.path("keys"));
    }
    // `more` stands above the first table; `tables` are [www] and [master].
    std::string config(const std::string& name, const std::string& more = "",
                       const std::string& tables = "") const {
        return folder.write(
            name + ".toml",
            fmt::format("{}zone = \"z.test\"\nzone_file = \"z.zone\"\n[dns]\nlisten = \"{}\"\n"
                        "workers = 1\n[heartbeat]\nlisten = \"{}\"\nkey_file = \"keys/ns0.key\"\n"
                        "keys = \"keys\"\n[state]\ndirectory = \"{}\"\ncontrol = \"{}\"\n"
                        "[monitor]\nlisten = \"\"\n{}[servers]\nwiki1 = \"127.0.0.1\"\n"
                        "wiki2 = \"127.0.0.2\"\n",
                        more, loopback(free_port()).text(), loopback(heartbeats).text(),
                        folder.path(), folder.path(name + ".sock"), tables));
    }
    dnsd::Config read(const std::string& file) const {
        const auto read = dnsd::read_config(
            file, [](const std::string& path) -> tl::expected<std::string, std::string> {
                std::ifstream text(path);
                return std::string(std::istreambuf_iterator<char>(text), {});
            });
        REQUIRE_MESSAGE(read.config, read.report());
        return *read.config;
    }
    std::string ctl(const std::string& words) const {
        return run(ctl_program + " --socket " + folder.path("a.sock") + " " + words);
    }
    // Of the ledger, while no daemon has it.
    void sql(const std::string& words) const {
        sqlite3* db = nullptr;
        REQUIRE(sqlite3_open(ledger.c_str(), &db) == SQLITE_OK);
        CHECK(sqlite3_exec(db, words.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
        sqlite3_close(db);
    }
    void init(const std::string& file) const { run(daemon_program + " --init --config " + file); }

    Folder folder;
    std::string ledger = folder.path("ledger.sqlite");
    std::uint16_t heartbeats = free_port();
};

// It speaks as a well replica that would lead, promises what it is asked to, leads as soon as it is
// told that it does, yields when it is told to, and follows whom it is told to at once.
class Speaker {
public:
    Speaker(boost::asio::io_context& loop, const Site& site, const std::string& name,
            std::uint8_t address)
        : id_(*heartbeat::ServerId::parse(name)),
          channel_(
              loop, peers(site, name), {heartbeat::Address::v4({127, 0, 0, address})},
              [this](const heartbeat::ServerId&, const heartbeat::Reply& reply) { obey(reply); },
              [this](const heartbeat::ServerId&) {
                  beat.mark = 0;  // of this boot of the arbiter nothing was obeyed
                  speak();
              }) {
        beat.health = {true, true, true, true, true};
        beat.role = heartbeat::Role::replica;
        beat.wants = heartbeat::Wish::master;
        beat.flavour = heartbeat::GtidFlavour::mariadb;
        beat.received = beat.applied = heartbeat::GtidPosition::parse("0-1-100");
        beat.database_start = 7;
    }

    void speak() {
        ++beat.request;
        channel_.send(beat);
    }

    heartbeat::Heartbeat beat;
    bool leads = false;  // it was told so, and nothing else since

private:
    static std::vector<heartbeat::ArbiterPeer> peers(const Site& site, const std::string& name) {
        const auto key = heartbeat::read_secret_keys(site.folder.path("keys/" + name + ".key"));
        const auto arbiter = heartbeat::read_public_keys(site.folder.path("keys/ns0.pub"));
        REQUIRE(key);
        REQUIRE(arbiter);
        std::vector<heartbeat::ArbiterPeer> peers;
        peers.push_back({"127.0.0.1", site.heartbeats,
                         heartbeat::AgentSession(*key, *heartbeat::ServerId::parse("arbiter"),
                                                 *arbiter, heartbeat::fresh_boot())});
        return peers;
    }
    void obey(const heartbeat::Reply& reply) {
        std::visit(
            [this](const auto& any) {
                beat.mark = std::max(beat.mark, any.mark);
                beat.revision = std::max(beat.revision, any.revision);
                beat.seen = std::max(beat.seen, any.epoch);
            },
            reply);
        if (const auto* ack = std::get_if<heartbeat::Ack>(&reply)) return lead(*ack);
        const auto& deny = std::get<heartbeat::Deny>(reply);
        if (const auto* order = std::get_if<heartbeat::PrepareOrder>(&deny.order))
            beat.promised = order->epoch;
        if (std::holds_alternative<heartbeat::YieldOrder>(deny.order)) {
            leads = false;
            beat.role = heartbeat::Role::fenced;
            beat.read_only = true;
        }
        if (std::holds_alternative<heartbeat::FollowOrder>(deny.order)) follow(deny);
    }
    void lead(const heartbeat::Ack& ack) {
        leads = true;
        beat.role = heartbeat::Role::master;
        beat.held = ack.epoch;
        beat.read_only = false;
        beat.upstream.reset();
        beat.lag.reset();
        beat.semi_sync = !ack.semi_sync_set.empty();
        beat.semi_sync_clients = static_cast<std::uint16_t>(ack.semi_sync_set.size());
    }
    void follow(const heartbeat::Deny& deny) {
        leads = false;
        const auto& set = deny.semi_sync_set;
        beat.role = heartbeat::Role::replica;
        beat.held = {};
        beat.read_only = true;
        beat.upstream = deny.master;
        beat.lag = 0ms;
        beat.semi_sync = std::find(set.begin(), set.end(), id_) != set.end();
        beat.semi_sync_clients = 0;
    }

    heartbeat::ServerId id_;
    heartbeat::AgentChannel channel_;
};

// They speak, and what runs on the loop runs, until that is so; false: it is not within the time.
template <typename Done>
bool speaking(boost::asio::io_context& loop, const std::vector<Speaker*>& speakers, Done done,
              std::chrono::milliseconds within = 20s) {
    const auto end = std::chrono::steady_clock::now() + within;
    while (!done()) {
        if (std::chrono::steady_clock::now() > end) return false;
        for (Speaker* one : speakers) one->speak();
        loop.restart();
        loop.run_for(20ms);
    }
    return true;
}

}  // namespace test

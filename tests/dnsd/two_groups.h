#pragma once
// One daemon with two groups, and the four agents of these.

#include "tests/dnsd/group_site.h"
#include "tests/dnsd_state/client.h"

#include <functional>
#include <future>
#include <set>

#include <nlohmann/json.hpp>

namespace test {

using nlohmann::json;

inline bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

// The group z.test of wiki1 and wiki2, and the group search of search1 and search2.
struct TwoGroups : Site {
    explicit TwoGroups(std::string search_zone = "z.test") : zone_of_search(search_zone) {
        for (const char* name : {"search1", "search2"})
            run(ctl_program + " keys new " + name + " --dir " + folder.path("keys"));
        folder.write("y.zone", zone_text(5));
        configure(true);
    }
    // With the group search or without it, and with `rules` of z.test's [group.master].
    void configure(bool both, const std::string& rules = "",
                   const std::string& lease = "30s") const {
        const std::string timing = "heartbeat = \"100ms\"\nlease = \"30s\"\n";
        const std::string own = "heartbeat = \"100ms\"\nlease = \"" + lease + "\"\n";
        const std::string down = "[group.www]\ndown_after = \"10s\"\n";
        std::string text = fmt::format(
            "[dns]\nlisten = \"{}\"\nworkers = 1\n[heartbeat]\nlisten = \"{}\"\n"
            "key_file = \"keys/ns0.key\"\nkeys = \"keys\"\n[state]\ndirectory = \"{}\"\n"
            "control = \"{}\"\n[monitor]\nlisten = \"{}\"\n"
            "[[zone]]\nname = \"z.test\"\nfile = \"z.zone\"\n"
            "[[zone]]\nname = \"y.test\"\nfile = \"y.zone\"\n"
            "[[group]]\nzone = \"z.test\"\n{}[group.master]\n{}{}"
            "[group.servers]\nwiki1 = \"127.0.0.1\"\nwiki2 = \"127.0.0.2\"\n",
            dns.text(), loopback(heartbeats).text(), folder.path(), folder.path("a.sock"),
            page.text(), down, own, rules);
        if (both)
            text += fmt::format(
                "[[group]]\nzone = \"{}\"\nname = \"search\"\n{}name = \"search\"\n"
                "[group.master]\nname = \"search-master\"\n{}"
                "[group.servers]\nsearch1 = \"127.0.0.3\"\nsearch2 = \"127.0.0.4\"\n",
                zone_of_search, down, timing);
        folder.write("a.toml", text);
    }
    json status() const {
        const std::string text = ctl("status --json");
        CAPTURE(text);
        const json out = json::parse(text, nullptr, false);
        REQUIRE(out.is_object());
        return out;
    }
    json group(const std::string& name) const {
        const json all = status();
        for (const json& one : all["groups"])
            if (one["name"] == name) return one;
        return nullptr;
    }
    std::size_t groups() const { return status()["groups"].size(); }
    // What was decided in it, oldest last.
    std::string history(const std::string& name) const { return ctl("history --group " + name); }
    std::set<std::string> addresses(const std::string& name) const {
        std::set<std::string> out;
        const auto answer = UdpClient(dns).ask(name, zones::Type::a);
        if (!answer) return {"no answer"};
        for (const zones::RRset& set : answer->answer)
            for (const zones::Rdata& data : set.rdatas)
                out.insert(fmt::format("127.0.0.{}", std::to_integer<int>(data.bytes().back())));
        return out;
    }
    std::string get(const std::string& path) const {
        Client client(page.port);
        return client.send("GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            .rest();
    }

    std::string zone_of_search;
    std::string config_file = folder.path("a.toml");
    dnsd::Endpoint dns = loopback(free_port()), page = loopback(free_port());
};

// Its four agents, on one thread.
struct Agents {
    explicit Agents(const Site& site)
        : wiki1(loop, site, "wiki1", 1),
          wiki2(loop, site, "wiki2", 2),
          search1(loop, site, "search1", 3),
          search2(loop, site, "search2", 4) {}

    bool speak_until(const std::function<bool()>& done) {
        return speaking(loop, {&wiki1, &wiki2, &search1, &search2}, done);
    }
    bool both_led() {
        return speak_until([&] { return wiki1.leads && search1.leads; });
    }
    // … and nothing more is decided by itself: each has whom its commits wait for.
    bool both_settled(const TwoGroups& site) {
        return both_led() && speak_until([&] {
                   return site.group("z.test")["semi_sync"]["covered"] == true &&
                          site.group("search")["semi_sync"]["covered"] == true;
               });
    }
    // An operator asks while they speak.
    std::string ctl(const Site& site, const std::string& words) {
        auto said = std::async(std::launch::async, [&] { return site.ctl(words); });
        CHECK(speak_until([&] { return said.wait_for(0s) == std::future_status::ready; }));
        return said.get();
    }
    void switch_wiki_over(const Site& site) {
        CHECK(speak_until([&] { return has(site.ctl("switchover --to wiki2 --dry-run"), "yes"); }));
        const std::string said = ctl(site, "switchover --to wiki2 --reason kernel");
        CAPTURE(said);
        CHECK(has(said, "wiki2"));
        REQUIRE(speak_until([&] { return wiki2.leads && wiki1.beat.upstream.has_value(); }));
        CHECK_FALSE(wiki1.leads);
    }

    boost::asio::io_context loop{1};
    Speaker wiki1, wiki2, search1, search2;
};

}  // namespace test

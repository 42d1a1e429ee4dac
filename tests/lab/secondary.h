#pragma once
// A real, stock BIND, NSD or Knot as secondary of one zone, with its own folder, address and port,
// plain or with TSIG.

#include "tests/lab/process.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace lab {

enum class ServerKind { bind, nsd, knot };
inline constexpr ServerKind server_kinds[] = {ServerKind::bind, ServerKind::nsd, ServerKind::knot};
const char* name_of(ServerKind);

// hmac-sha256, as all three and we have it.
struct SharedKey {
    std::string name;
    std::string secret;         // base64
    std::string named() const;  // a key clause of named.conf, which our key files take too
    std::string dig() const { return "hmac-sha256:" + name + ":" + secret; }
};

class Secondary {
public:
    struct Place {
        ServerKind kind = ServerKind::bind;
        std::string folder;
        std::string address = "127.0.0.1";  // BIND listens only where an interface has the address
        int port = 0;
        std::string zone;
        std::string primary = "127.0.0.1";
        int primary_port = 0;
        std::optional<SharedKey> key{};  // for all that it asks and believes of the primary
        // BIND asks for the SOA behind a NOTIFY, and when it has just asked, at the next tick of 10
        // seconds divided by this rate. Its own default is 20.
        int serial_query_rate = 10'000;
        // NSD's own default of 1 holds a change back for up to a second behind another.
        int xfrd_reload_timeout = 0;
    };
    explicit Secondary(Place);  // writes its configuration

    void start();  // returns when it answers at all; throws with its log when it does not
    void stop();
    void kill();  // as if the power went: all its processes at once
    void wipe();  // what it has stored, while it does not run
    // To every process of it: NSD has several.
    void signal(int number);
    // Another configuration at its next start.
    void change(const Place&);

    const Place& place() const { return place_; }
    std::string name() const;  // for messages: "NSD with TSIG"
    std::optional<std::uint32_t> serial() const;
    std::string log() const { return read_file(place_.folder + "/log"); }
    bool running() { return process_ && process_->running(); }

private:
    Place place_;
    std::unique_ptr<Process> process_;
};

}  // namespace lab

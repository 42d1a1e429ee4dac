#pragma once
// Who may say what to whom, and only once: the checks of docs/PROTOCOL.md, "Bytes", in their order.
// Pure: datagrams, instants and random bytes are handed in; nothing is sent, only returned.
//
//   length → magic, version → key id → source address → nonce not seen → AEAD → nonce recorded
//   → letter, names → boot id and counter → token bucket → Ed25519
//
// What a session remembers of a peer changes only after the last check, but for the nonce.

#include "heartbeat/message.h"
#include "heartbeat/replay.h"
#include "heartbeat/seal.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include <tl/expected.hpp>

namespace heartbeat {

struct SessionCounters {
    std::array<std::uint64_t, rejection_count> rejected{};
    std::uint64_t unsealed = 0;    // AEAD openings tried
    std::uint64_t verified = 0;    // Ed25519 signatures checked
    std::uint64_t heard = 0;       // messages that passed every check
    std::uint64_t challenged = 0;  // challenges given (arbiter) or obeyed (agent)
    std::uint64_t of(Rejection why) const { return rejected[static_cast<std::size_t>(why)]; }
};

// One server as the arbiter's configuration names it.
struct AgentIdentity {
    static constexpr std::size_t keys_max = 2;  // two while a key is being changed

    ServerId name;
    std::vector<PublicKeys> keys;    // 1 to keys_max, all of this name
    std::vector<Address> addresses;  // from where it may speak
};

// The arbiter's side, for all agents of one cluster.
class ArbiterSession {
public:
    static constexpr Duration cookie_bucket = std::chrono::minutes(5);
    // A cookie of the present or of the last bucket is good.
    static constexpr Duration cookie_life = 2 * cookie_bucket;
    // What one key may make us verify in a second. H is 100 ms at least, with two resends, and a
    // change of a fact is sent at once.
    static constexpr double heartbeats_per_second = 60;
    static constexpr double heartbeats_burst = 120;
    static constexpr double hellos_per_second = 10;
    static constexpr double hellos_burst = 20;
    // How long neither of two machines under one name is heard after the last proof of both.
    static constexpr Duration clone_block = std::chrono::seconds(60);

    // Throws std::invalid_argument with a sentence when the agents contradict each other: a name
    // twice, a key twice, no key or too many, a key of another name.
    ArbiterSession(SecretKeys self, ServerId cluster, std::vector<AgentIdentity> agents,
                   BootId boot, const Seed& cookie_secret);

    // A reload: what is remembered of the agents that stay is kept. Throws as above, unchanged.
    void set_agents(std::vector<AgentIdentity> agents);

    struct Heard {
        ServerId from;
        Heartbeat beat;
    };
    struct AnswerNow {  // a challenge, to be sent to where the datagram came from
        ServerId to;
        std::vector<std::byte> datagram;
    };
    using Opened = std::variant<Heard, AnswerNow>;
    tl::expected<Opened, Rejection> open(std::span<const std::byte> datagram, const Address& source,
                                         Instant now, const Nonce& fresh);

    // Empty when the present boot of that agent never sent the request that this answers: such a
    // reply would count from a moment that has not been.
    std::vector<std::byte> seal(const ServerId& to, const Reply& reply, const Nonce& fresh) const;

    const ServerId& name() const { return self_.name(); }
    const BootId& boot() const { return boot_; }
    const SessionCounters& counters() const { return counters_; }
    // Names under which two machines speak: an alarm.
    std::vector<ServerId> cloned(Instant now) const;

private:
    struct Key {
        ServerId agent;
        Pair pair;
        TokenBucket heartbeats{heartbeats_per_second, heartbeats_burst};
        TokenBucket hellos{hellos_per_second, hellos_burst};
    };
    struct Agent {
        explicit Agent(AgentIdentity known) : identity(std::move(known)) {}

        AgentIdentity identity;
        NonceMemory nonces;
        BootMemory boots{cookie_life};
        std::uint64_t request_max = 0;  // of the present boot
        KeyId key{};                    // with which it spoke last
        std::optional<Instant> cloned_at;
    };
    // What came through the AEAD.
    struct Believed {
        Key& key;
        Agent& agent;
        Unsealed unsealed;
        Letter letter;
        Address source;
        Instant now;
    };

    tl::expected<Believed, Rejection> believe(std::span<const std::byte> datagram,
                                              const Address& source, Instant now);
    tl::expected<Opened, Rejection> judge(Believed& from, const Nonce& fresh);
    tl::expected<Opened, Rejection> judge_heartbeat(Believed& from, Heartbeat& beat,
                                                    BootMemory::Verdict verdict,
                                                    const Nonce& fresh);
    tl::expected<void, Rejection> verify(const Believed& from, TokenBucket& bucket);
    tl::expected<Opened, Rejection> report_clone(Believed& from);
    tl::expected<Opened, Rejection> challenge(Believed& from, std::uint64_t nonce,
                                              const Nonce& fresh);
    Cookie cookie(const Believed& from, std::int64_t bucket) const;
    bool cookie_is_good(const Believed& from) const;

    SecretKeys self_;
    ServerId cluster_;
    BootId boot_;
    CookieKey cookie_key_;
    std::map<KeyId, Key> keys_;
    std::map<ServerId, Agent> agents_;
    SessionCounters counters_;
};

// One agent's side towards one arbiter.
class AgentSession {
public:
    static constexpr std::size_t requests_max = 64;  // that a reply may still come to
    static constexpr std::size_t hellos_max = 8;
    // With two keys known of an arbiter: so many unanswered, and the other key is tried.
    static constexpr unsigned unanswered_max = 8;
    static constexpr double replies_per_second = 100;
    static constexpr double replies_burst = 200;

    // `arbiter`: 1 or 2 keys of one name, two while its key is being changed. Throws
    // std::invalid_argument otherwise.
    AgentSession(SecretKeys self, ServerId cluster, std::vector<PublicKeys> arbiter, BootId boot);

    const ServerId& arbiter() const { return arbiter_; }
    // Heartbeats are heard once this is true; until then, hello().
    bool introduced() const { return arbiter_boot_.has_value(); }

    std::vector<std::byte> hello(const Nonce& fresh);
    // Only when introduced.
    std::vector<std::byte> seal(const Heartbeat& beat, const Nonce& fresh);

    struct Introduced {};  // or introduced anew: what was sent before was not heard
    using Opened = std::variant<Introduced, Reply>;
    tl::expected<Opened, Rejection> open(std::span<const std::byte> datagram, Instant now);

    const SessionCounters& counters() const { return counters_; }

private:
    tl::expected<Opened, Rejection> open_checked(std::span<const std::byte> datagram, Instant now);
    bool expects(const Message& message) const;
    Envelope envelope() const;

    SecretKeys self_;
    ServerId cluster_;
    ServerId arbiter_;
    BootId boot_;
    std::vector<Pair> pairs_;
    std::size_t speaks_ = 0;  // the pair that is in use
    std::uint64_t counter_ = 0;
    std::optional<BootId> arbiter_boot_;
    Cookie cookie_{};
    std::vector<std::uint64_t> requests_;  // oldest first
    std::vector<std::uint64_t> hellos_;
    unsigned unanswered_ = 0;
    NonceMemory nonces_;
    TokenBucket replies_{replies_per_second, replies_burst};
    TokenBucket challenges_{ArbiterSession::hellos_per_second, ArbiterSession::hellos_burst};
    SessionCounters counters_;
};

}  // namespace heartbeat

#include "heartbeat/session.h"

#include <algorithm>
#include <cassert>
#include <stdexcept>
#include <string>

namespace heartbeat {

namespace {

std::string quoted(const ServerId& name) {
    return "'" + std::string(name.text()) + "'";
}

void remember(std::vector<std::uint64_t>& numbers, std::uint64_t number, std::size_t most) {
    if (numbers.size() >= most) numbers.erase(numbers.begin());
    numbers.push_back(number);
}

bool contains(const std::vector<std::uint64_t>& numbers, std::uint64_t number) {
    return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
}

}  // namespace

// ---- The arbiter's side ------------------------------------------------------------------------

ArbiterSession::ArbiterSession(SecretKeys self, ServerId cluster, std::vector<AgentIdentity> agents,
                               BootId boot, const Seed& cookie_secret)
    : self_(std::move(self)), cluster_(cluster), boot_(boot), cookie_key_(cookie_secret) {
    set_agents(std::move(agents));
}

void ArbiterSession::set_agents(std::vector<AgentIdentity> agents) {
    std::map<KeyId, Key> keys;
    std::map<ServerId, Agent> known;
    for (AgentIdentity& identity : agents) {
        const ServerId name = identity.name;
        if (identity.keys.empty())
            throw std::invalid_argument("server " + quoted(name) + " has no key");
        if (identity.keys.size() > AgentIdentity::keys_max)
            throw std::invalid_argument("server " + quoted(name) + " has more than two keys");
        for (const PublicKeys& each : identity.keys) {
            if (each.name != name)
                throw std::invalid_argument("a key of server " + quoted(name) +
                                            " is in the name of " + quoted(each.name));
            Pair pair(self_, each);
            const KeyId id = pair.hears_as();
            const auto before = keys_.find(id);
            // A bucket that was drained stays so over a reload.
            Key key = before != keys_.end() && before->second.agent == name
                          ? before->second
                          : Key{name, std::move(pair)};
            if (!keys.emplace(id, std::move(key)).second)
                throw std::invalid_argument("a key of server " + quoted(name) +
                                            " is there twice: each server needs its own");
        }
        const auto before = agents_.find(name);
        Agent agent = before != agents_.end() ? before->second : Agent(identity);
        agent.identity = std::move(identity);
        if (!known.emplace(name, std::move(agent)).second)
            throw std::invalid_argument("server " + quoted(name) + " is there twice");
    }
    keys_ = std::move(keys);
    agents_ = std::move(known);
}

tl::expected<ArbiterSession::Opened, Rejection> ArbiterSession::open(
    std::span<const std::byte> datagram, const Address& source, Instant now, const Nonce& fresh) {
    auto believed = believe(datagram, source, now);
    tl::expected<Opened, Rejection> opened =
        believed ? judge(*believed, fresh) : tl::unexpected(believed.error());
    if (!opened)
        ++counters_.rejected[static_cast<std::size_t>(opened.error())];
    else if (std::holds_alternative<Heard>(*opened))
        ++counters_.heard;
    else
        ++counters_.challenged;
    return opened;
}

// From the length to the letter's names: all that needs no memory of boots, and no signature.
tl::expected<ArbiterSession::Believed, Rejection> ArbiterSession::believe(
    std::span<const std::byte> datagram, const Address& source, Instant now) {
    const auto header = read_header(datagram);
    if (!header) return tl::unexpected(header.error());
    if (header->type != MessageType::hello && header->type != MessageType::heartbeat)
        return tl::unexpected(Rejection::bad_type);
    const auto key = keys_.find(header->key);
    if (key == keys_.end()) return tl::unexpected(Rejection::unknown_key);
    Agent& agent = agents_.at(key->second.agent);
    const std::vector<Address>& addresses = agent.identity.addresses;
    if (std::find(addresses.begin(), addresses.end(), source) == addresses.end())
        return tl::unexpected(Rejection::wrong_address);
    if (agent.nonces.seen(header->nonce)) return tl::unexpected(Rejection::nonce_seen);

    ++counters_.unsealed;
    auto unsealed = key->second.pair.unseal(datagram);
    if (!unsealed) return tl::unexpected(unsealed.error());
    // Only what the key opened is recorded: a forger can neither fill the memory nor burn a nonce.
    agent.nonces.record(header->nonce);

    auto letter = decode(unsealed->type(), unsealed->letter());
    if (!letter) return tl::unexpected(Rejection::malformed);
    const Envelope& envelope = letter->envelope;
    if (envelope.cluster != cluster_ || envelope.sender != agent.identity.name ||
        envelope.receiver != self_.name())
        return tl::unexpected(Rejection::wrong_receiver);
    return Believed{key->second, agent, std::move(*unsealed), std::move(*letter), source, now};
}

tl::expected<void, Rejection> ArbiterSession::verify(const Believed& from, TokenBucket& bucket) {
    if (!bucket.take(from.now)) return tl::unexpected(Rejection::flood);
    ++counters_.verified;
    if (!from.key.pair.verify(from.unsealed)) return tl::unexpected(Rejection::bad_signature);
    return {};
}

tl::expected<ArbiterSession::Opened, Rejection> ArbiterSession::judge(Believed& from,
                                                                      const Nonce& fresh) {
    const Envelope& envelope = from.letter.envelope;
    const BootMemory::Verdict verdict =
        from.agent.boots.judge(envelope.agent_boot, envelope.counter);
    if (verdict == BootMemory::Verdict::old) return tl::unexpected(Rejection::old_counter);
    if (verdict == BootMemory::Verdict::replaced) return report_clone(from);
    if (auto* beat = std::get_if<Heartbeat>(&from.letter.message))
        return judge_heartbeat(from, *beat, verdict, fresh);

    // A hello changes nothing but the counter of a boot that is known: it needs no memory.
    if (const auto good = verify(from, from.key.hellos); !good) return tl::unexpected(good.error());
    if (verdict == BootMemory::Verdict::fresh)
        from.agent.boots.heard(envelope.agent_boot, envelope.counter, from.now);
    return challenge(from, std::get<Hello>(from.letter.message).nonce, fresh);
}

tl::expected<ArbiterSession::Opened, Rejection> ArbiterSession::judge_heartbeat(
    Believed& from, Heartbeat& beat, BootMemory::Verdict verdict, const Nonce& fresh) {
    Agent& agent = from.agent;
    const Envelope& envelope = from.letter.envelope;
    const bool known = verdict == BootMemory::Verdict::fresh;
    const bool for_this_boot = envelope.arbiter_boot == boot_;
    const bool welcome = for_this_boot && (known || cookie_is_good(from));
    const auto good = verify(from, welcome ? from.key.heartbeats : from.key.hellos);
    if (!good) return tl::unexpected(good.error());
    if (!welcome) {
        // Sealed and signed, but for another boot of ours, or from a boot that waited too long
        // with its cookie: the challenge lets it in with its next one.
        const Rejection why = for_this_boot ? Rejection::bad_cookie : Rejection::wrong_boot;
        ++counters_.rejected[static_cast<std::size_t>(why)];
        return challenge(from, beat.request, fresh);
    }
    if (known) agent.boots.heard(envelope.agent_boot, envelope.counter, from.now);
    // While two machines speak under one name neither is granted anything.
    if (agent.cloned_at && from.now - *agent.cloned_at < clone_block)
        return tl::unexpected(Rejection::cloned);
    if (!known) {
        if (!agent.boots.admit(envelope.agent_boot, envelope.counter, from.now))
            return tl::unexpected(Rejection::flood);
        agent.request_max = 0;
    }
    agent.request_max = std::max(agent.request_max, beat.request);
    agent.key = from.key.pair.hears_as();
    return Heard{agent.identity.name, std::move(beat)};
}

tl::expected<ArbiterSession::Opened, Rejection> ArbiterSession::report_clone(Believed& from) {
    if (const auto good = verify(from, from.key.hellos); !good) return tl::unexpected(good.error());
    const Envelope& envelope = from.letter.envelope;
    if (from.agent.boots.heard(envelope.agent_boot, envelope.counter, from.now))
        from.agent.cloned_at = from.now;
    return tl::unexpected(Rejection::cloned);
}

tl::expected<ArbiterSession::Opened, Rejection> ArbiterSession::challenge(Believed& from,
                                                                          std::uint64_t nonce,
                                                                          const Nonce& fresh) {
    const std::int64_t bucket = from.now.time_since_epoch() / cookie_bucket;
    const Letter letter{{cluster_,
                         self_.name(),
                         from.agent.identity.name,
                         from.letter.envelope.agent_boot,
                         0,
                         {},
                         {}},
                        Challenge{nonce, boot_, cookie(from, bucket)}};
    return AnswerNow{from.agent.identity.name, from.key.pair.seal(letter, fresh)};
}

Cookie ArbiterSession::cookie(const Believed& from, std::int64_t bucket) const {
    std::vector<std::uint8_t> about;
    const std::string_view name = from.agent.identity.name.text();
    about.push_back(static_cast<std::uint8_t>(name.size()));
    about.insert(about.end(), name.begin(), name.end());
    const auto& boot = from.letter.envelope.agent_boot.bytes;
    about.insert(about.end(), boot.begin(), boot.end());
    about.push_back(static_cast<std::uint8_t>(from.source.size()));
    about.insert(about.end(), from.source.data(), from.source.data() + from.source.size());
    for (int shift = 56; shift >= 0; shift -= 8)
        about.push_back(static_cast<std::uint8_t>(bucket >> shift));
    return cookie_key_.make(about);
}

bool ArbiterSession::cookie_is_good(const Believed& from) const {
    const std::int64_t bucket = from.now.time_since_epoch() / cookie_bucket;
    const Cookie& shown = from.letter.envelope.cookie;
    return equal_in_constant_time(shown, cookie(from, bucket)) ||
           equal_in_constant_time(shown, cookie(from, bucket - 1));
}

std::vector<std::byte> ArbiterSession::seal(const ServerId& to, const Reply& reply,
                                            const Nonce& fresh) const {
    const auto agent = agents_.find(to);
    if (agent == agents_.end()) return {};
    const BootId* boot = agent->second.boots.present();
    const auto key = keys_.find(agent->second.key);
    if (boot == nullptr || key == keys_.end()) return {};
    const std::uint64_t request = std::visit([](const auto& each) { return each.request; }, reply);
    if (request > agent->second.request_max) return {};
    const Message message = std::visit([](const auto& each) { return Message(each); }, reply);
    const Letter letter{{cluster_, self_.name(), to, *boot, 0, {}, {}}, message};
    return key->second.pair.seal(letter, fresh);
}

std::vector<ServerId> ArbiterSession::cloned(Instant now) const {
    std::vector<ServerId> names;
    for (const auto& [name, agent] : agents_)
        if (agent.cloned_at && now - *agent.cloned_at < clone_block) names.push_back(name);
    return names;
}

// ---- The agent's side --------------------------------------------------------------------------

AgentSession::AgentSession(SecretKeys self, ServerId cluster, std::vector<PublicKeys> arbiter,
                           BootId boot)
    : self_(std::move(self)),
      cluster_(cluster),
      arbiter_(arbiter.empty() ? throw std::invalid_argument("an arbiter has no key")
                               : arbiter.front().name),
      boot_(boot) {
    if (arbiter.size() > AgentIdentity::keys_max)
        throw std::invalid_argument("arbiter " + quoted(arbiter_) + " has more than two keys");
    for (const PublicKeys& key : arbiter) {
        if (key.name != arbiter_)
            throw std::invalid_argument("the keys of arbiter " + quoted(arbiter_) + " and " +
                                        quoted(key.name) + " are given as those of one");
        pairs_.emplace_back(self_, key);
    }
}

Envelope AgentSession::envelope() const {
    return {cluster_, self_.name(), arbiter_, boot_, counter_, {}, {}};
}

std::vector<std::byte> AgentSession::hello(const Nonce& fresh) {
    // Which of two keys the arbiter has now is found out by asking under each in turn.
    if (!introduced() && !hellos_.empty()) speaks_ = (speaks_ + 1) % pairs_.size();
    std::uint64_t nonce = 0;
    for (std::size_t i = 0; i < sizeof nonce; ++i) nonce = nonce << 8 | fresh[i];
    remember(hellos_, nonce, hellos_max);
    ++counter_;
    return pairs_[speaks_].seal({envelope(), Hello{nonce}}, fresh, hello_size);
}

std::vector<std::byte> AgentSession::seal(const Heartbeat& beat, const Nonce& fresh) {
    assert(introduced());
    remember(requests_, beat.request, requests_max);
    ++counter_;
    Letter letter{envelope(), beat};
    letter.envelope.arbiter_boot = *arbiter_boot_;
    letter.envelope.cookie = cookie_;
    std::vector<std::byte> datagram = pairs_[speaks_].seal(letter, fresh, heartbeat_size);
    if (++unanswered_ >= unanswered_max && pairs_.size() > 1) arbiter_boot_.reset();
    return datagram;
}

tl::expected<AgentSession::Opened, Rejection> AgentSession::open(
    std::span<const std::byte> datagram, Instant now) {
    auto opened = open_checked(datagram, now);
    if (!opened)
        ++counters_.rejected[static_cast<std::size_t>(opened.error())];
    else if (std::holds_alternative<Introduced>(*opened))
        ++counters_.challenged;
    else
        ++counters_.heard;
    return opened;
}

bool AgentSession::expects(const Message& message) const {
    if (const auto* challenge = std::get_if<Challenge>(&message))
        return contains(hellos_, challenge->nonce) || contains(requests_, challenge->nonce);
    if (const auto* ack = std::get_if<Ack>(&message)) return contains(requests_, ack->request);
    if (const auto* deny = std::get_if<Deny>(&message)) return contains(requests_, deny->request);
    return false;
}

tl::expected<AgentSession::Opened, Rejection> AgentSession::open_checked(
    std::span<const std::byte> datagram, Instant now) {
    const auto header = read_header(datagram);
    if (!header) return tl::unexpected(header.error());
    if (header->type == MessageType::hello || header->type == MessageType::heartbeat)
        return tl::unexpected(Rejection::bad_type);
    const auto pair = std::find_if(pairs_.begin(), pairs_.end(), [&](const Pair& each) {
        return each.hears_as() == header->key;
    });
    if (pair == pairs_.end()) return tl::unexpected(Rejection::unknown_key);
    if (nonces_.seen(header->nonce)) return tl::unexpected(Rejection::nonce_seen);

    ++counters_.unsealed;
    const auto unsealed = pair->unseal(datagram);
    if (!unsealed) return tl::unexpected(unsealed.error());
    nonces_.record(header->nonce);

    auto letter = decode(unsealed->type(), unsealed->letter());
    if (!letter) return tl::unexpected(Rejection::malformed);
    const Envelope& envelope = letter->envelope;
    if (envelope.cluster != cluster_ || envelope.sender != arbiter_ ||
        envelope.receiver != self_.name())
        return tl::unexpected(Rejection::wrong_receiver);
    if (envelope.agent_boot != boot_ || !expects(letter->message))
        return tl::unexpected(Rejection::not_expected);
    auto* challenge = std::get_if<Challenge>(&letter->message);
    TokenBucket& bucket = challenge != nullptr ? challenges_ : replies_;
    if (!bucket.take(now)) return tl::unexpected(Rejection::flood);
    ++counters_.verified;
    if (!pair->verify(*unsealed)) return tl::unexpected(Rejection::bad_signature);

    unanswered_ = 0;
    speaks_ = static_cast<std::size_t>(pair - pairs_.begin());
    if (challenge != nullptr) {
        arbiter_boot_ = challenge->arbiter_boot;
        cookie_ = challenge->cookie;
        hellos_.clear();
        // What the last boot answers, late, would be taken for the new one's: a mark of its own.
        requests_.clear();
        return Introduced{};
    }
    if (auto* ack = std::get_if<Ack>(&letter->message)) return Reply{std::move(*ack)};
    return Reply{std::get<Deny>(std::move(letter->message))};
}

}  // namespace heartbeat

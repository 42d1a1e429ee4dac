// arbiterctl keys tsig: makes a key for transfers, or shows one, with what to paste for it.

#include "dnsd/config/config.h"
#include "dnsd/ctl/commands.h"
#include "dnsd/ctl/suggest.h"
#include "dnsd/ctl/tsig_snippets.h"
#include "heartbeat/io/clock.h"
#include "heartbeat/io/keyfile.h"
#include "zones/tsig_text.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include <fmt/format.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

namespace dnsd {

namespace {

using Json = nlohmann::ordered_json;
using zones::TsigKey;

constexpr std::uint16_t dns_port = 53;

// What went wrong, for complain().
struct Wrong {
    Exit exit = Exit::usage;
    std::string error;
    std::string hint = {};
};
template <typename T>
using Or = tl::expected<T, Wrong>;

tl::unexpected<Wrong> wrong(Exit exit, std::string error, std::string hint = {}) {
    return tl::unexpected(Wrong{exit, std::move(error), std::move(hint)});
}

tl::expected<std::string, std::string> read_text(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return tl::unexpected(fmt::format("can not be opened: {}", std::strerror(errno)));
    return std::string(std::istreambuf_iterator<char>(file), {});
}

Or<zones::TsigAlgorithm> algorithm_of(const std::string& text) {
    std::vector<std::string> good;
    for (std::size_t i = 0; i < zones::tsig_algorithms; ++i) {
        const auto one = static_cast<zones::TsigAlgorithm>(i);
        // RFC 8945 §6: MD5 and SHA-1 are not to be used any more.
        if (one == zones::TsigAlgorithm::hmac_md5 || one == zones::TsigAlgorithm::hmac_sha1)
            continue;
        if (zones::text(one) == text) return one;
        good.emplace_back(zones::text(one));
    }
    const auto meant = suggest(text, good);
    return wrong(Exit::usage, fmt::format("'{}' is no algorithm for a key", text),
                 meant ? fmt::format("did you mean '{}'?", *meant)
                       : fmt::format("{}", fmt::join(good, ", ")));
}

Or<zones::Name> name_of(const std::string& text, std::string_view what) {
    const auto name = zones::Name::parse(text);
    if (!name)
        return wrong(Exit::usage,
                     fmt::format("'{}' is no name of a {}: {}", text, what, name.error()));
    if (!plain_name(*name) || (what == "key" && name->is_root()))
        return wrong(Exit::usage, fmt::format("'{}' is no good name of a {}", text, what),
                     "letters, digits, '-', '_' and '.': every server takes these");
    return *name;
}

Or<std::optional<Endpoint>> endpoint_of(const std::string& text) {
    if (text.empty()) return std::nullopt;
    const auto endpoint = Endpoint::parse(text, dns_port);
    if (!endpoint)
        return wrong(Exit::usage, fmt::format("'{}' is no address with a port", text),
                     "as in 192.0.2.1, 192.0.2.1:5353 or [2001:db8::1]:5353");
    return endpoint;
}

bool any_address(const Endpoint& endpoint) {
    return endpoint.address == heartbeat::Address::v4({}) ||
           endpoint.address == heartbeat::Address::v6({});
}

// What the configuration knows of the zone and of the secondary that goes by this key.
void add_zone(const ZoneConfig& zone, SnippetFacts& facts) {
    facts.zone = zone.name;
    for (const Secondary& secondary : zone.secondaries)
        if (secondary.key == facts.key.name && !facts.secondary)
            facts.secondary = secondary.endpoint;
}

// The keys themselves are not looked at: the file may well name the one that is to be made.
Or<SnippetFacts> with_config(const TsigOptions& options, SnippetFacts facts) {
    const ConfigRead read = read_config(options.configuration, read_text);
    if (!read.config)
        return wrong(Exit::usage, fmt::format("{} has errors", options.configuration),
                     "arbiterctl check " + options.configuration);
    const Config& config = *read.config;
    if (!config.transfer.key_file.empty()) facts.key_file = config.transfer.key_file;
    if (!facts.primary)
        for (const Endpoint& listen : config.dns_listen)
            if (!any_address(listen) && !facts.primary) facts.primary = listen;
    if (!facts.zone) {
        if (config.zones.size() == 1) add_zone(config.zones.front(), facts);
        return facts;
    }
    const auto zone = std::find_if(config.zones.begin(), config.zones.end(),
                                   [&](const ZoneConfig& one) { return one.name == *facts.zone; });
    if (zone != config.zones.end()) {
        add_zone(*zone, facts);
        return facts;
    }
    std::vector<std::string> names;
    for (const ZoneConfig& one : config.zones) names.push_back(one.name.text());
    const auto meant = suggest(options.zone, names);
    return wrong(Exit::usage,
                 fmt::format("{} has no zone '{}'", options.configuration, options.zone),
                 meant ? fmt::format("did you mean '{}'?", *meant) : "");
}

// All but the secret.
Or<SnippetFacts> facts_of(const TsigOptions& options) {
    SnippetFacts facts;
    const auto name = name_of(options.name, "key");
    if (!name) return tl::unexpected(name.error());
    facts.key.name = *name;
    facts.key_file = options.key_file;
    if (!options.zone.empty()) {
        const auto zone = name_of(options.zone, "zone");
        if (!zone) return tl::unexpected(zone.error());
        facts.zone = *zone;
    }
    const auto primary = endpoint_of(options.primary);
    if (!primary) return tl::unexpected(primary.error());
    facts.primary = *primary;
    const auto secondary = endpoint_of(options.secondary);
    if (!secondary) return tl::unexpected(secondary.error());
    facts.secondary = *secondary;
    if (!options.configuration.empty()) return with_config(options, std::move(facts));
    return facts;
}

// The keys of a file that is there.
Or<std::vector<TsigKey>> keys_in(const std::string& path, std::string& text) {
    auto read = heartbeat::read_secret_text(path, zones::tsig_text_max);
    if (!read) return wrong(Exit::refused, read.error());
    text = *std::move(read);
    auto keys = zones::read_tsig_keys(path, text);
    if (keys) return *std::move(keys);
    const zones::Mistake& first = keys.error().front();
    return wrong(Exit::refused, first.text());
}

const TsigKey* find(const std::vector<TsigKey>& keys, const zones::Name& name) {
    const auto found = std::find_if(keys.begin(), keys.end(),
                                    [&](const TsigKey& key) { return key.name == name; });
    return found == keys.end() ? nullptr : &*found;
}

Or<TsigKey> shown(const SnippetFacts& facts) {
    std::string text;
    const auto keys = keys_in(facts.key_file, text);
    if (!keys) return tl::unexpected(keys.error());
    if (const TsigKey* key = find(*keys, facts.key.name)) return *key;
    std::vector<std::string> names;
    for (const TsigKey& key : *keys) names.push_back(key.name.text());
    const auto meant = suggest(facts.key.name.text(), names);
    return wrong(Exit::refused,
                 fmt::format("the key '{}' is not in {}", facts.key.name.text(), facts.key_file),
                 meant ? fmt::format("did you mean '{}'?", *meant) : "without --show it is made");
}

Or<TsigKey> made(const TsigOptions& options, const zones::Name& name) {
    const auto algorithm = algorithm_of(options.algorithm);
    if (!algorithm) return tl::unexpected(algorithm.error());
    TsigKey key{name, *algorithm, {}};
    // RFC 2104 §3: shorter than the hash weakens, longer gains nothing.
    std::vector<std::uint8_t> secret(zones::mac_size(*algorithm));
    heartbeat::random_bytes(secret);
    const auto bytes = std::as_bytes(std::span(secret));
    key.secret.assign(bytes.begin(), bytes.end());
    return key;
}

// Behind the keys that are there already: one file holds those of all secondaries.
Or<bool> store(const TsigKey& key, const std::string& path) {
    std::string text;
    if (::access(path.c_str(), F_OK) == 0) {
        const auto keys = keys_in(path, text);
        if (!keys) return tl::unexpected(keys.error());
        if (find(*keys, key.name) != nullptr)
            return wrong(Exit::refused,
                         fmt::format("{} has a key '{}' already, which is not overwritten", path,
                                     key.name.text()),
                         "--show prints what to paste for it; for another key take another name");
        if (!text.empty() && text.back() != '\n') text += '\n';
    }
    const auto stored = heartbeat::store_secret_text(path, text + zones::tsig_key_text(key));
    if (!stored) return wrong(Exit::refused, stored.error());
    return true;
}

void print_json(const SnippetFacts& facts, const std::string& out) {
    const Json document{{"format", 1},
                        {"name", facts.key.name.text()},
                        {"algorithm", zones::text(facts.key.algorithm)},
                        {"file", out.empty() ? Json(nullptr) : Json(out)},
                        {"key", zones::tsig_key_text(facts.key)},
                        {"dnsd_toml", dnsd_toml(facts)},
                        {"named_conf", named_conf(facts)},
                        {"nsd_conf", nsd_conf(facts)},
                        {"knot_conf", knot_conf(facts)}};
    fmt::print("{}\n", document.dump(2, ' ', false, Json::error_handler_t::replace));
}

void print_text(const SnippetFacts& facts, bool stored) {
    if (!stored)
        fmt::print("# {} of the arbiter, mode 0600\n{}\n", facts.key_file,
                   zones::tsig_key_text(facts.key));
    fmt::print("# dnsd.toml of the arbiter\n{}\n", dnsd_toml(facts));
    fmt::print("# named.conf of the secondary, if it is BIND\n{}\n", named_conf(facts));
    fmt::print("# nsd.conf, if it is NSD\n{}\n", nsd_conf(facts));
    fmt::print("# knot.conf, if it is Knot\n{}", knot_conf(facts));
}

}  // namespace

Exit keys_tsig(const CommandOptions& options, const TsigOptions& tsig) {
    const auto no = [&](const Wrong& what) {
        return complain(options.json, what.exit, what.error, what.hint);
    };
    auto facts = facts_of(tsig);
    if (!facts) return no(facts.error());
    auto key = tsig.show ? shown(*facts) : made(tsig, facts->key.name);
    if (!key) return no(key.error());
    facts->key = *std::move(key);
    const bool store_it = !tsig.show && !tsig.out.empty();
    if (store_it) {
        if (const auto stored = store(facts->key, tsig.out); !stored) return no(stored.error());
        facts->key_file = tsig.out;
        if (!options.json) fmt::print(stderr, "wrote {} (keep it secret)\n", tsig.out);
    }
    if (options.json)
        print_json(*facts, store_it ? tsig.out : std::string());
    else
        print_text(*facts, store_it || tsig.show);
    return Exit::done;
}

}  // namespace dnsd

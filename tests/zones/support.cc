#include "tests/zones/support.h"

#include "zones/rdata_text.h"

#include "zones/wire.h"

#include <doctest/doctest.h>

namespace zones::testing {

Name name(std::string_view text) {
    auto parsed = Name::parse(text);
    REQUIRE_MESSAGE(parsed.has_value(), text);
    return *parsed;
}

Loaded load(std::string_view origin, const std::string& text,
            const std::map<std::string, std::string>& files) {
    const Opener open = [&](const std::string& path) -> tl::expected<std::string, std::string> {
        if (path == "zone") return text;
        const auto found = files.find(path);
        if (found == files.end()) return tl::unexpected<std::string>("no such file");
        return found->second;
    };
    // In a zone that holds all names the servers that zone() gives it are no strangers.
    const Name made[] = {name("ns.invalid")};
    return load_zone(name(origin), "zone", open, made);
}

std::shared_ptr<const Zone> zone(std::string_view origin, const std::string& text) {
    const std::string front =
        text.find("SOA") != std::string::npos
            ? ""
            : "$TTL 300\n@ 3600 SOA ns.invalid. host.invalid. 1 3600 600 86400 60\n"
              "@ NS ns.invalid.\n";
    const Loaded loaded = load(origin, front + text);
    for (const Mistake& mistake : loaded.mistakes)
        if (mistake.severity == Mistake::error) FAIL(mistake.text());
    REQUIRE(loaded.zone != nullptr);
    return loaded.zone;
}

Catalog catalog(const std::vector<std::shared_ptr<const Zone>>& zones) {
    Catalog result;
    for (const auto& zone : zones) result = result.with(History(zone));
    return result;
}

Lines texts(const std::vector<Mistake>& mistakes) {
    Lines result;
    for (Mistake mistake : mistakes) {
        mistake.hint.clear();
        const std::string text = mistake.text();
        const bool here = text.starts_with("zone:") && mistake.line > 0;
        result.push_back(here ? text.substr(5) : text);
    }
    return result;
}

Bytes query(std::string_view qname, const Asking& asking) {
    Bytes message = make_query(name(qname), asking.type, 0x1234, asking.recursion_desired);
    message[2] = static_cast<std::byte>(std::to_integer<unsigned>(message[2]) | asking.opcode << 3);
    store16(message.data() + message.size() - 2, asking.qclass);
    if (asking.edns >= 0)
        append_opt(message, static_cast<std::uint16_t>(asking.edns), asking.dnssec_ok);
    return message;
}

void append_opt(Bytes& message, std::uint16_t udp_size, bool dnssec_ok, std::uint8_t version) {
    const std::size_t at = message.size();
    message.resize(at + opt_size);
    store16(&message[at + 1], static_cast<std::uint16_t>(Type::opt));
    store16(&message[at + 3], udp_size);
    message[at + 6] = static_cast<std::byte>(version);
    store16(&message[at + 7], dnssec_ok ? 0x8000 : 0);
    store16(&message[10], static_cast<std::uint16_t>(load16(&message[10]) + 1));
}

void append_option(Bytes& message, std::uint16_t code, const Bytes& data) {
    // The OPT is the last record, and its length is the last thing before its options.
    std::size_t length_at = header_size;
    length_at += plain_name_size(message, header_size) + 4 + opt_size - 2;
    const std::size_t at = message.size();
    message.resize(at + 4);
    store16(&message[at], code);
    store16(&message[at + 2], static_cast<std::uint16_t>(data.size()));
    message.insert(message.end(), data.begin(), data.end());
    store16(&message[length_at],
            static_cast<std::uint16_t>(load16(&message[length_at]) + 4 + data.size()));
}

Bytes query_with_option(std::uint16_t code, const Bytes& data) {
    Bytes request = query("www.example");
    append_opt(request, 1232);
    append_option(request, code, data);
    return request;
}

const Bytes* OptSeen::option(std::uint16_t code) const {
    const Bytes* found = nullptr;
    for (const auto& [each, data] : options) {
        if (each != code) continue;
        if (found != nullptr) return nullptr;
        found = &data;
    }
    return found;
}

std::optional<OptSeen> opt_of(const Bytes& response) {
    REQUIRE(response.size() >= header_size);
    std::size_t at = header_size;
    for (unsigned i = load16(&response[4]); i > 0; --i) at = skip_name(response, at) + 4;
    const unsigned records = load16(&response[6]) + load16(&response[8]) + load16(&response[10]);
    std::optional<OptSeen> seen;
    for (unsigned i = 0; i < records; ++i) {
        const std::size_t fixed = skip_name(response, at);
        REQUIRE(fixed != 0);
        const std::size_t size = load16(&response[fixed + 8]);
        if (static_cast<Type>(load16(&response[fixed])) == Type::opt) {
            REQUIRE_FALSE(seen.has_value());
            seen.emplace();
            seen->udp_size = load16(&response[fixed + 2]);
            seen->rcode = static_cast<std::uint16_t>(
                std::to_integer<unsigned>(response[fixed + 4]) << 4 | rcode_of(response));
            seen->version = std::to_integer<std::uint8_t>(response[fixed + 5]);
            seen->flags = load16(&response[fixed + 6]);
            const std::size_t end = fixed + 10 + size;
            for (std::size_t option = fixed + 10; option < end;) {
                const auto begin = response.begin() + static_cast<std::ptrdiff_t>(option) + 4;
                const std::uint16_t length = load16(&response[option + 2]);
                seen->options.emplace_back(load16(&response[option]), Bytes(begin, begin + length));
                option += 4U + length;
                REQUIRE(option <= end);
            }
        }
        at = fixed + 10 + size;
    }
    REQUIRE(at == response.size());
    return seen;
}

Bytes hex(std::string_view digits) {
    Bytes result;
    for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
        result.push_back(
            static_cast<std::byte>(std::stoul(std::string(digits.substr(i, 2)), nullptr, 16)));
    return result;
}

std::string hex_text(std::span<const std::byte> bytes) {
    std::string text;
    for (const std::byte byte : bytes) {
        text += "0123456789abcdef"[std::to_integer<unsigned>(byte) >> 4];
        text += "0123456789abcdef"[std::to_integer<unsigned>(byte) & 0xf];
    }
    return text;
}

Peer peer(const Asking& asking) {
    Peer result;
    result.address = Prefix::parse(asking.peer)->address;
    result.transport = asking.transport;
    return result;
}

Bytes reply_to(const Catalog& catalog, const Bytes& request, const Asking& asking) {
    Bytes out(message_size_max);
    const Turn turn{asking.rotation, asking.now_seconds, asking.tcp_idle_ds};
    out.resize(respond(catalog, request, peer(asking), turn, out));
    return out;
}

Answer ask(const Catalog& catalog, std::string_view qname, const Asking& asking) {
    const Bytes response = reply_to(catalog, query(qname, asking), asking);
    auto answer = read_answer(response);
    REQUIRE(answer.has_value());
    CHECK(answer->id == 0x1234);
    return *answer;
}

Answer ask(const Catalog& catalog, std::string_view qname, Type type) {
    Asking asking;
    asking.type = type;
    return ask(catalog, qname, asking);
}

Lines lines(const std::vector<RRset>& section) {
    Lines result;
    for (const RRset& rrset : section)
        for (const Rdata& rdata : rrset.rdatas)
            result.push_back(rrset.owner.text() + " " + std::to_string(rrset.ttl.seconds) + " " +
                             type_text(rrset.type) + " " + rdata_text(rrset.type, rdata.bytes()));
    return result;
}

std::uint16_t flags_of(const Bytes& message) {
    return load16(&message[2]);
}
std::uint16_t rcode_of(const Bytes& message) {
    return flags_of(message) & 0xf;
}

Bytes bytes(std::initializer_list<int> values) {
    Bytes result;
    for (const int value : values) result.push_back(static_cast<std::byte>(value));
    return result;
}

}  // namespace zones::testing

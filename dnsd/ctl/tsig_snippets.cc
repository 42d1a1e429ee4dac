#include "dnsd/ctl/tsig_snippets.h"

#include "zones/tsig_text.h"

#include <algorithm>

#include <fmt/format.h>

namespace dnsd {
namespace {

constexpr std::uint16_t dns_port = 53;

std::string zone_of(const SnippetFacts& facts) {
    return facts.zone ? facts.zone->text() : "ZONE";
}
std::string primary_address(const SnippetFacts& facts) {
    return facts.primary ? facts.primary->address.text() : "ARBITER-ADDRESS";
}
std::uint16_t primary_port(const SnippetFacts& facts) {
    return facts.primary ? facts.primary->port : dns_port;
}
// A file's name for the secondary's copy; the root zone has no name to be called by.
std::string file_of(const SnippetFacts& facts) {
    return (facts.zone && facts.zone->is_root() ? "root" : zone_of(facts)) + ".zone";
}

}  // namespace

bool plain_name(const zones::Name& name) {
    const std::string text = name.text();
    return std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_' || c == '.';
    });
}

std::string dnsd_toml(const SnippetFacts& facts) {
    std::string address = "SECONDARY-ADDRESS";
    if (facts.secondary)
        address = facts.secondary->port == dns_port ? facts.secondary->address.text()
                                                    : facts.secondary->text();
    return fmt::format("secondaries = [\"{} key {}\"]    # of {}\n[transfer]\nkey_file = \"{}\"\n",
                       address, facts.key.name.text(), zone_of(facts), facts.key_file);
}

// serial-query-rate stands in options { }, of which there is but one: it can not be pasted.
std::string named_conf(const SnippetFacts& facts) {
    const std::string key = facts.key.name.text();
    return "# options { } needs: serial-query-rate 10000;    the default, 20, holds changes "
           "back\n" +
           zones::tsig_key_text(facts.key) +
           fmt::format(
               "zone \"{}\" {{\n"
               "    type secondary;\n"
               "    primaries {{ {} port {} key \"{}\"; }};\n"
               "    allow-notify {{ key \"{}\"; }};\n"
               "    file \"{}\";\n"
               "}};\n",
               zone_of(facts), primary_address(facts), primary_port(facts), key, key,
               file_of(facts));
}

std::string nsd_conf(const SnippetFacts& facts) {
    const std::string key = facts.key.name.text();
    return fmt::format(
        "key:\n"
        "    name: \"{0}\"\n"
        "    algorithm: {1}\n"
        "    secret: \"{2}\"\n"
        "zone:\n"
        "    name: \"{3}\"\n"
        "    request-xfr: {4}@{5} {0}\n"
        "    allow-notify: {4} {0}\n"
        "    zonefile: \"{6}\"\n",
        key, zones::text(facts.key.algorithm), zones::tsig_secret_text(facts.key), zone_of(facts),
        primary_address(facts), primary_port(facts), file_of(facts));
}

std::string knot_conf(const SnippetFacts& facts) {
    const std::string key = facts.key.name.text();
    return fmt::format(
        "key:\n"
        "  - id: \"{0}\"\n"
        "    algorithm: {1}\n"
        "    secret: \"{2}\"\n"
        "remote:\n"
        "  - id: \"arbiter-{0}\"\n"
        "    address: \"{4}@{5}\"\n"
        "    key: \"{0}\"\n"
        "acl:\n"
        "  - id: \"notify-{0}\"\n"
        "    address: \"{4}\"\n"
        "    key: \"{0}\"\n"
        "    action: notify\n"
        "zone:\n"
        "  - domain: \"{3}\"\n"
        "    master: \"arbiter-{0}\"\n"
        "    acl: \"notify-{0}\"\n",
        key, zones::text(facts.key.algorithm), zones::tsig_secret_text(facts.key), zone_of(facts),
        primary_address(facts), primary_port(facts));
}

}  // namespace dnsd

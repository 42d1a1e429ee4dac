#pragma once
// What to paste into the configurations of a secondary and of ours, so that both have one key.
// Pure: facts in, text out.

#include "dnsd/config/endpoint.h"
#include "zones/tsig.h"

#include <optional>
#include <string>

namespace dnsd {

// What is not known stands in the text as a word in capitals, which no server takes by mistake.
struct SnippetFacts {
    zones::TsigKey key;
    std::string key_file;  // ours
    std::optional<zones::Name> zone;
    std::optional<Endpoint> primary;    // us, as the secondary reaches us
    std::optional<Endpoint> secondary;  // as we reach it
};

// All four servers take these words without quotes or escapes: letters, digits, '-', '_' and '.'.
bool plain_name(const zones::Name& name);

std::string dnsd_toml(const SnippetFacts&);
std::string named_conf(const SnippetFacts&);
std::string nsd_conf(const SnippetFacts&);
std::string knot_conf(const SnippetFacts&);

}  // namespace dnsd

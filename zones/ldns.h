#pragma once
// The one door to ldns: owning handles, and its surprises. For .cc files only, included last:
// ldns/common.h defines bool, true and false as macros unless stdbool.h came first.

#include <stdbool.h>

#include <ldns/ldns.h>

#include <cstdlib>
#include <memory>

namespace zones::ldns {

struct RrDeleter {
    void operator()(ldns_rr* rr) const { ldns_rr_free(rr); }
};
using RrHandle = std::unique_ptr<ldns_rr, RrDeleter>;

struct RdfDeleter {
    void operator()(ldns_rdf* rdf) const { ldns_rdf_deep_free(rdf); }
};
using RdfHandle = std::unique_ptr<ldns_rdf, RdfDeleter>;

struct TextDeleter {
    void operator()(char* text) const { std::free(text); }
};
using TextHandle = std::unique_ptr<char, TextDeleter>;

}  // namespace zones::ldns

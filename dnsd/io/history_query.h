#pragma once
// What a URL may ask of the history, "group=wiki.example&server=wiki2&since=…&limit=20": of the
// newest decisions, which the snapshot holds, those that fit all of it.

#include "dnsd/io/status_json.h"

#include <cstdint>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace dnsd {

struct HistoryQuery {
    std::string group;          // empty: of all
    std::string server;         // whom it is of, from or to; empty: of all
    std::int64_t since_ms = 0;  // not older than this
    std::size_t limit = 1000;   // the newest of them

    bool takes(const Decision&) const;
};

// The error is one sentence, with what to write instead.
tl::expected<HistoryQuery, std::string> read_history_query(std::string_view query, const Status&);

// One line of JSON, without a newline at its end.
std::string history_json(const Status&, const HistoryQuery& = {});

}  // namespace dnsd

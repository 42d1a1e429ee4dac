#pragma once
// Who is told of a zone, who may transfer it, and by which keys: [transfer], and what a zone says
// of the same.

#include "dnsd/config/endpoint.h"
#include "dnsd/config/fields.h"
#include "zones/catalog.h"
#include "zones/history.h"
#include "zones/tsig.h"
#include "zones/zonefile.h"

#include <optional>
#include <string>
#include <vector>

namespace dnsd {

constexpr std::size_t allow_max = 1024;  // rules of one list

// "198.51.100.1", "203.0.113.9:5353 key ns2.example"
struct Secondary {
    Endpoint endpoint;
    std::optional<zones::Name> key;  // signs what passes between us (RFC 8945)
    std::string text() const;
    friend bool operator==(const Secondary&, const Secondary&) = default;
};

// [transfer]
struct TransferConfig {
    std::string key_file;  // empty: none
    bool weak_algorithms = false;
    std::size_t mac_bytes_min = 0;  // of MACs that are cut (RFC 8945 §5.2.2.1); 0: whole ones alone
    std::vector<zones::TransferRule> allow;  // of every zone, beside the secondaries
    bool notify_ns = true;
    zones::HistoryLimits history;
    std::vector<zones::TsigKey> keys;  // as they stand in key_file
};

// "192.0.2.0/24 key backup.example"
std::string rule_text(const zones::TransferRule& rule);

class TransferReader {
public:
    // `open_secret` reads a file of secrets with the care that it needs; without one, files of keys
    // are not looked at, and every name of a key is taken.
    TransferReader(Document& document, const zones::Opener& open_secret)
        : document_(document), open_secret_(open_secret) {}

    // Before the zones, which name its keys. Paths are taken relative to `directory`.
    TransferConfig read(std::optional<Table> table, const std::string& directory);

    std::vector<Secondary> secondaries(Table& table, std::uint16_t default_port, std::size_t most);
    std::vector<zones::TransferRule> allow(Table& table);

private:
    void read_keys(const Field<std::string>& file, TransferConfig& transfer);
    std::optional<zones::Name> key(const Field<std::string>& field, const std::string& text);
    std::optional<zones::TransferRule> rule(const Field<std::string>& field);

    Document& document_;
    const zones::Opener& open_secret_;
    std::string key_file_;
    bool keys_known_ = true;  // false: the file could not be read, or was not
    std::vector<zones::Name> keys_;
};

}  // namespace dnsd

#include "dnsd/config/transfers.h"

#include "zones/tsig_text.h"

#include <algorithm>
#include <sstream>

#include <fmt/format.h>

namespace dnsd {
namespace {

constexpr std::string_view make_one = "arbiterctl keys tsig NAME makes one";

std::vector<std::string> words_of(const std::string& text) {
    std::istringstream stream(text);
    std::vector<std::string> words;
    for (std::string word; stream >> word;) words.push_back(std::move(word));
    return words;
}

zones::HistoryLimits history(std::optional<Table> table) {
    zones::HistoryLimits limits;
    if (!table) return limits;
    limits.deltas_max = table
                            ->number("versions", static_cast<unsigned>(limits.deltas_max), 0,
                                     zones::HistoryLimits::deltas_most)
                            .value;
    limits.bytes_max = table->bytes("bytes", limits.bytes_max, 0, std::size_t{64} << 30).value;
    table->finish();
    return limits;
}

}  // namespace

std::string Secondary::text() const {
    return key ? fmt::format("{} key {}", endpoint.text(), key->text()) : endpoint.text();
}

std::string rule_text(const zones::TransferRule& rule) {
    std::string text = rule.from ? rule.from->text() : "";
    if (rule.key) text += fmt::format("{}key {}", text.empty() ? "" : " ", rule.key->text());
    return text;
}

TransferConfig TransferReader::read(std::optional<Table> table, const std::string& directory) {
    TransferConfig transfer;
    keys_known_ = static_cast<bool>(open_secret_);
    if (!table) return transfer;
    const auto file = table->text("key_file", "");
    transfer.weak_algorithms = table->flag("weak_algorithms", false).value;
    transfer.mac_bytes_min = table->number("mac_bytes_min", 0, 0, zones::mac_size_max).value;
    transfer.notify_ns = table->flag("notify_ns", true).value;
    transfer.history = history(table->table("history"));
    if (!file.value.empty()) {
        transfer.key_file = file.value.starts_with('/') ? file.value : directory + file.value;
        key_file_ = transfer.key_file;
        if (open_secret_) read_keys(file, transfer);
    }
    transfer.allow = allow(*table);
    table->finish();
    return transfer;
}

void TransferReader::read_keys(const Field<std::string>& file, TransferConfig& transfer) {
    keys_known_ = false;
    const auto text = open_secret_(key_file_);
    if (!text) return document_.error(file.place, text.error());
    auto keys = zones::read_tsig_keys(key_file_, *text, transfer.weak_algorithms);
    if (!keys) {
        for (const zones::Mistake& mistake : keys.error()) document_.add(from_zone_file(mistake));
        return;
    }
    if (keys->size() > zones::TsigKeys::keys_max)
        return document_.error(file.place, fmt::format("{} holds {} keys, more than {}", key_file_,
                                                       keys->size(), zones::TsigKeys::keys_max));
    keys_known_ = true;
    transfer.keys = *std::move(keys);
    for (const zones::TsigKey& one : transfer.keys) keys_.push_back(one.name);
}

// A key that is named and that we do not have would refuse whom it is to admit.
std::optional<zones::Name> TransferReader::key(const Field<std::string>& field,
                                               const std::string& text) {
    const auto name = zones::Name::parse(text);
    if (!name) {
        document_.error(field.place,
                        fmt::format("\"{}\" is no name of a key: {}", text, name.error()));
        return std::nullopt;
    }
    if (!keys_known_ || std::find(keys_.begin(), keys_.end(), *name) != keys_.end()) return *name;
    if (key_file_.empty()) {
        document_.error(
            field.place, fmt::format("there is no key '{}', as [transfer] has no key_file", text),
            fmt::format("key_file = \"/etc/arbiter/tsig.key\" in [transfer]; {}", make_one));
        return std::nullopt;
    }
    std::vector<std::string> names;
    for (const zones::Name& one : keys_) names.push_back(one.text());
    const std::vector<std::string_view> views(names.begin(), names.end());
    const std::string_view meant = did_you_mean(name->text(), views);
    document_.error(
        field.place, fmt::format("the key '{}' is not in {}", text, key_file_),
        meant.empty() ? std::string(make_one) : fmt::format("did you mean '{}'?", meant));
    return std::nullopt;
}

std::vector<Secondary> TransferReader::secondaries(Table& table, std::uint16_t default_port,
                                                   std::size_t most) {
    std::vector<Secondary> out;
    for (const auto& field : table.texts("secondaries", most)) {
        const auto words = words_of(field.value);
        const auto endpoint =
            words.empty() ? std::nullopt : Endpoint::parse(words[0], default_port);
        if (!endpoint || (words.size() != 1 && (words.size() != 3 || words[1] != "key"))) {
            document_.error(
                field.place,
                endpoint ? fmt::format("\"{}\" is no address with a key", field.value)
                         : fmt::format("\"{}\" is no address with a port", field.value),
                fmt::format("as in \"192.0.2.1\", \"192.0.2.1:{0}\", \"[2001:db8::1]:{0}\" or "
                            "\"192.0.2.1 key ns2.example\"",
                            default_port));
            continue;
        }
        Secondary secondary{*endpoint, std::nullopt};
        if (words.size() == 3) secondary.key = key(field, words[2]);
        if (std::any_of(out.begin(), out.end(),
                        [&](const Secondary& one) { return one.endpoint == *endpoint; }))
            document_.error(field.place, fmt::format("{} is there twice", endpoint->text()));
        else
            out.push_back(std::move(secondary));
    }
    return out;
}

std::optional<zones::TransferRule> TransferReader::rule(const Field<std::string>& field) {
    const auto words = words_of(field.value);
    zones::TransferRule rule;
    std::size_t at = 0;
    if (!words.empty() && words[0] != "key") {
        rule.from = zones::Prefix::parse(words[0]);
        at = 1;
    }
    const bool keyed = words.size() == at + 2 && words[at] == "key";
    if ((at == 1 && !rule.from) || (words.size() != at && !keyed) || words.empty()) {
        document_.error(field.place,
                        fmt::format("\"{}\" is no address and no network", field.value),
                        "as in \"192.0.2.1\", \"192.0.2.0/24\", \"key backup.example\" or "
                        "\"192.0.2.0/24 key backup.example\"");
        return std::nullopt;
    }
    if (keyed) {
        rule.key = key(field, words[at + 1]);
        if (!rule.key) return std::nullopt;  // never a rule that asks for less than was written
    }
    return rule;
}

std::vector<zones::TransferRule> TransferReader::allow(Table& table) {
    std::vector<zones::TransferRule> rules;
    for (const auto& field : table.texts("allow", allow_max)) {
        auto one = rule(field);
        if (!one) continue;
        if (std::find(rules.begin(), rules.end(), *one) != rules.end())
            document_.error(field.place, fmt::format("{} is there twice", rule_text(*one)));
        else
            rules.push_back(*std::move(one));
    }
    return rules;
}

}  // namespace dnsd

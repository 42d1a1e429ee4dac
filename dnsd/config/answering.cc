#include "dnsd/config/answering.h"

#include "zones/edns.h"

#include <charconv>

#include <fmt/format.h>

namespace dnsd {

namespace {

constexpr std::size_t txt_string_max = 255;  // RFC 1035 §3.3

// RFC 5001 §2.3: any bytes. Text is taken as it is, "0x…" as hexadecimal digits.
std::string nsid(Table& dns) {
    const auto field = dns.text("nsid", "");
    std::string id = field.value;
    if (id.starts_with("0x")) {
        const std::string_view digits = std::string_view(field.value).substr(2);
        id.clear();
        for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
            unsigned byte = 0;
            const auto [end, error] =
                std::from_chars(digits.data() + i, digits.data() + i + 2, byte, 16);
            if (error != std::errc() || end != digits.data() + i + 2) break;
            id += static_cast<char>(byte);
        }
        if (digits.empty() || id.size() * 2 != digits.size())
            dns.document().error(
                field.place, fmt::format("\"{}\" is no row of hexadecimal bytes", field.value),
                "two digits a byte, as in \"0x6e7330\"; or a text that does not begin with 0x");
    }
    if (id.size() > zones::nsid_size_max)
        dns.document().error(field.place, fmt::format("an NSID of {} bytes is longer than {}",
                                                      id.size(), zones::nsid_size_max));
    return id;
}

// A text of class CH; nullopt when nothing is said of it.
std::optional<std::string> chaos_text(Table& dns, std::string_view key) {
    const auto field = dns.text(key, "");
    if (!field.said) return std::nullopt;
    if (field.value.size() > txt_string_max)
        dns.document().error(field.place, fmt::format("a text of {} bytes is longer than {}",
                                                      field.value.size(), txt_string_max));
    return field.value;
}

}  // namespace

void read_answering(Table& dns, Config& config) {
    config.nsid = nsid(dns);
    config.chaos_version = chaos_text(dns, "version");
    config.chaos_id = chaos_text(dns, "id");
    config.cookies = dns.word("cookies", "answer", {"answer", "require", "off"}).value;
    const auto file = dns.text("cookie_file", "");
    config.cookie_file = file.value;
    if (file.said && config.cookies == "off")
        dns.document().error(file.place, "a cookie_file has no use with cookies = \"off\"");
}

}  // namespace dnsd

// The readers of both configurations: any text is a configuration or a list of mistakes.
#include "agent/config/config.h"
#include "dnsd/config/config.h"
#include "tests/fuzz/check.h"

#include <string>
#include <utility>

namespace {

using Text = tl::expected<std::string, std::string>;

void read_dnsd(const std::string& text) {
    const auto read =
        dnsd::read_config("dnsd.toml", [&](const std::string&) -> Text { return text; });
    bool errors = false;
    for (const dnsd::Mistake& mistake : read.mistakes) errors |= mistake.is_error;
    FUZZ_CHECK(errors == !read.config.has_value());
    FUZZ_CHECK(read.mistakes.empty() == read.report().empty());
    if (read.config) FUZZ_CHECK(dnsd::differences(*read.config, *read.config).empty());
}

void read_agent(const std::string& text) {
    const auto open = [&](const std::string& path) -> Text {
        return path == "agent.toml" ? text : "secret\n";
    };
    const auto keys = [](const std::string&) -> tl::expected<heartbeat::SecretKeys, std::string> {
        return tl::unexpected<std::string>("no keys here");
    };
    const auto read = agent::read_config("agent.toml", {open, open, keys});
    FUZZ_CHECK(read.config.has_value() || !read.report.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    read_dnsd(text);
    read_agent(text);
    return 0;
}

#include "dnsd/ctl/commands.h"

#include "dnsd/ctl/daemon.h"
#include "dnsd/ctl/suggest.h"
#include "heartbeat/io/clock.h"
#include "heartbeat/io/keyfile.h"

#include <array>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace dnsd {

namespace {

using Json = nlohmann::ordered_json;

// sysexits.h: what arbiter-dnsd ends with beside 0 and 1.
constexpr int ex_usage = 64;
constexpr int ex_dataerr = 65;
constexpr int ex_noinput = 66;
constexpr int ex_config = 78;

void print_document(const Json& document) {
    // Bytes that are no UTF-8, in a path say, must not stop the answer.
    fmt::print("{}\n", document.dump(2, ' ', false, Json::error_handler_t::replace));
}

// By what is in it: a secret key must not be refused for the mode of a public one, or the reverse.
bool holds_secret(const std::string& path) {
    constexpr std::string_view begin = "arb-secret-";
    std::array<char, begin.size()> bytes{};
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"),
                                                               &std::fclose);
    if (!file) return path.ends_with(".key");
    return std::fread(bytes.data(), 1, bytes.size(), file.get()) == bytes.size() &&
           std::string_view(bytes.data(), bytes.size()) == begin;
}

}  // namespace

Exit complain(bool json, Exit exit, std::string_view error, std::string_view hint) {
    if (json) {
        Json document{{"format", 1}, {"ok", false}, {"error", error}};
        if (!hint.empty()) document["hint"] = hint;
        print_document(document);
        return exit;
    }
    fmt::print(stderr, "arbiterctl: {}\n", error);
    if (!hint.empty()) fmt::print(stderr, "  hint: {}\n", hint);
    return exit;
}

Exit keys_new(const CommandOptions& options, const std::string& name, const std::string& folder) {
    const auto id = heartbeat::ServerId::parse(name);
    if (!id)
        return complain(options.json, Exit::usage, fmt::format("'{}' is no name for a key", name),
                        "1 to 32 of a-z, 0-9 and '-', no '-' at an end");
    const std::string secret_file = (std::filesystem::path(folder) / (name + ".key")).string();
    const std::string public_file = (std::filesystem::path(folder) / (name + ".pub")).string();
    heartbeat::Seed seed = heartbeat::fresh_seed();
    const auto keys = heartbeat::SecretKeys::make(*id, seed);
    heartbeat::wipe(seed);
    // The public file first: with a name that is taken nothing secret is left behind.
    if (const auto written = heartbeat::write_public_keys(public_file, keys.public_keys());
        !written)
        return complain(options.json, Exit::refused, written.error());
    if (const auto written = heartbeat::write_secret_keys(secret_file, keys); !written) {
        std::error_code ignored;
        std::filesystem::remove(public_file, ignored);
        return complain(options.json, Exit::refused, written.error());
    }
    const std::string line = keys.public_keys().text();
    if (options.json) {
        print_document({{"format", 1},
                        {"name", name},
                        {"secret_file", secret_file},
                        {"public_file", public_file},
                        {"public", line}});
    } else {
        fmt::print(stderr, "wrote {} (keep it secret) and {}\n", secret_file, public_file);
        fmt::print("{}\n", line);
    }
    return Exit::done;
}

Exit keys_show(const CommandOptions& options, const std::string& path) {
    std::vector<heartbeat::PublicKeys> keys;
    const bool secret = holds_secret(path);
    if (secret) {
        const auto read = heartbeat::read_secret_keys(path);
        if (!read) return complain(options.json, Exit::refused, read.error());
        keys.push_back(read->public_keys());
    } else {
        auto read = heartbeat::read_public_keys(path);
        if (!read) return complain(options.json, Exit::refused, read.error());
        keys = *std::move(read);
    }
    if (options.json) {
        Json lines = Json::array();
        for (const auto& each : keys) lines.push_back(each.text());
        print_document({{"format", 1},
                        {"name", keys.front().name.text()},
                        {"secret", secret},
                        {"public", lines}});
    } else {
        for (const auto& each : keys) fmt::print("{}\n", each.text());
    }
    return Exit::done;
}

Exit run_daemon(const CommandOptions& options, DaemonTask task, const std::string& configuration) {
    const std::string flag = task == DaemonTask::init ? "--init" : "--check";
    const auto ran = run_program(daemon_program(), {"--config", configuration, flag},
                                 options.json ? Output::kept : Output::passed_on);
    if (!ran)
        return complain(options.json, Exit::refused, ran.error(),
                        "it comes with the package arbiter-dnsd");
    Exit exit = Exit::refused;
    switch (ran->exit_code) {
        case 0:
            exit = Exit::done;
            break;
        case 1:
            exit = task == DaemonTask::check ? Exit::usage : Exit::refused;
            break;
        case ex_usage:
        case ex_dataerr:
        case ex_noinput:
        case ex_config:
            exit = Exit::usage;
            break;
    }
    if (options.json)
        print_document({{"format", 1},
                        {"ok", exit == Exit::done},
                        {"file", configuration},
                        {"report", ran->output}});
    return exit;
}

}  // namespace dnsd

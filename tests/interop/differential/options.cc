#include "tests/interop/differential/options.h"

#include "tests/lab/primary.h"

#include <charconv>
#include <iostream>

namespace differential {

namespace {

constexpr const char* usage =
    "usage: differential [--zones N] [--batch N] [--questions N] [--seed N] [--zone K]\n"
    "                    [--only bind|nsd|knot] [--real DIR|auto [--share PERCENT]] [--keep DIR]\n"
    "                    [--show N] [--port FIRST] [--hold] [--program ARBITER-DNSD]";

std::uint64_t number(const std::string& option, const std::string& text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size())
        throw Usage(option + ": '" + text + "' is no number\n" + usage);
    return value;
}

Peer peer_named(const std::string& text) {
    if (text == "bind") return Peer::bind;
    if (text == "nsd") return Peer::nsd;
    if (text == "knot") return Peer::knot;
    throw Usage("--only: '" + text + "' is not bind, nsd or knot");
}

}  // namespace

Options Options::read(int argc, char** argv) {
    Options options;
    options.program = std::string(ARBITER_BIN_DIR) + "/arbiter-dnsd";
    const std::vector<std::string> words(argv + 1, argv + argc);
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::string& option = words[i];
        if (option == "--hold") {
            options.hold = true;
            continue;
        }
        if (i + 1 == words.size()) throw Usage(option + ": unknown, or lacks its value\n" + usage);
        const std::string& value = words[++i];
        if (option == "--zones")
            options.zones = number(option, value);
        else if (option == "--batch")
            options.batch = std::max<std::size_t>(1, number(option, value));
        else if (option == "--questions")
            options.questions = number(option, value);
        else if (option == "--seed")
            options.seed = number(option, value);
        else if (option == "--zone")
            options.zone = number(option, value);
        else if (option == "--only")
            options.peers = {peer_named(value)};
        else if (option == "--real")
            options.real = value;
        else if (option == "--share")
            options.share = static_cast<unsigned>(number(option, value));
        else if (option == "--keep")
            options.keep = value;
        else if (option == "--show")
            options.shown = number(option, value);
        else if (option == "--port")
            options.port = static_cast<int>(number(option, value));
        else if (option == "--program")
            options.program = value;
        else
            throw Usage(option + ": unknown\n" + usage);
    }
    if (options.zone) options.zones = std::max(options.zones, *options.zone + 1);
    return options;
}

std::vector<int> Options::ports() const {
    if (port == 0) return lab::free_ports(4);
    return {port, port + 1, port + 2, port + 3};
}

void Options::wait_for_enter() const {
    std::cout << "the servers are up; Enter ends\n" << std::flush;
    std::string line;
    std::getline(std::cin, line);
}

}  // namespace differential

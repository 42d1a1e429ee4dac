#include "tests/lab/bind.h"

#include "tests/lab/ask.h"
#include "tests/lab/program.h"

#include <filesystem>
#include <stdexcept>

namespace lab {

BindSecondary::BindSecondary(Place place) : place_(std::move(place)) {
    std::filesystem::create_directories(place_.folder);
    unconfined_program("named", place_.folder);
    const std::string port = std::to_string(place_.port);
    const std::string folder = place_.folder;
    // serial-query-rate: at its default of 20 BIND delays its SOA query behind a NOTIFY by up to
    // seconds when changes follow each other.
    write_file(folder + "/named.conf",
               "options {\n"
               "  directory \"" +
                   folder +
                   "\";\n"
                   "  pid-file none; session-keyfile none; managed-keys-directory \"" +
                   folder +
                   "\";\n"
                   "  listen-on port " +
                   port + " { " + place_.address +
                   "; }; listen-on-v6 { none; };\n"
                   "  recursion no; dnssec-validation no; notify no; allow-transfer { any; };\n"
                   "  serial-query-rate 1000;\n"
                   "};\n"
                   "controls { };\n"
                   "zone \"" +
                   place_.zone +
                   "\" { type secondary; file \"secondary.db\";\n"
                   "  masterfile-format text;\n"
                   "  primaries { " +
                   place_.primary + " port " + std::to_string(place_.primary_port) + "; }; };\n");
}

void BindSecondary::start() {
    process_ = std::make_unique<Process>(
        Command{{place_.folder + "/named", "-g", "-n", "1", "-c", place_.folder + "/named.conf"},
                {},
                place_.folder + "/log"});
    const bool up = until(20s, [&] {
        return !process_->running() ||
               ask(place_.address, place_.port, place_.zone, zones::Type::soa, 200ms).has_value();
    });
    if (!up || !process_->running()) throw std::runtime_error("BIND does not start: " + log());
}

void BindSecondary::stop() {
    if (process_) process_->stop();
}

}  // namespace lab

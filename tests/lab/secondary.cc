#include "tests/lab/secondary.h"

#include "tests/lab/ask.h"
#include "tests/lab/program.h"
#include "tests/lab/secondary_text.h"

#include <filesystem>
#include <stdexcept>

#include <signal.h>

namespace lab {

namespace {

std::string configuration(const Secondary::Place& place) {
    switch (place.kind) {
        case ServerKind::bind:
            return bind_text(place);
        case ServerKind::nsd:
            return nsd_text(place);
        case ServerKind::knot:
            return knot_text(place);
    }
    throw std::logic_error("no such kind");
}

std::vector<std::string> command(const Secondary::Place& place) {
    const std::string conf = place.folder + "/conf";
    switch (place.kind) {
        case ServerKind::bind:
            return {place.folder + "/named", "-g", "-n", "1", "-c", conf};
        case ServerKind::nsd:
            return {"nsd", "-d", "-c", conf};
        case ServerKind::knot:
            return {"knotd", "-c", conf};
    }
    throw std::logic_error("no such kind");
}

}  // namespace

const char* name_of(ServerKind kind) {
    switch (kind) {
        case ServerKind::bind:
            return "BIND";
        case ServerKind::nsd:
            return "NSD";
        case ServerKind::knot:
            return "Knot";
    }
    return "?";
}

std::string SharedKey::named() const {
    return "key \"" + name + "\" { algorithm hmac-sha256; secret \"" + secret + "\"; };\n";
}

Secondary::Secondary(Place place) : place_(std::move(place)) {
    std::filesystem::create_directories(place_.folder + "/data");
    if (place_.kind == ServerKind::bind) unconfined_program("named", place_.folder);
    change(place_);
}

void Secondary::change(const Place& place) {
    place_ = place;
    write_file(place_.folder + "/conf", configuration(place_), 0600);
}

void Secondary::start() {
    process_ = std::make_unique<Process>(Command{command(place_), {}, place_.folder + "/log"});
    const bool up = until(20s, [&] {
        return !process_->running() ||
               ask(place_.address, place_.port, place_.zone, zones::Type::soa, 200ms).has_value();
    });
    if (!up || !process_->running()) throw std::runtime_error(name() + " does not start: " + log());
}

void Secondary::stop() {
    if (!process_) return;
    process_->signal_all(SIGCONT);  // those that are stopped could not end
    process_->stop();
}

void Secondary::kill() {
    if (!process_) return;
    process_->signal_all(SIGKILL);
    process_->kill();
}

void Secondary::wipe() {
    std::filesystem::remove_all(place_.folder + "/data");
    std::filesystem::create_directories(place_.folder + "/data");
}

void Secondary::signal(int number) {
    process_->signal_all(number);
}

std::string Secondary::name() const {
    return std::string(name_of(place_.kind)) + (place_.key ? " with TSIG" : "");
}

std::optional<std::uint32_t> Secondary::serial() const {
    return serial_at(place_.address, place_.port, place_.zone);
}

}  // namespace lab

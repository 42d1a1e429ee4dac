#include "tests/lab/arbiter.h"

#include "tests/lab/ask.h"
#include "tests/lab/stream.h"

#include <filesystem>
#include <sstream>
#include <stdexcept>

#include <signal.h>

namespace lab {

namespace {

std::string quoted(const std::string& text) {
    return "\"" + text + "\"";
}

std::string text_of(const Arbiter::Place& place) {
    std::string secondaries;
    for (const std::string& one : place.secondaries)
        secondaries += (secondaries.empty() ? "" : ", ") + quoted(one);
    return "[dns]\nlisten = [" + quoted(place.address + ":" + std::to_string(place.port)) +
           "]\nworkers = 1\n" +
           "[state]\ndirectory = \"state\"\ncontrol = " + quoted(place.folder + "/control.sock") +
           "\n" +
           (place.monitor_port != 0
                ? "[monitor]\nlisten = " +
                      quoted(place.address + ":" + std::to_string(place.monitor_port)) + "\n"
                : "") +
           (place.key ? "[transfer]\nkey_file = \"tsig.key\"\n" : "") + place.more +
           "[[zone]]\nname = " + quoted(place.zone) +
           "\nfile = \"zone\"\nnotify_ns = false\nsecondaries = [" + secondaries + "]\n";
}

}  // namespace

Arbiter::Arbiter(Place place, const std::string& zone_text)
    : place_(std::move(place)), zone_file_(place_.folder + "/zone") {
    std::filesystem::create_directories(place_.folder + "/state");
    write_file(zone_file_, zone_text);
    change(place_);
    const Outcome made =
        run({place_.programs + "/arbiterctl", "init", "--config", place_.folder + "/dnsd.toml"});
    if (made.status != 0) throw std::runtime_error("arbiterctl init: " + made.err);
}

void Arbiter::change(const Place& place) {
    place_ = place;
    if (place_.key) write_file(place_.folder + "/tsig.key", place_.key->named(), 0600);
    write_file(place_.folder + "/dnsd.toml", text_of(place_));
}

void Arbiter::start() {
    process_ = std::make_unique<Process>(
        Command{{place_.programs + "/arbiter-dnsd", "--config", place_.folder + "/dnsd.toml"},
                {},
                place_.folder + "/log"});
    const bool up = until(
        30s, [this] { return !process_->running() || serial().has_value(); }, 5ms);
    if (!up || !process_->running())
        throw std::runtime_error("the arbiter does not start: " + log());
}

void Arbiter::stop() {
    if (process_) process_->stop();
}

void Arbiter::kill() {
    if (process_) process_->kill();
}

void Arbiter::change(const std::string& zone_text) {
    write_file(zone_file_, zone_text);
    process_->signal(SIGHUP);
}

std::optional<std::uint32_t> Arbiter::serial() const {
    return serial_at(place_.address, place_.port, place_.zone);
}

std::string Arbiter::metrics() const {
    const auto page = Stream::to(place_.address, place_.monitor_port);
    if (!page) return {};
    const std::string request =
        "GET /metrics HTTP/1.1\r\nHost: " + place_.address + "\r\nConnection: close\r\n\r\n";
    page->send(std::as_bytes(std::span(request)));
    const Bytes text = page->receive_all(5s);
    return {reinterpret_cast<const char*>(text.data()), text.size()};
}

double Arbiter::metric(const std::string& series) const {
    std::istringstream lines(metrics());
    for (std::string line; std::getline(lines, line);)
        if (line.starts_with(series + " ")) return std::stod(line.substr(series.size() + 1));
    return -1;
}

long Arbiter::resident_kib() const {
    const std::string status = read_file("/proc/" + std::to_string(pid()) + "/status");
    const std::size_t at = status.find("VmRSS:");
    return at == std::string::npos ? 0 : std::stol(status.substr(at + 6));
}

}  // namespace lab

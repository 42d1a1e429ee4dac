#include "tests/lab/show.h"

#include <fstream>

namespace lab {

namespace {

constexpr Milliseconds edit_every = 1s;
constexpr int said_every = 5;  // of the edits that went well

std::string joined(const std::vector<std::string>& texts) {
    std::string result;
    for (const std::string& text : texts) result += (result.empty() ? "" : " ") + text;
    return result.empty() ? "nobody" : result;
}

}  // namespace

std::vector<std::string> Show::Tail::lines() {
    std::ifstream file(path_, std::ios::binary);
    file.seekg(static_cast<std::streamoff>(read_));
    std::vector<std::string> result;
    std::string line;
    while (std::getline(file, line) && !file.eof()) {
        read_ += line.size() + 1;
        result.push_back(line);
    }
    return result;
}

Show::Show(Cluster& cluster) : cluster_(cluster), edit_due_(now() + edit_every) {
    logs_.emplace_back("arbiter", Tail(cluster.arbiter_log()));
    for (const Machine& machine : cluster.machines())
        logs_.emplace_back(machine.name, Tail(machine.folder + "/agent.log"));
    for (auto& [who, tail] : logs_) tail.lines();  // what was before is not news
    serial_ = cluster.serial_at_arbiter();
}

void Show::say(const std::string& who, const std::string& what) const {
    std::printf("%7.1f s  %-8s %s\n", seconds_since(begun_), who.c_str(), what.c_str());
    std::fflush(stdout);
}

void Show::look() {
    look_at_logs();
    look_at_serials();
    edit();
}

void Show::look_at_logs() {
    for (auto& [who, tail] : logs_)
        for (const std::string& line : tail.lines()) say(who, line);
}

void Show::look_at_serials() {
    const auto here = cluster_.serial_at_arbiter();
    if (here && here != serial_) {
        serial_ = here;
        awaited_ = now();
    }
    if (!awaited_ || cluster_.serial_at_secondary() != serial_) return;
    const double waited = seconds_since(*awaited_) * 1e3;
    awaited_.reset();
    const auto master = cluster_.master_at_secondary();
    char text[80];
    std::snprintf(text, sizeof text,
                  "serial %u at the secondary %.0f ms after the arbiter: ", *serial_, waited);
    say("bind", text + ("www " + names(cluster_.pool_at_secondary())) + ", master " +
                    names(master ? std::vector{*master} : std::vector<std::string>{}));
}

std::string Show::names(const std::vector<std::string>& addresses) {
    std::vector<std::string> result;
    for (const std::string& address : addresses) {
        const Machine* machine = cluster_.at(address);
        result.push_back(machine != nullptr ? machine->name : address);
    }
    return joined(result);
}

// One edit a second, at the server that the secondary names as master: as a wiki's own user would.
void Show::edit() {
    if (writer_) {
        if (writer_->running()) return;
        const bool saved = writer_->status() == 0;
        writer_.reset();
        edits_ += saved ? 1 : 0;
        const std::string where = names({writer_at_});
        if (saved && (refused_ || edits_ % said_every == 1))
            say("edit",
                std::to_string(edits_) + " saved at " + where + "; rows: " + edits_everywhere());
        if (!saved && !refused_) say("edit", "not possible at " + where);
        refused_ = !saved;
    }
    if (now() < edit_due_) return;
    const auto master = cluster_.master_at_secondary();
    if (!master) return;
    edit_due_ = now() + edit_every;
    writer_at_ = *master;
    writer_ = std::make_unique<Process>(Command{
        {"mariadb", "--no-defaults", "--host=" + *master,
         "--port=" + std::to_string(cluster_.plan().database_port),
         std::string("-u") + Accounts::wiki, std::string("-p") + Accounts::wiki_password,
         "--connect-timeout=1", "wiki", "-e",
         "INSERT INTO edit (author, text) VALUES ('run', CONCAT('written at ', @@server_id))"},
        {},
        {}});
}

std::string Show::edits_everywhere() {
    std::string result;
    for (Machine& machine : cluster_.machines()) {
        std::string rows = "down";
        try {
            if (machine.database->running())
                rows = machine.database->query("SELECT COUNT(*) FROM wiki.edit");
        } catch (const std::runtime_error&) {
            rows = "no answer";
        }
        result += (result.empty() ? "" : ", ") + machine.name + " " + rows;
    }
    return result;
}

}  // namespace lab

#include "tests/interop/differential/fleet.h"

#include "tests/interop/differential/exchange.h"

#include <stdexcept>

namespace differential {

namespace {

constexpr const char* server_names[servers] = {"arbiter", "bind", "nsd", "knot"};
constexpr std::chrono::seconds loading_time{30};

}  // namespace

Fleet::Fleet(const Zones& zones, const std::set<Peer>& chosen, const std::string& scratch,
             const std::string& program, const std::vector<int>& ports)
    : zones_(zones), ports_(ports), scratch_(scratch) {
    for (std::size_t server = 0; server < servers; ++server) {
        if (server != us && chosen.count(static_cast<Peer>(server - 1)) == 0) continue;
        lab::Serving serving{scratch + "/" + server_names[server], zones.folder, ports[server], {}};
        for (std::size_t i = 0; i < zones.origins.size(); ++i)
            if (zones.left_out[server].count(i) == 0)
                serving.names.push_back(dotted(zones.origins[i]));
        switch (server) {
            case us:
                processes_[server].emplace(lab::start_arbiter(serving, program));
                break;
            case number_of(Peer::bind):
                processes_[server].emplace(lab::start_bind(serving));
                break;
            case number_of(Peer::nsd):
                processes_[server].emplace(lab::start_nsd(serving));
                break;
            default:
                processes_[server].emplace(lab::start_knot(serving));
                break;
        }
    }
    for (std::size_t server = 0; server < servers; ++server)
        if (has(server)) await(server);
}

void Fleet::await(std::size_t server) const {
    std::vector<std::string> waiting;
    std::vector<std::string> names;
    for (std::size_t i = 0; i < zones_.origins.size(); ++i) {
        if (zones_.left_out[server].count(i) != 0) continue;
        Question soa;
        soa.name = zones_.origins[i];
        soa.type = type::soa;
        waiting.push_back(request(soa));
        names.push_back(text(soa.name));
    }
    const auto end = lab::now() + loading_time;
    while (!waiting.empty()) {
        std::vector<Errand> errands(1);
        errands[0].port = ports_[server];
        for (const std::string& one : waiting) errands[0].requests.push_back(&one);
        ask_by_udp(errands);
        std::vector<std::string> still, still_names;
        for (std::size_t i = 0; i < waiting.size(); ++i) {
            const Reply reply = read_reply(errands[0].answers[i]);
            const bool loaded = reply.fault.empty() && reply.message.rcode == 0 &&
                                (reply.message.flags & 0x0400) != 0;
            if (loaded) continue;
            still.push_back(waiting[i]);
            still_names.push_back(names[i]);
        }
        waiting.swap(still);
        names.swap(still_names);
        if (waiting.empty()) break;
        if (lab::now() > end)
            throw std::runtime_error(std::string(server_names[server]) + " does not serve " +
                                     std::to_string(names.size()) + " zones, one of them " +
                                     names[0] + ": see " + scratch_ + "/" + server_names[server] +
                                     "/log");
        lab::pause_for(lab::Milliseconds(50));
    }
}

std::vector<std::string> Fleet::ask_whole(std::size_t server,
                                          std::vector<Question> questions) const {
    std::vector<std::string> requests;
    for (Question& question : questions) {
        question.edns = 4096;
        requests.push_back(request(question));
    }
    std::vector<Errand> by_udp(1);
    Errand by_tcp{ports_[server], {}, {}};
    by_udp[0].port = ports_[server];
    for (const std::string& one : requests) by_udp[0].requests.push_back(&one);
    ask_by_udp(by_udp);
    std::vector<std::string> answers = std::move(by_udp[0].answers);
    std::vector<std::size_t> cut;
    for (std::size_t i = 0; i < answers.size(); ++i) {
        if (!read_reply(answers[i]).message.truncated()) continue;
        cut.push_back(i);
        by_tcp.requests.push_back(&requests[i]);
    }
    ask_by_tcp(by_tcp);
    for (std::size_t i = 0; i < cut.size(); ++i) answers[cut[i]] = std::move(by_tcp.answers[i]);
    return answers;
}

std::array<std::vector<std::string>, servers> Fleet::ask(
    const std::vector<Question>& questions) const {
    std::vector<std::string> requests;
    for (const Question& question : questions) requests.push_back(request(question));
    std::array<std::vector<std::string>, servers> answers;
    std::array<std::vector<std::size_t>, servers> by_udp, by_tcp;
    std::vector<Errand> errands;
    for (std::size_t server = 0; server < servers; ++server) {
        if (!has(server)) continue;
        answers[server].resize(questions.size());
        Errand udp{ports_[server], {}, {}}, tcp{ports_[server], {}, {}};
        for (std::size_t i = 0; i < questions.size(); ++i) {
            if (zones_.left_out[server].count(questions[i].zone) != 0) continue;
            (questions[i].tcp ? by_tcp : by_udp)[server].push_back(i);
            (questions[i].tcp ? tcp : udp).requests.push_back(&requests[i]);
        }
        errands.push_back(std::move(udp));
        ask_by_tcp(tcp);
        for (std::size_t i = 0; i < by_tcp[server].size(); ++i)
            answers[server][by_tcp[server][i]] = std::move(tcp.answers[i]);
    }
    ask_by_udp(errands);
    auto errand = errands.begin();
    for (std::size_t server = 0; server < servers; ++server) {
        if (!has(server)) continue;
        for (std::size_t i = 0; i < by_udp[server].size(); ++i)
            answers[server][by_udp[server][i]] = std::move(errand->answers[i]);
        ++errand;
    }
    return answers;
}

std::string Fleet::ended() {
    for (std::size_t server = 0; server < servers; ++server)
        if (has(server) && !processes_[server]->running())
            return std::string(server_names[server]) + " ended with status " +
                   std::to_string(processes_[server]->status().value_or(-1)) +
                   " while it was asked: see " + scratch_ + "/" + server_names[server] + "/log";
    return "";
}

void Fleet::stop() {
    for (auto& process : processes_)
        if (process) process->signal(15);
    for (auto& process : processes_)
        if (process) process->stop();
}

}  // namespace differential

#include "tests/interop/differential/fleet.h"

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

bool Fleet::answers_soa(std::size_t server, bool tcp) const {
    for (std::size_t i = 0; i < zones_.origins.size(); ++i) {
        if (zones_.left_out[server].count(i) != 0) continue;
        Question soa;
        soa.name = zones_.origins[i];
        soa.type = type::soa;
        const std::string bytes = request(soa);
        std::vector<Errand> errands{{ports_[server], {&bytes}, {}}};
        if (tcp)
            ask_by_tcp(errands[0]);
        else
            ask_by_udp(errands);
        return !errands[0].answers[0].empty();
    }
    return true;
}

// Goes on with an errand that was given up, if the server still answers anything.
void Fleet::finish(std::size_t server, Errand& errand, bool tcp,
                   const std::vector<const Question*>& questions) {
    while (errand.gave_up) {
        std::vector<std::size_t> rest;
        for (std::size_t i = 0; i < errand.answers.size(); ++i)
            if (errand.answers[i].empty()) rest.push_back(i);
        if (!answers_soa(server, tcp)) {
            silent_.emplace(server, questions[rest[0]]->zone);
            if (server == us) throw std::runtime_error("we stopped answering: see " + scratch_);
            return;
        }
        // Each round leaves those out that it is sure of: it ends.
        std::vector<Errand> again{{errand.port, {}, {}}};
        rest.erase(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(
                                                    std::min(rest.size(), unanswered_max)));
        for (const std::size_t i : rest) again[0].requests.push_back(errand.requests[i]);
        if (tcp)
            ask_by_tcp(again[0]);
        else
            ask_by_udp(again);
        for (std::size_t i = 0; i < rest.size(); ++i)
            errand.answers[rest[i]] = std::move(again[0].answers[i]);
        errand.gave_up = again[0].gave_up;
    }
}

std::vector<std::string> Fleet::ask_whole(std::size_t server, std::vector<Question> questions) {
    if (silent_.count(server) != 0) return std::vector<std::string>(questions.size());
    std::vector<std::string> requests;
    std::vector<const Question*> of, of_cut;
    for (Question& question : questions) {
        question.edns = 4096;
        requests.push_back(request(question));
        of.push_back(&question);
    }
    std::vector<Errand> by_udp{{ports_[server], {}, {}}};
    Errand by_tcp{ports_[server], {}, {}};
    for (const std::string& one : requests) by_udp[0].requests.push_back(&one);
    ask_by_udp(by_udp);
    finish(server, by_udp[0], false, of);
    std::vector<std::string> answers = std::move(by_udp[0].answers);
    std::vector<std::size_t> cut;
    for (std::size_t i = 0; i < answers.size(); ++i) {
        if (!read_reply(answers[i]).message.truncated()) continue;
        cut.push_back(i);
        of_cut.push_back(of[i]);
        by_tcp.requests.push_back(&requests[i]);
    }
    ask_by_tcp(by_tcp);
    finish(server, by_tcp, true, of_cut);
    for (std::size_t i = 0; i < cut.size(); ++i) answers[cut[i]] = std::move(by_tcp.answers[i]);
    return answers;
}

std::array<std::vector<std::string>, servers> Fleet::ask(const std::vector<Question>& questions) {
    std::vector<std::string> requests;
    for (const Question& question : questions) requests.push_back(request(question));
    std::array<std::vector<std::string>, servers> answers;
    std::array<std::vector<std::size_t>, servers> by_udp;
    std::vector<Errand> errands;
    std::vector<std::size_t> asked;  // servers, as the errands
    const auto of = [&](const std::vector<std::size_t>& numbers) {
        std::vector<const Question*> some;
        for (const std::size_t i : numbers) some.push_back(&questions[i]);
        return some;
    };
    for (std::size_t server = 0; server < servers; ++server) {
        if (!has(server)) continue;
        answers[server].resize(questions.size());
        if (silent_.count(server) != 0) continue;
        Errand udp{ports_[server], {}, {}}, tcp{ports_[server], {}, {}};
        std::vector<std::size_t> by_tcp;
        for (std::size_t i = 0; i < questions.size(); ++i) {
            if (zones_.left_out[server].count(questions[i].zone) != 0) continue;
            (questions[i].tcp ? by_tcp : by_udp[server]).push_back(i);
            (questions[i].tcp ? tcp : udp).requests.push_back(&requests[i]);
        }
        ask_by_tcp(tcp);
        finish(server, tcp, true, of(by_tcp));
        for (std::size_t i = 0; i < by_tcp.size(); ++i)
            answers[server][by_tcp[i]] = std::move(tcp.answers[i]);
        if (silent_.count(server) != 0) continue;
        errands.push_back(std::move(udp));
        asked.push_back(server);
    }
    ask_by_udp(errands);
    for (std::size_t k = 0; k < asked.size(); ++k) {
        const std::size_t server = asked[k];
        finish(server, errands[k], false, of(by_udp[server]));
        for (std::size_t i = 0; i < by_udp[server].size(); ++i)
            answers[server][by_udp[server][i]] = std::move(errands[k].answers[i]);
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

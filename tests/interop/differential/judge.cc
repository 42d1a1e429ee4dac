#include "tests/interop/differential/judge.h"

#include <iostream>

namespace differential {

namespace {

// Whether all other peers, and there is one, differ from us in nothing that is unexplained.
bool backed(const Told& told, const Question& question, const Answers& answers, Peer but) {
    bool some = false;
    for (const Peer peer : peers) {
        const auto& theirs = answers.replies[number_of(peer)];
        if (peer == but || !theirs) continue;
        const auto differing = differences(*answers.replies[us], *theirs);
        const Case one{question, *told.served, peer,           *answers.replies[us],
                       *theirs,  false,        &answers.whole, &answers.typed};
        if (!differing.empty() && explanations(one, differing).empty()) return false;
        some = true;
    }
    return some;
}

}  // namespace

void Judge::judge(const Told& told, const Question& question, const Answers& answers) {
    const Reply& ours = *answers.replies[us];
    for (const Peer peer : peers) {
        const auto& theirs = answers.replies[number_of(peer)];
        if (!theirs) continue;
        const std::string who = std::string(" (") + name_of(peer) + ")";
        const std::vector<Part> differing = differences(ours, *theirs);
        const auto names =
            explanations({question, *told.served, peer, ours, *theirs,
                          backed(told, question, answers, peer), &answers.whole, &answers.typed},
                         differing);
        for (const std::string& name : names) ++used_[name + who];
        if (answers.borders[number_of(peer)]) ++used_["alias-into-another-zone" + who];
        if (answers.stops[number_of(peer)]) ++used_["alias-chain-bound" + who];
        if (differing.empty() || !names.empty()) continue;
        std::string kind = name_of(peer);
        for (const Part part : differing) kind += std::string(" ") + name_of(part);
        kind += "; ours " + rcode_name(ours.message.rcode) + ", theirs " +
                rcode_name(theirs->message.rcode);
        if (shown_ < shown_max_ && kinds_[kind] < shown_of_a_kind_max) {
            ++shown_;
            show(told, question, kind, answers);
        }
        ++kinds_[kind];
        ++unexplained_;
    }
}

void Judge::show(const Told& told, const Question& question, const std::string& kind,
                 const Answers& answers) const {
    const Labels& origin = told.served->origins[question.zone];
    std::cout << "\ndifference: " << kind << "\n  --seed " << told.seed << " --zone "
              << told.first_zone + question.zone << "  " << told.served->folder << "/"
              << (origin.empty() ? "root" : dotted(origin)) << ".zone\n";
    static constexpr const char* names[servers] = {"us", "BIND", "NSD", "Knot"};
    for (std::size_t server = 0; server < servers; ++server) {
        if (!answers.replies[server]) continue;
        std::cout << "  " << names[server] << ": " << dig_line(question, told.fleet->port(server))
                  << "\n"
                  << text(*answers.replies[server]);
    }
}

void Judge::report() const {
    for (const auto& [name, count] : used_)
        std::cout << "explained " << name << ": " << count << "\n";
    for (const auto& [kind, count] : kinds_)
        std::cout << "unexplained " << kind << ": " << count << "\n";
    for (const auto& [peer, count] : stopped_)
        std::cout << "stopped answering " << peer << ": " << count << " batches\n";
}

}  // namespace differential

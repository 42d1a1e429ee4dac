#include "tests/interop/differential/round.h"

#include <algorithm>

namespace differential {

namespace {

// No chain of aliases of the zones here crosses more borders than that.
constexpr int borders_max = 18;

struct Asked {
    Question question;
    Answers answers;
};

// Cuts a reply behind the first alias, from number `from` on, that leads into another zone of the
// server, and tells where to.
std::optional<Labels> cut_at_border(const Zones& zones, const Question& question, Reply& reply,
                                    std::size_t from) {
    for (std::size_t i = from; i < reply.answer.size(); ++i) {
        const Set& alias = reply.answer[i];
        if (alias.type != type::cname || alias.rdatas.size() != 1) continue;
        const Labels target = from_wire(alias.rdatas[0]);
        const auto here = zone_of(zones, from_wire(alias.owner), type::a);
        const auto there = zone_of(zones, target, question.type);
        if (!there || there == here) continue;
        const bool circle = std::any_of(
            reply.answer.begin(), reply.answer.begin() + static_cast<std::ptrdiff_t>(i) + 1,
            [&](const Set& set) { return set.owner == alias.rdatas[0]; });
        if (circle) return std::nullopt;
        reply.answer.resize(i + 1);
        return target;
    }
    return std::nullopt;
}

// The answer that a client puts together when it asks the same server for the alias's target.
void append(Reply& reply, const Reply& more) {
    if (!more.fault.empty()) {
        reply.fault = more.fault;
        return;
    }
    reply.answer.insert(reply.answer.end(), more.answer.begin(), more.answer.end());
    reply.authority = more.authority;
    reply.additional = more.additional;
    reply.message.rcode = more.message.rcode;
}

// RFC 1034 §4.3.2, step 3a, starts again with the target in any zone of the server. Servers that do
// not are asked for the rest.
void continue_aliases(const Told& told, std::vector<Asked>& all) {
    for (int border = 0; border < borders_max; ++border) {
        bool more = false;
        for (const Peer peer : {Peer::bind, Peer::knot}) {
            const std::size_t server = number_of(peer);
            std::vector<Question> questions;
            std::vector<Asked*> of;
            for (Asked& one : all) {
                if (!one.answers.replies[server]) continue;
                Reply& theirs = *one.answers.replies[server];
                const Reply& ours = *one.answers.replies[us];
                const std::uint16_t asked = one.question.type;
                if (!theirs.fault.empty() || theirs.message.truncated() ||
                    ours.message.truncated() || asked == type::any || asked == type::cname ||
                    differences(ours, theirs).empty())
                    continue;
                const auto target = cut_at_border(*told.served, one.question, theirs,
                                                  one.answers.continued[server]);
                if (!target) continue;
                one.answers.continued[server] = theirs.answer.size();
                questions.push_back(one.question);
                questions.back().name = *target;
                of.push_back(&one);
            }
            if (questions.empty()) continue;
            more = true;
            const auto answers = told.fleet->ask_whole(server, questions);
            for (std::size_t i = 0; i < of.size(); ++i) {
                append(*of[i]->answers.replies[server], read_reply(answers[i]));
            }
        }
        if (!more) return;
    }
}

}  // namespace

void ask_and_judge(const Told& told, const std::vector<Question>& questions, Judge& judge) {
    const Fleet& fleet = *told.fleet;
    const auto answers = fleet.ask(questions);
    std::vector<Asked> all;
    std::vector<Question> again;
    for (std::size_t i = 0; i < questions.size(); ++i) {
        Asked one{questions[i], {}};
        bool truncated = false;
        for (std::size_t server = 0; server < servers; ++server) {
            if (!fleet.has(server) || told.served->left_out[server].count(questions[i].zone) != 0)
                continue;
            one.answers.replies[server] = read_reply(answers[server][i]);
            truncated |= one.answers.replies[server]->message.truncated();
        }
        if (truncated && !questions[i].tcp) {
            again.push_back(questions[i]);
            again.back().tcp = true;
        }
        all.push_back(std::move(one));
    }
    continue_aliases(told, all);
    for (const Asked& one : all) judge.judge(told, one.question, one.answers);
    if (!again.empty()) ask_and_judge(told, again, judge);
}

}  // namespace differential

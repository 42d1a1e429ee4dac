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

// Where a server stopped in a chain that we tell further: BIND behind 11 aliases, with SERVFAIL,
// Knot behind 5.
std::optional<Labels> stopped_at(const Zones& zones, const Question& question, const Reply& reply,
                                 const Reply& ours, std::size_t from) {
    constexpr std::ptrdiff_t aliases_told = 5;
    constexpr unsigned noerror = 0, servfail = 2;
    const auto aliases = std::count_if(reply.answer.begin(), reply.answer.end(),
                                       [](const Set& set) { return set.type == type::cname; });
    const unsigned rcode = reply.message.rcode;
    if (aliases < aliases_told || reply.answer.size() <= from || !reply.authority.empty() ||
        (rcode != noerror && rcode != servfail) || reply.answer.back().type != type::cname)
        return std::nullopt;
    const Labels target = from_wire(reply.answer.back().rdatas[0]);
    const bool circle = std::any_of(reply.answer.begin(), reply.answer.end(),
                                    [&](const Set& set) { return from_wire(set.owner) == target; });
    const bool more = ours.answer.size() > reply.answer.size() || !ours.authority.empty();
    if (circle || !more || is_circle(ours.answer) || !zone_of(zones, target, question.type))
        return std::nullopt;
    return target;
}

// The answer that a client puts together when it asks the same server for the alias's target.
void append(Reply& reply, const Reply& more) {
    constexpr unsigned aa = 0x0400;
    if (!more.fault.empty()) {
        reply.fault = more.fault;
        return;
    }
    for (const Set& set : more.answer) {
        // A DNAME that the chain passes again is told once (RFC 2181 §5).
        const bool told =
            std::find(reply.answer.begin(), reply.answer.end(), set) != reply.answer.end();
        if (set.type != type::dname || !told) reply.answer.push_back(set);
    }
    reply.authority = more.authority;
    reply.additional = more.additional;
    // AA is the first name's (RFC 1035 §4.1.1); a SERVFAIL, which has none, told no end.
    if (reply.message.rcode != 0)
        reply.message.flags = static_cast<std::uint16_t>(reply.message.flags | aa);
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
                std::size_t& from = one.answers.continued[server];
                auto target = cut_at_border(*told.served, one.question, theirs, from);
                one.answers.borders[server] |= target.has_value();
                if (!target) {
                    target = stopped_at(*told.served, one.question, theirs, ours, from);
                    one.answers.stops[server] |= target.has_value();
                }
                if (!target) continue;
                from = theirs.answer.size();
                questions.push_back(one.question);
                questions.back().name = *target;
                of.push_back(&one);
            }
            if (questions.empty()) continue;
            more = true;
            const auto answers = told.fleet->ask_whole(server, questions);
            const bool silent = told.fleet->silent().count(server) != 0;
            for (std::size_t i = 0; i < of.size(); ++i) {
                if (silent && answers[i].empty())
                    of[i]->answers.replies[server].reset();
                else
                    append(*of[i]->answers.replies[server], read_reply(answers[i]));
            }
        }
        if (!more) return;
    }
}

// Which servers answered, and what.
std::vector<Asked> ask(const Told& told, const std::vector<Question>& questions) {
    Fleet& fleet = *told.fleet;
    auto answers = fleet.ask(questions);
    std::vector<Asked> all;
    for (std::size_t i = 0; i < questions.size(); ++i) {
        Asked one{questions[i], {}};
        for (std::size_t server = 0; server < servers; ++server) {
            if (!fleet.has(server) || told.served->left_out[server].count(questions[i].zone) != 0)
                continue;
            if (answers[server][i].empty() && fleet.silent().count(server) != 0) continue;
            one.answers.replies[server] = read_reply(answers[server][i]);
        }
        all.push_back(std::move(one));
    }
    return all;
}

bool is_cut(const Asked& one) {
    const auto& replies = one.answers.replies;
    return !one.question.tcp && std::any_of(replies.begin(), replies.end(), [](const auto& reply) {
        return reply && reply->message.truncated();
    });
}

// Asks once more what `asks_more` picks, as `changed` has it, and keeps what comes in `where`.
template <class Picks, class Changes>
std::vector<Asked> ask_more(const Told& told, std::vector<Asked>& all, Picks asks_more,
                            Changes changed, Replies Answers::*where) {
    std::vector<Question> questions;
    std::vector<Asked*> of;
    for (Asked& one : all) {
        if (!asks_more(one)) continue;
        questions.push_back(one.question);
        changed(questions.back(), one);
        of.push_back(&one);
    }
    std::vector<Asked> more = ask(told, questions);
    for (std::size_t i = 0; i < of.size(); ++i) of[i]->answers.*where = more[i].answers.replies;
    return more;
}

// ANY is answered by one RRset or by several: what our one must be, a question for its type tells.
void ask_for_types(const Told& told, std::vector<Asked>& all) {
    ask_more(
        told, all,
        [](const Asked& one) {
            const auto& ours = one.answers.replies[us];
            return one.question.type == type::any && ours && ours->answer.size() == 1;
        },
        [](Question& question, const Asked& one) {
            question.type = one.answers.replies[us]->answer[0].type;
            question.tcp = true;
        },
        &Answers::typed);
}

}  // namespace

void ask_and_judge(const Told& told, const std::vector<Question>& questions, Judge& judge) {
    std::vector<Asked> all = ask(told, questions);
    std::vector<Asked> whole = ask_more(
        told, all, is_cut, [](Question& question, const Asked&) { question.tcp = true; },
        &Answers::whole);
    for (std::vector<Asked>* some : {&all, &whole}) {
        ask_for_types(told, *some);
        continue_aliases(told, *some);
        for (const Asked& one : *some) judge.judge(told, one.question, one.answers);
    }
}

}  // namespace differential

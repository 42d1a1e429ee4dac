#include "tests/interop/differential/questions.h"

#include "tests/interop/differential/message.h"

#include <iterator>

namespace differential {

namespace {

// Types that are worth a question where they do not occur, too.
constexpr std::uint16_t always[] = {type::a,  type::aaaa,  type::ns,  type::soa, type::cname,
                                    type::ds, type::dname, type::mx,  type::txt, type::any,
                                    type::a,  type::https, type::srv, type::ns,  type::ds};
// Types that mean something else than data, or nothing.
constexpr std::uint16_t strange[] = {0,          type::rrsig, type::nsec,  type::dnskey, 65280,
                                     65535,      200,         type::mailb, type::maila,  type::opt,
                                     type::tsig, 128,         12345,       254,          50};

std::string new_label(Random& chance) {
    static const std::string labels[] = {"a", "b", "c", "www", "zz", "*", "ns1", "x.y", "new"};
    if (chance.percent(90)) return chance.pick(labels);
    std::string label;
    for (std::size_t size = chance.between(1, 63); size > 0; --size)
        label += static_cast<char>(chance.below(256));
    return label;
}

Labels some_name(const MadeZone& zone, Random& chance) {
    Labels name = zone.names[chance.below(zone.names.size())];
    const std::size_t what = chance.below(100);
    if (what < 5) return zone.origin;
    if (what < 8 && !zone.origin.empty()) return child(new_label(chance), parent(zone.origin));
    if (what < 20 && name.size() > zone.origin.size())
        name = child(new_label(chance), parent(name));
    // What a wildcard is made for.
    for (std::string& label : name)
        if (label == "*" && chance.percent(60)) label = new_label(chance);
    if (what >= 20 && what < 50)
        for (std::size_t more = chance.percent(70) ? 1 : chance.between(1, 4); more > 0; --more)
            name = child(new_label(chance), name);
    // Names that grow over 255 bytes when a DNAME moves them (RFC 6672 §2.2).
    if (what >= 50 && what < 53 && wire_size(name) < wire_max) {
        while (wire_size(name) + 41 <= wire_max) name = child(std::string(40, 'q'), name);
        const std::size_t left = wire_max - wire_size(name);
        if (left > 1) name = child(std::string(left - 1, 'r'), name);
    }
    while (wire_size(name) > wire_max) name = parent(name);
    return name;
}

Labels random_case(Labels name, Random& chance) {
    if (chance.percent(50)) return name;
    for (std::string& label : name)
        for (char& c : label)
            if (((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) && chance.percent(50))
                c = static_cast<char>(c ^ 0x20);
    return name;
}

std::uint16_t some_type(const MadeZone& zone, Random& chance) {
    const std::size_t what = chance.below(100);
    if (what < 4) return chance.pick(strange);
    if (what < 50) return chance.pick(always);
    auto at = zone.types.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(chance.below(zone.types.size())));
    return *at;
}

void append16(std::string& to, unsigned value) {
    to += static_cast<char>(value >> 8 & 0xff);
    to += static_cast<char>(value & 0xff);
}

}  // namespace

std::vector<Question> make_questions(const MadeZone& zone, std::size_t number, std::size_t count,
                                     Random chance) {
    static constexpr std::uint16_t sizes[] = {0, 0, 512, 1232, 1232, 4096};
    std::vector<Question> questions;
    for (std::size_t i = 0; i < count; ++i) {
        Question question;
        question.name = random_case(some_name(zone, chance), chance);
        question.type = some_type(zone, chance);
        question.edns = chance.pick(sizes);
        question.tcp = chance.percent(6);
        question.recursion_desired = chance.percent(20);
        question.checking_disabled = chance.percent(5);
        question.dnssec_ok = question.edns != 0 && chance.percent(20);
        question.zone = number;
        questions.push_back(std::move(question));
    }
    return questions;
}

std::string request(const Question& question) {
    std::string bytes(2, '\0');
    append16(bytes, (question.recursion_desired ? 0x0100U : 0U) |
                        (question.checking_disabled ? 0x0010U : 0U));
    append16(bytes, 1);
    append16(bytes, 0);
    append16(bytes, 0);
    append16(bytes, question.edns != 0 ? 1 : 0);
    bytes += wire(question.name);
    append16(bytes, question.type);
    append16(bytes, 1);
    if (question.edns != 0) {
        bytes += '\0';
        append16(bytes, type::opt);
        append16(bytes, question.edns);
        append16(bytes, 0);
        append16(bytes, question.dnssec_ok ? 0x8000 : 0);
        append16(bytes, 0);
    }
    return bytes;
}

std::string dig_line(const Question& question, int port) {
    std::string line = "dig @127.0.0.1 -p " + std::to_string(port) + " +nocookie";
    line += question.recursion_desired ? " +rec" : " +norec";
    if (question.checking_disabled) line += " +cd";
    if (question.tcp) line += " +tcp";
    line += question.edns == 0 ? " +noedns +ignore"
                               : " +ignore +bufsize=" + std::to_string(question.edns);
    if (question.dnssec_ok) line += " +do";
    return line + " -t TYPE" + std::to_string(question.type) + " -q '" + text(question.name) + "'";
}

}  // namespace differential

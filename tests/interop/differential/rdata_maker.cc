#include "tests/interop/differential/rdata_maker.h"

#include "tests/interop/differential/message.h"

#include <cstdio>

namespace differential {

namespace {

std::string number_text(std::size_t value) {
    return std::to_string(value);
}

std::string hex_of(Random& chance, std::size_t bytes) {
    std::string result;
    for (std::size_t i = 0; i < bytes; ++i) {
        char two[3];
        std::snprintf(two, sizeof two, "%02x", static_cast<unsigned>(chance.below(256)));
        result += two;
    }
    return result;
}

// A character string with quotes, escapes and bytes of every kind in it.
std::string quoted(Random& chance, std::size_t size) {
    std::string result = "\"";
    for (std::size_t i = 0; i < size; ++i) {
        const auto byte = static_cast<unsigned>(chance.percent(85) ? chance.between('a', 'z')
                                                                   : chance.below(256));
        if (byte == '"' || byte == '\\') {
            result += '\\';
            result += static_cast<char>(byte);
        } else if (byte >= 32 && byte < 127) {
            result += static_cast<char>(byte);
        } else {
            char escaped[5];
            std::snprintf(escaped, sizeof escaped, "\\%03u", byte);
            result += escaped;
        }
    }
    return result + "\"";
}

std::string txt(Random& chance, std::size_t number) {
    std::string result = "\"" + number_text(number) + "\"";
    for (std::size_t strings = chance.below(4); strings > 0; --strings)
        result += " " + quoted(chance, chance.percent(10) ? 255 : chance.below(30));
    return result;
}

std::string svcb(Random& chance, std::size_t number, const std::function<Labels()>& target) {
    const std::string name = chance.percent(30) ? "." : text(target());
    if (chance.percent(35)) return "0 " + (name == "." ? text(target()) : name);
    std::string result = number_text(number + 1) + " " + name;
    if (chance.percent(50)) result += " alpn=h2,h3";
    if (chance.percent(50)) result += " port=" + number_text(chance.between(1, 65535));
    if (chance.percent(30)) result += " ipv4hint=192.0.2." + number_text(number % 250 + 1);
    return result;
}

}  // namespace

std::uint16_t some_plain_type(Random& chance) {
    static constexpr std::uint16_t often[] = {type::a,   type::a,   type::aaaa,  type::txt,
                                              type::mx,  type::srv, type::https, type::svcb,
                                              type::ptr, type::caa, type::a,     type::aaaa};
    static constexpr std::uint16_t seldom[] = {
        type::hinfo, type::rp,   type::afsdb, type::loc, type::naptr, type::kx, type::cert,
        type::sshfp, type::tlsa, type::spf,   type::uri, 65280,       65281,    731};
    return chance.percent(80) ? chance.pick(often) : chance.pick(seldom);
}

std::string type_word(std::uint16_t type) {
    return type_name(type);
}

std::string make_rdata(std::uint16_t type, Random& chance, std::size_t number,
                       const std::function<Labels()>& target) {
    const std::string n = number_text(number);
    switch (type) {
        case type::a:
            return "192.0." + number_text(2 + number / 250) + "." + number_text(number % 250 + 1);
        case type::aaaa:
            return "2001:db8::" + number_text(number + 1);
        case type::ns:
        case type::cname:
        case type::dname:
        case type::ptr:
            return text(target());
        case type::mx:
        case type::afsdb:
        case type::kx:
            return number_text(number * 10) + " " + text(target());
        case type::srv:
            return n + " " + number_text(chance.below(100)) + " 443 " + text(target());
        case type::svcb:
        case type::https:
            return svcb(chance, number, target);
        case type::txt:
        case type::spf:
            return txt(chance, number);
        case type::caa:
            return n + " issue " + quoted(chance, chance.below(20));
        case type::hinfo:
            return quoted(chance, 5) + " \"" + n + "\"";
        case type::rp:
            return text(target()) + " " + text(target());
        case type::loc:
            return "52 22 23.000 N 4 53 " + number_text(number % 60) +
                   ".000 E -2.00m 1m 10000m 10m";
        case type::naptr:
            return n + " 10 \"" + (chance.percent(50) ? "S" : "A") + "\" \"SIP+D2U\" \"\" " +
                   text(target());
        case type::cert:
            return "1 " + n + " 8 AQIDBAUGBwgJ";
        case type::sshfp:
            return "1 1 " + hex_of(chance, 20);
        case type::tlsa:
            return "3 1 1 " + hex_of(chance, 32);
        case type::uri:
            return n + " 1 \"https://www.example/" + n + "\"";
        case type::ds:
            return number_text(number + 1) + " 13 2 " + hex_of(chance, 32);
        default: {  // RFC 3597 §5
            const std::size_t size = chance.below(40);
            return "\\# " + number_text(size + 1) + " " + hex_of(chance, size + 1);
        }
    }
}

}  // namespace differential

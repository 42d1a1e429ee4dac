#include "zones/rdata_text.h"

#include "zones/master_file.h"
#include "zones/node.h"
#include "zones/rdata_rules.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <arpa/inet.h>

#include "zones/ldns.h"

namespace zones {

namespace {

// RFC 3597 §5: any data, of any type.
std::string generic_text(std::span<const std::byte> rdata) {
    constexpr char digits[] = "0123456789abcdef";
    std::string text = "\\# " + std::to_string(rdata.size());
    if (!rdata.empty()) text += ' ';
    for (const std::byte byte : rdata) {
        text += digits[std::to_integer<unsigned>(byte) >> 4];
        text += digits[std::to_integer<unsigned>(byte) & 0xf];
    }
    return text;
}

// ldns does not know how the data of these are written, or takes a name for a string (NSAP-PTR),
// but there is a type whose data are the same.
Type read_as(Type type) {
    constexpr Type nsap_ptr{23}, ninfo{56}, rkey{57}, avc{258}, resinfo{261}, wallet{262},
        ta{32768};
    if (type == nsap_ptr) return Type::ptr;
    if (type == ninfo || type == avc || type == resinfo || type == wallet) return Type::txt;
    if (type == rkey) return Type::dnskey;
    return type == ta ? Type::ds : type;
}

// Whether ldns knows how the data of a type are written: of A6 and NXT it knows no more than that
// they are there.
bool is_written(Type type) {
    constexpr Type nxt{30}, a6{38};
    const auto number = static_cast<std::uint16_t>(type);
    const ldns_rr_descriptor* about = ldns_rr_descript(number);
    return about != nullptr && about->_type == number && type != nxt && type != a6;
}

// Only strings stand in quotes: what is quoted elsewhere is a mistake that BIND refuses, too.
bool takes_quotes(Type type) {
    const ldns_rr_descriptor* about = ldns_rr_descript(static_cast<std::uint16_t>(type));
    const auto is_string = [](ldns_rdf_type field) {
        return field == LDNS_RDF_TYPE_STR || field == LDNS_RDF_TYPE_LONG_STR ||
               field == LDNS_RDF_TYPE_TAG || field == LDNS_RDF_TYPE_SVCPARAMS;
    };
    for (std::size_t i = 0; i < about->_maximum; ++i)
        if (is_string(ldns_rr_descriptor_field_type(about, i))) return true;
    return is_string(about->_variable);
}

// ldns takes every name whose first label is "@" for the origin, also where the "@" is escaped or
// has labels behind it. Such a label goes through it in disguise.
constexpr std::string_view disguise_text = "\\000\\064";
constexpr std::byte disguise[] = {std::byte{2}, std::byte{0}, std::byte{'@'}};

bool has_names(Type type) {
    const ldns_rr_descriptor* about = ldns_rr_descript(static_cast<std::uint16_t>(type));
    for (std::size_t i = 0; about != nullptr && i < about->_maximum; ++i)
        if (ldns_rr_descriptor_field_type(about, i) == LDNS_RDF_TYPE_DNAME) return true;
    return false;
}

// How many bytes at the start of a word spell a first label "@"; 0 when that is not there.
std::size_t at_label_size(std::string_view word) {
    for (const std::string_view at : {"\\064", "\\@", "@"}) {
        if (word.substr(0, at.size()) != at) continue;
        const std::string_view behind = word.substr(at.size());
        // "@" alone is the origin (RFC 1035 §5.1).
        if (behind.substr(0, 1) == "." || (at.size() > 1 && behind.empty())) return at.size();
    }
    return 0;
}

// `text` with its first labels "@" disguised; counts them.
std::string disguised(std::string_view text, std::size_t& count) {
    std::string result;
    bool quoted = false, starts = true;
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t end = std::min(text.find(' ', i), text.size());
        const std::size_t size =
            starts && !quoted ? at_label_size(text.substr(i, end - i)) : std::size_t{0};
        if (size != 0) {
            result += disguise_text;
            ++count;
            i += size;
            starts = false;
            continue;
        }
        const std::size_t taken = text[i] == '\\' && i + 1 < text.size() ? 2 : 1;
        if (text[i] == '"') quoted = !quoted;
        starts = text[i] == ' ';
        result += text.substr(i, taken);
        i += taken;
    }
    return result;
}

// The root's record with these data, as ldns reads it; null when it cannot.
ldns::RrHandle record_of(Type type, std::span<const std::byte> rdata) {
    std::vector<std::byte> wire(1 + record_head + rdata.size());
    write_record(wire.data() + 1, static_cast<std::uint16_t>(type), 0, rdata);
    ldns_rr* made = nullptr;
    std::size_t at = 0;
    const ldns_status status =
        ldns_wire2rr(&made, reinterpret_cast<const std::uint8_t*>(wire.data()), wire.size(), &at,
                     LDNS_SECTION_ANSWER);
    ldns::RrHandle rr(made);
    return status == LDNS_STATUS_OK ? std::move(rr) : nullptr;
}

// Whether data that were given as bytes have all fields that their type has, and no compressed
// names (RFC 3597 §4), as far as ldns knows the type.
bool whole_fields(Type type, std::span<const std::byte> rdata) {
    constexpr Type sink{40};  // ldns reads one byte of it
    if (!is_written(type) || type == sink) return true;
    const ldns::RrHandle rr = record_of(type, rdata);
    if (rr == nullptr) return false;
    const ldns_rr_descriptor* about = ldns_rr_descript(static_cast<std::uint16_t>(type));
    if (ldns_rr_rd_count(rr.get()) < about->_minimum) return false;
    for (std::size_t i = 0; i < ldns_rr_rd_count(rr.get()); ++i) {
        const ldns_rdf* field = ldns_rr_rdf(rr.get(), i);
        const auto* bytes = reinterpret_cast<const std::byte*>(ldns_rdf_data(field));
        const std::size_t size = ldns_rdf_size(field);
        if (size > rdata.size() || !std::equal(bytes, bytes + size, rdata.begin())) return false;
        rdata = rdata.subspan(size);
    }
    return rdata.empty();
}

}  // namespace

struct RdataReader::Origin {
    ldns::RdfHandle rdf;
};

RdataReader::RdataReader() : origin_(std::make_unique<Origin>()) {
    set_origin(Name::root());
}
RdataReader::~RdataReader() = default;

void RdataReader::set_origin(const Name& origin) {
    origin_name_ = origin;
    origin_->rdf.reset(
        ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, origin.wire().size(), origin.wire().data()));
}

// The line that ldns reads: it takes what it knows for words and knows no escaped end of line.
void RdataReader::join(Type type, std::span<const std::string_view> words) {
    line_ = ". 0 IN TYPE" + std::to_string(static_cast<std::uint16_t>(type)) + ' ';
    text_at_ = line_.size();
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (i > 0) line_ += ' ';
        std::string_view rest = words[i];
        // RFC 8659 §4.1: the value may stand without quotes; ldns wants them.
        const bool bare = type == Type::caa && i == 2 && !is_generic(words) && rest[0] != '"';
        if (bare) line_ += '"';
        for (std::size_t end; (end = rest.find_first_of("\r\n")) != std::string_view::npos;) {
            line_ += rest.substr(0, end);
            line_ += "010";  // behind its backslash
            rest.remove_prefix(end + (rest.substr(end, 2) == "\r\n" ? 2 : 1));
        }
        line_ += rest;
        if (bare) line_ += '"';
    }
}

RdataReader::Read RdataReader::read(Type type, std::span<const std::string_view> words) {
    if (auto plain = read_plain(type, words)) return std::move(*plain);
    join(read_as(type), words);
    constexpr Type wks{11};
    const auto read = is_generic(words) ? keep(generic_data(words))
                      : type == wks     ? keep(wks_data(words))
                                        : read_written(read_as(type), words);
    if (!read) return read;
    const bool whole = !is_generic(words) || whole_fields(read_as(type), wire_);
    if (!whole || !well_formed(type, wire_))
        return tl::unexpected<std::string>("the data is malformed");
    if (std::string wrong = wrong_data(read_as(type), wire_); !wrong.empty())
        return tl::unexpected(std::move(wrong));
    return read;
}

// One address or one name; whatever is odd about them is left to be told by who reads the rest.
std::optional<RdataReader::Read> RdataReader::read_plain(Type type,
                                                         std::span<const std::string_view> words) {
    if (words.size() != 1 || is_generic(words)) return std::nullopt;
    const std::string_view word = words[0];
    if (word.find_first_of(std::string_view("\"\0", 2)) != std::string_view::npos)
        return std::nullopt;
    if (type == Type::a || type == Type::aaaa) {
        char text[64];
        if (word.size() >= sizeof text) return std::nullopt;
        *std::copy(word.begin(), word.end(), text) = '\0';
        wire_.resize(type == Type::a ? 4 : 16);
        if (inet_pton(type == Type::a ? AF_INET : AF_INET6, text, wire_.data()) != 1)
            return std::nullopt;
        return std::span<const std::byte>(wire_);
    }
    if (type != Type::ns && type != Type::cname && type != Type::ptr && type != Type::dname)
        return std::nullopt;
    const auto name = Name::parse(word, origin_name_);
    if (!name) return std::nullopt;
    wire_.assign(name->wire().begin(), name->wire().end());
    return std::span<const std::byte>(wire_);
}

RdataReader::Read RdataReader::keep(tl::expected<std::vector<std::byte>, std::string> bytes) {
    if (!bytes) return tl::unexpected(std::move(bytes.error()));
    wire_ = std::move(*bytes);
    return std::span<const std::byte>(wire_);
}

RdataReader::Read RdataReader::read_written(Type type, std::span<const std::string_view> words) {
    // A C string ends at the first zero byte, and what is behind it would pass unseen.
    if (line_.find('\0') != std::string::npos)
        return tl::unexpected<std::string>("a zero byte in the data");
    if (!is_written(type))
        return tl::unexpected<std::string>(
            "of this type only the bytes are known: \\# LENGTH HEX (RFC 3597 §5)");
    const bool quotes = std::any_of(words.begin(), words.end(),
                                    [](std::string_view word) { return word[0] == '"'; });
    if (quotes && !takes_quotes(type)) return tl::unexpected<std::string>("no quotes belong here");
    const bool address = type == Type::a || type == Type::aaaa;
    if (std::string wrong = address ? "" : wrong_words(type, words); !wrong.empty())
        return tl::unexpected(std::move(wrong));
    std::size_t at_labels = 0;
    std::string disguised_line;
    if (has_names(type)) disguised_line = line_.substr(0, text_at_) + disguised(text(), at_labels);
    ldns_rr* made = nullptr;
    const ldns_status status = ldns_rr_new_frm_str(
        &made, (at_labels > 0 ? disguised_line : line_).c_str(), 0, origin_->rdf.get(), nullptr);
    const ldns::RrHandle rr(made);
    if (status != LDNS_STATUS_OK)
        return tl::unexpected<std::string>(ldns_get_errorstr_by_id(status));
    wire_.clear();
    for (std::size_t i = 0; i < ldns_rr_rd_count(rr.get()); ++i) {
        const ldns_rdf* field = ldns_rr_rdf(rr.get(), i);
        if (field == nullptr) return tl::unexpected<std::string>("the data is incomplete");
        const auto* bytes = reinterpret_cast<const std::byte*>(ldns_rdf_data(field));
        const std::span<const std::byte> whole(bytes, ldns_rdf_size(field));
        const bool hidden = at_labels > 0 && ldns_rdf_get_type(field) == LDNS_RDF_TYPE_DNAME &&
                            whole.size() > std::size(disguise) &&
                            std::equal(std::begin(disguise), std::end(disguise), whole.begin());
        if (hidden) {
            wire_.insert(wire_.end(), {std::byte{1}, std::byte{'@'}});
            --at_labels;
        }
        const auto rest = whole.subspan(hidden ? std::size(disguise) : 0);
        wire_.insert(wire_.end(), rest.begin(), rest.end());
    }
    if (at_labels > 0) return tl::unexpected<std::string>("'@' stands where no name is read");
    return std::span<const std::byte>(wire_);
}

const char* data_form(Type type) {
    switch (type) {
        case Type::a:
            return "an IPv4 address, as in 192.0.2.1";
        case Type::aaaa:
            return "an IPv6 address, as in 2001:db8::1";
        case Type::ns:
        case Type::cname:
        case Type::ptr:
        case Type::dname:
            return "one name, as in host.example.";
        case Type::mx:
            return "preference and host, as in 10 mail.example.";
        case Type::txt:
            return "strings of at most 255 bytes each, as in \"v=spf1 -all\"";
        case Type::soa:
            return "primary, mailbox, serial, refresh, retry, expire, minimum, as in "
                   "ns hostmaster 1 3600 600 1209600 300";
        case Type::srv:
            return "priority, weight, port and host, as in 0 5 5060 sip.example.";
        case Type::caa:
            return "flags, tag and value, as in 0 issue \"ca.example\"";
        case Type::ds:
            return "key tag, algorithm, digest type and digest in hex";
        case Type::svcb:
        case Type::https:
            return "priority, target and parameters, as in 1 . alpn=\"h2\"";
        default:
            return "";
    }
}

std::string rdata_text(Type type, std::span<const std::byte> rdata) {
    const ldns::RrHandle rr = record_of(read_as(type), rdata);
    if (rr == nullptr || rdata.empty()) return generic_text(rdata);
    const ldns::TextHandle line(ldns_rr2str(rr.get()));
    if (line == nullptr) return generic_text(rdata);
    // Owner, TTL, class, type and then the data, with tabs between them.
    std::string_view rest(line.get());
    for (int field = 0; field < 4; ++field) {
        const std::size_t tab = rest.find('\t');
        if (tab == std::string_view::npos) return generic_text(rdata);
        rest.remove_prefix(tab + 1);
    }
    // ldns does not quote all that needs it (alpn="a;b") and puts comments behind some data: its
    // text stands only if a reader of master files gets the same data from it.
    MasterText lines(rest);
    MasterLine words;
    if (!lines.next(words) || !words.error.empty()) return generic_text(rdata);
    std::vector<std::string_view> views;
    for (const Word& word : words.words) views.push_back(word.text);
    if (views.empty()) return generic_text(rdata);
    RdataReader reader;
    const auto again = reader.read(type, views);
    const bool same = again && std::equal(again->begin(), again->end(), rdata.begin(), rdata.end());
    if (!same) return generic_text(rdata);
    std::string text;
    for (const std::string_view view : views) {
        if (!text.empty()) text += ' ';
        text += view;
    }
    return text;
}

}  // namespace zones

#include "zones/rdata_text.h"

#include "zones/master_file.h"
#include "zones/node.h"

#include <algorithm>
#include <cstring>

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

}  // namespace

struct RdataReader::Origin {
    ldns::RdfHandle rdf;
};

RdataReader::RdataReader() : origin_(std::make_unique<Origin>()) {
    set_origin(Name::root());
}
RdataReader::~RdataReader() = default;

void RdataReader::set_origin(const Name& origin) {
    origin_->rdf.reset(
        ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, origin.wire().size(), origin.wire().data()));
}

tl::expected<std::span<const std::byte>, std::string> RdataReader::read(Type type,
                                                                        std::string_view text) {
    // A C string ends at the first zero byte, and what is behind it would pass unseen.
    if (text.find('\0') != std::string_view::npos)
        return tl::unexpected<std::string>("a zero byte in the data");
    line_ = ". 0 IN TYPE";
    line_ += std::to_string(static_cast<std::uint16_t>(type));
    line_ += ' ';
    std::size_t at_labels = 0;
    if (has_names(type))
        line_ += disguised(text, at_labels);
    else
        line_ += text;
    ldns_rr* made = nullptr;
    const ldns_status status =
        ldns_rr_new_frm_str(&made, line_.c_str(), 0, origin_->rdf.get(), nullptr);
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
    if (!well_formed(type, wire_)) return tl::unexpected<std::string>("the data is malformed");
    return std::span<const std::byte>(wire_);
}

std::string rdata_text(Type type, std::span<const std::byte> rdata) {
    std::vector<std::byte> wire(1 + record_head + rdata.size());
    write_record(wire.data() + 1, static_cast<std::uint16_t>(type), 0, rdata);
    ldns_rr* made = nullptr;
    std::size_t at = 0;
    const ldns_status status =
        ldns_wire2rr(&made, reinterpret_cast<const std::uint8_t*>(wire.data()), wire.size(), &at,
                     LDNS_SECTION_ANSWER);
    const ldns::RrHandle rr(made);
    if (status != LDNS_STATUS_OK || rdata.empty()) return generic_text(rdata);
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
    std::string text;
    for (const Word& word : words.words) {
        if (!text.empty()) text += ' ';
        text += word.text;
    }
    RdataReader reader;
    const auto again = reader.read(type, text);
    const bool same = again && std::equal(again->begin(), again->end(), rdata.begin(), rdata.end());
    return same ? text : generic_text(rdata);
}

}  // namespace zones

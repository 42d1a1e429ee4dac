#include "zones/record_line.h"

#include "zones/words.h"

namespace zones {

namespace {

// Types that no zone may hold any more: BIND refuses them, too.
bool is_obsolete(Type type) {
    return type == Type::md || type == Type::mf;
}

Complaint no_type(std::size_t at, const Word& word, std::optional<Type> type) {
    const std::string text(word.text);
    if (!type)
        return {at, "unknown type '" + text + "'",
                "is the line [owner] [TTL] [class] type data?  a type without a name is written "
                "TYPE65280 (RFC 3597)"};
    if (is_obsolete(*type)) return {at, "type " + text + " is obsolete", "use MX (RFC 973)"};
    return {at, "type " + text + " cannot stand in a zone", ""};
}

}  // namespace

tl::expected<std::uint32_t, Complaint> checked_ttl(std::span<const Word> words, std::size_t at) {
    const auto ttl = read_ttl(words[at].text);
    if (!ttl)
        return tl::unexpected(Complaint{at, "'" + std::string(words[at].text) + "' is not a TTL",
                                        "seconds, or with units: 1h30m, 2D, 1w"});
    if (*ttl > Ttl::seconds_max)
        return tl::unexpected(Complaint{at, "the TTL is above 2147483647", "RFC 2181 §8"});
    return static_cast<std::uint32_t>(*ttl);
}

tl::expected<RecordHead, Complaint> read_head(std::span<const Word> words, std::size_t at) {
    RecordHead head;
    bool has_class = false;
    for (; at < words.size(); ++at) {
        const Word& word = words[at];
        if (const auto klass = read_class(word.text); klass && !has_class) {
            if (*klass != Class::in)
                return tl::unexpected(
                    Complaint{at, "class " + std::string(word.text) + " is not served", "use IN"});
            has_class = true;
            continue;
        }
        if (!head.ttl && read_ttl(word.text)) {
            const auto ttl = checked_ttl(words, at);
            if (!ttl) return tl::unexpected(ttl.error());
            head.ttl = *ttl;
            continue;
        }
        const auto type = parse_type(word.text);
        if (!type || is_meta(*type) || is_obsolete(*type))
            return tl::unexpected(no_type(at, word, type));
        head.type = *type;
        head.type_at = at;
        return head;
    }
    return tl::unexpected(Complaint{words.size() - 1, "the record has no type",
                                    "a line is [owner] [TTL] [class] type data"});
}

}  // namespace zones

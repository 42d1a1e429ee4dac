#include "zones/respond.h"

#include "zones/additional.h"
#include "zones/answer.h"
#include "zones/ixfr.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace zones {

namespace {

constexpr std::uint16_t opcode_mask = 0x7800;
CookieState cookie_of(const Catalog& catalog, std::span<const std::byte> request,
                      const Query& query, const Peer& peer, const Turn& turn) {
    if (!query.edns || query.edns->cookie.size == 0) return CookieState::none;
    return check_cookie(catalog.edns().cookies, query.edns->cookie.of(request), peer.address,
                        static_cast<std::uint32_t>(turn.now_seconds));
}

Refusal refusal_of(TsigError error) {
    switch (error) {
        case TsigError::bad_key:
            return Refusal::key_unknown;
        case TsigError::bad_sig:
            return Refusal::bad_signature;
        case TsigError::bad_time:
            return Refusal::bad_time;
        case TsigError::bad_trunc:
            return Refusal::bad_truncation;
        default:
            return Refusal::bad_form;
    }
}

bool is_transfer(const Query& query) {
    return query.opcode == Opcode::query && query.has_question &&
           query.qclass == static_cast<std::uint16_t>(Class::in) &&
           (query.type == Type::axfr || query.type == Type::ixfr);
}

// One response, of one message.
class Reply {
public:
    Reply(const Catalog& catalog, std::span<const std::byte> request, const Query& query,
          const Peer& peer, const Turn& turn, std::span<std::byte> out) noexcept
        : catalog_(catalog),
          request_(request),
          query_(query),
          peer_(peer),
          turn_(turn),
          out_(out),
          cookie_(cookie_of(catalog, request, query, peer, turn)),
          writer_(out, limit(out.size())) {
        if (query.edns) opt_.answer(*query.edns, request, cookie_, catalog.edns(), peer, turn);
    }

    std::size_t write() noexcept {
        // RFC 4035 §3.1.6: of CD nothing remains in an authoritative response; nor of AD, RA and Z.
        writer_.begin(query_.id, static_cast<std::uint16_t>(
                                     Flag::qr | (query_.flags & (opcode_mask | Flag::rd))));
        if (query_.edns) writer_.reserve(opt_.size());
        if (query_.has_question) {
            path_.set(query_.name(request_));
            if (!writer_.question(query_.question(request_), path_)) more_flags_ |= Flag::tc;
        }
        const Rcode rcode = decide();
        if ((rcode == Rcode::formerr || rcode == Rcode::notimp) && is_transfer(query_))
            refusal_ = Refusal::bad_form;
        if (tsig_) [[unlikely]]
            return write_signed(rcode);
        write_opt(rcode);
        return writer_.finish(more_flags_, rcode);
    }

    Refusal refusal() const { return refusal_; }
    // As the response says it.
    Rcode rcode() const { return rcode_; }

private:
    // For all but the TSIG record, which has its room before everything else. That of a request
    // whose names are so long that they leave none for a header is not answered by one.
    std::size_t limit(std::size_t room) {
        if (query_.tsig_at == 0) [[likely]]
            return message_limit();
        return limit_beside_tsig(std::min(room, message_limit()));
    }

    [[gnu::cold]] std::size_t limit_beside_tsig(std::size_t limit) {
        tsig_.emplace(*catalog_.keys(), request_, query_.tsig_at, turn_.now_seconds);
        if (limit < tsig_->size() + header_size) {
            tsig_room_ = false;
            return limit;
        }
        return limit - tsig_->size();
    }

    std::size_t message_limit() const {
        if (peer_.transport == Peer::Transport::tcp) return message_size_max;
        // RFC 6891 §6.2.3: less than 512 counts as 512.
        const std::size_t asked = query_.edns ? query_.edns->udp_size : udp_size_min;
        return std::min<std::size_t>(std::max(asked, udp_size_min),
                                     std::max<std::size_t>(peer_.udp_size_max, udp_size_min));
    }

    // RFC 8945 §5.3: what has no room beside its signature is the question and TC alone, without an
    // error; but errors of signatures stay what they are.
    [[gnu::cold]] std::size_t write_signed(Rcode rcode) {
        if ((more_flags_ & Flag::tc) != 0 && tsig_->error() == TsigError::none) {
            writer_.drop_records();
            rcode = Rcode::noerror;
        }
        write_opt(rcode);
        const std::size_t size = writer_.finish(more_flags_, rcode);
        return tsig_room_ ? tsig_->seal(out_, size, turn_.now_seconds) : size;
    }

    // RFC 6891 §6.1.3: without the record the code is the header's four bits.
    void write_opt(Rcode rcode) {
        const bool whole = query_.edns && opt_written(rcode);
        rcode_ = whole ? rcode : static_cast<Rcode>(static_cast<std::uint16_t>(rcode) & 0xf);
    }

    // RFC 8914 §2: the reason goes where there is room for it, and never costs an answer.
    bool opt_written(Rcode rcode) {
        if (why_ != ExtendedError::none) {
            OptRecord with_reason = opt_;
            with_reason.add(why_);
            if (writer_.opt(with_reason, rcode)) return true;
        }
        return writer_.opt(opt_, rcode);
    }

    Rcode say(Rcode rcode, ExtendedError why) {
        why_ = why;
        return rcode;
    }

    Rcode refused_signature() {
        refusal_ = refusal_of(tsig_->error());
        return tsig_->error() == TsigError::malformed ? Rcode::formerr : Rcode::notauth;
    }

    Rcode decide() {
        // RFC 8945 §5.2: before anything that the message says.
        if (tsig_ && tsig_->error() != TsigError::none) [[unlikely]]
            return refused_signature();
        if (query_.verdict != Rcode::noerror) return query_.verdict;
        switch (query_.opcode) {
            case Opcode::query:
                break;
            case Opcode::notify:  // RFC 1996 §3.10: we are nobody's secondary
            case Opcode::update:  // as BIND does for a zone that nobody may update
                return say(Rcode::refused, ExtendedError::not_supported);
            default:
                return say(Rcode::notimp, ExtendedError::not_supported);
        }
        // RFC 2931: to check a public key's signature for whoever sends one is work that we do not
        // do, and what is signed is not answered as if it were not (CVE-2024-1975).
        if (query_.signed_by_sig0) return say(Rcode::notimp, ExtendedError::not_supported);
        if (!query_.has_question) return cookie_alone();
        // RFC 7873 §5.2.3, §5.2.4: who comes by TCP has shown his address already.
        if (cookie_ == CookieState::unknown && catalog_.edns().cookies_required &&
            peer_.transport == Peer::Transport::udp)
            return Rcode::badcookie;
        if (query_.qclass == static_cast<std::uint16_t>(Class::in)) return internet();
        if (query_.qclass == static_cast<std::uint16_t>(Class::ch)) return chaos();
        return say(Rcode::refused, ExtendedError::not_supported);
    }

    // RFC 7873 §5.4: no question, but a cookie to be made or confirmed.
    Rcode cookie_alone() const {
        if (cookie_ == CookieState::none) return Rcode::formerr;
        const bool wrong =
            cookie_ == CookieState::unknown && query_.edns->cookie.size != client_cookie_size;
        return wrong ? Rcode::badcookie : Rcode::noerror;
    }

    Rcode internet() {
        switch (query_.type) {
            case Type::axfr:
                // RFC 5936 §4.2: never over UDP. What is allowed over TCP has many messages and
                // takes the other door.
                return peer_.transport == Peer::Transport::udp
                           ? Rcode::formerr
                           : transfer_refusal().value_or(Rcode::refused);
            case Type::ixfr:
                return current_soa();
            case Type::maila:
            case Type::mailb:
            case Type::tkey:
                return say(Rcode::notimp, ExtendedError::not_supported);
            case Type::any:
                return names();
            default:
                // RFC 6895 §3.1: the other meta-types mean nothing in a question. Type 0 is just a
                // type that no name has.
                return is_meta(query_.type) && query_.type != Type{0} ? Rcode::formerr : names();
        }
    }

    Rcode chaos() {
        if (!any_contains(catalog_.access().chaos, peer_.address))
            return say(Rcode::refused, ExtendedError::prohibited);
        const RRsetView text = catalog_.chaos(path_);
        const bool transfer = query_.type == Type::axfr || query_.type == Type::ixfr;
        if (!text || transfer) return say(Rcode::refused, ExtendedError::not_supported);
        more_flags_ |= Flag::aa;
        if (query_.type == Type::txt || query_.type == Type::any)
            put(Section::answer, {&path_, path_.depth(), text, nullptr}, Ttl::seconds_max);
        return Rcode::noerror;
    }

public:
    // Why a transfer is not to be had.
    static Refusal refusal(const Catalog& catalog, const Path& name, const Peer& peer,
                           const Name* signer) noexcept {
        const Zone* zone = catalog.enclosing(name);
        if (zone == nullptr || zone->depth() != name.depth()) return Refusal::no_such_zone;
        return catalog.may_transfer(zone->origin(), peer.address, signer) ? Refusal::none
                                                                          : Refusal::not_allowed;
    }

private:
    std::optional<Rcode> transfer_refusal() {
        refusal_ = refusal(catalog_, path_, peer_, tsig_ ? tsig_->signer() : nullptr);
        if (refusal_ == Refusal::none) return std::nullopt;
        if (refusal_ == Refusal::no_such_zone) return Rcode::notauth;  // RFC 5936 §2.2.1
        return say(Rcode::refused, ExtendedError::prohibited);
    }

    // RFC 1995 §2: over UDP the answer to IXFR is all of the differences or else the SOA alone, so
    // that the client goes on by TCP. To a client that is up to date it is the same.
    Rcode current_soa() {
        if (!query_.ixfr_serial) return Rcode::formerr;
        if (const auto why_not = transfer_refusal()) return *why_not;
        const History& history = *catalog_.zone(path_);
        const Zone* zone = history.newest().get();
        more_flags_ |= Flag::aa;
        tell_expire(*zone);
        if (peer_.transport == Peer::Transport::udp &&
            write_ixfr(writer_, path_, history, Serial(*query_.ixfr_serial)))
            return Rcode::noerror;
        put(Section::answer, {&path_, path_.depth(), zone->soa(), zone}, Ttl::seconds_max);
        return Rcode::noerror;
    }

    // RFC 7314 §3.1. Before any record is written, so that there is room.
    void tell_expire(const Zone& zone) {
        if (!query_.edns || !query_.edns->expire) return;
        opt_.add_expire(zone.expire_seconds());
        writer_.reserve(opt_.size());
    }

    Rcode names() {
        if (query_.type == Type::soa && query_.edns && query_.edns->expire)
            if (const History* asked = catalog_.zone(path_)) tell_expire(*asked->newest());
        answer(catalog_, path_, query_.type, sections_);
        if (sections_.authoritative) more_flags_ |= Flag::aa;
        if (sections_.rcode == Rcode::refused) why_ = ExtendedError::not_authoritative;
        for (const Item& item : sections_.answer())
            if (!put(Section::answer, item, Ttl::seconds_max)) return sections_.rcode;
        Additional additional(catalog_, turn_, writer_);
        if (const Item& item = sections_.authority; item.rrset) {
            const std::uint32_t ttl_max = sections_.referral
                                              ? Ttl::seconds_max
                                              : item.zone->negative_ttl().seconds;  // RFC 2308 §5
            if (!put(Section::authority, item, ttl_max)) return sections_.rcode;
            // RFC 9471 §3.2: siblings' glue has what room is left, and need not be there.
            if (sections_.referral) {
                additional.addresses(item, Additional::Hosts::below_cut);
                additional.addresses(item, Additional::Hosts::others);
            }
        }
        for (const Item& item : sections_.answer())
            additional.addresses(item, Additional::Hosts::all);
        if (additional.lacks_glue()) more_flags_ |= Flag::tc;
        return sections_.rcode;
    }

    // RFC 2181 §9: TC says that a whole RRset which belongs here is missing. Nothing follows it.
    bool put(Section section, const Item& item, std::uint32_t ttl_max) {
        if (writer_.rrset(section, *item.path, item.depth, item.rrset, turn_.rotation, ttl_max))
            return true;
        more_flags_ |= Flag::tc;
        return false;
    }

    const Catalog& catalog_;
    const std::span<const std::byte> request_;
    const Query& query_;
    const Peer& peer_;
    const Turn& turn_;
    const std::span<std::byte> out_;
    const CookieState cookie_;
    std::optional<TsigSigner> tsig_;
    bool tsig_room_ = true;
    Refusal refusal_ = Refusal::none;
    Rcode rcode_ = Rcode::noerror;
    OptRecord opt_;
    ExtendedError why_ = ExtendedError::none;
    Writer writer_;
    std::uint16_t more_flags_ = 0;
    Path path_;
    Sections sections_;
};

}  // namespace

std::string_view text(Refusal refusal) noexcept {
    switch (refusal) {
        case Refusal::none:
            return "not refused";
        case Refusal::no_such_zone:
            return "no such zone here";
        case Refusal::not_allowed:
            return "not allowed";
        case Refusal::key_unknown:
            return text(TsigError::bad_key);
        case Refusal::bad_signature:
            return text(TsigError::bad_sig);
        case Refusal::bad_time:
            return text(TsigError::bad_time);
        case Refusal::bad_truncation:
            return text(TsigError::bad_trunc);
        case Refusal::bad_form:
            return "not asked for in a form that is answered";
    }
    return "refused";
}

std::size_t respond(const Catalog& catalog, std::span<const std::byte> request, const Peer& peer,
                    const Turn& turn, std::span<std::byte> out, Outcome* outcome) noexcept {
    if (outcome != nullptr) *outcome = {};
    const auto query = read_query(request);
    if (!query || out.size() < header_size) return 0;
    Reply reply(catalog, request, *query, peer, turn, out);
    const std::size_t size = reply.write();
    if (outcome != nullptr)
        *outcome = {reply.refusal(), reply.rcode(), is_transfer(*query), query->name_size};
    return size;
}

std::optional<TsigStream> begin_transfer(const Catalog& catalog, std::span<const std::byte> request,
                                         const Peer& peer, const Turn& turn) {
    const auto query = read_query(request);
    const bool asked = query && query->verdict == Rcode::noerror && is_transfer(*query) &&
                       !query->signed_by_sig0 && peer.transport == Peer::Transport::tcp &&
                       (query->type == Type::axfr || query->ixfr_serial);
    if (!asked) return std::nullopt;
    std::optional<TsigSigner> signer;
    if (query->tsig_at != 0) {
        signer.emplace(*catalog.keys(), request, query->tsig_at, turn.now_seconds);
        if (signer->error() != TsigError::none) return std::nullopt;
    }
    const Name* key = signer ? signer->signer() : nullptr;
    if (Reply::refusal(catalog, Path(query->name(request)), peer, key) != Refusal::none)
        return std::nullopt;
    const History& history = *catalog.zone(Path(query->name(request)));
    auto told = query->type == Type::ixfr ? told_by_ixfr(history, Serial(*query->ixfr_serial))
                                          : history.recent(0);
    if (!told) return std::nullopt;
    OptRecord opt;
    if (query->edns)
        opt.answer(*query->edns, request, cookie_of(catalog, request, *query, peer, turn),
                   catalog.edns(), peer, turn);
    if (query->edns && query->edns->expire) opt.add_expire(history.newest()->expire_seconds());
    Transfer transfer(std::move(*told), request, *query, opt);
    return signer ? TsigStream(std::move(transfer), catalog.keys(), *signer)
                  : TsigStream(std::move(transfer));
}

bool Response::next(std::vector<std::byte>& message) {
    if (transfer_) {
        message.resize(message_size_max);
        message.resize(transfer_->next(message, now_seconds_));
        return !message.empty();
    }
    if (single_.empty()) return false;
    message = std::move(single_);
    single_.clear();
    return true;
}

Response respond(std::shared_ptr<const Catalog> catalog, std::span<const std::byte> request,
                 const Peer& peer, const Turn& turn) {
    Response response;
    response.now_seconds_ = turn.now_seconds;
    response.transfer_ = begin_transfer(*catalog, request, peer, turn);
    if (response.transfer_) return response;
    std::vector<std::byte> message(message_size_max);
    message.resize(respond(*catalog, request, peer, turn, message));
    response.single_ = std::move(message);
    return response;
}

}  // namespace zones

#pragma once
// What other servers fell to is sent to this.

#include "tests/zones/support.h"

namespace zones::testing {

inline Catalog target() {
    EdnsRules rules;
    rules.nsid.assign(nsid_size_max, std::byte{'n'});
    rules.cookies = *CookieSecrets::parse("e5e973e5a6b2a43f48e7dc849e37bfcf");
    return catalog({zone("example",
                         "www A 192.0.2.1\nwww TXT x\na CNAME www\n*.w MX 10 www\nd DNAME e\n"
                         "x.e TXT x\nsub NS ns.sub\nns.sub A 192.0.2.3\n"),
                    zone(".", "tld NS ns.tld\nns.tld A 192.0.2.9\n")})
        .with(Access{{{*Prefix::parse("0.0.0.0/0"), {}}}, {*Prefix::parse("0.0.0.0/0")}})
        .with(Identity{"v", "i"})
        .with(std::move(rules));
}

inline void append(Bytes& message, const Bytes& more) {
    message.insert(message.end(), more.begin(), more.end());
}

// A record behind its owner.
inline Bytes record(unsigned type, unsigned qclass, const Bytes& rdata) {
    Bytes bytes(10);
    store16(&bytes[0], static_cast<std::uint16_t>(type));
    store16(&bytes[2], static_cast<std::uint16_t>(qclass));
    store16(&bytes[8], static_cast<std::uint16_t>(rdata.size()));
    append(bytes, rdata);
    return bytes;
}

inline Bytes answer_by_tcp(const Catalog& zones, const Bytes& request) {
    Asking asking;
    asking.transport = Peer::Transport::tcp;
    return reply_to(zones, request, asking);
}

}  // namespace zones::testing

#include "tests/fuzz/served.h"

#include "tests/fuzz/zones.h"

#include <array>
#include <cstddef>

using namespace zones;

namespace fuzz {

namespace {

const char* const parent_text = R"($TTL 300
@ 3600 SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
@ NS ns.sub
ns A 192.0.2.1
ns AAAA 2001:db8::1
www A 192.0.2.2
www A 192.0.2.3
www AAAA 2001:db8::2
www HTTPS 1 . alpn=h2
mail MX 10 www
mail MX 20 ns.sub
alias CNAME www
loop CNAME pool
pool CNAME loop
far CNAME a.b.c.other.example.
*.w A 192.0.2.4
*.w MX 10 www
*.c CNAME alias
d DNAME sub2
x.y.z TXT "ent"
_s._tcp SRV 1 2 3 www
big TXT "0123456789012345678901234567890123456789012345678901234567890123456789"
big TXT "1123456789012345678901234567890123456789012345678901234567890123456789"
big TXT "2123456789012345678901234567890123456789012345678901234567890123456789"
big TXT "3123456789012345678901234567890123456789012345678901234567890123456789"
big TXT "4123456789012345678901234567890123456789012345678901234567890123456789"
big TXT "5123456789012345678901234567890123456789012345678901234567890123456789"
big TXT "6123456789012345678901234567890123456789012345678901234567890123456789"
big TXT "7123456789012345678901234567890123456789012345678901234567890123456789"
sub NS ns.sub
sub NS ns.sub2
sub NS ns.elsewhere.invalid.
ns.sub A 192.0.2.5
ns.sub AAAA 2001:db8::5
ns.sub2 A 192.0.2.6
type65280 TYPE65280 \# 3 010203
)";
const char* const child_text = R"($TTL 300
@ 3600 SOA ns hostmaster 7 3600 600 86400 60
@ NS ns.example.
@ DNAME example.
)";

}  // namespace

std::shared_ptr<const Catalog> served(bool cookies_required) {
    Catalog catalog;
    catalog = catalog.with(History(zone("example", parent_text)));
    catalog = catalog.with(History(zone("other.example", child_text)));
    catalog = catalog.with(Access{{{*Prefix::parse("192.0.2.0/24"), {}}},
                                  {*Prefix::parse("0.0.0.0/0"), *Prefix::parse("::/0")}});
    EdnsRules edns;
    edns.nsid = {std::byte{'n'}, std::byte{'s'}, std::byte{'0'}};
    constexpr std::array<std::byte, CookieSecrets::secret_size> secret{std::byte{7}};
    edns.cookies = CookieSecrets::of(secret);
    edns.cookies_required = cookies_required;
    catalog = catalog.with(edns);
    return std::make_shared<const Catalog>(catalog.with(Identity{"version", "id"}));
}

}  // namespace fuzz

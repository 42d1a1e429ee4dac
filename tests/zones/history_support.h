#pragma once
// Zones whose versions come about at random, and a small model to judge deltas by: a version is the
// set of its records, each as its bytes.

#include "tests/zones/support.h"
#include "zones/delta.h"
#include "zones/difference.h"
#include "zones/history.h"

#include <memory>
#include <set>
#include <string>

namespace zones::testing {

// Owner and record in wire form, one behind the other; the SOA is left out.
using Records = std::set<std::string>;
Records records_of(const Zone& zone);
// Takes away what went and adds what came. Each of the former must be there, none of the latter.
void carry_out(const Delta& delta, Records& records);
bool is_step(const Delta& delta, const Zone& before, const Zone& after);

// All messages of the answer to one request over TCP.
std::vector<Bytes> stream(const Catalog& catalog, const Bytes& request, const Asking& asking);
Asking axfr();
Bytes ixfr_query(const Name& zone, std::uint32_t serial);
// All records of a transfer, as lines.
Lines told(const std::vector<Bytes>& messages);

class RandomVersions {
public:
    explicit RandomVersions(std::uint64_t seed);

    const std::shared_ptr<const Zone>& now() const { return now_; }
    // The next version, under a higher serial: live changes, or, less often, another file.
    void live_change();
    void other_file();

private:
    Zone::Change random_change();
    Name random_name();
    Rdata random_rdata(Type type);
    Serial next_serial();

    Random random_;
    std::shared_ptr<const Zone> now_;
};

}  // namespace zones::testing

#pragma once
// Words and numbers for people: how a reload went, and the snapshot that page, JSON and metrics
// show.

#include "dnsd/io/groups.h"
#include "dnsd/io/loader.h"
#include "dnsd/io/notify_io.h"
#include "dnsd/io/status_json.h"
#include "dnsd/io/tcp_server.h"
#include "dnsd/io/udp_server.h"
#include "dnsd/io/zone_store.h"

#include <array>
#include <cstdint>
#include <string>

namespace dnsd {

std::string text_of(const Notifier::Note&);
std::string text_of(const ZoneStore::PublishedZone&);
std::size_t names_in(const zones::Catalog&);
// How many secondaries hear of each new version of it.
std::size_t told_of(const zones::Name& zone, const NotifyIo& notify);

// Lines about zones, of which there may be ten thousand: a bounded number of them, those of errors
// first if there are too many, and how many there were besides.
constexpr std::size_t zone_lines_max = 500;
std::vector<ZoneStore::Line> bounded(std::vector<ZoneStore::Line> lines);

// How the last reading of the zone files went.
class ReloadReport {
public:
    ReloadReport();
    void failed(const std::string& why);
    // `zones` as they were before they took the result.
    void read(const Loader::Result& result, const ZoneStore& zones);
    void published(const std::vector<ZoneStore::PublishedZone>& zones, std::size_t removed);
    // So many groups keep the settings that they had.
    void refused(std::size_t groups);
    bool ok() const { return ok_; }
    std::string text() const;  // "reload: 2 zones read anew, 1 unchanged, 1 added, 1 removed"
    void fill_in(Status&) const;

private:
    bool ok_ = true;
    std::int64_t time_ms_;
    std::string text_, errors_;
};

// By zones::Refusal.
using RefusedTransfers = std::array<std::uint64_t, zones::refusals>;
// Those that nobody looked at are refused all the same; of permitted ones no more is known.
void count_refused(Counters& into, const RefusedTransfers& refused,
                   const TransfersLeftOut& left_out);

void fill_in(Status& status, const ZoneStore& zones, const NotifyIo& notify, const Groups* groups,
             const UdpServer& udp, const TcpServer& tcp);

}  // namespace dnsd

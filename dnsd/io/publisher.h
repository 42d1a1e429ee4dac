#pragma once
// The way of a version out of the house: made and remembered by the zone store, given to the query
// threads, and then handed on to whoever tells others. Part of the control thread.

#include "dnsd/io/published.h"
#include "dnsd/io/zone_store.h"
#include "heartbeat/io/asio.h"
#include "heartbeat/io/timer.h"
#include "zones/chaos.h"

#include <functional>
#include <memory>

namespace dnsd {

class Publisher {
public:
    // What was published, when the query threads have it.
    using Then = std::function<void(const ZoneStore::Outcome&)>;

    Publisher(boost::asio::io_context& loop, ZoneStore& store, Then then);

    const PublishedCell<zones::Catalog>& cell() const { return published_; }

    void publish();
    void publish_again();  // a little later
    // The two halves of publish(), for who has more to tell of the first.
    ZoneStore::Outcome next_versions();
    void publish(const ZoneStore::Outcome& outcome);
    // What class CH tells from now on.
    void tell(zones::ChaosRecords records);

private:
    void publish_again_in(heartbeat::Duration wait);
    void store();
    void sweep();

    ZoneStore& store_;
    Then then_;
    std::shared_ptr<const zones::ChaosRecords> records_;
    PublishedCell<zones::Catalog> published_;
    boost::asio::steady_timer publish_again_, sweep_again_;
    heartbeat::BootTimer held_back_;
};

}  // namespace dnsd

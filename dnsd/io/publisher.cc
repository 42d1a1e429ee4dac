#include "dnsd/io/publisher.h"

#include "dnsd/io/log.h"
#include "dnsd/io/reread.h"
#include "dnsd/io/wall_clock.h"
#include "heartbeat/io/clock.h"

#include <new>
#include <utility>

namespace dnsd {
namespace {

using boost::system::error_code;

constexpr std::chrono::milliseconds sweep_every{100};

}  // namespace

Publisher::Publisher(boost::asio::io_context& loop, ZoneStore& store, Then then)
    : store_(store),
      then_(std::move(then)),
      records_(std::make_shared<const zones::ChaosRecords>()),
      published_(store.catalog()),
      publish_again_(loop),
      sweep_again_(loop),
      held_back_(loop) {}

// For want of memory the loop must not end: what stands is still served, and nothing is half done.
ZoneStore::Outcome Publisher::next_versions() {
    try {
        return store_.publish({heartbeat::boot_now(), wall_milliseconds() / 1000});
    } catch (const std::bad_alloc&) {
        log_error("not enough memory to publish; all zones stay as they are");
    }
    ZoneStore::Outcome nothing;
    nothing.again_in = ZoneStore::retry_first;
    return nothing;
}

void Publisher::publish_again() {
    publish_again_in(ZoneStore::retry_first);
}

void Publisher::publish_again_in(heartbeat::Duration wait) {
    publish_again_.expires_after(wait);
    publish_again_.async_wait([this](const error_code& error) {
        if (!error) publish();
    });
}

void Publisher::publish() {
    const ZoneStore::Outcome outcome = next_versions();
    log_lines(outcome.lines);
    publish(outcome);
}

// Edition → ledger → query threads → secondaries → machines, in this order.
void Publisher::publish(const ZoneStore::Outcome& outcome) {
    if (outcome.catalog_changed) store();
    then_(outcome);
    // A turn that failed is made again as a whole, with what was held back before it: that may be
    // due by now, and would wake us at once for as long as turns fail.
    const bool failed = outcome.again_in > heartbeat::Duration::zero();
    if (failed) publish_again_in(outcome.again_in);
    if (failed || store_.wakes_at() == heartbeat::Instant::max())
        held_back_.cancel();
    else
        held_back_.set(store_.wakes_at(), [this] { publish(); });
}

// Zones are shared with the Catalog before: this costs a few pointers, however many there are. The
// ledger has the versions already, so they go out, if need be without what else is told.
void Publisher::store() {
    std::shared_ptr<const zones::Catalog> next = store_.catalog();
    try {
        next = std::make_shared<const zones::Catalog>(next->with(records_));
    } catch (const std::bad_alloc&) {
        log_error("not enough memory for what class CH tells");
    }
    published_.store(std::move(next));
    sweep();
}

void Publisher::tell(zones::ChaosRecords records) {
    records_ = std::make_shared<const zones::ChaosRecords>(std::move(records));
    store();
}

// Until the query threads have moved on from all old versions, which end here.
void Publisher::sweep() {
    if (published_.sweep() == 0) return;
    sweep_again_.expires_after(sweep_every);
    sweep_again_.async_wait([this](const error_code& error) {
        if (!error) sweep();
    });
}

}  // namespace dnsd

#pragma once
// The control thread's table of zones: what the file says, what the groups' standings make of it,
// which serial it is published under, and the Catalog that follows. Opens nothing itself.

#include "dnsd/arbiter/standing.h"
#include "dnsd/io/admission.h"
#include "dnsd/io/ledger.h"
#include "dnsd/io/zone_advice.h"
#include "dnsd/io/zone_files.h"
#include "dnsd/io/zone_serial.h"
#include "dnsd/publish/live_places.h"
#include "dnsd/publish/pacer.h"
#include "zones/catalog.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace dnsd {

class ZoneStore {
public:
    using Line = ZoneLine;
    struct Moment {
        heartbeat::Instant now;         // for the pace of versions
        std::int64_t unix_seconds = 0;  // for serials that tell the time
    };
    struct PublishedZone {
        zones::Name zone;
        zones::Serial serial;
        std::optional<zones::Serial> before;  // nullopt: a zone that was not served
    };
    struct Outcome {
        std::vector<PublishedZone> published;  // new versions, all of them in catalog() by now
        bool catalog_changed = false;
        bool zones_changed = false;       // which zones there are
        bool ledger_failed = false;       // some zone waits for publish() to be tried again
        heartbeat::Duration again_in{0};  // … after this; 0: none does
        std::vector<Line> lines;          // what to tell the operator
    };
    using Styles = std::map<zones::Name, SerialStyle>;

    static constexpr std::size_t retired_max = 100'000;
    // What the ledger did not take is tried again after this, and then ever later: each time the
    // zones are made anew. Whatever else is published takes it along.
    static constexpr heartbeat::Duration retry_first = std::chrono::seconds(1);
    static constexpr heartbeat::Duration retry_last = std::chrono::seconds(30);

    // `base` has the rules of access and no zones. Without a ledger nothing outlives the process.
    // `where_all` says where to see the mistakes beyond mistakes_told_max; it may be empty.
    ZoneStore(const zones::Catalog& base, Ledger* ledger, std::string where_all = "",
              zones::HistoryLimits limits = {});

    // A group whose names live in `zone`; before the first publish().
    void add_group(const zones::Name& zone, const std::string& group, const EditionRules& rules);
    // A group's new standing. Nothing is seen of it before publish().
    void stand(const Standing& standing);
    // Who may ask for what, from the next publish() on.
    void admit(Admission admission);
    // How serials look that are chosen here, from the next publish() on; a counter where not said.
    void number(Styles styles) { styles_ = std::move(styles); }
    // How options are answered from the next publish() on.
    void answer_by(zones::EdnsRules rules) { edns_ = std::move(rules); }

    // Zones whose file's serial went back, of those that are served, become failed ones.
    void judge(std::vector<ZoneRead>& read);
    // What the reader found; zones that it does not name are removed. Zones that failed stay as
    // they are, and the first of their mistakes become lines. All of it or, by bad_alloc, nothing.
    std::vector<Line> take(std::vector<ZoneRead> read);
    // Makes the next version of every zone that needs one: durable in the ledger first. By
    // bad_alloc nothing is published, and the next call does it all.
    Outcome publish(const Moment& moment);
    // When publish() is owed for what was held back; Instant::max(): nothing was.
    heartbeat::Instant wakes_at() const { return pacer_.wakes_at(); }

    const std::shared_ptr<const zones::Catalog>& catalog() const { return catalog_; }
    std::optional<zones::Serial> serial(const zones::Name& zone) const;
    std::shared_ptr<const zones::Zone> served(const zones::Name& zone) const;
    std::vector<zones::Name> names() const;       // of what is served
    std::vector<zones::Name> read_names() const;  // of what was read, published or not yet

private:
    struct Entry {
        std::string path;
        std::shared_ptr<const zones::Zone> file;  // null until it was once read without error
        std::string content;                      // digest of `file`
        ZoneRead::SoaPlace soa;                   // of `file`
        std::shared_ptr<const zones::BaseDifference> difference;  // of `served` and `file`, or null
        bool file_changed = false;              // `file` is not what `served` was made of
        bool stood = false;                     // a standing has changed since
        bool urgent = false;                    // … and another server is master
        bool owed = false;                      // the ledger did not take it, and it was said
        std::optional<zones::Mistake> refused;  // why the file that was read last was not taken

        std::shared_ptr<const zones::Zone> served;  // null until published
        std::string served_content;                 // digest of the file that it was made of
        std::optional<zones::Serial> served_file;   // and its serial
        std::string live;                           // live_text of what is served
    };
    // The next state of an entry, made before anything is changed.
    struct Pending {
        zones::Name zone;
        Entry* entry = nullptr;
        std::optional<zones::History> history;  // nullopt: what is served stays
        bool advanced = false;                  // its last step is new
        std::string content, live;
        std::optional<zones::Serial> file_serial;
        bool paced = false;
        std::optional<ZoneServed> to_remember;  // before it may be published
    };
    struct Draft {
        std::shared_ptr<const zones::Catalog> catalog;
        Outcome outcome;
    };
    struct Numbered {
        SerialsBefore before;
        SerialChoice choice;
    };

    std::optional<Served> served_before(const zones::Name& zone) const;
    SerialStyle style_of(const zones::Name& zone) const;
    std::vector<Pending> pending(const Moment& moment, std::vector<Line>& lines);
    void from_standings(Pending& one, const Moment& moment) const;
    void from_file(Pending& one, const Moment& moment, std::vector<Line>& lines) const;
    void from_past(Pending& one, const Served& before, const Moment& moment,
                   std::vector<Line>& lines) const;
    void advise(const Pending& one, const Numbered& numbered, std::vector<Line>& lines) const;
    Draft draft(const std::vector<Pending>& all, bool remembered) const;
    tl::expected<void, std::string> remember(const std::vector<Pending>& all);
    void tell_unwritten(const std::vector<Pending>& all, const std::string& why,
                        std::vector<Line>& lines) const;
    heartbeat::Duration retry_in(heartbeat::Instant now) noexcept;
    void commit(std::vector<Pending>& all, bool remembered, const Moment& moment) noexcept;

    std::shared_ptr<const zones::Catalog> catalog_;
    Ledger* ledger_;
    std::string where_all_;
    zones::HistoryLimits limits_;
    Styles styles_;
    Pacer pacer_;
    std::optional<Admission> admission_;  // not in the catalog yet
    std::map<zones::Name, Entry> entries_;
    LivePlaces places_;
    std::vector<zones::Name> removed_;      // still in the catalog
    std::optional<zones::EdnsRules> edns_;  // not yet in the catalog
    // Of removed zones: one that comes back, say after an editor replaced its file, goes on from
    // here, or unchanged where it was.
    std::map<zones::Name, Served> retired_;
    std::string unwritten_why_;          // what the ledger said when it failed last
    heartbeat::Duration retry_wait_{0};  // the wait that ends at…
    heartbeat::Instant retry_at_{};
};

}  // namespace dnsd

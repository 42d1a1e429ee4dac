#pragma once
// The control thread's table of zones: what the file says, what the groups' standings make of it,
// which serial it is published under, and the Catalog that follows. Opens nothing itself.

#include "dnsd/arbiter/standing.h"
#include "dnsd/io/admission.h"
#include "dnsd/io/ledger.h"
#include "dnsd/io/log.h"
#include "dnsd/io/zone_files.h"
#include "dnsd/io/zone_serial.h"
#include "dnsd/publish/edition.h"
#include "zones/catalog.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace dnsd {

class ZoneStore {
public:
    struct Line {
        Urgency urgency;
        std::string text;
    };
    struct PublishedZone {
        zones::Name zone;
        zones::Serial serial;
        std::optional<zones::Serial> before;  // nullopt: a zone that was not served
    };
    struct Outcome {
        std::vector<PublishedZone> published;  // new versions, all of them in catalog() by now
        bool catalog_changed = false;
        bool zones_changed = false;  // which zones there are
        bool ledger_failed = false;  // some zone waits for publish() to be tried again
        std::vector<Line> lines;     // what to tell the operator
    };

    static constexpr std::size_t retired_max = 100'000;
    static constexpr std::size_t mistakes_told_max = 10;  // of one zone; the rest are counted

    // `base` has the rules of access and no zones. Without a ledger nothing outlives the process.
    // `where_all` says where to see the mistakes beyond mistakes_told_max; it may be empty.
    ZoneStore(const zones::Catalog& base, Ledger* ledger, std::string where_all = "");

    // A group whose names live in `zone`; before the first publish().
    void add_group(const zones::Name& zone, const std::string& group, const EditionRules& rules);
    // A group's new standing. Nothing is seen of it before publish().
    void stand(const Standing& standing);
    // Who may ask for what, from the next publish() on.
    void admit(Admission admission);
    // What the reader found; zones that it does not name are removed. Zones that failed stay as
    // they are, and the first of their mistakes become lines.
    std::vector<Line> take(std::vector<ZoneRead> read);
    // How options are answered from the next publish() on.
    void answer_by(zones::EdnsRules rules) { edns_ = std::move(rules); }
    // Makes the next version of every zone that needs one: durable in the ledger first.
    Outcome publish();

    const std::shared_ptr<const zones::Catalog>& catalog() const { return catalog_; }
    std::optional<zones::Serial> serial(const zones::Name& zone) const;
    std::shared_ptr<const zones::Zone> served(const zones::Name& zone) const;
    std::vector<zones::Name> names() const;       // of what is served
    std::vector<zones::Name> read_names() const;  // of what was read, published or not yet

private:
    struct Place {
        std::string group;
        EditionRules rules;
        std::optional<Standing> standing;
    };
    struct Entry {
        std::string path;
        std::shared_ptr<const zones::Zone> file;    // null until it was once read without error
        std::shared_ptr<const zones::Zone> served;  // null until published
        std::string content;                        // digest of `file`
        std::string live;                           // live_text of what is served
        bool file_changed = false;                  // `file` is not what `served` was made of
        bool content_changed = false;  // … and says something else, not only another serial
        bool file_raised = false;      // … and the operator raised the file's serial
        bool stood = false;            // a standing has changed since
    };

    std::string live_of(const zones::Name& zone) const;
    std::optional<Served> served_before(const zones::Name& zone) const;
    std::shared_ptr<const zones::Zone> next_version(const zones::Name& zone, Entry& entry,
                                                    Outcome& outcome);
    std::shared_ptr<const zones::Zone> from_file(const zones::Name& zone, Entry& entry,
                                                 const std::string& live, Outcome& outcome);
    struct Pending {
        zones::Name zone;
        Entry* entry;
        std::shared_ptr<const zones::Zone> version;  // null: what is served stays
        std::string live;
        std::optional<Served> to_remember;  // before it may be published
    };
    bool remember(const std::vector<Pending>& all, Outcome& outcome);
    static void publish_one(Pending& one, zones::Catalog& next, Outcome& outcome);

    std::shared_ptr<const zones::Catalog> catalog_;
    Ledger* ledger_;
    std::string where_all_;
    std::optional<Admission> admission_;  // not in the catalog yet
    std::map<zones::Name, Entry> entries_;
    std::map<zones::Name, std::vector<Place>> places_;
    std::vector<zones::Name> removed_;      // still in the catalog
    std::optional<zones::EdnsRules> edns_;  // not yet in the catalog
    // Of removed zones: one that comes back, say after an editor replaced its file, goes on from
    // here, or unchanged where it was.
    std::map<zones::Name, Served> retired_;
};

// What the operator is told about a serial that is not the file's; empty when there is nothing to
// say.
std::string serial_advice(const zones::Name& zone, const std::string& path, zones::Serial in_file,
                          std::optional<zones::Serial> published, const SerialChoice& choice);

}  // namespace dnsd

#pragma once
// Reads configuration and zone files again in a thread of its own, so that a million records being
// parsed delay no lease and no answer. One reading at a time; what is asked for meanwhile is done
// once more after it.

#include "dnsd/io/check.h"
#include "dnsd/io/zone_files.h"
#include "zones/catalog.h"

#include <functional>
#include <memory>
#include <optional>

namespace boost::asio {
class io_context;
}

namespace dnsd {

class Loader {
public:
    struct Result {
        tl::expected<ZoneSources, std::string> sources;
        std::vector<ZoneRead> read;
        std::optional<ConfigAgain> config;  // of a reload, with a configuration
    };
    using Sources = std::function<tl::expected<ZoneSources, std::string>()>;
    // The configuration, before any zone file: with a mistake in it none of those is read.
    struct Reread {
        ConfigAgain config;
        ZoneSources sources;  // that it names: read from now on
    };
    using ConfigReader = std::function<Reread()>;

    // What is served, asked when a reading begins, on the loop's thread: what is read is compared
    // with it in the reader's, so that a million names are not by the thread that publishes.
    using Snapshot = std::function<std::shared_ptr<const zones::Catalog>()>;

    // `on_loaded` is called on the loop's thread, by load() itself when no reading can be started;
    // `config` may be empty, and is called by one thread at a time.
    Loader(boost::asio::io_context& loop, ConfigReader config, Sources sources, ZoneReader reader,
           Snapshot snapshot, std::function<void(Result)> on_loaded);
    // Does not wait for a reading that is under way.
    ~Loader();
    Loader(const Loader&) = delete;
    Loader& operator=(const Loader&) = delete;

    Result load_now();  // zones alone: at start, in the caller's thread
    void load();
    // The last result could not be taken: the next reading tells everything anew. In on_loaded.
    void forget() noexcept;
    bool busy() const;

private:
    struct Inside;
    std::shared_ptr<Inside> inside_;
};

}  // namespace dnsd

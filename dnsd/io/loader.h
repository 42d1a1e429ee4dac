#pragma once
// Reads zone files in a thread of its own, so that a million records being parsed delay no lease
// and no answer. One reading at a time; what is asked for meanwhile is done once more after it.

#include "dnsd/io/zone_files.h"

#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace dnsd {

class Loader {
public:
    struct Result {
        tl::expected<ZoneSources, std::string> sources;
        std::vector<ZoneRead> read;
    };
    using Sources = std::function<tl::expected<ZoneSources, std::string>()>;

    // `on_loaded` is called on the loop's thread.
    Loader(boost::asio::io_context& loop, Sources sources, ZoneReader reader,
           std::function<void(Result)> on_loaded);
    // Does not wait for a reading that is under way.
    ~Loader();
    Loader(const Loader&) = delete;
    Loader& operator=(const Loader&) = delete;

    Result load_now();  // at start, in the caller's thread
    void load();
    bool busy() const;

private:
    struct Inside;
    std::shared_ptr<Inside> inside_;
};

}  // namespace dnsd

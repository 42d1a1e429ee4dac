#include "dnsd/io/loader.h"

#include "heartbeat/io/asio.h"

#include <mutex>
#include <thread>

namespace dnsd {

namespace asio = boost::asio;

struct Loader::Inside : std::enable_shared_from_this<Loader::Inside> {
    Inside(asio::io_context& loop_used, ConfigReader config_used, Sources sources_used,
           ZoneReader reader_used, std::function<void(Result)> callback)
        : loop(&loop_used),
          config(std::move(config_used)),
          sources(std::move(sources_used)),
          reader(std::move(reader_used)),
          on_loaded(std::move(callback)) {}

    Result read() {
        Result result{sources(), {}, {}};
        if (result.sources) result.read = reader.read(result.sources->sources);
        return result;
    }

    Result read_again() {
        if (!config) return read();
        Reread found = config();
        if (found.config.ok) sources = [all = std::move(found.sources)] { return all; };
        Result result =
            found.config.ok
                ? read()
                : Result{tl::unexpected(std::string("the configuration has errors")), {}, {}};
        result.config = std::move(found.config);
        return result;
    }

    // Only one reading runs at a time, hence `reader` is one thread's at any moment; the thread's
    // start and its post hand it over.
    void start() {
        busy = true;
        std::thread([self = shared_from_this()] {
            auto result = std::make_shared<Result>(self->read_again());
            const std::lock_guard lock(self->mutex);
            if (self->loop == nullptr) return;  // the daemon has ended meanwhile
            asio::post(*self->loop, [self, result] { self->done(std::move(*result)); });
        }).detach();
    }

    void done(Result result) {
        busy = false;
        on_loaded(std::move(result));
        if (std::exchange(again, false)) start();
    }

    std::mutex mutex;
    asio::io_context* loop;  // under the mutex; null when the Loader is gone
    ConfigReader config;
    Sources sources;
    ZoneReader reader;
    std::function<void(Result)> on_loaded;
    bool busy = false, again = false;  // of the loop's thread
};

Loader::Loader(asio::io_context& loop, ConfigReader config, Sources sources, ZoneReader reader,
               std::function<void(Result)> on_loaded)
    : inside_(std::make_shared<Inside>(loop, std::move(config), std::move(sources),
                                       std::move(reader), std::move(on_loaded))) {}

Loader::~Loader() {
    const std::lock_guard lock(inside_->mutex);
    inside_->loop = nullptr;
}

Loader::Result Loader::load_now() {
    return inside_->read();
}

void Loader::load() {
    if (inside_->busy)
        inside_->again = true;
    else
        inside_->start();
}

bool Loader::busy() const {
    return inside_->busy;
}

}  // namespace dnsd

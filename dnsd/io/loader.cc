#include "dnsd/io/loader.h"

#include "heartbeat/io/asio.h"

#include <chrono>
#include <exception>
#include <mutex>
#include <new>
#include <thread>

#include <fmt/format.h>

namespace dnsd {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::milliseconds handing_retry{100};

Loader::Result failure(std::string why) {
    return {tl::unexpected(std::move(why)), {}, {}};
}

}  // namespace

struct Loader::Inside : std::enable_shared_from_this<Loader::Inside> {
    Inside(asio::io_context& loop_used, ConfigReader config_used, Sources sources_used,
           ZoneReader reader_used, Snapshot snapshot_used, std::function<void(Result)> callback)
        : loop(&loop_used),
          config(std::move(config_used)),
          sources(std::move(sources_used)),
          reader(std::move(reader_used)),
          snapshot(std::move(snapshot_used)),
          on_loaded(std::move(callback)) {}

    Result read(const zones::Catalog* served) {
        Result result{sources(), {}, {}};
        if (!result.sources) return result;
        result.read = reader.read(result.sources->sources);
        if (served != nullptr)
            for (ZoneRead& one : result.read) compare(*served, one);
        return result;
    }

    static void compare(const zones::Catalog& served, ZoneRead& one) {
        const zones::History* before =
            one.outcome == ZoneRead::Outcome::loaded ? served.zone(one.source.origin) : nullptr;
        if (before == nullptr) return;
        try {
            one.difference = zones::compare_bases(*before->newest(), *one.zone);
        } catch (const std::bad_alloc&) {  // the zone is worth more than what it saves
        }
    }

    Result read_again(const zones::Catalog* served) {
        if (!config) return read(served);
        Reread found = config();
        if (found.config.ok) sources = [all = std::move(found.sources)] { return all; };
        Result result = found.config.ok ? read(served) : failure("the configuration has errors");
        result.config = std::move(found.config);
        return result;
    }

    // Nothing may leave the thread by an exception, which would end the daemon: a reading that
    // fails is one that changed nothing, and the next one starts afresh.
    std::shared_ptr<Result> read_or_say_why(const zones::Catalog* served) {
        // Made while there is memory for it.
        auto result = std::make_shared<Result>(failure("not enough memory to read the zones"));
        try {
            *result = read_again(served);
        } catch (const std::bad_alloc&) {
            return result;
        } catch (const std::exception& error) {
            *result = failure(fmt::format("the zones cannot be read: {}", error.what()));
        }
        return result;
    }

    // False: there was no memory to do it.
    bool hand_over(const std::shared_ptr<Result>& result) {
        const std::lock_guard lock(mutex);
        if (loop == nullptr) return true;  // the daemon has ended meanwhile
        try {
            asio::post(*loop,
                       [self = shared_from_this(), result] { self->done(std::move(*result)); });
        } catch (const std::bad_alloc&) {
            return false;
        }
        return true;
    }

    void read_in_thread(const zones::Catalog* served) {
        std::shared_ptr<Result> result;
        while (true) {
            try {
                if (!result) result = read_or_say_why(served);
                if (hand_over(result)) return;
            } catch (const std::bad_alloc&) {  // not even for saying so
            }
            // What was read must arrive, as the reader tells from then on only what is new since.
            std::this_thread::sleep_for(handing_retry);
        }
    }

    // Only one reading runs at a time, hence `reader` is one thread's at any moment; the thread's
    // start and its post hand it over.
    void start() {
        busy = true;
        try {
            std::thread([self = shared_from_this(), served = snapshot ? snapshot() : nullptr] {
                self->read_in_thread(served.get());
            }).detach();
        } catch (const std::exception& error) {  // no thread, or no memory for one
            busy = false;
            on_loaded(failure(
                fmt::format("no thread to read the zones can be started: {}", error.what())));
        }
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
    Snapshot snapshot;
    std::function<void(Result)> on_loaded;
    bool busy = false, again = false;  // of the loop's thread
};

Loader::Loader(asio::io_context& loop, ConfigReader config, Sources sources, ZoneReader reader,
               Snapshot snapshot, std::function<void(Result)> on_loaded)
    : inside_(std::make_shared<Inside>(loop, std::move(config), std::move(sources),
                                       std::move(reader), std::move(snapshot),
                                       std::move(on_loaded))) {}

Loader::~Loader() {
    const std::lock_guard lock(inside_->mutex);
    inside_->loop = nullptr;
}

Loader::Result Loader::load_now() {
    return inside_->read(nullptr);
}

void Loader::load() {
    if (inside_->busy)
        inside_->again = true;
    else
        inside_->start();
}

void Loader::forget() noexcept {
    inside_->reader.forget();
}

bool Loader::busy() const {
    return inside_->busy;
}

}  // namespace dnsd

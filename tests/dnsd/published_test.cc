#include "dnsd/io/published.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

using dnsd::PublishedCell;

namespace {

// Every element is the same number: a torn or freed value would show.
struct Version {
    explicit Version(std::uint64_t number) { copies.fill(number); }
    std::array<std::uint64_t, 64> copies;
    bool whole() const {
        for (const std::uint64_t copy : copies)
            if (copy != copies.front()) return false;
        return true;
    }
};

}  // namespace

TEST_CASE("a reader sees what was stored last") {
    PublishedCell<int> cell(std::make_shared<int>(1));
    PublishedCell<int>::Reader reader(cell);
    CHECK(*reader.current() == 1);
    cell.store(std::make_shared<int>(2));
    CHECK(*reader.current() == 2);
    CHECK(*cell.load() == 2);
}

TEST_CASE("a reader keeps its version alive until it looks again, and no longer") {
    auto first = std::make_shared<int>(1);
    const std::weak_ptr<int> watched = first;
    PublishedCell<int> cell(std::move(first));
    PublishedCell<int>::Reader reader(cell);
    reader.current();
    cell.store(std::make_shared<int>(2));
    CHECK_FALSE(watched.expired());
    SUBCASE("by the next look") {
        reader.current();
    }
    SUBCASE("by letting go") {
        reader.release();
    }
    CHECK_FALSE(watched.expired());
    CHECK(cell.sweep() == 0);
    CHECK(watched.expired());
    CHECK(*reader.current() == 2);
}

TEST_CASE("a value dies in the thread that stores, never in one that reads") {
    struct Mortal {
        explicit Mortal(std::atomic<int>& strangers) : elsewhere(&strangers) {}
        ~Mortal() {
            if (std::this_thread::get_id() != home) ++*elsewhere;
        }
        std::thread::id home = std::this_thread::get_id();
        std::atomic<int>* elsewhere;
    };
    std::atomic<int> strangers{0};
    std::atomic<bool> done{false};
    PublishedCell<Mortal> cell(std::make_shared<Mortal>(strangers));
    std::vector<std::thread> readers;
    for (int i = 0; i < 3; ++i)
        readers.emplace_back([&, i] {
            PublishedCell<Mortal>::Reader reader(cell);
            while (!done) {
                reader.current();
                if (i == 1) reader.release();
            }
        });
    for (int version = 0; version < 20'000; ++version)
        cell.store(std::make_shared<Mortal>(strangers));
    // A reader holds one at a time: more than that is never kept.
    CHECK(cell.sweep() <= readers.size());
    done = true;
    for (std::thread& reader : readers) reader.join();
    CHECK(strangers == 0);
    CHECK(cell.sweep() == 0);
}

TEST_CASE("readers in other threads see whole versions, in order, and the last one") {
    constexpr std::uint64_t versions = 20'000;
    PublishedCell<Version> cell(std::make_shared<Version>(0));
    std::atomic<bool> good{true};
    std::vector<std::thread> readers;
    for (int i = 0; i < 3; ++i)
        readers.emplace_back([&, i] {
            PublishedCell<Version>::Reader reader(cell);
            std::uint64_t last = 0;
            while (last != versions) {
                const auto& version = reader.current();
                const std::uint64_t number = version->copies.front();
                if (!version->whole() || number < last) {
                    good = false;
                    return;
                }
                last = number;
                if (i == 2) reader.release();
            }
        });
    for (std::uint64_t number = 1; number <= versions; ++number)
        cell.store(std::make_shared<Version>(number));
    for (std::thread& reader : readers) reader.join();
    CHECK(good);
}

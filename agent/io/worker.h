#pragma once
// One thread that does one job after the other.

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace agent {

class Worker {
public:
    // Jobs that wait behind one that hangs; one more is refused.
    static constexpr std::size_t waiting_max = 8;

    using Job = std::function<void()>;

    Worker();
    ~Worker();  // the running job ends, those that wait are dropped
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    [[nodiscard]] bool give(Job job);

private:
    void run();

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Job> waiting_;
    bool leaving_ = false;
    std::thread thread_;  // last: it uses all of the above
};

}  // namespace agent

#include "agent/io/once.h"

#include "agent/io/signals.h"
#include "heartbeat/io/asio.h"
#include "heartbeat/io/clock.h"

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

namespace agent {

namespace {

namespace asio = heartbeat::asio;
using heartbeat::boot_now;
using std::chrono::milliseconds;

constexpr milliseconds look_every{20};
// So long nothing more was asked for after a denial: what it ordered is done.
constexpr milliseconds settled_after{500};

class Round {
public:
    Round(asio::io_context& loop, const OnceRules& rules, RecordFile record,
          std::function<void(int)> outcome)
        : loop_(loop),
          timer_(loop),
          signals_(loop, [this] { control_.stop(); }),
          outcome_(std::move(outcome)),
          give_up_(boot_now() + rules.patience),
          control_(loop, rules.parts(), std::move(record), watch()) {
        control_.set_silent(true);  // until it is known to be well
        wait();
    }
    // What the process ends with.
    int code() const { return control_.left_undone() ? EX_UNAVAILABLE : EX_OK; }

private:
    Control::Watch watch() {
        Control::Watch watch;
        watch.looked = [this](const PageView& page, const DatabaseView& database) {
            if (looked_) return;
            looked_ = true;
            well_ = page.web && page.page && (database.reachable || !control_.has_database());
            why_ = page.why.empty() ? database.why : page.why;
            control_.set_silent(!well_);
        };
        watch.replied = [this](const heartbeat::Reply& reply) {
            const auto* const deny = std::get_if<heartbeat::Deny>(&reply);
            last_ = boot_now();
            denied_ = deny != nullptr;
            // While an election goes on its end is worth waiting for.
            final_ = deny && !std::holds_alternative<heartbeat::PrepareOrder>(deny->order) &&
                     !std::holds_alternative<heartbeat::WaitOrder>(deny->order);
        };
        watch.verb_done = [this](const VerbDone&) { last_ = boot_now(); };
        return watch;
    }
    void wait() {
        timer_.expires_after(look_every);
        timer_.async_wait([this](heartbeat::ErrorCode error) {
            if (error) return;
            judge();
            if (!loop_.stopped()) wait();
        });
    }
    void judge() {
        const Duty::Stage stage = control_.duty().stage();
        const Instant now = boot_now();
        if (stage == Duty::Stage::master) {
            master_ = true;
            return tell(once_master);
        }
        const bool working =
            control_.busy() || stage == Duty::Stage::promoting || stage == Duty::Stage::demoting;
        if (working) return;
        if (master_) return loop_.stop();  // the lease was lost, and the database is read-only
        if (looked_ && !well_) {
            say(fmt::format("event=unwell why=\"{}\"", why_));
            return end(once_unwell);
        }
        if (final_ && now - last_ >= settled_after) return end(once_denied);
        if (now >= give_up_) end(denied_ ? once_denied : once_no_answer);
    }
    void tell(int code) {
        if (outcome_) std::exchange(outcome_, nullptr)(code);
    }
    void end(int code) {
        tell(code);
        loop_.stop();
    }

    asio::io_context& loop_;
    asio::steady_timer timer_;
    Signals signals_;
    std::function<void(int)> outcome_;
    Instant give_up_;
    Instant last_{};
    bool looked_ = false;
    bool well_ = false;
    bool denied_ = false;
    bool final_ = false;
    bool master_ = false;
    std::string why_;
    Control control_;  // last: it calls back into all of the above
};

// cron waits until nobody has its output open any more: from here on the story goes to syslog.
void go_to_background() {
    const int nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(nowhere, stream);
    ::close(nowhere);
    say_to_syslog("arbiter-agent");
}

int run_round(const OnceRules& rules, RecordFile record, int outcome) {
    const auto tell = [outcome](int code) {
        const auto byte = static_cast<unsigned char>(code);
        const bool told = ::write(outcome, &byte, 1) == 1;
        if (code == once_master || !told) go_to_background();
    };
    asio::io_context loop(1);
    Round round(loop, rules, std::move(record), tell);
    loop.run();
    return round.code();
}

}  // namespace

int run_once(const OnceRules& rules) {
    auto record = RecordFile::open(rules.state_directory, rules.self, "once");
    if (!record && record.error().in_use && record.error().holder == "once") {
        // An earlier round became master and holds the lease.
        return once_master;
    }
    if (!record) {
        say("arbiter-agent: error: " + record.error().text);
        return record.error().in_use ? EX_TEMPFAIL : EX_CANTCREAT;
    }
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) < 0) {
        throw std::system_error(errno, std::generic_category(), "pipe");
    }
    Handle in(pipe[0]);
    Handle out(pipe[1]);
    const pid_t child = ::fork();
    if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
    if (child == 0) {
        in = Handle();
        ::setsid();
        return run_round(rules, std::move(*record), out.get());
    }
    out = Handle();
    unsigned char code = EX_SOFTWARE;
    ssize_t got = 0;
    do {
        got = ::read(in.get(), &code, 1);
    } while (got < 0 && errno == EINTR);
    if (got == 1) return code;
    // It ended without a word: by an exception, whose code is its own, or by a signal.
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) && WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : EX_SOFTWARE;
}

}  // namespace agent

#include "agent/io/database.h"

#include "agent/io/mariadb.h"
#include "agent/io/worker.h"
#include "heartbeat/io/asio.h"
#include "heartbeat/io/clock.h"

#include <atomic>
#include <limits>
#include <thread>
#include <utility>

#include <fmt/format.h>

namespace agent {

namespace {

using heartbeat::boot_now;
using heartbeat::ErrorCode;
using std::chrono::milliseconds;

constexpr milliseconds between_kills{10};
constexpr milliseconds between_tries{50};
// A verb that still runs says itself why it did not end well; after this one that hangs is given
// up.
constexpr milliseconds last_words{250};

// A connection that is opened when it is needed and again when it was lost. Of one thread.
class Line {
public:
    Line(const DatabaseRules& rules, Session::Patience patience)
        : rules_(rules), patience_(patience) {}

    // The session, open; or why it is not.
    tl::expected<Session*, SqlError> open() {
        if (!session_) {
            auto session = Session::open(rules_, patience_);
            if (!session) return tl::unexpected(session.error());
            session_ = std::move(*session);
            ++serial_;
        }
        return &*session_;
    }
    void close() { session_.reset(); }
    std::uint64_t serial() const { return serial_; }  // which connection; from 1

private:
    const DatabaseRules& rules_;
    Session::Patience patience_;
    std::optional<Session> session_;
    std::uint64_t serial_ = 0;
};

// Tells successive starts of the server apart (DatabaseView::start): by their second, by the
// server's own clock, and by what two starts within one second do not have in common either. The
// latter is asked for once a connection, which lives within one start: the server makes another
// when its clock is set back.
class Starts {
public:
    static tl::expected<std::uint64_t, SqlError> ask(Session& session, std::uint64_t started) {
        const auto mark = mariadb::start_mark(session);
        if (!mark) return tl::unexpected(mark.error());
        return started << 16 | *mark;
    }
    // Of the look's connection, the `serial`th.
    tl::expected<std::uint64_t, SqlError> of(Session& session, std::uint64_t started,
                                             std::uint64_t serial) {
        if (serial == serial_ && started == start_ >> 16) return start_;
        const auto asked = ask(session, started);
        if (!asked) return asked;
        start_ = *asked;
        serial_ = serial;
        return start_;
    }
    // Another connection found another start: the next look asks, too.
    void doubt() { serial_ = 0; }

private:
    std::uint64_t start_ = 0;                // of the thread that looks
    std::atomic<std::uint64_t> serial_ = 0;  // 0: of no connection
};

// Calls back once, from the loop: with the result, or with the deadline, whichever comes first.
template <typename... Args>
class Once : public std::enable_shared_from_this<Once<Args...>> {
public:
    using Callback = std::function<void(Args...)>;
    Once(heartbeat::asio::io_context& loop, Callback callback)
        : loop_(loop), timer_(loop), callback_(std::move(callback)) {}

    void within(Duration duration, std::function<void()> late) {
        timer_.expires_after(std::max(duration, Duration(0)));
        timer_.async_wait(
            [self = this->shared_from_this(), late = std::move(late)](ErrorCode error) {
                if (!error && self->callback_) late();
            });
    }
    // From any thread.
    void post(Args... args) {
        heartbeat::asio::post(
            loop_, [self = this->shared_from_this(), args...] { self->answer(args...); });
    }
    // From the loop.
    void answer(Args... args) {
        if (!callback_) return;
        const Callback callback = std::exchange(callback_, nullptr);
        timer_.cancel();
        callback(args...);
    }

private:
    heartbeat::asio::io_context& loop_;
    heartbeat::asio::steady_timer timer_;
    Callback callback_;
};
using LookAnswer = Once<DatabaseView, Instant>;
using VerbAnswer = Once<bool, std::string>;

// A verb on its way; Demote and the deadline tell it to leave.
struct Running {
    std::atomic<bool> overtaken{false};
    std::atomic<bool> ended{false};
    std::atomic<std::uint64_t> connection{0};
};

// What the fencing and the killing thread share while a demotion goes on.
struct Demotion {
    std::atomic<std::uint64_t> last{std::numeric_limits<std::uint64_t>::max()};
    std::atomic<bool> fenced{false};  // read_only was seen, and `last` says whom that leaves
    std::atomic<bool> quiet{false};   // and none of them is there any more
    std::atomic<bool> over{false};
};

}  // namespace

struct Database::Inside {
    Inside(heartbeat::asio::io_context& io, DatabaseRules access, DatabaseLimits bounds)
        : loop(io), rules(std::move(access)), limits(bounds) {}

    heartbeat::asio::io_context& loop;
    const DatabaseRules rules;
    const DatabaseLimits limits;
    std::atomic<bool> leaving{false};
    std::shared_ptr<Running> running;  // the latest verb; of the loop

    // Of the threads by the same name.
    Line look_line{rules, {}};
    // The end of the agent waits for it. No verb's one statement rightly takes longer.
    Line verb_line{rules, {std::chrono::seconds(1), std::chrono::seconds(10)}};
    Line fence_line{rules, {std::chrono::seconds(1), std::chrono::seconds(2)}};
    Line kill_line{rules, {}};
    Starts starts;

    Worker look_worker;
    Worker verb_worker;
    Worker fence_worker;
    Worker kill_worker;

    using Verb = std::function<mariadb::Result(Session&, const mariadb::Leave&)>;
    void start(Instant give_up, Verb verb, Done done);
    void run_look(const std::shared_ptr<LookAnswer>& answer);
    mariadb::Result run_verb(const std::shared_ptr<Running>& self, Instant give_up,
                             const Verb& verb);
    void kill_verb(const std::shared_ptr<Running>& verb);
    void kill_all(Demotion& demotion, const std::shared_ptr<Running>& verb, Instant give_up);
    mariadb::Result fence(Demotion& demotion, const std::shared_ptr<Running>& verb,
                          Instant give_up);
    mariadb::Result fence_once(Demotion& demotion, const std::shared_ptr<Running>& verb);
    void warm();
};

void Database::Inside::run_look(const std::shared_ptr<LookAnswer>& answer) {
    const Instant begun = boot_now();
    DatabaseView view;
    // A connection that the server closed meanwhile says nothing about the server: once more.
    for (int attempt = 0; attempt < 2 && !leaving; ++attempt) {
        const auto session = look_line.open();
        if (!session) {
            view.why = session.error().text;
            break;
        }
        const auto seen = mariadb::look(**session);
        const auto start =
            seen ? starts.of(**session, seen->started, look_line.serial())
                 : tl::expected<std::uint64_t, SqlError>(tl::unexpected(seen.error()));
        if (start) {
            view = seen->view;
            view.start = *start;
            break;
        }
        view.why = start.error().text;
        if (!start.error().connection_lost()) break;
        look_line.close();
        if (boot_now() - begun >= rules.deadline) break;
    }
    answer->post(view, begun);
}

mariadb::Result Database::Inside::run_verb(const std::shared_ptr<Running>& self, Instant give_up,
                                           const Verb& verb) {
    const mariadb::Leave leave{boot_now, give_up, self->overtaken};
    if (leave.ended()) return tl::unexpected<std::string>("overtaken");
    // Each verb has a connection of its own: what became of a lost or killed one never matters.
    verb_line.close();
    const auto session = verb_line.open();
    if (!session) return tl::unexpected(session.error().text);
    self->connection = (*session)->id();
    const auto result = verb(**session, leave);
    self->connection = 0;
    if (self->overtaken && !result)
        return tl::unexpected<std::string>("overtaken: " + result.error());
    return result;
}

void Database::Inside::kill_verb(const std::shared_ptr<Running>& verb) {
    const std::uint64_t id = verb->connection;
    if (id == 0 || verb->ended) return;
    const auto session = kill_line.open();
    if (!session) return;
    const auto done = (*session)->run(fmt::format("KILL HARD CONNECTION {}", id));
    if (!done && done.error().connection_lost()) kill_line.close();
}

void Database::Inside::start(Instant give_up, Verb verb, Done done) {
    const auto self = std::make_shared<Running>();
    running = self;
    const auto answer = std::make_shared<VerbAnswer>(loop, std::move(done));
    answer->within(give_up - boot_now() + last_words, [this, self, answer] {
        self->overtaken = true;
        (void)kill_worker.give([this, self] { kill_verb(self); });
        answer->answer(false, "no answer from the database in time");
    });
    const bool taken = verb_worker.give([this, self, answer, give_up, verb = std::move(verb)] {
        const auto result = run_verb(self, give_up, verb);
        self->ended = true;
        answer->post(result.has_value(), result ? std::string() : result.error());
    });
    if (taken) return;
    self->ended = true;
    answer->post(false, "too many verbs wait for the database");
}

// Kills until nobody is left who was connected before the database became read-only.
void Database::Inside::kill_all(Demotion& demotion, const std::shared_ptr<Running>& verb,
                                Instant give_up) {
    while (!demotion.over && !leaving && boot_now() < give_up) {
        if (verb) kill_verb(verb);
        const bool fenced_before = demotion.fenced;
        const auto session = kill_line.open();
        if (session) {
            const auto killed = mariadb::kill_clients(**session, rules.user, demotion.last);
            if (killed && *killed == 0 && fenced_before) demotion.quiet = true;
            if (!killed && killed.error().connection_lost()) kill_line.close();
        }
        if (demotion.quiet) return;
        std::this_thread::sleep_for(between_kills);
    }
}

mariadb::Result Database::Inside::fence_once(Demotion& demotion,
                                             const std::shared_ptr<Running>& verb) {
    const auto session = fence_line.open();
    if (!session) return tl::unexpected(session.error().text);
    const auto done = (*session)->run("SET GLOBAL read_only=1");
    if (!done) {
        if (done.error().connection_lost()) fence_line.close();
        return tl::unexpected(done.error().text);
    }
    // A verb that was about to make the database writable could do so after us.
    if (verb && !verb->ended) return tl::unexpected<std::string>("a verb has not ended yet");
    const auto read_only = mariadb::is_read_only(**session);
    const auto last = mariadb::last_connection(**session);
    if (!read_only || !*read_only || !last) {
        fence_line.close();
        return tl::unexpected<std::string>("read_only was set, and is not seen");
    }
    demotion.last = *last;
    demotion.fenced = true;
    return {};
}

mariadb::Result Database::Inside::fence(Demotion& demotion, const std::shared_ptr<Running>& verb,
                                        Instant give_up) {
    mariadb::Result result = tl::unexpected<std::string>("no time was left");
    while (!demotion.fenced && !leaving && boot_now() < give_up) {
        result = fence_once(demotion, verb);
        if (!result) std::this_thread::sleep_for(between_tries);
    }
    if (!result) return result;
    while (!demotion.quiet && !leaving && boot_now() < give_up) {
        std::this_thread::sleep_for(between_kills);
    }
    if (!demotion.quiet)
        return tl::unexpected<std::string>("read-only, but clients are still connected");
    return {};
}

// The connections that fence are open before anybody can write, and stay so: when clients have
// taken up all that the server allows, there would be none left for them.
void Database::Inside::warm() {
    for (auto [worker, line] :
         {std::pair{&fence_worker, &fence_line}, std::pair{&kill_worker, &kill_line}}) {
        (void)worker->give([line = line] {
            const auto session = line->open();
            if (!session) return;
            if (!(*session)->run("DO 0")) line->close();
            (void)line->open();
        });
    }
}

Database::Database(heartbeat::asio::io_context& loop, DatabaseRules rules, DatabaseLimits limits)
    : inside_(std::make_unique<Inside>(loop, std::move(rules), limits)) {}

Database::~Database() {
    inside_->leaving = true;
    if (inside_->running) inside_->running->overtaken = true;
}

void Database::look(Seen seen) {
    const auto answer = std::make_shared<LookAnswer>(inside_->loop, std::move(seen));
    const Instant begun = boot_now();
    DatabaseView late;
    late.why = fmt::format(
        "no answer in {} ms",
        std::chrono::duration_cast<std::chrono::milliseconds>(inside_->rules.deadline).count());
    answer->within(inside_->rules.deadline, [answer, late, begun] { answer->answer(late, begun); });
    // When looks pile up behind a server that hangs, the deadline answers for those that are
    // refused.
    (void)inside_->look_worker.give([inside = inside_.get(), answer] { inside->run_look(answer); });
}

void Database::promote(const Promote& asked, Done done) {
    inside_->warm();
    inside_->start(
        asked.give_up,
        [inside = inside_.get(), asked](Session& session,
                                        const mariadb::Leave& leave) -> mariadb::Result {
            const auto seen = mariadb::look(session);
            if (!seen) return tl::unexpected(seen.error().text);
            const auto start = Starts::ask(session, seen->started);
            if (!start) return tl::unexpected(start.error().text);
            if (*start != asked.start) {
                inside->starts.doubt();
                return tl::unexpected<std::string>("the database restarted since it asked");
            }
            if (may_be_lost(asked.relay, seen->view.relay, false))
                return tl::unexpected<std::string>("the relay log began anew since it asked");
            return mariadb::promote(session, inside->rules, asked, leave);
        },
        std::move(done));
}

void Database::follow(const Follow& asked, Done done) {
    inside_->start(
        boot_now() + inside_->limits.follow,
        [inside = inside_.get(), asked](Session& session, const mariadb::Leave& leave) {
            return mariadb::follow(session, inside->rules, asked.addresses, asked.semi_sync, leave);
        },
        std::move(done));
}

void Database::configure(const Configure& asked, Done done) {
    inside_->start(
        boot_now() + inside_->limits.configure,
        [inside = inside_.get(), asked](Session& session, const mariadb::Leave& leave) {
            return asked.leads ? mariadb::configure_master(session, inside->rules, asked.semi_sync,
                                                           asked.barred, leave)
                               : mariadb::configure_replica(session, asked.semi_sync,
                                                            asked.receives, leave);
        },
        std::move(done));
}

void Database::prepare(Done done) {
    inside_->start(
        boot_now() + inside_->limits.prepare,
        [](Session& session, const mariadb::Leave&) { return mariadb::prepare(session); },
        std::move(done));
}

void Database::demote(Done done) {
    Inside& inside = *inside_;
    const std::shared_ptr<Running> verb = inside.running;
    if (verb) verb->overtaken = true;
    const auto answer = std::make_shared<VerbAnswer>(inside.loop, std::move(done));
    const auto demotion = std::make_shared<Demotion>();
    const Instant give_up = boot_now() + inside.limits.demote;
    answer->within(inside.limits.demote + last_words, [answer, demotion] {
        answer->answer(false, "the database did not become read-only in time");
    });
    const bool kills = inside.kill_worker.give(
        [&inside, demotion, verb, give_up] { inside.kill_all(*demotion, verb, give_up); });
    const bool fences = inside.fence_worker.give([&inside, answer, demotion, verb, give_up] {
        const auto result = inside.fence(*demotion, verb, give_up);
        demotion->over = true;
        answer->post(result.has_value(), result ? std::string() : result.error());
    });
    if (!kills || !fences) answer->post(false, "too many demotions wait for the database");
}

}  // namespace agent

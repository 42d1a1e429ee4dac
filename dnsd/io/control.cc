#include "dnsd/io/control.h"

#include "dnsd/io/chaos.h"
#include "dnsd/io/check.h"
#include "dnsd/io/cookie_keys.h"
#include "dnsd/io/faces.h"
#include "dnsd/io/groups.h"
#include "dnsd/io/loader.h"
#include "dnsd/io/log.h"
#include "dnsd/io/notify_io.h"
#include "dnsd/io/operator_desk.h"
#include "dnsd/io/publisher.h"
#include "dnsd/io/reload_desk.h"
#include "dnsd/io/report.h"
#include "dnsd/io/reread.h"
#include "dnsd/io/service.h"
#include "dnsd/io/stale_targets.h"
#include "dnsd/io/start_error.h"
#include "dnsd/io/targets.h"
#include "dnsd/io/tcp_server.h"
#include "dnsd/io/transfer_desk.h"
#include "dnsd/io/udp_server.h"
#include "dnsd/io/wall_clock.h"
#include "dnsd/io/zone_store.h"
#include "heartbeat/io/asio.h"
#include "heartbeat/io/clock.h"

#include <algorithm>
#include <csignal>
#include <map>
#include <new>
#include <optional>
#include <set>
#include <thread>

#include <fmt/format.h>

namespace dnsd {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::chrono::seconds status_every{1};

// Zones without groups go without a ledger, if nobody made one.
std::optional<Ledger> open_ledger(const std::optional<Config>& config) {
    if (!config) return std::nullopt;
    auto ledger = Ledger::open(ledger_path(*config));
    if (ledger) {
        if (!ledger->mended().empty()) log_warning(ledger->mended());
        return std::move(*ledger);
    }
    const LedgerError& error = ledger.error();
    if (error.kind == LedgerError::Kind::missing && config->groups.empty()) return std::nullopt;
    throw StartError(exit_code(error.kind), error.text);
}

// It was held back until somebody listens; threads that are made from now on inherit this.
void let_through(int signal) {
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, signal);
    pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
}

unsigned workers_of(const Setup& setup) {
    const unsigned wanted =
        setup.workers != 0 ? setup.workers : std::max(1U, std::thread::hardware_concurrency());
    return std::min(wanted, UdpServer::workers_max);
}

}  // namespace

class Control::Inside {
public:
    explicit Inside(Setup setup);
    ~Inside() { stop(); }

    void run() { loop_.run(); }
    bool reading() const { return loader_.busy(); }

private:
    void load_first();
    void make_groups();
    void serve();
    void open_faces();
    void watch_signals();
    void stop();

    void told(const ZoneStore::Outcome& outcome);
    void tell_secondaries(const ZoneStore::Outcome& outcome);
    // What a reload takes of the configuration.
    struct Reconfigured {
        Secondaries secondaries;
        std::map<zones::Name, SerialStyle> styles;
        Admission admission;
    };
    Reconfigured reconfigured(const ConfigAgain& config) const;
    void take(Reconfigured next) noexcept;
    void loaded(Loader::Result result);
    void take(Loader::Result result, ReloadEnd& end);
    void tell_newcomers();
    void take_cookies(const zones::CookieSecrets& secrets);
    void roll_cookies();
    void publish_status();
    std::shared_ptr<const Status> status() const;

    const Setup setup_;
    const heartbeat::Instant started_ = heartbeat::boot_now();
    asio::io_context loop_{1};
    asio::signal_set signals_{loop_};
    asio::steady_timer status_again_{loop_};
    asio::steady_timer cookies_again_{loop_};
    Secondaries secondaries_;
    std::optional<Ledger> ledger_;
    ZoneStore store_;
    Loader loader_;
    Publisher publisher_;
    std::optional<Groups> groups_;
    std::optional<NotifyIo> notify_;
    std::optional<TransferDesk> desk_;
    std::optional<UdpServer> udp_;
    std::optional<TcpServer> tcp_;
    std::optional<Faces> faces_;
    std::set<heartbeat::Address> ourselves_;
    ReloadReport reload_;
    ReloadDesk reload_desk_;
    StaleTargets targets_;
    bool ready_ = false;
};

Control::Inside::Inside(Setup setup)
    : setup_(std::move(setup)),
      secondaries_(setup_.secondaries),
      ledger_(open_ledger(setup_.config)),
      store_(setup_.admission.onto(zones::Catalog()).with(setup_.identity).with(setup_.edns),
             ledger_ ? &*ledger_ : nullptr, setup_.config ? "arbiter-dnsd --check tells them" : "",
             setup_.config ? setup_.config->transfer.history : zones::HistoryLimits()),
      loader_(
          loop_, config_reader_for(setup_), setup_.sources, zone_reader_for(setup_),
          [this] { return store_.catalog(); },
          [this](Loader::Result result) { loaded(std::move(result)); }),
      publisher_(loop_, store_, [this](const ZoneStore::Outcome& outcome) { told(outcome); }) {
    // Kept until run(): a SIGHUP that comes early must not end us. SIGTERM may, until we serve.
    signals_.add(SIGHUP);
    let_through(SIGHUP);
    if (setup_.config) store_.number(styles_of(setup_.config->zones));
    load_first();
    make_groups();
    serve();
    open_faces();
    watch_signals();
    if (setup_.rolls_cookies) roll_cookies();
    desk_->listen_to(*udp_);
    ready_ = true;
    publish_status();
    log_info(fmt::format("ready: {}, {}, in {} ms", counted(store_.names().size(), "zone"),
                         counted(names_in(*store_.catalog()), "name"),
                         (heartbeat::boot_now() - started_) / std::chrono::milliseconds(1)));
    tell_service_manager("READY=1");
}

// All or nothing: one zone file with an error, and nothing is started.
void Control::Inside::load_first() {
    Loader::Result result = loader_.load_now();
    if (!result.sources) throw StartError(exit_no_input, result.sources.error());
    std::size_t errors = 0;
    for (const zones::Mistake& mistake : result.sources->mistakes) {
        log_error(mistake.text());
        ++errors;
    }
    for (const ZoneRead& read : result.read)
        errors += static_cast<std::size_t>(std::count_if(
            read.mistakes.begin(), read.mistakes.end(), [](const zones::Mistake& mistake) {
                return mistake.severity == zones::Mistake::error;
            }));
    log_lines(store_.take(std::move(result.read)));
    if (errors != 0)
        throw StartError(exit_data, fmt::format("{} in the zone files; nothing was started",
                                                counted(errors, "error")));
    if (const std::size_t wanted = targets_wanted(store_, secondaries_);
        wanted > Notifier::targets_max)
        throw StartError(exit_config,
                         fmt::format("{}; nothing was started", too_many_targets(wanted)));
    if (result.sources->sources.empty())
        log_warning("there are no zones to serve; add files NAME.zone and send SIGHUP");
}

void Control::Inside::make_groups() {
    if (setup_.config && !setup_.config->groups.empty()) {
        for (const GroupConfig& group : setup_.config->groups)
            store_.add_group(group.zone, group.rules.group,
                             {group.www_name, group.master_name, zones::Ttl{group.www_ttl},
                              zones::Ttl{group.master_ttl}});
        groups_.emplace(loop_, *setup_.config, *ledger_, [this](const Standing& standing) {
            store_.stand(standing);
            if (notify_) publisher_.publish();  // else serve() will, when all have spoken
        });
    }
}

void Control::Inside::serve() {
    auto sockets = open_query_sockets(setup_.listen, workers_of(setup_));
    if (!sockets) throw StartError(exit_code(sockets.error()), sockets.error().text);
    std::vector<Endpoint> listen;
    for (const QuerySockets::Listener& listener : sockets->listeners)
        listen.push_back(listener.endpoint);
    ourselves_ = own_addresses(listen);
    notify_.emplace(loop_, listen, std::vector<Notifier::Target>{},
                    NotifyIo::Hands{[this](const zones::Name& zone) { return store_.served(zone); },
                                    [](const Notifier::Note& note) { log_warning(text_of(note)); },
                                    [this](const zones::Name& name) {
                                        return store_.catalog()->keys()->find(name);
                                    }});
    desk_.emplace(loop_, store_, *notify_);
    publisher_.publish();
    if (groups_) groups_->open();
    const TcpLimits tcp = fitted(setup_.tcp, descriptors_for_connections(*sockets));
    if (tcp.connections_max < setup_.tcp.connections_max)
        log_warning(
            fmt::format("{} TCP connections at most, not {}: no more file descriptors are "
                        "allowed; raise LimitNOFILE",
                        tcp.connections_max, setup_.tcp.connections_max));
    udp_.emplace(sockets->listeners, workers_of(setup_), setup_.udp_size_max, publisher_.cell());
    tcp_.emplace(sockets->listeners, tcp, setup_.udp_size_max, publisher_.cell(),
                 [this](TransferNews news) { desk_->push(std::move(news)); });
    for (const Endpoint& endpoint : listen)
        log_info(fmt::format("answers on {}, UDP and TCP", endpoint.text()));
}

void Control::Inside::open_faces() {
    if (!setup_.config) return;
    faces_.emplace(
        loop_, *setup_.config,
        Faces::Hands{
            [this] { return status(); },
            [this](Admin::Say say) {
                reload_desk_.wait(std::move(say), loader_.busy());
                loader_.load();
            },
            [this](const std::string& request) {
                return history_answer(groups_ ? &*groups_ : nullptr, request);
            },
            [this](const std::string& request, const std::string& by, const Admin::Say& say) {
                const auto secondaries = [this](const zones::Name& zone) {
                    return told_of(zone, *notify_);
                };
                operator_asks(groups_ ? &*groups_ : nullptr, request, by, secondaries, say);
            }});
}

void Control::Inside::watch_signals() {
    for (const int signal : {SIGTERM, SIGINT}) signals_.add(signal);
    struct Wait {
        Inside* control;
        void operator()(const error_code& error, int signal) const {
            if (error) return;
            if (signal != SIGHUP) {
                log_info("stopping");
                tell_service_manager("STOPPING=1");
                control->loop_.stop();
                return;
            }
            control->loader_.load();
            control->signals_.async_wait(*this);
        }
    };
    signals_.async_wait(Wait{this});
}

// Threads first: they use everything else.
void Control::Inside::stop() {
    if (tcp_) tcp_->stop();
    if (udp_) udp_->stop();
}

// The query threads have it: now the others hear. A machine that decides on leases is stepped
// outside of what is tried: if it is only half told, the process has to end.
void Control::Inside::told(const ZoneStore::Outcome& outcome) {
    try {
        tell_secondaries(outcome);
    } catch (const std::bad_alloc&) {
        targets_.missed();
        log_error("not enough memory to tell the secondaries; they are told a second later");
        publisher_.publish_again();
    }
    if (groups_)
        for (const ZoneStore::PublishedZone& one : outcome.published)
            groups_->published(one.zone, one.serial);
    if (ready_) publish_status();
}

void Control::Inside::tell_secondaries(const ZoneStore::Outcome& outcome) {
    const bool failed = outcome.again_in > heartbeat::Duration::zero();
    if (targets_.told(outcome.zones_changed, failed)) {
        notify_->step(Notifier::TargetsChanged{targets_of(store_, secondaries_, ourselves_)});
        tell_newcomers();
        return;
    }
    for (const ZoneStore::PublishedZone& one : outcome.published)
        notify_->step(Notifier::VersionPublished{one.zone, one.serial});
}

// Who is the first to be told of his zone: of the version that stands.
void Control::Inside::tell_newcomers() {
    for (const zones::Name& zone : store_.names())
        if (const auto serial = store_.serial(zone))
            notify_->step(Notifier::VersionPublished{zone, *serial});
}

Control::Inside::Reconfigured Control::Inside::reconfigured(const ConfigAgain& config) const {
    return {secondaries_of(config.zones), styles_of(config.zones),
            admission_of(config.transfer, setup_.config->monitor_allow, config.zones)};
}

void Control::Inside::take(Reconfigured next) noexcept {
    secondaries_.swap(next.secondaries);
    store_.number(std::move(next.styles));
    store_.admit(std::move(next.admission));
}

void Control::Inside::loaded(Loader::Result result) {
    ReloadEnd end(reload_desk_.asked());
    take(std::move(result), end);
    reload_desk_.end(end, reload_);
}

void Control::Inside::take(Loader::Result result, ReloadEnd& end) {
    if (result.config) log_config(*result.config);
    if (result.config) end.add(*result.config);
    if (result.config && !result.config->ok) {
        log_error("The running configuration stays; no zone file was read");
        reload_.failed(result.sources.error() + "; nothing was taken");
        return;
    }
    if (!result.sources) {
        log_error(fmt::format("{}; all zones stay as they are", result.sources.error()));
        reload_.failed(result.sources.error());
        return;
    }
    for (const zones::Mistake& mistake : result.sources->mistakes) log_error(mistake.text());
    std::vector<ZoneStore::Line> lines;
    const std::size_t before = store_.names().size();
    // All that may fail first: what the configuration says is taken with the zones, or not at all.
    try {
        std::optional<Reconfigured> next;
        if (result.config) next = reconfigured(*result.config);
        store_.judge(result.read);
        reload_.read(result, store_);
        lines = store_.take(std::move(result.read));
        if (next) take(*std::move(next));
    } catch (const std::bad_alloc&) {
        loader_.forget();
        reload_.failed("not enough memory for what was read; all zones stay as they are");
        log_error(reload_.text());
        return;
    }
    if (result.config) take_cookies(result.config->cookies);
    if (result.config && groups_) {
        const Groups::Reconfigured now = groups_->reconfigure(result.config->groups);
        for (const std::string& change : now.taken) log_info(change);
        for (const std::string& why : now.refused) log_error(why);
        for (const std::string& line : now.waits_for_restart)
            log_warning(line + " takes effect at a restart");
        reload_.refused(now.refused.size());
        end.add(now);
    }
    const std::size_t removed = before - store_.names().size();
    ZoneStore::Outcome outcome = publisher_.next_versions();
    lines.insert(lines.end(), outcome.lines.begin(), outcome.lines.end());
    for (const ZoneStore::PublishedZone& one : outcome.published)
        lines.push_back({Urgency::info, text_of(one)});
    reload_.published(outcome.published, removed);
    end.add(lines);
    log_lines(std::move(lines));
    // Whom to tell may have changed, by the configuration or by NS sets, though the zones have not.
    outcome.zones_changed = outcome.zones_changed || result.config || !outcome.published.empty() ||
                            outcome.again_in > heartbeat::Duration::zero();
    publisher_.publish(outcome);
    log_info(reload_.text());
}

// RFC 9018 §5: secrets change while we answer.
void Control::Inside::take_cookies(const zones::CookieSecrets& secrets) {
    zones::EdnsRules rules = store_.catalog()->edns();
    if (secrets.empty() || secrets == rules.cookies) return;
    rules.cookies = secrets;
    store_.answer_by(std::move(rules));
    log_info(fmt::format("{} in use", counted(secrets.size(), "cookie secret")));
}

void Control::Inside::roll_cookies() {
    cookies_again_.expires_after(cookie_secret_life);
    cookies_again_.async_wait([this](const error_code& error) {
        if (error) return;
        zones::EdnsRules rules = store_.catalog()->edns();
        rules.cookies = rolled(rules.cookies);
        store_.answer_by(std::move(rules));
        publisher_.publish();
        roll_cookies();
    });
}

// Page, JSON and dig are told of one snapshot. For want of memory they are told a second later.
void Control::Inside::publish_status() {
    try {
        const std::shared_ptr<const Status> now = status();
        publisher_.tell(chaos_records(*now));
        if (faces_) faces_->publish(now);
    } catch (const std::bad_alloc&) {
        log_error("not enough memory to tell how things stand; what was told before stays");
    }
    status_again_.expires_after(status_every);
    status_again_.async_wait([this](const error_code& error) {
        if (!error) publish_status();
    });
}

std::shared_ptr<const Status> Control::Inside::status() const {
    auto status = std::make_shared<Status>();
    if (setup_.config) {
        status->host = setup_.config->name;
        status->mode = setup_.config->mode;
    }
    status->uptime = heartbeat::boot_now() - started_;
    status->ready = ready_;
    fill_in(*status, store_, *notify_, groups_ ? &*groups_ : nullptr, *udp_, *tcp_);
    // As the groups are, by whatever was said to them since.
    if (!status->groups.empty()) {
        const bool observes =
            std::any_of(status->groups.begin(), status->groups.end(),
                        [](const GroupStatus& group) { return group.mode == Mode::observe; });
        status->mode = observes ? "observe" : "act";
    }
    count_refused(status->counters, desk_->refused(), desk_->left_out(*udp_));
    reload_.fill_in(*status);
    return status;
}

Control::Control(Setup setup) : inside_(std::make_unique<Inside>(std::move(setup))) {}
Control::~Control() = default;
void Control::run() {
    inside_->run();
}
bool Control::reading() const {
    return inside_->reading();
}

}  // namespace dnsd

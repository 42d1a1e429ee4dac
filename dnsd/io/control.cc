#include "dnsd/io/control.h"

#include "dnsd/io/check.h"
#include "dnsd/io/cookie_keys.h"
#include "dnsd/io/faces.h"
#include "dnsd/io/groups.h"
#include "dnsd/io/loader.h"
#include "dnsd/io/log.h"
#include "dnsd/io/notify_io.h"
#include "dnsd/io/refusal_log.h"
#include "dnsd/io/report.h"
#include "dnsd/io/service.h"
#include "dnsd/io/start_error.h"
#include "dnsd/io/tcp_server.h"
#include "dnsd/io/transfer_queue.h"
#include "dnsd/io/udp_server.h"
#include "dnsd/io/wall_clock.h"
#include "dnsd/io/zone_store.h"
#include "dnsd/publish/audience.h"
#include "heartbeat/io/asio.h"
#include "heartbeat/io/clock.h"
#include "heartbeat/io/timer.h"

#include <algorithm>
#include <csignal>
#include <new>
#include <set>
#include <thread>

#include <fmt/format.h>

namespace dnsd {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::chrono::seconds publish_retry{1};  // of a ledger that failed, or of no memory
constexpr std::chrono::seconds status_every{1};
constexpr std::chrono::milliseconds sweep_every{100};
constexpr std::chrono::milliseconds udp_transfers_every{250};

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

ZoneReader reader_for(const Setup& setup) {
    if (!setup.config) return ZoneReader();
    return ZoneReader([groups = setup.config->groups](const zones::Loaded& loaded) {
        return live_names_in(loaded, groups);
    });
}

Loader::ConfigReader config_reader_for(const Setup& setup) {
    if (!setup.config) return {};
    return [file = setup.config_file, running = *setup.config]() mutable {
        Loader::Reread found{read_config_again(file, running), {}};
        if (!found.config.ok) return found;
        running.zones = found.config.zones;
        const zones::HistoryLimits history = running.transfer.history;
        running.transfer = found.config.transfer;
        running.transfer.history = history;  // waits for a restart
        found.sources = sources_of(running.zones, running.groups);
        return found;
    };
}

// What a reload says of the configuration.
void log_config(const ConfigAgain& again) {
    if (!again.mistakes.empty()) (again.ok ? log_warning : log_error)(again.mistakes);
    for (const std::string& difference : again.waits_for_restart) log_warning(difference);
    if (!again.waits_for_restart.empty())
        log_warning("the configuration's changes above take effect at a restart");
    std::vector<ZoneStore::Line> lines;
    for (const std::string& change : again.changes) lines.push_back({Urgency::info, change});
    for (const ZoneStore::Line& line : bounded(std::move(lines))) log(line.urgency, line.text);
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

std::string too_many_targets(std::size_t wanted) {
    return fmt::format(
        "the zones and their secondaries make {} pairs to send NOTIFY to; the bound is {}", wanted,
        Notifier::targets_max);
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

    std::size_t targets_wanted() const;
    std::vector<Notifier::Target> targets() const;
    static void log_lines(std::vector<ZoneStore::Line> lines);
    void publish();
    ZoneStore::Outcome next_versions();
    void publish(const ZoneStore::Outcome& outcome);
    void publish_again_in(heartbeat::Duration wait);
    void sweep();
    void loaded(Loader::Result result);
    void tell_newcomers();
    void take_cookies(const zones::CookieSecrets& secrets);
    void roll_cookies();
    void heard(const TransferNews& news, RefusalLog::Kind kind);
    void refused(const TransferNews& news, RefusalLog::Kind kind);
    void heard(const UdpTransfer& asked);
    void read_news();
    void look_for_news();
    TransfersLeftOut left_out() const;
    void publish_status();
    std::shared_ptr<const Status> status() const;

    const Setup setup_;
    const heartbeat::Instant started_ = heartbeat::boot_now();
    asio::io_context loop_{1};
    asio::signal_set signals_{loop_};
    asio::steady_timer publish_again_{loop_};
    asio::steady_timer status_again_{loop_};
    asio::steady_timer sweep_again_{loop_};
    asio::steady_timer cookies_again_{loop_};
    asio::steady_timer udp_again_{loop_};
    heartbeat::BootTimer held_back_{loop_};
    Secondaries secondaries_;
    std::optional<Ledger> ledger_;
    ZoneStore store_;
    Loader loader_;
    PublishedCell<zones::Catalog> published_;
    std::optional<Groups> groups_;
    std::optional<NotifyIo> notify_;
    TransferQueue news_{[this] { asio::post(loop_, [this] { read_news(); }); }};
    std::optional<UdpServer> udp_;
    std::optional<TcpServer> tcp_;
    std::optional<Faces> faces_;
    std::set<heartbeat::Address> ourselves_;
    std::uint64_t refused_left_out_ = 0;  // until the last look
    RefusalLog refusals_;
    RefusedTransfers refused_{};
    ReloadReport reload_;
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
          loop_, config_reader_for(setup_), setup_.sources, reader_for(setup_),
          [this] { return store_.catalog(); },
          [this](Loader::Result result) { loaded(std::move(result)); }),
      published_(store_.catalog()) {
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
    look_for_news();
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
    if (const std::size_t wanted = targets_wanted(); wanted > Notifier::targets_max)
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
            if (notify_) publish();  // else serve() will, when all have spoken
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
    publish();
    if (groups_) groups_->open();
    const TcpLimits tcp = fitted(setup_.tcp, descriptors_for_connections(*sockets));
    if (tcp.connections_max < setup_.tcp.connections_max)
        log_warning(
            fmt::format("{} TCP connections at most, not {}: no more file descriptors are "
                        "allowed; raise LimitNOFILE",
                        tcp.connections_max, setup_.tcp.connections_max));
    udp_.emplace(sockets->listeners, workers_of(setup_), setup_.udp_size_max, published_);
    tcp_.emplace(sockets->listeners, tcp, setup_.udp_size_max, published_,
                 [this](TransferNews news) { news_.push(std::move(news)); });
    for (const Endpoint& endpoint : listen)
        log_info(fmt::format("answers on {}, UDP and TCP", endpoint.text()));
}

void Control::Inside::open_faces() {
    if (!setup_.config) return;
    faces_.emplace(loop_, *setup_.config,
                   Faces::Hands{[this] { return status(); }, [this] { loader_.load(); }});
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

// How many there would be, if every zone that was read were served.
std::size_t Control::Inside::targets_wanted() const {
    std::size_t wanted = 0;
    for (const zones::Name& zone : store_.read_names())
        wanted += secondaries_(zone).secondaries.size();
    return wanted;
}

// Files that are added while the daemon serves must not end it: those beyond the bound are left to
// their secondaries' refresh timers (RFC 1035 §3.3.13).
std::vector<Notifier::Target> Control::Inside::targets() const {
    std::vector<Notifier::Target> targets;
    std::size_t wanted = 0;
    const zones::Catalog& catalog = *store_.catalog();
    for (const zones::Name& zone : store_.names()) {
        const Told told = secondaries_(zone);
        std::vector<Notifier::Target> configured;
        for (const Secondary& secondary : told.secondaries)
            configured.push_back(
                {secondary.endpoint.address, secondary.endpoint.port, zone, secondary.key});
        for (Notifier::Target& target : audience(catalog, *store_.served(zone),
                                                 std::move(configured), told.notify_ns, ourselves_))
            if (++wanted <= Notifier::targets_max) targets.push_back(std::move(target));
    }
    if (wanted > Notifier::targets_max)
        log_error(fmt::format("{}; the last {} by zone name hear of no change by NOTIFY",
                              too_many_targets(wanted), wanted - Notifier::targets_max));
    return targets;
}

void Control::Inside::log_lines(std::vector<ZoneStore::Line> lines) {
    for (const ZoneStore::Line& line : bounded(std::move(lines))) log(line.urgency, line.text);
}

// For want of memory the loop must not end: what stands is still served, and nothing is half done.
ZoneStore::Outcome Control::Inside::next_versions() {
    try {
        return store_.publish({heartbeat::boot_now(), wall_milliseconds() / 1000});
    } catch (const std::bad_alloc&) {
        log_error("not enough memory to publish; all zones stay as they are");
    }
    publish_again_in(publish_retry);
    return {};
}

void Control::Inside::publish_again_in(heartbeat::Duration wait) {
    publish_again_.expires_after(wait);
    publish_again_.async_wait([this](const error_code& error) {
        if (!error) publish();
    });
}

void Control::Inside::publish() {
    const ZoneStore::Outcome outcome = next_versions();
    log_lines(outcome.lines);
    publish(outcome);
}

// Edition → ledger → query threads → secondaries → machines, in this order.
void Control::Inside::publish(const ZoneStore::Outcome& outcome) {
    if (outcome.catalog_changed) {
        published_.store(store_.catalog());
        sweep();
    }
    if (outcome.zones_changed) notify_->step(Notifier::TargetsChanged{targets()});
    for (const ZoneStore::PublishedZone& one : outcome.published) {
        notify_->step(Notifier::VersionPublished{one.zone, one.serial});
        if (groups_) groups_->published(one.zone, one.serial);
    }
    if (outcome.ledger_failed) publish_again_in(publish_retry);
    if (store_.wakes_at() == heartbeat::Instant::max())
        held_back_.cancel();
    else
        held_back_.set(store_.wakes_at(), [this] { publish(); });
    if (ready_) publish_status();
}

// Until the query threads have moved on from all old versions, which end here.
void Control::Inside::sweep() {
    if (published_.sweep() == 0) return;
    sweep_again_.expires_after(sweep_every);
    sweep_again_.async_wait([this](const error_code& error) {
        if (!error) sweep();
    });
}

// Who is the first to be told of his zone: of the version that stands.
void Control::Inside::tell_newcomers() {
    for (const zones::Name& zone : store_.names())
        if (const auto serial = store_.serial(zone))
            notify_->step(Notifier::VersionPublished{zone, *serial});
}

void Control::Inside::loaded(Loader::Result result) {
    if (result.config) log_config(*result.config);
    if (result.config && !result.config->ok) {
        log_error("The running configuration stays; no zone file was read");
        reload_.failed(result.sources.error());
        return;
    }
    if (!result.sources) {
        log_error(fmt::format("{}; all zones stay as they are", result.sources.error()));
        reload_.failed(result.sources.error());
        return;
    }
    for (const zones::Mistake& mistake : result.sources->mistakes) log_error(mistake.text());
    if (result.config) take_cookies(result.config->cookies);
    if (result.config) {
        secondaries_ = secondaries_of(result.config->zones);
        store_.number(styles_of(result.config->zones));
        store_.admit(admission_of(result.config->transfer, setup_.config->monitor_allow,
                                  result.config->zones));
    }
    std::vector<ZoneStore::Line> lines;
    const std::size_t before = store_.names().size();
    try {
        store_.judge(result.read);
        reload_.read(result, store_);
        lines = store_.take(std::move(result.read));
    } catch (const std::bad_alloc&) {
        loader_.forget();
        reload_.failed("not enough memory for what was read; all zones stay as they are");
        log_error(reload_.text());
        return;
    }
    const std::size_t removed = before - store_.names().size();
    ZoneStore::Outcome outcome = next_versions();
    lines.insert(lines.end(), outcome.lines.begin(), outcome.lines.end());
    for (const ZoneStore::PublishedZone& one : outcome.published)
        lines.push_back({Urgency::info, text_of(one)});
    reload_.published(outcome.published, removed);
    log_lines(std::move(lines));
    // Whom to tell may have changed, by the configuration or by NS sets, though the zones have not.
    outcome.zones_changed = outcome.zones_changed || result.config || !outcome.published.empty();
    publish(outcome);
    tell_newcomers();
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
        publish();
        roll_cookies();
    });
}

void Control::Inside::heard(const TransferNews& news, RefusalLog::Kind kind) {
    if (!news.zone) return;
    if (news.what == TransferNews::What::refused) return refused(news, kind);
    const bool known_of = news.what == TransferNews::What::ended && news.transfer != 0;
    if (!known_of) notify_->step(Notifier::SecondaryAsked{news.peer.address, *news.zone, news.has});
    if (news.what == TransferNews::What::begun)
        notify_->step(
            Notifier::TransferBegun{news.peer.address, *news.zone, news.signer, news.transfer});
    else
        notify_->step(Notifier::TransferEnded{news.peer.address, *news.zone, news.signer,
                                              news.transfer, news.seen});
}

// The same of a datagram; what it had room for, its sender has now, or not.
void Control::Inside::heard(const UdpTransfer& asked) {
    const auto request = std::span(asked.request).first(asked.request_size);
    TransferNews news{TransferNews::What::refused, asked.from,
                      zones::Name::from_wire(request.subspan(zones::header_size))};
    news.outcome = asked.outcome;
    const zones::AddressBytes from = mapped(asked.from.address);
    const std::vector<zones::Prefix>& known = store_.catalog()->access().known;
    const bool is_known = std::any_of(known.begin(), known.end(),
                                      [&](const auto& prefix) { return prefix.contains(from); });
    const auto kind = is_known ? RefusalLog::Kind::known_by_udp : RefusalLog::Kind::stranger_by_udp;
    if (asked.outcome.refusal != zones::Refusal::none) return heard(news, kind);
    const auto query = zones::read_query(request);
    if (!query || !news.zone || query->type != zones::Type::ixfr || asked.rcode != 0) return;
    news.what = TransferNews::What::ended;
    if (query->ixfr_serial) news.has = zones::Serial(*query->ixfr_serial);
    news.seen.kind = TransferKind::udp;
    news.seen.serial = store_.serial(*news.zone);
    news.seen.bytes = asked.response;
    if (asked.answers == 1)  // RFC 1995 §2, §4: it is current, or is to ask by TCP
        news.seen.result = news.has && news.seen.serial && *news.has < *news.seen.serial
                               ? TransferResult::fallback
                               : TransferResult::current;
    heard(news, kind);
}

void Control::Inside::read_news() {
    news_.drain([this](const TransferNews& news) { heard(news, RefusalLog::Kind::by_tcp); });
}

// The query threads wait for nobody: they are asked.
void Control::Inside::look_for_news() {
    udp_again_.expires_after(udp_transfers_every);
    udp_again_.async_wait([this](const error_code& error) {
        if (!error) look_for_news();
    });
    read_news();
    udp_->drain_transfers([this](const UdpTransfer& asked) { heard(asked); });
    const std::uint64_t left_out = this->left_out().all_refused();
    refusals_.left_out(left_out - std::exchange(refused_left_out_, left_out));
    if (const auto line = refusals_.summary(heartbeat::boot_now())) log_warning(*line);
}

TransfersLeftOut Control::Inside::left_out() const {
    TransfersLeftOut out = news_.left_out();
    out += udp_->transfers_left_out();
    return out;
}

void Control::Inside::refused(const TransferNews& news, RefusalLog::Kind kind) {
    ++refused_[static_cast<std::size_t>(news.outcome.refusal)];
    const auto line = fmt::format(
        "refused {} of {} to {}: {}", news.outcome.transfer ? "transfer" : "a signed question",
        news.zone->text(), news.peer.address.text(), zones::text(news.outcome.refusal));
    if (const auto say =
            refusals_.refused(kind, mapped(news.peer.address), line, heartbeat::boot_now()))
        log_warning(*say);
}

void Control::Inside::publish_status() {
    if (!faces_) return;
    faces_->publish(status());
    status_again_.expires_after(status_every);
    status_again_.async_wait([this](const error_code& error) {
        if (!error) publish_status();
    });
}

std::shared_ptr<const Status> Control::Inside::status() const {
    auto status = std::make_shared<Status>();
    status->host = setup_.config->name;
    status->mode = setup_.config->mode;
    status->uptime = heartbeat::boot_now() - started_;
    status->ready = ready_;
    fill_in(*status, store_, *notify_, groups_ ? &*groups_ : nullptr, *udp_, *tcp_);
    count_refused(status->counters, refused_, left_out());
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

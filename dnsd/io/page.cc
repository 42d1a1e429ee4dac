#include "dnsd/io/page.h"

#include <algorithm>

#include <fmt/format.h>

namespace dnsd {

namespace {

using heartbeat::Role;

std::string html(std::string_view text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&quot;";
                break;
            case '\'':
                out += "&#39;";
                break;
            default:
                out += c;
        }
    }
    return out;
}

// "0.4 s", "41 s", "4 m", "7 h", "12 d": as much as a glance takes in.
std::string age(Duration duration) {
    const double seconds = std::chrono::duration<double>(duration).count();
    if (seconds < 10) return fmt::format("{:.1f} s", seconds);
    if (seconds < 120) return fmt::format("{:.0f} s", seconds);
    if (seconds < 7200) return fmt::format("{:.0f} m", seconds / 60);
    if (seconds < 172800) return fmt::format("{:.0f} h", seconds / 3600);
    return fmt::format("{:.0f} d", seconds / 86400);
}

std::string age_or(const std::optional<Duration>& duration, std::string_view otherwise) {
    return duration ? age(*duration) : std::string(otherwise);
}

std::string cell(std::string_view label, std::string_view text, std::string_view state = {}) {
    const std::string mark = state.empty() ? "" : fmt::format(" class=\"{}\"", state);
    return fmt::format("<td data-label=\"{}\"{}>{}</td>", label, mark, html(text));
}

std::string check(std::string_view label, const std::optional<heartbeat::Heartbeat>& last,
                  bool heartbeat::Health::*what) {
    if (!last) return cell(label, "-");
    return last->health.*what ? cell(label, "ok") : cell(label, "FAIL", "bad");
}

std::string_view role_of(const ServerStatus& server) {
    switch (server.role) {
        case Role::master:
            return "MASTER";
        case Role::replica:
            return "replica";
        case Role::fenced:
            return "fenced";
        case Role::unknown:
            return "unknown";
    }
    return "unknown";
}

std::string server_row(const ServerStatus& server) {
    std::string addresses;
    for (const Address& address : server.addresses)
        addresses += (addresses.empty() ? "" : " ") + address.text();
    const auto& last = server.last;
    return "<tr><th scope=\"row\">" + html(server.id.text()) + "</th>" +
           cell("address", addresses) +
           cell("www", server.in_pool ? "in" : "OUT", server.in_pool ? "" : "bad") +
           cell("role", role_of(server), server.role == Role::master ? "lead" : "") +
           check("web", last, &heartbeat::Health::web) +
           check("page", last, &heartbeat::Health::page) +
           check("db", last, &heartbeat::Health::database) +
           cell("lag", last ? age_or(last->lag, "-") : "-") +
           cell("heard", age_or(server.last_heard, "never"), server.alive ? "" : "bad") +
           cell("since", age_or(server.since, "start")) + cell("why", server.why) + "</tr>\n";
}

std::string left(const InForce& in_force) {
    return in_force.left ? "for " + age(*in_force.left) + " more" : "until undone";
}

// What an operator or the damping began, and what is under way.
std::vector<std::string> in_force(const GroupStatus& group) {
    std::vector<std::string> lines;
    if (group.switchover) {
        const SwitchoverStatus& one = *group.switchover;
        lines.push_back(fmt::format("SWITCHOVER from {} to {}, epoch {}: {} for {}; {}",
                                    one.from.text(), one.to.text(), one.epoch.value,
                                    name_of(one.stage), age(one.running), one.cause));
    }
    if (group.paused)
        lines.push_back("PAUSED " + left(*group.paused) + ": only an operator's word elects");
    if (group.block_left)
        lines.push_back("BLOCKED by the damping for " + age(*group.block_left) +
                        " more: no automatic failover");
    if (group.manual)
        lines.push_back("MANUAL after too many failovers: only an operator's word elects");
    if (!group.gate_waits.empty()) lines.push_back("The zero-loss gate WAITS: " + group.gate_waits);
    if (group.mode == Mode::observe)
        lines.push_back("mode observe: nothing is moved" +
                        (group.would.empty() ? "" : "; would: " + group.would));
    for (const ServerStatus& server : group.servers)
        if (server.drained)
            lines.push_back(std::string(server.id.text()) + " is drained " + left(*server.drained));
    return lines;
}

std::string in_force_card(const GroupStatus& group) {
    const std::vector<std::string> lines = in_force(group);
    if (lines.empty()) return {};
    std::string out = "<div class=\"force\"><h3>in force</h3><ul>";
    for (const std::string& line : lines) out += "<li>" + html(line) + "</li>";
    return out + "</ul></div>";
}

// Who acknowledges what the master commits.
std::string commits_card(const GroupStatus& group) {
    std::string members;
    for (const AckerStatus& one : group.semi_sync) {
        members += (members.empty() ? "" : ", ") + std::string(one.id.text());
        if (one.leaving)
            members += " (leaving)";
        else if (!one.whole)
            members += " (not caught up yet)";
    }
    const std::string_view covered =
        group.semi_sync_unknown ? "who did before is not known: all with data must report"
        : group.covered         ? "each acknowledged commit is with one of them"
                                : "not yet is each acknowledged commit with one of them";
    return fmt::format("<div><h3>commits acknowledged by</h3><b>{}</b><p{}>{}</p></div>",
                       members.empty() ? "nobody" : html(members),
                       group.covered && !group.semi_sync_unknown ? "" : " class=\"bad\"", covered);
}

std::string group_section(const GroupStatus& group) {
    std::string pool;
    std::size_t in = 0;
    for (const ServerStatus& server : group.servers) {
        if (!server.in_pool) continue;
        ++in;
        pool += (pool.empty() ? "" : " ") + std::string(server.id.text());
    }
    const std::string master =
        group.master ? std::string(group.master->text()) : std::string("no record yet");
    std::string lease = fmt::format("epoch {}, {}", group.epoch.value, name_of(group.state));
    if (group.holder)
        lease += fmt::format(" by {}, {} left", group.holder->text(), age(group.lease_left));
    if (!group.waiting_for.empty()) lease += "; " + group.waiting_for;
    std::string out = fmt::format("<section><h2>{}</h2>\n<div class=\"cards\">", html(group.name));
    out += fmt::format(
        "<div><h3>www</h3><b>{} of {}</b><p>{}</p>{}</div>", in, group.servers.size(), html(pool),
        group.fail_open ? "<p class=\"bad\">FAILING OPEN: servers are not heard</p>" : "");
    out += fmt::format("<div><h3>master</h3><b>{}</b><p>{}</p></div>", html(master), html(lease));
    out += commits_card(group) + in_force_card(group) + "</div>\n";
    out +=
        "<table><thead><tr><th>server</th><th>address</th><th>www</th><th>role</th><th>web</th>"
        "<th>page</th><th>db</th><th>lag</th><th>heard</th><th>since</th><th>why</th></tr></thead>"
        "<tbody>\n";
    for (const ServerStatus& server : group.servers) out += server_row(server);
    return out + "</tbody></table></section>\n";
}

// A table of ten thousand zones helps nobody: those with secondaries or trouble come first.
constexpr std::size_t rows_max = 200;

std::string zones_section(const Status& status) {
    std::string out =
        "<section><h2>Zones</h2><table><thead><tr><th>zone</th><th>serial</th></tr>"
        "</thead><tbody>\n";
    for (std::size_t i = 0; i < std::min(status.zones.size(), rows_max); ++i)
        out += fmt::format("<tr><th scope=\"row\">{}</th>{}</tr>\n", html(status.zones[i].name),
                           cell("serial", std::to_string(status.zones[i].serial)));
    out += "</tbody></table>";
    if (status.zones.size() > rows_max)
        out += fmt::format("<p>and {} more</p>", status.zones.size() - rows_max);
    return out + "</section>\n";
}

std::string last_transfer(const SecondaryStatus& s) {
    if (!s.last_transfer || !s.last_transfer_ago)
        return cell("last transfer", s.transferring ? "under way" : "-");
    const TransferSeen& seen = *s.last_transfer;
    const bool bad = seen.result != TransferResult::done;
    return cell("last transfer",
                fmt::format("{}{}{}, {} ago", name_of(seen.kind), bad ? " " : "",
                            bad ? name_of(seen.result) : "", age(*s.last_transfer_ago)),
                bad ? "bad" : "");
}

std::string secondaries_section(const Status& status) {
    if (status.secondaries.empty()) return {};
    std::vector<const SecondaryStatus*> rows;
    for (const SecondaryStatus& secondary : status.secondaries) rows.push_back(&secondary);
    std::stable_sort(rows.begin(), rows.end(), [](const auto* a, const auto* b) {
        return a->behind_for.value_or(Duration::zero()) > b->behind_for.value_or(Duration::zero());
    });
    std::string out =
        "<section><h2>Secondaries</h2><table><thead><tr><th>secondary</th><th>address</th>"
        "<th>zone</th><th>serial</th><th>behind</th><th>notify</th><th>last transfer</th></tr>"
        "</thead><tbody>\n";
    for (std::size_t i = 0; i < std::min(rows.size(), rows_max); ++i) {
        const SecondaryStatus& s = *rows[i];
        std::string behind = s.ahead          ? "ahead"
                             : !s.behind      ? "not known"
                             : *s.behind == 0 ? "-"
                                              : std::to_string(*s.behind);
        if (s.behind_for) behind += ", " + age(*s.behind_for);
        std::string notify(name_of(s.notify));
        if (s.unanswered > 0) notify = fmt::format("{} unanswered", s.unanswered);
        if (s.unanswered > 0 && s.unanswered_for) notify += ", " + age(*s.unanswered_for);
        const bool bad = s.ahead || s.behind_for.value_or(Duration::zero()) > behind_bearable;
        out += fmt::format(
            "<tr><th scope=\"row\">{}</th>{}{}{}{}{}{}</tr>\n", html(display_name(s)),
            cell("address", s.address.text()), cell("zone", s.zone.text()),
            cell("serial", s.serial ? std::to_string(s.serial->value()) : "not known"),
            cell("behind", behind, bad ? "bad" : ""), cell("notify", notify), last_transfer(s));
    }
    out += "</tbody></table>";
    if (rows.size() > rows_max) out += fmt::format("<p>and {} more</p>", rows.size() - rows_max);
    return out + "</section>\n";
}

std::string history_section(const Status& status) {
    if (status.history.empty()) return {};
    std::string out =
        "<section><h2>Events, newest first</h2><table><thead><tr><th>time (UTC)</th>"
        "<th>group</th><th>what</th></tr></thead><tbody>\n";
    for (std::size_t i = 0; i < std::min<std::size_t>(status.history.size(), 50); ++i) {
        const Decision& one = status.history[i];
        out += fmt::format("<tr><th scope=\"row\">{}</th>{}{}</tr>\n", rfc3339(one.time_ms),
                           cell("group", one.group), cell("what", sentence(one.note)));
    }
    return out + "</tbody></table></section>\n";
}

}  // namespace

std::string page_html(const Status& status) {
    const Verdict verdict = judge(status);
    std::string word(name_of(verdict.level));
    std::transform(word.begin(), word.end(), word.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    std::string reasons;
    for (std::size_t i = 0; i < std::min<std::size_t>(verdict.reasons.size(), 20); ++i)
        reasons += "<li>" + html(verdict.reasons[i]) + "</li>";
    std::string out = fmt::format(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
        "<title>{0} {1} - Arbiter</title><link rel=\"icon\" href=\"/icon.svg\" "
        "type=\"image/svg+xml\">"
        "<link rel=\"stylesheet\" href=\"/page.css\"><script src=\"/page.js\" "
        "defer></script></head>\n"
        "<body><p id=\"news\" role=\"status\" hidden></p>\n<main>\n"
        "<header class=\"{2}\"><h1>{1}</h1><b class=\"word\">{0}</b><span>mode {3}, up {4}</span>"
        "<time datetime=\"{5}\">{5}</time></header>\n",
        word, html(status.host), name_of(verdict.level), html(status.mode), age(status.uptime),
        rfc3339(status.time_ms));
    if (!reasons.empty()) out += "<ul class=\"reasons\">" + reasons + "</ul>\n";
    for (const GroupStatus& group : status.groups) out += group_section(group);
    out += secondaries_section(status) + zones_section(status) + history_section(status);
    return out +
           "<footer><a href=\"/api/v1/standing\">JSON</a> <a href=\"/api/v1/history\">history</a> "
           "<a href=\"/metrics\">metrics</a></footer>\n</main></body></html>\n";
}

const std::string_view page_css =
    R"(:root { color-scheme: light dark; --ink: #1a1d21; --paper: #fff;
  --line: #cfd4da; --soft: #f3f5f7; --bad: #a40000; --warn: #8a5a00; --good: #17632a; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ec; --paper: #16191d; --line: #3a4149;
  --soft: #20252b; --bad: #ff8f87; --warn: #f2c14e; --good: #7fd694; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 80rem; padding: 1rem; color: var(--ink); background: var(--paper);
  font: 1rem/1.4 system-ui, sans-serif; }
header { display: flex; flex-wrap: wrap; gap: .25rem 1rem; align-items: baseline; padding: .5rem .75rem;
  background: var(--soft); border-left: .5rem solid var(--good); }
header h1 { font-size: 1.25rem; margin: 0; }
header time { margin-left: auto; font-variant-numeric: tabular-nums; }
header.warning { border-left-style: double; border-color: var(--warn); }
header.critical { border-left-style: dashed; border-color: var(--bad); }
.ok .word { color: var(--good); } .warning .word { color: var(--warn); }
.critical .word { color: var(--bad); }
h2 { font-size: 1.1rem; margin: 1.5rem 0 .5rem; } h3 { font-size: 1rem; margin: 0; font-weight: normal; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); gap: .5rem;
  margin-bottom: .5rem; }
.cards div { background: var(--soft); padding: .5rem .75rem; } .cards b { font-size: 1.25rem; }
.cards p, .cards ul { margin: 0; overflow-wrap: anywhere; } .cards ul { padding-left: 1.25rem; }
.cards .force { border-left: .25rem solid var(--warn); }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .25rem .5rem; border-bottom: 1px solid var(--line);
  overflow-wrap: anywhere; vertical-align: top; }
.bad { color: var(--bad); font-weight: bold; } .lead { font-weight: bold; }
#news { position: sticky; top: 0; margin: 0; padding: .5rem .75rem; background: var(--bad);
  color: var(--paper); font-weight: bold; z-index: 1; }
.stale main { filter: grayscale(1); opacity: .55; }
footer { margin: 1.5rem 0; } a { color: inherit; }
:focus-visible { outline: 3px solid; outline-offset: 2px; }
@media (max-width: 50rem) { thead { position: absolute; clip-path: inset(50%); }
  tr { display: block; border-bottom: 2px solid var(--line); padding: .25rem 0; }
  tbody th { display: block; border: 0; }
  td { display: flex; justify-content: space-between; gap: 1rem; border: 0; padding: .1rem .5rem; }
  td:empty { display: none; } td::before { content: attr(data-label); opacity: .7; font-weight: normal; } }
)";

// Each event brings the page anew, so that there is one place that draws it. When nothing comes the
// page says since when, and goes on trying.
const std::string_view page_js = R"('use strict';
let heard = Date.now(), busy = false, again = false, source = null;
const news = document.getElementById('news');
async function draw() {
  if (busy) { again = true; return; }
  busy = true;
  try {
    const answer = await fetch('/', { cache: 'no-store' });
    if (answer.ok) {
      const next = new DOMParser().parseFromString(await answer.text(), 'text/html');
      document.querySelector('main').replaceWith(next.querySelector('main'));
      document.title = next.title;
      heard = Date.now();
    }
  } catch { /* the clock below tells */ }
  await new Promise(done => setTimeout(done, 500));
  busy = false;
  if (again) { again = false; draw(); }
}
function listen() {
  if (source) source.close();
  source = new EventSource('/api/v1/events');
  source.addEventListener('standing', draw);
}
listen();
setInterval(() => {
  const stale = Date.now() - heard > 6000;
  if (stale) {
    news.textContent = 'NO NEWS since ' + new Date(heard).toISOString().slice(11, 19) +
        ' UTC: what is below may no longer be true';
    if (source.readyState === EventSource.CLOSED) listen();
    draw();
  }
  news.hidden = !stale;
  document.body.classList.toggle('stale', stale);
}, 2000);
)";

const std::string_view page_icon =
    R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="6" fill="#245"/><path d="M16 5v20M8 25h16M6 10h20M6 10l-3 8h6zM26 10l-3 8h6z" fill="none" stroke="#fff" stroke-width="2"/></svg>)";

}  // namespace dnsd

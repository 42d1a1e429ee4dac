#include "agent/io/master_record.h"

#include "heartbeat/io/asio.h"
#include "heartbeat/io/clock.h"

#include <algorithm>
#include <array>
#include <utility>

#include <arpa/nameser.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <resolv.h>
#include <strings.h>

namespace agent {

namespace {

namespace asio = heartbeat::asio;
using heartbeat::Address;
using heartbeat::ErrorCode;
using udp = asio::ip::udp;
using Found = tl::expected<std::vector<Address>, std::string>;

constexpr std::size_t question_max = NS_HFIXEDSZ + NS_MAXCDNAME + NS_QFIXEDSZ;
constexpr std::size_t answer_max = 4096;  // larger than what we offer to take, which is 512

const unsigned char* bytes(std::span<const std::byte> data) {
    return reinterpret_cast<const unsigned char*>(data.data());
}

// RFC 5452 §4.2, §9.1: the answer repeats the question, whatever the case of its letters.
bool same_question(ns_msg& asked, ns_msg& answered) {
    ns_rr a;
    ns_rr b;
    return ns_msg_count(answered, ns_s_qd) == 1 && ns_parserr(&asked, ns_s_qd, 0, &a) == 0 &&
           ns_parserr(&answered, ns_s_qd, 0, &b) == 0 && ns_rr_type(a) == ns_rr_type(b) &&
           ns_rr_class(a) == ns_rr_class(b) && ::strcasecmp(ns_rr_name(a), ns_rr_name(b)) == 0;
}

std::optional<Address> address_of(const ns_rr& record) {
    if (ns_rr_class(record) != ns_c_in) return std::nullopt;
    if (ns_rr_type(record) == ns_t_a && ns_rr_rdlen(record) == 4) {
        std::array<std::uint8_t, 4> v4;
        std::copy_n(ns_rr_rdata(record), 4, v4.begin());
        return Address::v4(v4);
    }
    if (ns_rr_type(record) == ns_t_aaaa && ns_rr_rdlen(record) == 16) {
        std::array<std::uint8_t, 16> v6;
        std::copy_n(ns_rr_rdata(record), 16, v6.begin());
        return Address::v6(v6);
    }
    return std::nullopt;  // a CNAME on the way
}

// Both questions at once, over one socket; ends once, with both answers or an error.
class Asking : public std::enable_shared_from_this<Asking> {
public:
    Asking(asio::io_context& loop, const MasterRecordRules& rules, MasterRecord::Done done)
        : rules_(rules), done_(std::move(done)), timer_(loop), resolver_(loop), socket_(loop) {}

    void start() {
        timer_.expires_after(rules_.deadline);
        timer_.async_wait([self = shared_from_this()](ErrorCode error) {
            if (!error) self->finish(tl::unexpected<std::string>("no answer in time"));
        });
        for (const AddressKind kind : {AddressKind::v4, AddressKind::v6}) {
            std::array<std::uint8_t, 2> id{};
            heartbeat::random_bytes(id);
            auto question =
                master_question(rules_.name, kind, static_cast<std::uint16_t>(id[0] << 8 | id[1]));
            if (!question) return finish(tl::unexpected(question.error()));
            questions_.push_back(std::move(*question));
        }
        resolver_.async_resolve(
            rules_.host, std::to_string(rules_.port), udp::resolver::numeric_service,
            [self = shared_from_this()](ErrorCode error, const udp::resolver::results_type& found) {
                if (error) return self->fail(error);
                if (self->done_) self->send(found.begin()->endpoint());
            });
    }

private:
    void send(const udp::endpoint& server) {
        ErrorCode error;
        // Connected: the kernel drops what comes from anybody else.
        socket_.connect(server, error);
        for (const auto& question : questions_) {
            if (!error) socket_.send(asio::buffer(question), 0, error);
        }
        if (error) return fail(error);
        receive();
    }
    void receive() {
        socket_.async_receive(asio::buffer(buffer_),
                              [self = shared_from_this()](ErrorCode error, std::size_t size) {
                                  if (!self->done_) return;
                                  if (error) return self->fail(error);
                                  self->judge(std::span(self->buffer_).first(size));
                              });
    }
    void judge(std::span<const std::byte> answer) {
        for (auto question = questions_.begin(); question != questions_.end(); ++question) {
            auto read = read_answer(*question, answer);
            if (!read) continue;
            if (!*read) return finish(tl::unexpected(read->error()));
            found_.insert(found_.end(), (*read)->begin(), (*read)->end());
            questions_.erase(question);
            break;
        }
        if (questions_.empty()) return finish(std::move(found_));
        receive();
    }
    void fail(ErrorCode error) { finish(tl::unexpected(error.message())); }
    void finish(Found found) {
        if (!done_) return;
        const MasterRecord::Done done = std::exchange(done_, nullptr);
        timer_.cancel();
        resolver_.cancel();
        ErrorCode ignored;
        socket_.close(ignored);
        done(std::move(found));
    }

    const MasterRecordRules rules_;
    MasterRecord::Done done_;
    asio::steady_timer timer_;
    udp::resolver resolver_;
    udp::socket socket_;
    std::vector<std::vector<std::byte>> questions_;
    std::vector<Address> found_;
    std::array<std::byte, answer_max> buffer_{};
};

}  // namespace

tl::expected<std::vector<std::byte>, std::string> master_question(const std::string& name,
                                                                  AddressKind kind,
                                                                  std::uint16_t id) {
    std::array<unsigned char, question_max> wire{};
    // Only its options are used; nothing of /etc/resolv.conf matters here.
    struct __res_state state {};
    const int size = ::res_nmkquery(&state, ns_o_query, name.c_str(), ns_c_in,
                                    kind == AddressKind::v4 ? ns_t_a : ns_t_aaaa, nullptr, 0,
                                    nullptr, wire.data(), wire.size());
    if (size < NS_HFIXEDSZ) return tl::unexpected(fmt::format("'{}' is not a domain name", name));
    wire[0] = static_cast<unsigned char>(id >> 8);
    wire[1] = static_cast<unsigned char>(id & 0xff);
    wire[2] = 0;  // RD off
    const auto* const first = reinterpret_cast<const std::byte*>(wire.data());
    return std::vector<std::byte>(first, first + size);
}

std::optional<Found> read_answer(std::span<const std::byte> question,
                                 std::span<const std::byte> answer) {
    ns_msg asked;
    ns_msg answered;
    if (answer.size() < NS_HFIXEDSZ || answer.size() > answer_max) return std::nullopt;
    if (ns_initparse(bytes(question), static_cast<int>(question.size()), &asked) != 0 ||
        ns_initparse(bytes(answer), static_cast<int>(answer.size()), &answered) != 0) {
        return std::nullopt;
    }
    if (ns_msg_id(asked) != ns_msg_id(answered) || ns_msg_getflag(answered, ns_f_qr) != 1 ||
        ns_msg_getflag(answered, ns_f_opcode) != ns_o_query || !same_question(asked, answered)) {
        return std::nullopt;
    }
    const int rcode = ns_msg_getflag(answered, ns_f_rcode);
    // A name that is not there has no address: that is an answer too.
    if (rcode != ns_r_noerror && rcode != ns_r_nxdomain) {
        return tl::unexpected(fmt::format("the name server answers with rcode {}", rcode));
    }
    if (ns_msg_getflag(answered, ns_f_tc) != 0) {
        return tl::unexpected<std::string>("the name server's answer is truncated");
    }
    std::vector<Address> found;
    for (int i = 0; i < ns_msg_count(answered, ns_s_an); ++i) {
        ns_rr record;
        if (ns_parserr(&answered, ns_s_an, i, &record) != 0) {
            return tl::unexpected<std::string>("the name server's answer is damaged");
        }
        if (const auto address = address_of(record)) found.push_back(*address);
    }
    return found;
}

MasterRecord::MasterRecord(asio::io_context& loop, MasterRecordRules rules)
    : loop_(loop), rules_(std::move(rules)) {}

void MasterRecord::ask(Done done) {
    asio::post(loop_, [asking = std::make_shared<Asking>(loop_, rules_, std::move(done))] {
        asking->start();
    });
}

}  // namespace agent

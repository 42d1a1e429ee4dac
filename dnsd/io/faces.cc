#include "dnsd/io/faces.h"

#include "dnsd/io/http.h"
#include "dnsd/io/start_error.h"

#include <optional>

namespace dnsd {

struct Faces::Inside {
    std::optional<Admin> admin;
    std::optional<Http> http;
};

Faces::Faces(boost::asio::io_context& loop, const Config& config, Hands hands)
    : inside_(std::make_unique<Inside>()) {
    try {
        inside_->admin.emplace(
            loop, config.control_socket,
            Admin::Handlers{[status = hands.status] { return status_json(*status()); },
                            hands.reload, hands.history, hands.act});
        if (config.monitor_listen) inside_->http.emplace(*config.monitor_listen);
    } catch (const std::runtime_error& error) {
        throw StartError(exit_unavailable, error.what());
    }
}

Faces::~Faces() = default;

void Faces::publish(std::shared_ptr<const Status> status) {
    if (inside_->http) inside_->http->publish(std::move(status));
}

}  // namespace dnsd

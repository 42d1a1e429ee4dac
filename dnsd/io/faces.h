#pragma once
// Where people and monitoring look in: the control socket and the page. Only with a configuration.

#include "dnsd/config/config.h"
#include "dnsd/io/admin.h"
#include "dnsd/io/status_json.h"

#include <functional>
#include <memory>
#include <string>

namespace boost::asio {
class io_context;
}

namespace dnsd {

class Faces {
public:
    struct Hands {
        std::function<std::shared_ptr<const Status>()> status;
        std::function<void(Admin::Say say)> reload;  // begins it, and says how it ended
        std::function<std::string(const std::string& request)> history;
        std::function<void(const std::string& request, const std::string& by, Admin::Say say)> act;
    };

    // Throws StartError when one of them cannot listen.
    Faces(boost::asio::io_context& loop, const Config& config, Hands hands);
    ~Faces();
    Faces(const Faces&) = delete;
    Faces& operator=(const Faces&) = delete;

    void publish(std::shared_ptr<const Status> status);

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

}  // namespace dnsd

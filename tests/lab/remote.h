#pragma once
// How a second terminal talks to a running `./run`: one line each way over a local socket.

#include <functional>
#include <string>

namespace lab {

class Remote {
public:
    explicit Remote(std::string path);  // throws when another one runs there
    ~Remote();
    Remote(const Remote&) = delete;
    Remote& operator=(const Remote&) = delete;
    // Answers whoever has asked by now; never waits longer than a moment for a line.
    void serve(const std::function<std::string(const std::string&)>& answer);

private:
    std::string path_;
    int listener_ = -1;
};

// Sends `line` to the run at `path`; returns its answer. Throws when none runs there.
std::string ask_remote(const std::string& path, const std::string& line);

}  // namespace lab

#include "tests/lab/program.h"
#include "tests/lab/process.h"

#include <cstdlib>
#include <string>

#include <doctest/doctest.h>

using namespace lab;

namespace {

class Path {
public:
    explicit Path(const std::string& now) : before_(std::getenv("PATH")) {
        ::setenv("PATH", now.c_str(), 1);
    }
    ~Path() { ::setenv("PATH", before_.c_str(), 1); }
    Path(const Path&) = delete;
    Path& operator=(const Path&) = delete;

private:
    std::string before_;
};

}  // namespace

TEST_CASE("servers are found in /usr/sbin by a user whose PATH lacks it") {
    const Path path("/usr/bin");
    for (const std::string name : {"named", "nsd", "knotd", "unbound", "mariadbd"}) {
        CAPTURE(name);
        CHECK(found_program(name) == "/usr/sbin/" + name);
    }
    CHECK(run({"named", "-V"}).status == 0);
    Process server({{"unbound", "-V"}, {}, ""});
    CHECK(server.wait(10s));
    CHECK(server.status() == 0);
    CHECK(run({"no-such-program"}).status == 127);
}

TEST_CASE("PATH goes before the folders of servers, and a path stays as it is") {
    const Scratch scratch("path");
    write_file(scratch / "named", "#!/bin/sh\necho ours\n", 0755);
    write_file(scratch / "unbound", "no program\n", 0644);
    const Path path(scratch.path());
    CHECK(found_program("named") == scratch / "named");
    CHECK(found_program("unbound") == "/usr/sbin/unbound");
    CHECK(found_program("./named") == "./named");
    CHECK(run({"named"}).out == "ours\n");
    const Scratch other("copy");
    CHECK(unconfined_program("named", other.path()) == other / "named");
    CHECK(run({other / "named"}).out == "ours\n");
}

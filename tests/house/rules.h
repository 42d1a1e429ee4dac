#pragma once
// The plan of the house as rules that a test can check: which folder may include which, which
// library has which door, and that only shells touch clocks, sockets, files, threads and chance.

#include <map>
#include <set>
#include <string>
#include <vector>

namespace house {

struct Source {
    std::string path;  // from the root, with '/'
    std::string text;
};

// What is wrong with one file, as "path:line: sentence".
std::vector<std::string> faults_in(const Source&);
// Includes that run in a circle, as "a -> b -> a".
std::vector<std::string> circles_in(const std::vector<Source>&);

}  // namespace house

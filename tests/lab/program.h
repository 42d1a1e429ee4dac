#pragma once
// Where the programs are that the tests start.

#include <cstdlib>
#include <filesystem>
#include <string>

#include <unistd.h>

namespace lab {

// As a shell finds it in PATH, but servers too: a user's PATH mostly lacks the sbin folders. What
// has a slash, or is nowhere, stays as it is.
inline std::string found_program(const std::string& name) {
    if (name.find('/') != std::string::npos) return name;
    const char* path = std::getenv("PATH");
    std::string folders(path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin");
    folders += ":/usr/local/sbin:/usr/sbin:/sbin:";
    for (std::size_t at = 0, end; (end = folders.find(':', at)) != std::string::npos;
         at = end + 1) {
        const std::string program = folders.substr(at, end - at) + '/' + name;
        if (end > at && std::filesystem::is_regular_file(program) &&
            ::access(program.c_str(), X_OK) == 0)
            return program;
    }
    return name;
}

// Debian confines `named` and `unbound` to their own folders, by the path of the program, where
// AppArmor is on; a copy is not confined. NSD and Knot come without such a profile, and MariaDB's
// is empty.
inline std::string unconfined_program(const std::string& name, const std::string& folder) {
    const std::string copy = folder + '/' + name;
    std::filesystem::copy_file(found_program(name), copy,
                               std::filesystem::copy_options::overwrite_existing);
    return copy;
}

}  // namespace lab

#pragma once
// Small files that an operator wrote, read whole. Errors are sentences with the path.

#include <cstddef>
#include <string>

#include <tl/expected.hpp>

namespace agent {

constexpr std::size_t file_read_max = 1024 * 1024;

tl::expected<std::string, std::string> read_text(const std::string& path);
// Refuses what group or others can read or write: names owner and mode, and the chmod to run.
tl::expected<std::string, std::string> read_secret_text(const std::string& path);

}  // namespace agent

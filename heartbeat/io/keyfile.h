#pragma once
// Key files: one line of text each (seal.h). Errors are whole sentences for the operator, with the
// path, what is wrong and what to do.

#include "heartbeat/seal.h"

#include <string>
#include <vector>

#include <tl/expected.hpp>

namespace heartbeat {

constexpr std::size_t key_file_size_max = 4096;

// Refuses a file that group or others can read or write, or that belongs to neither root nor us;
// judged on the opened file, so that nobody swaps it in between.
tl::expected<SecretKeys, std::string> read_secret_keys(const std::string& path);

// The text of any other file of secrets, read with the same care.
tl::expected<std::string, std::string> read_secret_text(
    const std::string& path, std::size_t size_max = key_file_size_max);

// Makes or replaces, in one step, a file of secrets: mode 0600, owned as what was there, durable.
// Where a link stands, what it leads to.
tl::expected<void, std::string> store_secret_text(const std::string& path, const std::string& text);

// One line a key; two while a key is being changed, both of the same name. Lines that are empty or
// begin with '#' are passed over.
tl::expected<std::vector<PublicKeys>, std::string> read_public_keys(const std::string& path);

// Make new files, mode 0600 and 0644, durable; a file that is there is never overwritten.
tl::expected<void, std::string> write_secret_keys(const std::string& path, const SecretKeys&);
tl::expected<void, std::string> write_public_keys(const std::string& path, const PublicKeys&);

}  // namespace heartbeat

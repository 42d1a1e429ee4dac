#pragma once
// "Did you mean": the word of a list that somebody probably meant.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dnsd {

// Insertions, deletions, substitutions and swaps of neighbours that lead from one to the other.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The nearest, when it is near enough to be a slip: a third of the letters, or an unfinished word.
std::optional<std::string> suggest(std::string_view word, const std::vector<std::string>& known);

}  // namespace dnsd

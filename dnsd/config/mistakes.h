#pragma once
// What is wrong with a file that a person wrote, said so that they can mend it: every mistake, in
// the order of the file, with its place and, where we can, what to write instead (docs/UX.md).

#include "zones/zonefile.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dnsd {

struct Mistake {
    std::string file;
    unsigned line = 1;
    unsigned column = 1;
    std::string what;
    std::string hint;         // empty: none
    std::string source_line;  // shown with a caret when not empty: where the text itself is wrong
    unsigned width = 1;       // of what the caret underlines, in characters
    bool is_error = true;
};

std::string counted(std::size_t number, std::string_view noun);  // "1 error", "3 errors"

// The same as a mistake of the configuration, so that one report holds both.
Mistake from_zone_file(const zones::Mistake&);

// By file in order of first appearance, then line, then column.
void sort_mistakes(std::vector<Mistake>&);
// Every mistake in docs/UX.md's form and "3 errors." at the end; empty for no mistake.
std::string report(std::span<const Mistake>);

// The candidate that `word` was most likely meant to be, or empty: edit distance with neighbours
// swapped counting as one, at most a third of the word.
std::string_view did_you_mean(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace dnsd

#pragma once
// Names as the generator thinks of them: labels of any bytes. Not zones::Name: what is under test
// must not make its own questions.

#include <cstddef>
#include <string>
#include <vector>

namespace differential {

using Labels = std::vector<std::string>;  // leftmost first, without the root

inline constexpr std::size_t wire_max = 255;

std::size_t wire_size(const Labels& name);
std::string wire(const Labels& name);
// From uncompressed wire form, which is taken to be right.
Labels from_wire(const std::string& wire);
// Master file form, absolute, every odd byte escaped.
std::string text(const Labels& name);
Labels lowered(const Labels& name);
std::string lowered(const std::string& bytes);         // ASCII only; also for wire form
bool is_under(const Labels& name, const Labels& top);  // or the same; blind to case
Labels joined(const Labels& front, const Labels& back);
Labels parent(const Labels& name);  // not of the root
Labels child(const std::string& label, const Labels& name);
// A host name like "a.b.test" without escapes.
Labels plain(const std::string& dotted);

}  // namespace differential

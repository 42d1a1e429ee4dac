#include "tests/interop/differential/labels.h"

#include <algorithm>

namespace differential {

namespace {

bool is_plain(unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '*';
}

}  // namespace

std::size_t wire_size(const Labels& name) {
    std::size_t size = 1;
    for (const std::string& label : name) size += label.size() + 1;
    return size;
}

std::string wire(const Labels& name) {
    std::string result;
    for (const std::string& label : name) {
        result += static_cast<char>(label.size());
        result += label;
    }
    result += '\0';
    return result;
}

Labels from_wire(const std::string& wire) {
    Labels name;
    for (std::size_t at = 0; at < wire.size() && wire[at] != '\0';) {
        const auto size = static_cast<unsigned char>(wire[at]);
        name.push_back(wire.substr(at + 1, size));
        at += size + 1U;
    }
    return name;
}

std::string text(const Labels& name) {
    if (name.empty()) return ".";
    std::string result;
    for (const std::string& label : name) {
        for (const char c : label) {
            const auto byte = static_cast<unsigned char>(c);
            if (is_plain(byte)) {
                result += c;
            } else if (c == '.') {
                result += "\\.";
            } else {
                result += '\\';
                result += static_cast<char>('0' + byte / 100);
                result += static_cast<char>('0' + byte / 10 % 10);
                result += static_cast<char>('0' + byte % 10);
            }
        }
        result += '.';
    }
    return result;
}

std::string lowered(const std::string& bytes) {
    std::string result = bytes;
    for (char& c : result)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return result;
}

Labels lowered(const Labels& name) {
    Labels result;
    for (const std::string& label : name) result.push_back(lowered(label));
    return result;
}

bool is_under(const Labels& name, const Labels& top) {
    if (name.size() < top.size()) return false;
    return std::equal(top.begin(), top.end(), name.end() - static_cast<std::ptrdiff_t>(top.size()),
                      [](const std::string& a, const std::string& b) {
                          return a.size() == b.size() && lowered(a) == lowered(b);
                      });
}

Labels joined(const Labels& front, const Labels& back) {
    Labels result = front;
    result.insert(result.end(), back.begin(), back.end());
    return result;
}

Labels parent(const Labels& name) {
    return {name.begin() + 1, name.end()};
}

Labels child(const std::string& label, const Labels& name) {
    return joined({label}, name);
}

Labels plain(const std::string& dotted) {
    Labels name;
    std::size_t begin = 0;
    while (begin < dotted.size()) {
        const std::size_t end = std::min(dotted.find('.', begin), dotted.size());
        if (end > begin) name.push_back(dotted.substr(begin, end - begin));
        begin = end + 1;
    }
    return name;
}

}  // namespace differential

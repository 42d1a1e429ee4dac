#pragma once
// Record data between text and wire form: by ldns, behind one small face.

#include "zones/name.h"
#include "zones/record.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace zones {

// Reads data after data; relative names in it are under the origin that was set last.
class RdataReader {
public:
    RdataReader();
    ~RdataReader();
    RdataReader(const RdataReader&) = delete;
    RdataReader& operator=(const RdataReader&) = delete;

    void set_origin(const Name& origin);
    // `text` is the data of one record on one line, without comments and parentheses. The wire form
    // is good until the next call. The error is a sentence.
    tl::expected<std::span<const std::byte>, std::string> read(Type type, std::string_view text);

private:
    struct Origin;
    std::unique_ptr<Origin> origin_;
    std::string line_;
    std::vector<std::byte> wire_;
};

std::string rdata_text(Type type, std::span<const std::byte> rdata);

}  // namespace zones

#pragma once
// Record data between text and wire form: by ldns, behind one small face. The commonest types, of
// which a zone has millions, are read without it.

#include "zones/name.h"
#include "zones/record.h"

#include <memory>
#include <optional>
#include <span>
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
    // `words` are the data of one record, with their quotes and escapes. The wire form is good
    // until the next call. The error is a sentence.
    using Read = tl::expected<std::span<const std::byte>, std::string>;
    Read read(Type type, std::span<const std::string_view> words);
    // The words of the last call on one line.
    std::string_view text() const { return std::string_view(line_).substr(text_at_); }

private:
    Read keep(tl::expected<std::vector<std::byte>, std::string> bytes);
    std::optional<Read> read_plain(Type type, std::span<const std::string_view> words);
    Read read_written(Type type, std::span<const std::string_view> words);
    void join(Type type, std::span<const std::string_view> words);

    struct Origin;
    std::unique_ptr<Origin> origin_;
    Name origin_name_;
    std::string line_;
    std::size_t text_at_ = 0;
    std::vector<std::byte> wire_;
};

// What the data of a type look like, for people; empty for the rarer ones.
const char* data_form(Type type);

std::string rdata_text(Type type, std::span<const std::byte> rdata);

}  // namespace zones

#pragma once
// The agent's record on disk: what it promised and what it must never do again, durable before it
// is said (docs/PROTOCOL.md, "On disk before on the wire").

#include "agent/duty/facts.h"
#include "agent/io/handle.h"

#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace agent {

std::string record_text(const ServerId& self, const AgentRecord& record);
// Whole, of this version, of this server and undamaged, or a clause that says what is wrong.
tl::expected<AgentRecord, std::string> parse_record(const ServerId& self, std::string_view text);

class RecordFile {
public:
    static constexpr std::size_t size_max = 4096;

    struct OpenError {
        bool in_use = false;  // by another process
        std::string holder;   // and what that one said it is
        std::string text;     // a sentence with path and reason
    };
    // The directory is made when it is missing, and locked: a second agent of the same state is
    // refused. `holder` is told to that one.
    static tl::expected<RecordFile, OpenError> open(const std::string& directory,
                                                    const ServerId& self, std::string_view holder);

    // No file is a new agent. A damaged one is refused: what was promised is not known any more.
    tl::expected<AgentRecord, std::string> load() const;
    // Durable when it returns. After an error the old record or the new one is on disk, whole.
    tl::expected<void, std::string> save(const AgentRecord& record) const;
    const std::string& path() const { return path_; }

private:
    RecordFile(std::string directory, const ServerId& self, Handle lock);
    std::string directory_;
    std::string path_;
    ServerId self_;
    Handle lock_;
};

}  // namespace agent

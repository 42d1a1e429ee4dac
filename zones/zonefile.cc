#include "zones/zonefile.h"

#include "zones/builder.h"
#include "zones/generate.h"
#include "zones/master_file.h"
#include "zones/rdata_text.h"
#include "zones/words.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace zones {

namespace {

// Places of records as the tags of the builder, in file order.
constexpr unsigned file_shift = 52, line_shift = 20;
static_assert(include_files_max < (1U << 12));
std::uint64_t tag_of(std::size_t file, unsigned line, unsigned column) {
    const std::uint64_t column_max = (1U << line_shift) - 1;
    return std::uint64_t{file} << file_shift | std::uint64_t{line} << line_shift |
           std::min<std::uint64_t>(column, column_max);
}

std::string directory_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? std::string() : path.substr(0, slash + 1);
}

class Loader {
public:
    Loader(const Name& origin, const Opener& open, std::span<const Name> watch)
        : zone_(origin), open_(open), builder_(origin), origin_(origin) {
        reader_.set_origin(origin);
        for (std::size_t i = 0; i < std::min(watch.size(), watched_max); ++i)
            watched_.emplace(watch[i], false);
    }

    Loaded load(const std::string& path) {
        read_file(path, 0, 0, 0);
        const bool readable = errors_ == 0;
        auto built = builder_.build();
        for (Flaw& flaw : built.flaws) {
            // A zone that could not be read whole lacks what it lacks because of that.
            if (flaw.tag == Flaw::whole && flaw.error && !readable) continue;
            tell(flaw.tag, flaw.error ? Mistake::error : Mistake::warning, std::move(flaw.what),
                 std::move(flaw.hint));
        }
        finish_mistakes();
        if (errors_ == 0) result_.zone = std::move(built.zone);
        return std::move(result_);
    }

private:
    // What of a line the reading of records needs to know.
    struct Record {
        std::size_t type_at = 0;  // which word
        std::optional<std::uint32_t> ttl;
        Type type = Type::a;
    };

    void tell(std::uint64_t tag, Mistake::Severity severity, std::string what, std::string hint) {
        errors_ += severity == Mistake::error ? 1 : 0;
        if (told_.size() < mistakes_max)
            told_.push_back({tag, {"", 0, 0, severity, std::move(what), std::move(hint)}});
        else
            ++untold_;
    }
    void error(const Word& word, std::string what, std::string hint = "") {
        tell(tag_of(file_, line_override_ ? line_override_ : word.line,
                    line_override_ ? 1 : word.column),
             Mistake::error, std::move(what), std::move(hint));
    }
    void warn(const Word& word, std::string what, std::string hint = "") {
        tell(tag_of(file_, line_override_ ? line_override_ : word.line,
                    line_override_ ? 1 : word.column),
             Mistake::warning, std::move(what), std::move(hint));
    }

    void finish_mistakes() {
        // Whole-zone flaws come last.
        std::stable_sort(told_.begin(), told_.end(),
                         [](const auto& a, const auto& b) { return a.first < b.first; });
        for (auto& [tag, mistake] : told_) {
            const bool whole = tag == Flaw::whole;
            mistake.file = result_.files.empty() ? std::string()
                                                 : result_.files[whole ? 0 : tag >> file_shift];
            if (!whole) {
                mistake.line = static_cast<unsigned>(tag >> line_shift & 0xffff'ffff);
                mistake.column = static_cast<unsigned>(tag & ((1U << line_shift) - 1));
            }
            result_.mistakes.push_back(std::move(mistake));
        }
        if (untold_ > 0)
            result_.mistakes.push_back({result_.files[0], 0, 0, Mistake::warning,
                                        std::to_string(untold_) + " more mistakes are not shown",
                                        ""});
    }

    // `from_file`, line and column: the $INCLUDE that asks for it, or 0 for the zone's own file.
    void read_file(const std::string& path, std::size_t from_file, unsigned line, unsigned column) {
        const auto refuse = [&](std::string what, std::string hint) {
            if (result_.files.empty()) result_.files.push_back(path);
            tell(tag_of(from_file, line, column), Mistake::error, std::move(what), std::move(hint));
        };
        if (std::find(open_files_.begin(), open_files_.end(), path) != open_files_.end())
            return refuse("'" + path + "' includes itself", "");
        if (open_files_.size() > include_depth_max)
            return refuse("$INCLUDE goes more than " + std::to_string(include_depth_max) + " deep",
                          "");
        if (result_.files.size() >= include_files_max)
            return refuse("more than " + std::to_string(include_files_max) + " files", "");
        const auto text = open_(path);
        if (!text) return refuse("cannot read '" + path + "': " + text.error(), "");
        result_.files.push_back(path);
        open_files_.push_back(path);
        const std::size_t before = std::exchange(file_, result_.files.size() - 1);
        read_text(*text);
        file_ = before;
        open_files_.pop_back();
    }

    void read_text(std::string_view text) {
        MasterText lines(text);
        MasterLine line;
        while (lines.next(line)) {
            if (!line.error.empty()) {
                tell(tag_of(file_, line.line, line.column), Mistake::error, line.error, "");
                continue;
            }
            if (!line.blank_start && line.words[0].text[0] == '$')
                directive(line);
            else
                record(line);
        }
    }

    void directive(const MasterLine& line) {
        const Word& word = line.words[0];
        if (equal_words(word.text, "$ORIGIN")) return set_origin(line);
        if (equal_words(word.text, "$TTL")) return set_ttl(line);
        if (equal_words(word.text, "$INCLUDE")) return include(line);
        if (equal_words(word.text, "$GENERATE")) return generate_records(line);
        error(word, "unknown directive '" + std::string(word.text) + "'",
              "known are $ORIGIN, $TTL, $INCLUDE and $GENERATE; a name that begins with $ is "
              "written \\$");
    }

    void set_origin(const MasterLine& line) {
        if (line.words.size() != 2) return error(line.words[0], "$ORIGIN takes one name");
        auto name = Name::parse(line.words[1].text, origin_);
        if (!name) return error(line.words[1], "not a name: " + name.error());
        origin_ = std::move(*name);
        reader_.set_origin(origin_);
    }

    void set_ttl(const MasterLine& line) {
        if (line.words.size() != 2) return error(line.words[0], "$TTL takes one TTL");
        if (const auto ttl = checked_ttl(line.words[1])) default_ttl_ = ttl;
    }

    std::optional<std::uint32_t> checked_ttl(const Word& word) {
        const auto ttl = read_ttl(word.text);
        if (!ttl) {
            error(word, "'" + std::string(word.text) + "' is not a TTL",
                  "seconds, or with units: 1h30m, 2D, 1w");
            return std::nullopt;
        }
        if (*ttl > Ttl::seconds_max) {
            error(word, "the TTL is above 2147483647", "RFC 2181 §8");
            return std::nullopt;
        }
        return static_cast<std::uint32_t>(*ttl);
    }

    void include(const MasterLine& line) {
        if (line.words.size() < 2 || line.words.size() > 3)
            return error(line.words[0], "$INCLUDE takes a file and, if need be, an origin");
        const Name before = origin_;
        if (line.words.size() == 3) {
            auto name = Name::parse(line.words[2].text, origin_);
            if (!name) return error(line.words[2], "not a name: " + name.error());
            origin_ = std::move(*name);
            reader_.set_origin(origin_);
        }
        std::string_view file = line.words[1].text;
        if (file.size() >= 2 && file.front() == '"' && file.back() == '"')
            file = file.substr(1, file.size() - 2);
        if (file.empty()) return error(line.words[1], "$INCLUDE takes a file");
        const std::string path = file.front() == '/'
                                     ? std::string(file)
                                     : directory_of(result_.files[file_]) + std::string(file);
        // RFC 1035 §5.1: neither the origin nor the owner outlives the included file.
        const std::optional<Name> owner = owner_;
        read_file(path, file_, line.words[1].line, line.words[1].column);
        owner_ = owner;
        origin_ = before;
        reader_.set_origin(origin_);
    }

    void generate_records(const MasterLine& line) {
        if (line.words.size() < 5)
            return error(line.words[0], "$GENERATE takes a range, an owner, a type and data",
                         "as in $GENERATE 1-254 host-$ A 192.0.2.$");
        const auto range = GenerateRange::parse(line.words[1].text);
        if (!range) return error(line.words[1], range.error());
        line_override_ = line.words[0].line;
        MasterLine made;
        for (std::uint64_t number = range->first; number <= range->last; number += range->step) {
            std::string text;
            for (std::size_t i = 2; i < line.words.size(); ++i) {
                // Only the owner and the data have numbers in them.
                auto word = generate(line.words[i].text, number);
                if (!word) {
                    error(line.words[i], word.error());
                    line_override_ = 0;
                    return;
                }
                if (!text.empty()) text += ' ';
                text += *word;
            }
            MasterText lines(text);
            const std::size_t before = errors_;
            if (lines.next(made) && made.error.empty()) record(made);
            // What is wrong with one of them is wrong with all: it is said once.
            if (errors_ > before) break;
        }
        line_override_ = 0;
    }

    void record(const MasterLine& line) {
        std::size_t at = 0;
        if (!line.blank_start) {
            auto owner = Name::parse(line.words[at].text, origin_);
            if (!owner) {
                owner_.reset();  // records without an owner that follow have none to take
                owner_broken_ = true;
                return error(line.words[at], "not a name: " + owner.error());
            }
            owner_ = std::move(*owner);
            owner_broken_ = false;
            ++at;
        } else if (!owner_) {
            if (!owner_broken_)
                error(line.words[at], "the first record has no owner",
                      "a line that begins with a blank belongs to the name before it");
            return;
        }
        const auto record = record_head_of(line, at);
        if (!record) return;
        const Word& type_word = line.words[record->type_at];
        if (!owner_->under(zone_))
            return error(line.words[0],
                         "'" + owner_->text() + "' is not in the zone '" + zone_.text() + "'",
                         "is a final dot missing, or an $ORIGIN wrong?");
        const auto rdata = read_data(line, *record);
        if (!rdata) return;
        const auto ttl = ttl_of(*record, type_word, *rdata);
        if (!ttl) return;
        const Word& place = line.words[0];
        const unsigned row = line_override_ ? line_override_ : place.line;
        const unsigned column = line_override_ ? 1 : place.column;
        watch(row, column);
        builder_.add(owner_->wire(), record->type, Ttl{*ttl}, *rdata, tag_of(file_, row, column));
    }

    // TTL and class in any order, then the type (RFC 1035 §5.1).
    std::optional<Record> record_head_of(const MasterLine& line, std::size_t at) {
        Record record;
        bool has_class = false;
        for (; at < line.words.size(); ++at) {
            const Word& word = line.words[at];
            if (const auto klass = read_class(word.text); klass && !has_class) {
                if (*klass != Class::in) {
                    error(word, "class " + std::string(word.text) + " is not served", "use IN");
                    return std::nullopt;
                }
                has_class = true;
                continue;
            }
            if (!record.ttl && read_ttl(word.text)) {
                record.ttl = checked_ttl(word);
                if (!record.ttl) return std::nullopt;
                continue;
            }
            const auto type = parse_type(word.text);
            if (!type || is_meta(*type)) {
                error(word,
                      type ? "type " + std::string(word.text) + " cannot stand in a zone"
                           : "unknown type '" + std::string(word.text) + "'",
                      type ? ""
                           : "is the line [owner] [TTL] [class] type data?  a type without a "
                             "name is written TYPE65280 (RFC 3597)");
                return std::nullopt;
            }
            record.type = *type;
            record.type_at = at;
            return record;
        }
        error(line.words.back(), "the record has no type",
              "a line is [owner] [TTL] [class] type data");
        return std::nullopt;
    }

    std::optional<std::span<const std::byte>> read_data(const MasterLine& line,
                                                        const Record& record) {
        const Word& type = line.words[record.type_at];
        data_.clear();
        for (std::size_t i = record.type_at + 1; i < line.words.size(); ++i) {
            if (!data_.empty()) data_ += ' ';
            data_ += line.words[i].text;
        }
        if (data_.empty()) {
            error(type, "the " + std::string(type.text) + " record has no data");
            return std::nullopt;
        }
        const auto rdata = reader_.read(record.type, data_);
        if (!rdata) {
            error(line.words[record.type_at + 1], "wrong " + type_text(record.type) + " data '" +
                                                      shortened(data_) + "': " + rdata.error());
            return std::nullopt;
        }
        return *rdata;
    }

    static std::string shortened(const std::string& text) {
        constexpr std::size_t shown_max = 60;
        return text.size() <= shown_max ? text : text.substr(0, shown_max) + "...";
    }

    // RFC 2308 §4: its own, else $TTL; RFC 1035 §5.1: else the one stated last.
    std::optional<std::uint32_t> ttl_of(const Record& record, const Word& type_word,
                                        std::span<const std::byte> rdata) {
        if (record.ttl) {
            last_ttl_ = record.ttl;
            return record.ttl;
        }
        if (default_ttl_) return default_ttl_;
        if (last_ttl_) return last_ttl_;
        if (record.type == Type::soa) {
            // As BIND does it.
            last_ttl_ = std::min(Soa::read(rdata)->minimum, Ttl::seconds_max);
            warn(type_word, "no TTL is known for the SOA; its MINIMUM is used", "add a $TTL line");
            return last_ttl_;
        }
        error(type_word, "no TTL is known for this record",
              "add a $TTL line on top of the file (RFC 2308 §4)");
        return std::nullopt;
    }

    void watch(unsigned line, unsigned column) {
        if (watched_.empty()) return;
        const auto found = watched_.find(*owner_);
        if (found == watched_.end() || std::exchange(found->second, true)) return;
        result_.seen.push_back({found->first, result_.files[file_], line, column});
    }

    const Name zone_;
    const Opener& open_;
    ZoneBuilder builder_;
    RdataReader reader_;
    Loaded result_;
    std::vector<std::pair<std::uint64_t, Mistake>> told_;
    std::size_t untold_ = 0;
    std::size_t errors_ = 0;
    std::unordered_map<Name, bool> watched_;

    // Where the reading is.
    std::vector<std::string> open_files_;
    std::size_t file_ = 0;
    unsigned line_override_ = 0;  // of a $GENERATE
    Name origin_;
    std::optional<Name> owner_;
    bool owner_broken_ = false;
    std::optional<std::uint32_t> default_ttl_, last_ttl_;
    std::string data_;
};

}  // namespace

std::string Mistake::text() const {
    std::string result = file;
    if (line > 0) result += ":" + std::to_string(line) + ":" + std::to_string(column);
    result += severity == error ? ": error: " : ": warning: ";
    result += what;
    if (!hint.empty()) result += "\n      hint: " + hint;
    return result;
}

Loaded load_zone(const Name& origin, const std::string& path, const Opener& open,
                 std::span<const Name> watch) {
    return Loader(origin, open, watch).load(path);
}

}  // namespace zones

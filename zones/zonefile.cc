#include "zones/zonefile.h"

#include "zones/builder.h"
#include "zones/check.h"
#include "zones/generate.h"
#include "zones/rdata_text.h"
#include "zones/record_line.h"
#include "zones/words.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace zones {

namespace {

static_assert(include_files_max < (1U << 12));  // FlawPlace

std::string shortened(std::string_view text) {
    constexpr std::size_t shown_max = 60;
    return text.size() <= shown_max ? std::string(text)
                                    : std::string(text.substr(0, shown_max)) + "...";
}

// A name may stand in quotes.
std::string_view unquoted(std::string_view word) {
    const bool quoted = word.size() >= 2 && word.front() == '"' && word.back() == '"';
    return quoted ? word.substr(1, word.size() - 2) : word;
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
            if (watched_.emplace(watch[i], false).second) made_.push_back(watch[i]);
        for (const Name& made : made_)
            for (Name above = made; above != zone_ && above.under(zone_);)
                above_.insert(above = above.parent());
    }

    Loaded load(const std::string& path) {
        read_file(path, 0, 0, 0);
        result_.zone = builder_.build(flaws_, made_);
        finish_mistakes();
        return std::move(result_);
    }

private:
    // Where a word stands, or the $GENERATE that made it.
    std::uint64_t tag_of(const Word& word) const {
        return generating_ ? *generating_ : FlawPlace{file_, word.line, word.column}.tag();
    }
    void error(const Word& word, std::string what, std::string hint = "") {
        flaws_.tell(tag_of(word), FlawKind::error, std::move(what), std::move(hint));
    }
    void error(const MasterLine& line, const Complaint& complaint) {
        error(line.words[complaint.word], complaint.what, complaint.hint);
    }

    void finish_mistakes() {
        for (Flaw& flaw : flaws_.flaws()) {
            const bool whole = flaw.tag == Flaw::whole;
            const FlawPlace place = FlawPlace::of(whole ? 0 : flaw.tag);
            result_.mistakes.push_back(
                {result_.files[place.file], place.line, place.column,
                 flaw.kind == FlawKind::error ? Mistake::error : Mistake::warning,
                 std::move(flaw.what), std::move(flaw.hint)});
        }
        for (std::size_t i = 0; i < flaw_kinds; ++i) {
            const auto kind = static_cast<FlawKind>(i);
            if (flaws_.dropped(kind) == 0) continue;
            result_.mistakes.push_back({result_.files[0], 0, 0,
                                        kind == FlawKind::error ? Mistake::error : Mistake::warning,
                                        std::to_string(flaws_.dropped(kind)) + " more " +
                                            plural_of(kind) + " are not shown",
                                        ""});
        }
    }

    // `from_file`, line and column: the $INCLUDE that asks for it, or 0 for the zone's own file.
    void read_file(const std::string& path, std::size_t from_file, unsigned line, unsigned column) {
        const auto refuse = [&](std::string what, std::string hint) {
            if (result_.files.empty()) result_.files.push_back(path);
            flaws_.tell(FlawPlace{from_file, line, column}.tag(), FlawKind::error, std::move(what),
                        std::move(hint));
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
        if (text->size() > text_size_max - text_size_)
            return refuse("the zone's files have more than " + std::to_string(text_size_max) +
                              " bytes in all",
                          "");
        text_size_ += text->size();
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
                flaws_.tell(FlawPlace{file_, line.line, line.column}.tag(), FlawKind::error,
                            line.error, "");
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
        const auto ttl = checked_ttl(line.words, 1);
        if (!ttl) return error(line, ttl.error());
        default_ttl_ = *ttl;
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
        const std::string_view file = unquoted(line.words[1].text);
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
        const std::vector<Word>& words = line.words;
        if (words.size() < 5)
            return error(words[0], "$GENERATE takes a range, an owner, a type and data",
                         "as in $GENERATE 1-254 host-$ A 192.0.2.$");
        const auto range = GenerateRange::parse(words[1].text);
        if (!range) return error(words[1], range.error());
        if (words[2].text.front() == '"')
            return error(words[2], "the owner of a $GENERATE cannot stand in quotes");
        const auto head = read_head(words, 3);
        if (!head) return error(line, head.error());
        if (head->type_at + 1 == words.size())
            return error(words.back(), "$GENERATE has no data behind the type");
        if (head->type_at + 2 < words.size())
            return error(words[head->type_at + 2], "the data of a $GENERATE are one word",
                         "several stand in quotes: $GENERATE 1-9 @ MX \"$ mail$\"");
        if (range->count() > generated_max - generated_)
            return error(words[0], "more than " + std::to_string(generated_max) +
                                       " records are generated in this zone");
        generated_ += range->count();
        std::string between;
        for (std::size_t i = 3; i <= head->type_at; ++i) (between += words[i].text) += ' ';
        generate_each(words, *range, between, generate_data(words.back().text));
    }

    // What is wrong with one of the records is mostly wrong with all: the first ends it.
    void generate_each(const std::vector<Word>& words, const GenerateRange& range,
                       const std::string& between, const std::string& data) {
        MasterLine made;
        for (std::uint64_t number = range.first; number <= range.last; number += range.step) {
            const auto owner = generate(words[2].text, number);
            if (!owner) return error(words[2], owner.error());
            const auto text = generate(data, number);
            if (!text) return error(words.back(), text.error());
            const std::string record_text = *owner + ' ' + between + *text;
            MasterText lines(record_text);
            const std::size_t before = flaws_.seen(FlawKind::error);
            generating_ = FlawPlace{file_, words[0].line, words[0].column}.tag();
            if (lines.next(made)) {
                if (made.error.empty())
                    record(made);
                else
                    error(words[0], "'" + shortened(record_text) + "': " + made.error);
            }
            generating_.reset();
            if (flaws_.seen(FlawKind::error) != before) return;
        }
    }

    // False when there is no owner to go on with.
    bool read_owner(const MasterLine& line) {
        const Word& word = line.words[0];
        if (line.blank_start) {
            if (!owner_ && !owner_broken_)
                error(word, "the first record has no owner",
                      "a line that begins with a blank belongs to the name before it");
            return owner_.has_value();
        }
        if (word.quotes_at > 0) {
            owner_broken_ = true;
            owner_.reset();
            error(word, "quotes stand inside the name");
            return false;
        }
        auto owner = Name::parse(unquoted(word.text), origin_);
        owner_broken_ = !owner;
        if (!owner) {
            owner_.reset();  // records without an owner that follow have none to take
            error(word, "not a name: " + owner.error());
            return false;
        }
        owner_ = std::move(*owner);
        inside_ = owner_->under(zone_);
        if (inside_) check_owner(*owner_, tag_of(word), flaws_);
        return true;
    }

    void record(const MasterLine& line) {
        if (!read_owner(line)) return;
        const auto head = read_head(line.words, line.blank_start ? 0 : 1);
        if (!head) return error(line, head.error());
        const auto rdata = read_data(line, *head);
        if (!rdata) return;
        const auto ttl = ttl_of(*head, line.words[head->type_at], *rdata);
        if (!ttl) return;
        const Word& place = line.words[0];
        if (!inside_)
            return flaws_.tell(tag_of(place), FlawKind::outside, [&] {
                return std::pair("'" + owner_->text() + "' is not in the zone '" + zone_.text() +
                                     "' and is left out",
                                 std::string("is a final dot missing, or an $ORIGIN wrong?"));
            });
        watch(place);
        watch_above(place, head->type);
        if (head->type == Type::soa && !result_.soa) note_soa(line, head->type_at);
        check_record(zone_, *owner_, head->type, *rdata, data_words_, tag_of(place), flaws_);
        builder_.add(owner_->wire(), head->type, Ttl{*ttl}, *rdata, tag_of(place));
    }

    std::optional<std::span<const std::byte>> read_data(const MasterLine& line,
                                                        const RecordHead& head) {
        const Word& type = line.words[head.type_at];
        data_words_.clear();
        const bool takes_pairs = head.type == Type::svcb || head.type == Type::https;
        for (std::size_t i = head.type_at + 1; i < line.words.size(); ++i) {
            const auto [text, row, column, quotes_at] = line.words[i];
            const bool split = quotes_at > 0 && !takes_pairs;
            if (split) data_words_.push_back(text.substr(0, quotes_at));
            data_words_.push_back(split ? text.substr(quotes_at) : text);
        }
        if (data_words_.empty()) {
            error(type, "the " + std::string(type.text) + " record has no data",
                  data_form(head.type));
            return std::nullopt;
        }
        const auto rdata = reader_.read(head.type, data_words_);
        if (!rdata) {
            error(line.words[head.type_at + 1],
                  "wrong " + type_text(head.type) + " data '" + shortened(reader_.text()) +
                      "': " + rdata.error(),
                  data_form(head.type));
            return std::nullopt;
        }
        return *rdata;
    }

    // RFC 2308 §4: its own, else $TTL; RFC 1035 §5.1: else the one stated last.
    std::optional<std::uint32_t> ttl_of(const RecordHead& head, const Word& type_word,
                                        std::span<const std::byte> rdata) {
        if (head.ttl) {
            last_ttl_ = head.ttl;
            return head.ttl;
        }
        if (default_ttl_) return default_ttl_;
        if (last_ttl_) {
            if (!std::exchange(told_of_ttl_, true))
                flaws_.tell(tag_of(type_word), FlawKind::ttl,
                            "no TTL here, nor a $TTL above: that of the record before is taken",
                            "add a $TTL line on top of the file (RFC 2308 §4)");
            return last_ttl_;
        }
        if (head.type == Type::soa) {
            told_of_ttl_ = true;
            // As BIND does it.
            last_ttl_ = std::min(Soa::read(rdata)->minimum, Ttl::seconds_max);
            flaws_.tell(tag_of(type_word), FlawKind::ttl,
                        "no TTL is known for the SOA; its MINIMUM is used", "add a $TTL line");
            return last_ttl_;
        }
        told_of_ttl_ = true;
        error(type_word, "no TTL is known for this record",
              "add a $TTL line on top of the file (RFC 2308 §4)");
        return std::nullopt;
    }

    void watch(const Word& word) {
        if (watched_.empty()) return;
        const auto found = watched_.find(*owner_);
        if (found == watched_.end() || std::exchange(found->second, true)) return;
        const FlawPlace place = FlawPlace::of(tag_of(word));
        result_.seen.push_back({found->first, result_.files[place.file], place.line, place.column});
    }

    // In RFC 3597's form nothing of it has a place.
    void note_soa(const MasterLine& line, std::size_t type_at) {
        constexpr std::size_t serial = 3, refresh = 4, minimum = 7;
        if (line.words.size() <= type_at + minimum) return;
        const auto at = [&](std::size_t word) {
            const FlawPlace place = FlawPlace::of(tag_of(line.words[type_at + word]));
            return Place{zone_, result_.files[place.file], place.line, place.column};
        };
        result_.soa = SoaPlaces{at(serial), at(refresh), at(minimum)};
    }

    void watch_above(const Word& word, Type type) {
        const bool hides = type == Type::dname || (type == Type::ns && *owner_ != zone_);
        if (!hides || !above_.contains(*owner_)) return;
        const bool told = std::any_of(
            result_.covers.begin(), result_.covers.end(),
            [&](const Cover& cover) { return cover.type == type && cover.place.name == *owner_; });
        if (told) return;
        const FlawPlace place = FlawPlace::of(tag_of(word));
        result_.covers.push_back(
            {{*owner_, result_.files[place.file], place.line, place.column}, type});
    }

    const Name zone_;
    const Opener& open_;
    ZoneBuilder builder_;
    RdataReader reader_;
    Loaded result_;
    Flaws flaws_;
    std::vector<Name> made_;
    std::unordered_map<Name, bool> watched_;
    std::unordered_set<Name> above_;  // every name that is above one of them, the zone's included

    // Where the reading is.
    std::vector<std::string> open_files_;
    std::size_t file_ = 0;
    std::uint64_t text_size_ = 0;              // of all files
    std::uint64_t generated_ = 0;              // records
    std::optional<std::uint64_t> generating_;  // the tag of the $GENERATE
    Name origin_;
    std::optional<Name> owner_;
    bool owner_broken_ = false, inside_ = false;
    bool told_of_ttl_ = false;
    std::optional<std::uint32_t> default_ttl_, last_ttl_;
    std::vector<std::string_view> data_words_;
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

#include "dnsd/io/zone_advice.h"

#include <algorithm>

#include <fmt/format.h>

namespace dnsd {

void tell_mistakes(const ZoneRead& read, const std::string& where_all,
                   std::vector<ZoneLine>& lines) {
    const std::size_t told = std::min(read.mistakes.size(), mistakes_told_max);
    // Errors first: they are why the zone is not taken.
    std::vector<const zones::Mistake*> order;
    for (const auto severity : {zones::Mistake::error, zones::Mistake::warning})
        for (const zones::Mistake& mistake : read.mistakes)
            if (mistake.severity == severity && order.size() < told) order.push_back(&mistake);
    for (const zones::Mistake* mistake : order)
        lines.push_back(
            {mistake->severity == zones::Mistake::error ? Urgency::error : Urgency::warning,
             mistake->text()});
    if (told < read.mistakes.size())
        lines.push_back(
            {Urgency::warning,
             fmt::format("zone {}: {} more like these{}{}", read.source.origin.text(),
                         read.mistakes.size() - told, where_all.empty() ? "" : "; ", where_all)});
}

std::string serial_advice(const zones::Name& zone, const std::string& path, zones::Serial in_file,
                          const SerialsBefore& before, const SerialChoice& choice) {
    const std::uint32_t next = choice.serial.next().value();
    switch (choice.rule) {
        case SerialRule::not_raised:
            return fmt::format(
                "zone {}: {} has other records under serial {}, which was already published; they "
                "are served as {}\nhint: write serial {} or higher into the file",
                zone.text(), path, in_file.value(), choice.serial.value(), next);
        case SerialRule::overtaken:
            return fmt::format(
                "zone {}: {} has serial {}, which is not above {}, the last published; its records "
                "are served as {}, or no secondary would take them\nhint: write serial {} or "
                "higher into the file (RFC 1982)",
                zone.text(), path, in_file.value(), before.published->value(),
                choice.serial.value(), next);
        case SerialRule::kept:
            if (in_file == *before.published) return {};
            return fmt::format(
                "zone {}: {} has serial {}, which is not above {}, the last published; the records "
                "are the same, so {} stays\nhint: write serial {} into the file, and raise it with "
                "the next change",
                zone.text(), path, in_file.value(), before.published->value(),
                choice.serial.value(), choice.serial.value());
        case SerialRule::went_back:
        case SerialRule::as_in_file:
            break;
    }
    return {};
}

zones::Mistake serial_went_back(const ZoneRead::SoaPlace& place, zones::Serial in_file,
                                const SerialsBefore& before,
                                std::optional<zones::Serial> served_as) {
    const zones::Serial published = *before.published;
    zones::Mistake mistake;
    mistake.file = place.file;
    mistake.line = place.line;
    mistake.column = place.column;
    mistake.what =
        fmt::format("the serial went back, from {} to {}", before.file->value(), in_file.value());
    mistake.what +=
        served_as ? fmt::format(
                        "; the records are served as {}, as there is nothing "
                        "else to serve",
                        served_as->value())
                  : fmt::format("; what was published as {} is still served", published.value());
    mistake.hint =
        fmt::format("no secondary follows to a lower serial (RFC 1982): write serial {} or higher",
                    served_as.value_or(published).next().value());
    return mistake;
}

}  // namespace dnsd

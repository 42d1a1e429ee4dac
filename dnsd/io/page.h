#pragma once
// The status page as text: whole without script, drawn from the same snapshot as everything else.
// Whatever a server or a person wrote is escaped.

#include "dnsd/io/status_json.h"

#include <string>
#include <string_view>

namespace dnsd {

std::string page_html(const Status&);
extern const std::string_view page_css;
extern const std::string_view page_js;
extern const std::string_view page_icon;  // SVG

}  // namespace dnsd

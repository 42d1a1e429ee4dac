#pragma once
// How the serial of the next version is chosen.

namespace dnsd {

enum class SerialStyle { counter, date, unixtime };

}  // namespace dnsd

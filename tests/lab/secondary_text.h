#pragma once
// What each server is told so that it follows one zone: the configurations of secondary.cc.

#include "tests/lab/secondary.h"

namespace lab {

std::string bind_text(const Secondary::Place&);  // named.conf
std::string nsd_text(const Secondary::Place&);   // nsd.conf
std::string knot_text(const Secondary::Place&);  // knot.conf

}  // namespace lab

#pragma once
// Where the simulation (tests/sim) looks into the machines: rules that it can break one at a time,
// to see that its checks notice, and moments that its worlds must sometimes come to. Every other
// build takes SIM_BROKEN for the constant false and the others for nothing.
//
//   if (!SIM_BROKEN(quarantine_after_restart) && record.lease_may_live) quarantine(…);
//   SIM_SOMETIMES(window_closed_with_the_best_late);
//   SIM_SUPPOSING();  // up to the end of the block nothing happens in truth: no moment is come to
//
// The names are listed in tests/sim/points.h, each with the rule of docs/PROTOCOL.md; the build of
// the simulation's own copy of the machines includes that file ahead of everything.

#ifdef ARBITER_SIMULATION
#define SIM_BROKEN(rule) (::sim::broken(::sim::Rule::rule))
#define SIM_SOMETIMES(moment) (::sim::came_to(::sim::Moment::moment))
#define SIM_SUPPOSING() const ::sim::Supposing supposing_until_the_end_of_this_block
#else
#define SIM_BROKEN(rule) false
#define SIM_SOMETIMES(moment) static_cast<void>(0)
#define SIM_SUPPOSING() static_cast<void>(0)
#endif

#pragma once
// Who asked for a reload by the control socket, and what he is told when it has ended.

#include "dnsd/io/admin.h"
#include "dnsd/io/check.h"
#include "dnsd/io/groups.h"
#include "dnsd/io/report.h"

#include <string>
#include <vector>

namespace dnsd {

// What the log says of a reload, for whoever asked for it; nothing is kept when nobody did.
class ReloadEnd {
public:
    explicit ReloadEnd(bool asked) : asked_(asked) {}
    void add(const ConfigAgain&);
    void add(const Groups::Reconfigured&);
    void add(const std::vector<ZoneStore::Line>&);
    // {"ok":…,"changes":[…],…}, with the reload's sum as "message", or as "error" when not all that
    // was read was taken.
    std::string json(const ReloadReport&) const;

private:
    bool asked_;
    std::vector<std::string> changes_;  // in force from now on
    std::vector<std::string> waits_for_restart_;
    std::vector<std::string> warnings_;
    std::vector<std::string> mistakes_;  // of the files
    std::vector<std::string> refused_;   // without a mistake: a group can not take it now
};

class ReloadDesk {
public:
    // `busy`: a reading is under way, which may have passed what was changed since: the one after
    // it is waited for.
    void wait(Admin::Say say, bool busy);
    bool asked() const { return !now_.empty(); }
    // A reading has ended: who waited for it is answered.
    void end(const ReloadEnd&, const ReloadReport&);

private:
    std::vector<Admin::Say> now_, next_;
};

}  // namespace dnsd

#pragma once
// When the notifier is owed a new list of whom to tell. A reload changes it by the versions that it
// brings: if one of them could not be published, then once more with the publication that goes
// through, which itself says nothing of a reload.

namespace dnsd {

class StaleTargets {
public:
    // A publication has gone by. `may_differ`: what it brought may change whom to tell; `failed`:
    // a part of it is tried again. True: the list is to be told now.
    bool told(bool may_differ, bool failed) {
        const bool now = may_differ || (stale_ && !failed);
        stale_ = failed && (stale_ || may_differ);
        return now;
    }
    // It could not be told.
    void missed() { stale_ = true; }

private:
    bool stale_ = false;
};

}  // namespace dnsd

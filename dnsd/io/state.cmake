# What the daemon remembers and what it shows: ledger, control socket, status in its forms, HTTP.
pkg_check_modules(sqlite3 REQUIRED IMPORTED_TARGET GLOBAL sqlite3)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)

arbiter_library(dnsd_io_state
  SOURCES admin.cc chaos.cc decision.cc decision_json.cc forecast.cc history_query.cc http.cc ledger.cc ledger_database.cc ledger_events.cc
          ledger_file.cc ledger_history.cc ledger_rows.cc ledger_store.cc metrics.cc operator_request.cc page.cc status_json.cc stored_machine.cc story.cc
  USES dnsd_arbiter dnsd_publish dnsd_config arbiter_heartbeat zones
  INSIDE PkgConfig::sqlite3 fmt::fmt nlohmann_json::nlohmann_json Threads::Threads)

# The servers, and the control thread that feeds them.
find_package(Boost 1.74 REQUIRED)
find_package(fmt REQUIRED)

arbiter_library(dnsd_io
  SOURCES publisher.cc reload_desk.cc reread.cc targets.cc transfer_desk.cc
          admission.cc check.cc control.cc cookie_keys.cc faces.cc groups.cc loader.cc log.cc notify_io.cc operator_desk.cc
          refusal_log.cc report.cc service.cc setup.cc sockets.cc tcp_connection.cc tcp_listeners.cc
          tcp_places.cc tcp_server.cc transfer_places.cc transfer_queue.cc transfer_teller.cc udp_server.cc
          zone_files.cc zone_advice.cc zone_past.cc zone_serial.cc zone_store.cc
  USES dnsd_arbiter dnsd_config dnsd_io_state dnsd_publish arbiter_heartbeat zones
  INSIDE arbiter_heartbeat_io Boost::headers fmt::fmt nlohmann_json::nlohmann_json Threads::Threads)

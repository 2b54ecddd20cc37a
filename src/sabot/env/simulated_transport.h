// A network in memory: whoever drives it says which message arrives next and which connection breaks.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sabot/env/transport.h"

namespace sabot::env {

// Keeps the order within a direction of a connection, and no other. Bodies arrive in one piece, at odd addresses. One
// thread. Outlives its transports, not its connections.
class SimulatedNetwork {
 public:
  using Choose = std::function<std::size_t(std::size_t count)>;  // One of `count` > 0 things: less than `count`.

  std::unique_ptr<Transport> MakeTransport(std::string address);

  // Directions of connections in which something (a message, a request to connect, the news of an end) can arrive.
  std::size_t pending() const { return Deliverable().size(); }
  // Lets what is first in a chosen one of them arrive; false where there is none.
  bool DeliverOne(const Choose& choose);
  // Breaks a chosen connection, with all that is under way in it; both ends hear of it by later deliveries. False where
  // there is none.
  bool BreakOne(const Choose& choose);

  struct Link;  // The two directions of a connection.

 private:
  friend class SimulatedTransport;
  struct Direction {
    std::shared_ptr<Link> link;
    int end;  // Who hears.
  };
  std::vector<Direction> Deliverable() const;

  std::map<std::string, Transport::OnConnect> listeners_;  // By address and path.
  std::vector<std::shared_ptr<Link>> links_;
};

}  // namespace sabot::env

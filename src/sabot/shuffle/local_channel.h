// From task to task in one process: both see the same columns, and nothing is copied.
#pragma once

#include <memory>

#include "sabot/shuffle/channel.h"
#include "sabot/shuffle/segment_pool.h"

namespace sabot::shuffle {

// One channel of the gate that reserved `credits`. The channels of a gate live and die together.
//
// Rows cost as many credits as they would take up segments by themselves, whatever the batch is that they share; the
// credits of the channel's own are used first. Without places, earlier pieces of a frame carry the frontier of the
// frame before. Segments that the gate's channels share go back before the channel's own, so that they are there for
// those who need them.
std::shared_ptr<Channel> MakeLocalChannel(std::shared_ptr<FloatingCredits> credits);

}  // namespace sabot::shuffle

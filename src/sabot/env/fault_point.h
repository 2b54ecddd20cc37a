// Places at which a test kills the process, as a power failure would: SABOT_FAULT_POINT=sink-closed kills it when it
// first comes there, sink-closed:3 at the third time.
#pragma once

#include <array>
#include <string_view>

namespace sabot::env {

inline constexpr std::array<std::string_view, 9> kFaultPoints = {
    "restored",            // A run goes on from a checkpoint, and has read nothing yet.
    "state-file-written",  // A state file is durable, its manifest is not there.
    "tail-written",        // So are rows that a sink was given.
    "before-manifest",     // All files of a checkpoint are durable.
    "after-manifest",      // It is there; older ones were not swept yet.
    "swept",
    "part-file-renamed",  // A file of rows is complete; no checkpoint says so.
    "sinks-finished",     // All rows are written; no file has its name.
    "sink-closed",        // A file of the output has its name.
};

// Any thread. Without the setting it costs a look at a constant. A name that is no fault point ends the process with a
// message at the first one.
void FaultPoint(std::string_view name);

}  // namespace sabot::env

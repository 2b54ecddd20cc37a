// What a folder says of the sweep that it holds: strategy and its code, configuration, sets and ticks.
#pragma once

#include <arrow/result.h>

#include <string>

#include "sabot/backtest/sweep.h"
#include "sabot/env/storage.h"

namespace sabot::backtest::internal {

inline constexpr char kManifestFileName[] = "sweep.json";

// Ticks are known by the digests of their files, which are read for that. Cancelled, where InterruptScope says so.
arrow::Result<std::string> SweepManifest(const SweepPlan& plan);

// OK where the file is missing or says the same. Error (kOption): what differs, and what to do.
arrow::Status CheckSameSweep(env::Storage& storage, const std::string& path, const std::string& folder,
                             const std::string& manifest);

}  // namespace sabot::backtest::internal

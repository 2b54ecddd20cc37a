// What a sweep keeps in its folder while it runs:
//   sweep.json                       what is swept
//   sweep_parts/<security>-0.arrow   what the first scan of a security came to, and so on
#pragma once

#include <arrow/result.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sabot/backtest/sweep_scan_internal.h"
#include "sabot/env/storage.h"

namespace sabot::backtest::internal {

// Results of scans by security and number of the scan, in memory or in a folder. One thread at a time.
class SweepParts {
 public:
  static SweepParts InMemory() { return {}; }
  // Reads all ticks once, to know them again. Errors (kOption): the folder holds another sweep, with what is different;
  // those of the storage; Cancelled, once `stop` is set.
  static arrow::Result<SweepParts> InFolder(const SweepPlan& plan, const SweepOptions& options,
                                            const std::atomic<bool>& stop);

  // Whether there is one of an earlier run. One that cannot be read counts as none.
  bool Has(std::size_t security, int64_t scan) const;
  // Where ticks could not be read, the result is kept in memory only: another run may fare better.
  arrow::Status Put(std::size_t security, int64_t scan, ScanResult result);
  arrow::Result<ScanResult> Get(std::size_t security, int64_t scan) const;

 private:
  std::string PathOf(std::size_t security, int64_t scan) const;
  std::string MarkOf(std::size_t security, int64_t scan) const;  // By which a file is known as this part.

  std::shared_ptr<env::Storage> storage_;  // None: in memory.
  std::string folder_;
  std::string sweep_;  // The digest of sweep.json.
  std::vector<std::string> names_;  // Of securities, as files have them.
  std::map<std::pair<std::size_t, int64_t>, ScanResult> results_;
};

}  // namespace sabot::backtest::internal

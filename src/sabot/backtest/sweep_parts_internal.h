// What a sweep keeps in its folder while it runs:
//   sweep.json                       what is swept
//   sweep_parts/<security>-0.arrow   what some sets from set 0 on came to with the ticks of a security, and so on
#pragma once

#include <arrow/result.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sabot/backtest/open_sweep.h"
#include "sabot/backtest/sweep_part_internal.h"
#include "sabot/env/storage.h"

namespace sabot::backtest::internal {

// Parts by security and sets, in memory or in a folder. Which sets a scan had makes no difference to them,
// so those of an earlier run may have been cut otherwise. One thread at a time.
class SweepParts {
 public:
  static SweepParts InMemory(const SweepPlan& plan);
  // Reads all ticks once, to know them again, and finds the parts of earlier runs; one that cannot be read counts as
  // none. Errors (kOption): the folder holds another sweep, with what is different; those of the storage; Cancelled,
  // where InterruptScope says so.
  static arrow::Result<SweepParts> InFolder(const SweepPlan& plan, const std::string& folder, bool restart);

  // The sets of a security that are there, in order, none of them twice.
  std::vector<SetRange> Found(std::size_t security) const;
  // Those that are not, at most `most` in a range.
  std::vector<SetRange> Missing(std::size_t security, int64_t most) const;

  // Of sets that are missing. One that is `passing` is kept in memory only.
  arrow::Status Put(std::size_t security, SweepPart part, bool passing);
  // By the first set of one that is there.
  arrow::Result<SweepPart> Get(std::size_t security, int64_t first_set) const;

 private:
  arrow::Status FindParts(const std::vector<std::string>& names);
  arrow::Result<SweepPart> ReadFile(std::size_t security, int64_t first_set) const;
  std::string PathOf(std::size_t security, int64_t first_set) const;
  std::string MarkOf(std::size_t security, int64_t first_set) const;  // By which a file is known as this part.

  std::shared_ptr<env::Storage> storage_;  // None: in memory.
  std::string folder_;
  std::string sweep_;  // The digest of sweep.json.
  int64_t sets_ = 0;
  std::vector<std::string> names_;  // Of securities, as files have them.
  std::vector<std::map<int64_t, int64_t>> found_;  // By security: counts by first set.
  std::map<std::pair<std::size_t, int64_t>, SweepPart> held_;  // In memory.
};

}  // namespace sabot::backtest::internal

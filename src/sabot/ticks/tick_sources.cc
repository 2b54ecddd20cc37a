#include "sabot/ticks/tick_sources.h"

#include <algorithm>
#include <set>
#include <utility>

#include "sabot/data/errors.h"
#include "sabot/env/interrupt.h"
#include "sabot/ticks/tick_inputs_internal.h"

namespace sabot::ticks {
namespace {

using connectors::InputFile;
using internal::InputKind;
using Kind = TickSource::Kind;

// Of a file of columns that was named itself everything is for its conversion to say.
arrow::Result<TickSource> LookAt(const InputFile& file, bool named) {
  TickSource source{.path = file.name};
  const InputKind kind = internal::KindOfInput(file);
  if (kind == InputKind::kParquet) {
    auto look = LookAtTickFile(file.name);
    if (look.status().IsCancelled()) return look.status();
    if (!look.ok()) {
      source.kind = Kind::kBroken;
      source.why = look.status().message();
      return source;
    }
    ARROW_ASSIGN_OR_RAISE(const bool is_tick_file, IsTickFile(file.name));
    if (is_tick_file) {
      source.kind = Kind::kTickFile;
      source.info = std::move(look->info);
      return source;
    }
  }
  if (named || kind == InputKind::kWorkbook) return source;
  if (kind == InputKind::kOther) {
    source.kind = Kind::kNoTicks;
    source.why = "'" + file.name + "' is no workbook, CSV or Parquet file by its suffix";
    return source;
  }
  const auto input = internal::LookAtTickInput(file);
  if (input.status().IsCancelled()) return input.status();
  if (data::KindOf(input.status()) == data::ErrorKind::kSchema) {
    source.kind = Kind::kNoTicks;
    source.why = input.status().message();
  }
  return source;
}

}  // namespace

arrow::Result<std::vector<TickSource>> FindTickSources(const std::vector<std::string>& paths) {
  std::vector<TickSource> sources;
  std::set<std::string> known;
  for (const std::string& path : paths) {
    ARROW_ASSIGN_OR_RAISE(const auto files, connectors::ExpandFiles({path}, {.connector = "ticks", .suffixes = {}}));
    for (const InputFile& file : files) {
      ARROW_RETURN_NOT_OK(env::InterruptScope::Check());
      if (!known.insert(internal::PathOfInput(file)).second) continue;
      ARROW_ASSIGN_OR_RAISE(sources.emplace_back(), LookAt(file, /*named=*/files.size() == 1 && file.name == path));
    }
  }
  return sources;
}

}  // namespace sabot::ticks

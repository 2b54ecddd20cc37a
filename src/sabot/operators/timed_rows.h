// Runs a kernel type whose window is a time over the rows of a morsel: late rows are missing, and rings grow.
#pragma once

#include <arrow/result.h>

#include <cstdint>
#include <optional>
#include <string>

#include "sabot/data/errors.h"
#include "sabot/operators/kernel_columns.h"
#include "sabot/operators/timed_state.h"

namespace sabot::operators {

template <class K>
class TimedRows {
  using Columns = KernelColumns<K>;
  using Parameters = kernels::ParametersOf<K>;
  using OutputWords = typename KernelTypes<K>::OutputWords;

 public:
  // Rows [base, base + count), at most 64 of them; base is a multiple of 64. The bits of validity of the outputs.
  // Error (kData): the window holds too many rows.
  static arrow::Result<OutputWords> Run(const typename K::Options& options, const Parameters& parameters,
                                        TimedState<K>& state, const Morsel& morsel, const Columns& columns,
                                        int64_t base, int64_t count) {
    OutputWords present{};
    const uint64_t keyed = morsel.has_key == nullptr ? ~uint64_t{0} : morsel.has_key[base / 64];
    const uint64_t usable = columns.PresentWord(base, count) & keyed;
    for (int64_t row = 0; row < count; ++row) {
      const auto input = columns.Read(base + row);
      bool use = ((usable >> row) & 1) != 0 && Columns::NotFinite(input) == 0;
      if constexpr (requires { K::Valid(parameters, input); }) use = use && K::Valid(parameters, input);
      std::optional<typename TimedState<K>::Symbol> symbol;
      if (use) symbol = state.At(morsel.slots[static_cast<std::size_t>(base + row)], input.timestamp);
      if (!symbol) {
        columns.StoreNull(base + row);
        continue;
      }
      const auto result = kernels::RunRow<K>(parameters, *symbol->scalars, symbol->ring, input);
      if (state.TooMany(*symbol->scalars)) [[unlikely]]
        return TooManyRows(options, morsel, base + row, input.timestamp);
      columns.Store(result, base + row, row, present);
    }
    return present;
  }

 private:
  static arrow::Status TooManyRows(const typename K::Options& options, const Morsel& morsel, int64_t row,
                                   int64_t timestamp) {
    const std::string key = morsel.key_text == nullptr ? "of a key" : "of key " + (*morsel.key_text)(row);
    const std::string length = kernels::FormatDuration(options.window.ns);
    return data::DataError(std::string(K::kDoc.name) + ": the window '" + length + "' " + key +
                           " that ends at timestamp " + std::to_string(timestamp) +
                           " holds more than max_rows = " + std::to_string(*options.max_rows) +
                           " rows. Give a larger max_rows (memory of a key grows with its rows) or a shorter window.");
  }
};

}  // namespace sabot::operators

// What a row needs that costs less for many rows at once: logarithms, exponentials, roots, quotients. A kernel with
//
//   static constexpr std::size_t kCells = 2;                    numbers that a row takes from step to step
//   static constexpr std::tuple kSteps{&K::Change, &K::Share};
//
// has steps before Update, which takes the row's cells behind its input. A step is done for all rows of a block before
// the next one begins. It is of one row, in order, as Update is and the first step must be, or of all, without state:
//
//   static void Change(const Parameters&, Scalars&, const Input&, CellRow cells)
//   static void Share(const Parameters&, CellBlock<2>& rows)
//
// So each runs up to a block of rows ahead of those behind it: what one of them changes in Scalars, none of the others,
// nor Update, may read. How rows fall into blocks is then nothing that a result can depend on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>

namespace sabot::kernels {

// The most rows of a block.
inline constexpr int64_t kBlockRows = 64;

// The cells of one row.
class CellRow {
 public:
  explicit CellRow(double* first) : first_(first) {}
  double& operator[](std::size_t cell) const { return first_[static_cast<int64_t>(cell) * kBlockRows]; }

 private:
  double* first_;
};

// The cells of the rows of a block: cells[cell][row].
template <std::size_t kCount>
struct CellBlock {
  alignas(64) double cells[kCount][kBlockRows];
  int64_t rows = 0;

  // One of the cells, of all rows.
  std::span<double> operator[](std::size_t cell) { return {cells[cell], static_cast<std::size_t>(rows)}; }
  CellRow Row(int64_t row) { return CellRow(&cells[0][row]); }
};

template <class K>
inline constexpr bool kStepped = requires { K::kSteps; };

template <class K>
inline constexpr std::size_t kStepCount = std::tuple_size_v<std::remove_cvref_t<decltype(K::kSteps)>>;

// Whether a step is one of all rows.
template <class K, std::size_t I, class Parameters>
inline constexpr bool kOfBlock =
    std::is_invocable_v<decltype(std::get<I>(K::kSteps)), const Parameters&, CellBlock<K::kCells>&>;

// Calls `run` with the place of each step but the first.
template <class K>
void EachFurtherStep(const auto& run) {
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    (run(std::integral_constant<std::size_t, I + 1>()), ...);
  }(std::make_index_sequence<kStepCount<K> - 1>());
}

}  // namespace sabot::kernels

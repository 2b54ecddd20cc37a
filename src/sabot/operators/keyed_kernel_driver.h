// Runs a kernel type over the columns of a morsel: a KeyedKernel of any struct that kernels/kernel.h describes.
// keyed_kernel_<family>.cc makes those of the registry; a kernel of your own needs only MakeDriver<K>.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <memory>
#include <optional>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "sabot/operators/kernel_columns.h"
#include "sabot/operators/keyed_kernel.h"
#include "sabot/operators/slot_state.h"
#include "sabot/operators/stateful_rows.h"
#include "sabot/operators/stateless_rows.h"
#include "sabot/operators/timed_rows.h"
#include "sabot/operators/timed_state.h"

namespace sabot::operators {

namespace internal {

struct NoState {};  // In the place of what a kernel never has.

template <class K, bool kStateful = kernels::kStateful<K>, bool kWindowed = kernels::kWindowed<K>>
struct StatesOf {
  using Slots = SlotState<K>;
  using Timed = TimedState<K>;
};
template <class K>
struct StatesOf<K, true, false> {
  using Slots = SlotState<K>;
  using Timed = NoState;
};
template <class K>
struct StatesOf<K, false, false> {
  using Slots = NoState;
  using Timed = NoState;
};

}  // namespace internal

template <class K>
class KeyedKernelDriver final : public KeyedKernel {
  using Types = KernelTypes<K>;
  using Columns = KernelColumns<K>;
  using Options = typename K::Options;
  using OutputWords = typename Types::OutputWords;
  static constexpr bool kStateful = kernels::kStateful<K>;
  static constexpr bool kWindowed = kernels::kWindowed<K>;
  static constexpr bool kFinishes = requires(std::span<double> values) { K::Finish(values); };
  static constexpr bool kHasFlags = []<std::size_t... J>(std::index_sequence<J...>) {
    return (std::is_same_v<typename Types::template Stored<J>, bool> || ...);
  }(typename Types::EachOutput());

 public:
  explicit KeyedKernelDriver(const Options& options)
      : options_(options), parameters_(kernels::PrepareParameters<K>(options)) {
    DescribeInputs(typename Types::EachInput());
    DescribeOutputs(typename Types::EachOutput());
    if constexpr (kWindowed) {
      if (options.window.timed()) timed_.emplace(options);
    }
    if constexpr (kStateful) {
      if (!timed_) state_.emplace(options);
    }
  }

  const kernels::KernelDoc& doc() const override { return K::kDoc; }
  std::span<const KernelInput> inputs() const override { return inputs_; }
  std::span<const KernelOutput> outputs() const override { return outputs_; }
  bool stateful() const override { return kStateful; }
  kernels::OptionMap options() const override { return kernels::OptionsToMap(options_); }
  int32_t state_version() const override { return kernels::StateVersion<K>(); }
  std::optional<SymbolPair> pair() const override {
    if constexpr (kernels::kPair<K>) return SymbolPair{options_.symbol_a->text, options_.symbol_b->text};
    return std::nullopt;
  }

  // What takes logarithms and the like, and windows that hold two numbers or more of a row: rows of others are so cheap
  // that parts take longer. Flags are packed when a morsel is complete, and a pair is one key.
  bool splits() const override {
    if constexpr (!kStateful || kernels::kPair<K> || kHasFlags || kFinishes) {
      return false;
    } else {
      if (timed_) return false;
      if constexpr (kWindowed) return kernels::kStepped<K> || state_->ring_cells() >= 2 * options_.window.rows;
      return kernels::kStepped<K>;
    }
  }

  arrow::Status Run(const Morsel& morsel) override {
    const Columns columns(morsel, bound_);
    for (auto& output : morsel.outputs) output.nulls = 0;
    ARROW_RETURN_NOT_OK(RunRows(morsel, columns));
    if constexpr (kFinishes) {
      static_assert(Types::kOutputCount == 1 && std::is_same_v<typename Types::template Stored<0>, double>);
      K::Finish({columns.template out<0>(), static_cast<std::size_t>(morsel.rows)});
    }
    return arrow::Status::OK();
  }

  std::unique_ptr<FrozenKernel> Freeze() override {
    return OfState([](auto& state) { return state.Freeze(); }, std::unique_ptr<FrozenKernel>());
  }
  arrow::Status Restore(const arrow::RecordBatch& columns, std::span<const int32_t> slots) override {
    return OfState([&](auto& state) { return state.Restore(columns, slots); }, arrow::Status::OK());
  }
  int64_t state_bytes() const override {
    return OfState([](const auto& state) { return state.bytes(); }, int64_t{0});
  }
  std::span<const std::byte> StateOf(int32_t slot) const override {
    return OfState([&](const auto& state) { return state.StateOf(slot); }, std::span<const std::byte>());
  }
  void SetState(int32_t slot, std::span<const std::byte> state) override {
    OfState([&](auto& of) { return of.SetState(slot, state), 0; }, 0);
  }
  bool IsState(std::span<const std::byte> state) const override {
    return OfState([&](const auto& of) { return of.IsState(state); }, state.empty());
  }
  void KeepStates(std::span<const int32_t> slots) override {
    OfState([&](auto& state) { return state.Keep(slots), 0; }, 0);
  }

 private:
  arrow::Status RunRows(const Morsel& morsel, const Columns& columns) {
    if constexpr (kStateful) {
      if (morsel.part == 0) {  // For all parts.
        OfState([&](auto& state) { return state.Prepare(std::max<int64_t>(morsel.slots_in_use, 1), morsel.slots), 0; },
                0);
      }
      if constexpr (kWindowed) {
        if (timed_) {
          return EachWord(morsel, [&](int64_t base, int64_t count) {
            return TimedRows<K>::Run(options_, parameters_, *timed_, morsel, columns, base, count);
          });
        }
      }
      return EachWord(morsel, [&](int64_t base, int64_t count) -> arrow::Result<OutputWords> {
        return StatefulRows<K>::Run(parameters_, *state_, morsel, columns, base, count);
      });
    } else {
      return EachWord(morsel, [&](int64_t base, int64_t count) -> arrow::Result<OutputWords> {
        return StatelessRows<K>::Run(parameters_, columns, base, count);
      });
    }
  }

  // Calls `run` for the rows a word of validity at a time, and writes it.
  static arrow::Status EachWord(const Morsel& morsel, const auto& run) {
    for (int64_t base = 0; base < morsel.rows; base += 64) {
      const int64_t count = std::min<int64_t>(64, morsel.rows - base);
      ARROW_ASSIGN_OR_RAISE(const OutputWords present, run(base, count));
      for (std::size_t output = 0; output < Types::kOutputCount; ++output) {
        uint64_t& word = morsel.outputs[output].validity[base / 64];
        word = morsel.part == 0 ? present[output] : word | present[output];
        morsel.outputs[output].nulls += count - std::popcount(word);
      }
    }
    return arrow::Status::OK();
  }

  // What a function says of the state, of whichever kind it is, or what holds without one.
  template <class Without>
  static Without Of(auto& slots, auto& timed, const auto& function, Without without) {
    if constexpr (kWindowed) {
      if (timed) return function(*timed);
    }
    if constexpr (kStateful) return function(*slots);
    return without;
  }
  template <class Without>
  Without OfState(const auto& function, Without without) {
    return Of(state_, timed_, function, std::move(without));
  }
  template <class Without>
  Without OfState(const auto& function, Without without) const {
    return Of(state_, timed_, function, std::move(without));
  }

  template <std::size_t... I>
  void DescribeInputs(std::index_sequence<I...>) {
    const auto describe = [&](std::size_t index, const auto& input, bool is_time) {
      bound_[index] = kernels::NeedsInput<K>(options_, input.role);
      if (bound_[index]) inputs_.push_back({input.role, input.column, is_time});
    };
    (describe(I, std::get<I>(K::kInputs), std::is_same_v<typename Types::template ReadAs<I>, int64_t>), ...);
  }

  template <std::size_t... J>
  void DescribeOutputs(std::index_sequence<J...>) {
    const auto describe = [&]<class T>(std::string_view name, std::type_identity<T>) {
      if constexpr (std::is_same_v<T, double>) outputs_.push_back({name, arrow::float64()});
      if constexpr (std::is_same_v<T, int64_t>) outputs_.push_back({name, arrow::int64()});
      if constexpr (std::is_same_v<T, bool>) outputs_.push_back({name, arrow::boolean()});
      if constexpr (std::is_same_v<T, int8_t>) outputs_.push_back({name, arrow::utf8(), K::kLabels});
    };
    (describe(std::get<J>(K::kOutputs).name, std::type_identity<typename Types::template Stored<J>>()), ...);
  }

  Options options_;
  kernels::ParametersOf<K> parameters_;
  // One of them, if the kernel has state; the other one where the window is a time.
  std::optional<typename internal::StatesOf<K>::Slots> state_;
  std::optional<typename internal::StatesOf<K>::Timed> timed_;
  std::array<bool, Types::kInputCount> bound_{};
  std::vector<KernelInput> inputs_;
  std::vector<KernelOutput> outputs_;
};

// A kernel with options as a struct. Errors (kOption): a value out of range, options that contradict each other.
template <class K>
arrow::Result<std::unique_ptr<KeyedKernel>> MakeDriver(const typename K::Options& options) {
  ARROW_ASSIGN_OR_RAISE(auto completed, kernels::CompleteOptions<K>(options));
  return std::make_unique<KeyedKernelDriver<K>>(completed);
}

namespace internal {

// The kernel of a family by either name; nullptr where the family has none of it.
template <class... K>
arrow::Result<std::unique_ptr<KeyedKernel>> MakeOneOf(kernels::KernelList<K...>, std::string_view name,
                                                      const kernels::OptionMap& options) {
  arrow::Result<std::unique_ptr<KeyedKernel>> made = std::unique_ptr<KeyedKernel>();
  const auto attempt = [&]<class Kernel>(std::type_identity<Kernel>) {
    if (name != Kernel::kDoc.name && name != Kernel::kDoc.class_name) return;
    auto parsed = kernels::ParseOptions<typename Kernel::Options>(Kernel::kDoc.name, options);
    if (!parsed.ok()) {
      made = parsed.status();
    } else {
      made = MakeDriver<Kernel>(*parsed);
    }
  };
  (attempt(std::type_identity<K>()), ...);
  return made;
}

template <class Family>
arrow::Result<std::unique_ptr<KeyedKernel>> MakeOfFamily(std::string_view name, const kernels::OptionMap& options);

}  // namespace internal
}  // namespace sabot::operators

// Compiles the driver for every kernel of a family; the one line of keyed_kernel_<family>.cc.
#define SABOT_KEYED_KERNELS(Family)                                                                            \
  template <>                                                                                                  \
  arrow::Result<std::unique_ptr<sabot::operators::KeyedKernel>>                                                \
  sabot::operators::internal::MakeOfFamily<sabot::kernels::Family>(std::string_view name,                      \
                                                                   const sabot::kernels::OptionMap& options) { \
    return MakeOneOf(sabot::kernels::Family::Kernels{}, name, options);                                        \
  }

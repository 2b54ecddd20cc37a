// What a kernel is: mathematics for one symbol, as a plain struct of static members. It knows no threads, columns or
// batches; operators/keyed_kernel_driver.h runs it over columns, one state a symbol.
//
//   struct Ewma {
//     struct Input { double x = 0; SABOT_FIELDS(Input, x) };  // One row as the kernel sees it: double, or int64 (ns).
//     struct Options {
//       double alpha = 0.06;
//       static constexpr std::tuple kOptions{Option{"alpha", &Options::alpha, "Weight of the newest value."}};
//     };
//     struct Scalars { double value = 0; bool seen = false; SABOT_FIELDS(Scalars, value, seen) };  // Its memory.
//     static constexpr KernelDoc kDoc = {.name = "ewma", ...};
//     static constexpr std::tuple kInputs{In{"x", &Input::x, "price", "..."}};  // Role, member, default column.
//     static constexpr std::tuple kOutputs{SingleOut{"ewma", "..."}};
//     static double Update(const Options&, Scalars&, const Input&);
//   };
//
// Update is called for each row of the symbol whose inputs are all present and finite. It returns a double (NaN or
// infinite is null), an int64_t, a bool, a Label, or an optional of one; with several outputs a struct of these, named
// in kOutputs by Out{"name", &Outputs::member, "..."}. What else a kernel may have:
//
//   no Scalars                                  stateless, with Compute(const Options&, const Input&) instead of Update
//   int64_t RingLength(const Options&)          a ring of so many float64 a symbol, zero at first; Update takes
//                                               std::span<double> ring before the input
//   constexpr std::tuple kWindows{...}          structures over the last rows or the last while: window.h
//   void Prefetch(const Scalars&, ring)         fetches what Update will touch of the ring, some rows ahead
//   arrow::Status Complete(Options&)            checks across options and defaults that depend on others, after the
//                                               range checks
//   Parameters Prepare(const Options&)          what Update and Compute take in place of Options
//   bool Needs(const Options&, string_view)     whether an input role is read under these options; else it is 0
//   bool Valid(const Parameters&, const Input&) a row for which it is false counts as missing
//   constexpr bool kPositional = true           Update is called for every row with a key, Compute for every row; a
//                                               number that is missing is NaN, a time, which is an
//                                               std::optional<int64_t> of Input then, nullopt
//   constexpr bool kFailsClosed = true          a guard: positional, and its outputs of type bool are never null, so
//                                               that it answers for what is missing: not safe
//   Result WithoutKey(const Parameters&)        the answer of a guard with Scalars for a row without a key
//   constexpr bool kPair = true                 it reads two symbols, its options symbol_a and symbol_b (Symbol):
//                                               Update is called for the rows of both, with the same Scalars; Input has
//                                               an int64_t leg, no input of kInputs: 0 on rows of symbol_a, else 1
//   constexpr std::tuple kSteps{...}            what is computed before Update, for many rows at once: steps.h
//   void Finish(std::span<double>)              applied to the single output, many rows at once; null rows hold
//                                               kNullFill then and must come out as 0
//   constexpr int32_t kStateVersion = 2         when Scalars or the ring change their meaning
//   constexpr std::array kLabels                the strings that a Label counts
//
// All of them are static members. A family's header ends with the list of its kernels.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "sabot/data/fields.h"
#include "sabot/kernels/options.h"
#include "sabot/kernels/steps.h"

namespace sabot::kernels {

// A list of types.
template <class... K>
struct KernelList {};

struct KernelDoc {
  std::string_view name;  // "ewma": function, registry and default output name.
  std::string_view class_name;  // "EWMAKernel".
  std::string_view summary;  // One sentence.
  std::string_view formula;  // What is computed, in one or a few lines.
  std::string_view nulls;  // When an output is null although the inputs are there.
  std::string_view source;  // Paper and section, or the library it agrees with.
};

template <class Input, class Member>
struct In {
  std::string_view role;  // What `columns={role: column}` binds.
  Member Input::* member;
  std::string_view column;  // The default column.
  std::string_view doc;  // Meaning, unit, and when a value is valid.
};

template <class Outputs, class Member>
struct Out {
  std::string_view name;
  Member Outputs::* member;
  std::string_view doc;  // Unit, and when it is null.
};

// The output of a kernel that has one: Update returns the value itself.
struct SingleOut {
  std::string_view name;
  std::string_view doc;
};

// One of a fixed set of strings: an index into the kernel's kLabels, or null below 0.
struct Label {
  int8_t index = -1;
};

template <class K>
inline constexpr bool kStateful = requires { typename K::Scalars; };
template <class K>
inline constexpr bool kWindowed = requires { K::kWindows; };
template <class K>
inline constexpr bool kHasRing =
    kWindowed<K> || requires(const typename K::Options& options) { K::RingLength(options); };
template <class K>
inline constexpr bool kFailsClosed = requires { requires K::kFailsClosed; };
template <class K>
inline constexpr bool kPositional = kFailsClosed<K> || requires { requires K::kPositional; };
template <class K>
inline constexpr bool kPair = requires { requires K::kPair; };
template <class K>
inline constexpr bool kPrepares = requires(const typename K::Options& options) { K::Prepare(options); };
template <class K>
inline constexpr bool kHasOptionalInputs =
    kWindowed<K> || requires(const typename K::Options& options) { K::Needs(options, "role"); };

template <class K>
constexpr int32_t StateVersion() {
  if constexpr (requires { K::kStateVersion; }) {
    return K::kStateVersion;
  } else {
    return 1;
  }
}

// Range checks, then the kernel's own. What it returns is what the kernel runs with.
template <class K>
arrow::Result<typename K::Options> CompleteOptions(typename K::Options options) {
  ARROW_RETURN_NOT_OK(CheckOptions(K::kDoc.name, options));
  if constexpr (requires { K::Complete(options); }) ARROW_RETURN_NOT_OK(K::Complete(options));
  return options;
}

template <class K>
auto PrepareParameters(const typename K::Options& options) {
  if constexpr (kPrepares<K>) {
    return K::Prepare(options);
  } else {
    return options;
  }
}

template <class K>
bool NeedsInput(const typename K::Options& options, std::string_view role) {
  if constexpr (requires { K::Needs(options, role); }) {
    return K::Needs(options, role);
  } else if constexpr (kWindowed<K>) {
    return role != "timestamp" || options.window.timed();
  } else {
    return true;
  }
}

template <class K>
using ParametersOf = decltype(PrepareParameters<K>(std::declval<const typename K::Options&>()));

// Update of a kernel that has Scalars; `ring` is empty for one without. `cells` are those that its steps made.
template <class K>
auto CallUpdate(const ParametersOf<K>& parameters, typename K::Scalars& symbol, std::span<double> ring,
                const typename K::Input& input, const auto&... cells) {
  if constexpr (kHasRing<K>) {
    return K::Update(parameters, symbol, ring, input, cells...);
  } else {
    return K::Update(parameters, symbol, input, cells...);
  }
}

// A whole row of a kernel that has Scalars.
template <class K>
auto RunRow(const ParametersOf<K>& parameters, typename K::Scalars& symbol, std::span<double> ring,
            const typename K::Input& input) {
  if constexpr (kStepped<K>) {
    CellBlock<K::kCells> block;
    block.rows = 1;
    std::get<0>(K::kSteps)(parameters, symbol, input, block.Row(0));
    EachFurtherStep<K>([&]<std::size_t I>(std::integral_constant<std::size_t, I>) {
      if constexpr (kOfBlock<K, I, ParametersOf<K>>) {
        std::get<I>(K::kSteps)(parameters, block);
      } else {
        std::get<I>(K::kSteps)(parameters, symbol, input, block.Row(0));
      }
    });
    return CallUpdate<K>(parameters, symbol, ring, input, block.Row(0));
  } else {
    return CallUpdate<K>(parameters, symbol, ring, input);
  }
}

// The size, where the condition holds, else +0.0, without a branch: a branch on market data is mispredicted half the
// time.
inline double When(bool condition, double value) {
  const uint64_t mask = 0 - static_cast<uint64_t>(condition);
  return std::bit_cast<double>(std::bit_cast<uint64_t>(value) & mask);
}

inline constexpr double kNull = std::numeric_limits<double>::quiet_NaN();

// Whether one may divide by a sum of squares: not 0, and no overflow, by which everything would become 0.
inline bool IsDivisor(double squares) { return squares > 0 && squares <= std::numeric_limits<double>::max(); }

}  // namespace sabot::kernels

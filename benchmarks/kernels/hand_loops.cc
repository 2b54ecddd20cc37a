// What one would write by hand for one kernel and one job: plain loops over Arrow columns, with arrays of state that
// the symbol's dictionary index selects. The yardstick of run.py. They keep the kernels' promises: the engine's flags
// and logarithm, null where an input is null or not finite, rolling windows that do not drift. They keep nothing else:
// no options, no key but a dictionary, no snapshot, no next batch.
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "sabot/kernels/math.h"

extern "C" {

struct HandColumn {
  const double* values;
  const uint8_t* validity;  // A bit a row; null: no value is null.
};

struct HandTicks {
  int64_t rows;
  int64_t symbols;
  const int32_t* symbol;  // Dictionary indices.
  HandColumn price, volume, side, bid, ask, bid_size, ask_size;
};

struct HandOutput {
  double* values;
  uint64_t* validity;
};

// 0: malloc, that is fresh 4 KB pages. 1: huge pages, as the engine takes them.
using HandMemory = int32_t;

// Allocates the outputs of a kernel and fills them; returns how many, 0 for an unknown kernel.
int32_t hand_loop_run(const char* kernel, const HandTicks* ticks, HandMemory memory, HandOutput* outputs);
void hand_loop_release(HandOutput* outputs, int32_t count);

}  // extern "C"

namespace {

constexpr double kAlpha = 0.06;
constexpr int64_t kWindow = 100;
constexpr int64_t kVarianceWindow = 20;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// --- memory ---

constexpr std::size_t kHugePage = std::size_t{2} << 20;

std::size_t ValueBytes(int64_t rows) {
  return (static_cast<std::size_t>(rows) * sizeof(double) + kHugePage - 1) / kHugePage * kHugePage;
}

HandOutput Allocate(int64_t rows, HandMemory memory) {
  const std::size_t bytes = ValueBytes(rows);
  void* values = memory == 0 ? std::malloc(bytes) : std::aligned_alloc(kHugePage, bytes);
  if (memory != 0) madvise(values, bytes, MADV_HUGEPAGE);
  return {static_cast<double*>(values),
          static_cast<uint64_t*>(std::malloc(static_cast<std::size_t>(rows + 63) / 64 * 8))};
}

// --- rows, a word of validity bits at a time ---

uint64_t LowBits(int64_t count) { return count == 64 ? ~uint64_t{0} : (uint64_t{1} << count) - 1; }

uint64_t ValidityWord(const HandColumn& column, int64_t base, int64_t count) {
  if (column.validity == nullptr) return LowBits(count);
  uint64_t word = 0;
  std::memcpy(&word, column.validity + base / 8, static_cast<std::size_t>(count + 7) / 8);
  return word & LowBits(count);
}

template <class... Column>
uint64_t ValidityWords(int64_t base, int64_t count, const Column&... columns) {
  return (ValidityWord(columns, base, count) & ...);
}

// Zero for finite numbers alone.
uint64_t Odd(double value) { return std::bit_cast<uint64_t>(value - value); }
bool IsFinite(double value) { return Odd(value) == 0; }
uint64_t FiniteWord(const double* values, int64_t count) {
  uint64_t word = 0;
  for (int64_t row = 0; row < count; ++row) word |= uint64_t{IsFinite(values[row])} << row;
  return word;
}

// No state: 64 rows as if nothing were missing, and one by one only where something was.
template <class... Column>
void EachRow(int64_t rows, std::span<HandOutput> outputs, auto compute, const Column&... columns) {
  constexpr std::size_t kOutputs = decltype(compute(columns.values[0]...)){}.size();
  std::array<double*, kOutputs> to;
  for (std::size_t i = 0; i < kOutputs; ++i) to[i] = outputs[i].values;
  for (int64_t base = 0; base < rows; base += 64) {
    const int64_t count = std::min<int64_t>(64, rows - base);
    const uint64_t usable = ValidityWords(base, count, columns...);
    uint64_t odd = 0;
    for (int64_t row = base; row < base + count; ++row) {
      const auto values = compute(columns.values[row]...);
      ((odd |= Odd(columns.values[row])), ...);
      for (std::size_t i = 0; i < kOutputs; ++i) to[i][row] = values[i], odd |= Odd(values[i]);
    }
    for (std::size_t i = 0; i < kOutputs; ++i) {
      uint64_t present = usable;
      if (odd != 0) {
        present &= FiniteWord(to[i] + base, count);
        ((present &= FiniteWord(columns.values + base, count)), ...);
      }
      outputs[i].validity[base / 64] = present;
    }
  }
}

// State: rows in order, those with all inputs. `update` returns NaN for null. Here too a whole word is looked at at
// once.
template <class... Column>
void EachKeyedRow(int64_t rows, std::span<HandOutput> outputs, auto update, const Column&... columns) {
  constexpr std::size_t kOutputs = decltype(update(int64_t{}, columns.values[0]...)){}.size();
  std::array<double*, kOutputs> to;
  for (std::size_t i = 0; i < kOutputs; ++i) to[i] = outputs[i].values;
  for (int64_t base = 0; base < rows; base += 64) {
    const int64_t count = std::min<int64_t>(64, rows - base);
    uint64_t odd = 0;
    for (int64_t row = base; row < base + count; ++row) ((odd |= Odd(columns.values[row])), ...);
    uint64_t usable = ValidityWords(base, count, columns...);
    if (odd != 0) {
      for (int64_t row = 0; row < count; ++row) {
        if ((Odd(columns.values[base + row]) | ...) != 0) usable &= ~(uint64_t{1} << row);
      }
    }
    uint64_t odd_out = 0;
    if (usable == LowBits(count)) {
      for (int64_t row = base; row < base + count; ++row) {
        const auto values = update(row, columns.values[row]...);
        for (std::size_t i = 0; i < kOutputs; ++i) to[i][row] = values[i], odd_out |= Odd(values[i]);
      }
    } else {
      for (int64_t row = 0; row < count; ++row) {
        if (((usable >> row) & 1) == 0) continue;
        const auto values = update(base + row, columns.values[base + row]...);
        for (std::size_t i = 0; i < kOutputs; ++i) to[i][base + row] = values[i], odd_out |= Odd(values[i]);
      }
    }
    for (std::size_t i = 0; i < kOutputs; ++i) {
      outputs[i].validity[base / 64] = odd_out == 0 ? usable : usable & FiniteWord(to[i] + base, count);
    }
  }
}

using One = std::array<double, 1>;
using Two = std::array<double, 2>;
using Three = std::array<double, 3>;

// --- no state ---

void Midprice(const HandTicks& ticks, std::span<HandOutput> outputs) {
  EachRow(ticks.rows, outputs, [](double bid, double ask) { return One{0.5 * (bid + ask)}; }, ticks.bid, ticks.ask);
}

void QuotedSpread(const HandTicks& ticks, std::span<HandOutput> outputs) {
  const auto compute = [](double bid, double ask) {
    const double spread = ask - bid, mid = 0.5 * (bid + ask);
    return Two{spread, mid > 0 ? 1e4 * spread / mid : kNaN};
  };
  EachRow(ticks.rows, outputs, compute, ticks.bid, ticks.ask);
}

void L1Imbalance(const HandTicks& ticks, std::span<HandOutput> outputs) {
  const auto compute = [](double bid, double ask) {
    return One{(bid >= 0) & (ask >= 0) ? (bid - ask) / (bid + ask) : kNaN};
  };
  EachRow(ticks.rows, outputs, compute, ticks.bid_size, ticks.ask_size);
}

void SignedVolume(const HandTicks& ticks, std::span<HandOutput> outputs) {
  const auto compute = [](double side, double volume) {
    const double magnitude = std::abs(side);
    return One{((magnitude == 1) | (magnitude == 0)) & (volume >= 0) ? side * volume + 0.0 : kNaN};
  };
  EachRow(ticks.rows, outputs, compute, ticks.side, ticks.volume);
}

// --- a few numbers a symbol ---

void Ewma(const HandTicks& ticks, std::span<HandOutput> outputs) {
  std::vector<double> averages(static_cast<std::size_t>(ticks.symbols), kNaN);
  const auto update = [&](int64_t row, double x) {
    double& average = averages[static_cast<std::size_t>(ticks.symbol[row])];
    average = average == average ? average + kAlpha * (x - average) : x;
    return One{average};
  };
  EachKeyedRow(ticks.rows, outputs, update, ticks.price);
}

// Positional: a missing value makes two changes null. NaN and infinity see to that by themselves.
void Diff(const HandTicks& ticks, std::span<HandOutput> outputs) {
  std::vector<double> lasts(static_cast<std::size_t>(ticks.symbols), kNaN);
  const double* price = ticks.price.values;
  double* to = outputs[0].values;
  for (int64_t base = 0; base < ticks.rows; base += 64) {
    const int64_t count = std::min<int64_t>(64, ticks.rows - base);
    const uint64_t usable = ValidityWord(ticks.price, base, count);
    uint64_t odd = 0;
    const auto update = [&](int64_t row, double x) {
      to[row] = x - std::exchange(lasts[static_cast<std::size_t>(ticks.symbol[row])], x);
      odd |= Odd(to[row]);
    };
    if (usable == LowBits(count)) {
      for (int64_t row = base; row < base + count; ++row) update(row, price[row]);
    } else {
      for (int64_t row = 0; row < count; ++row) update(base + row, (usable >> row) & 1 ? price[base + row] : kNaN);
    }
    outputs[0].validity[base / 64] = odd == 0 ? LowBits(count) : FiniteWord(to + base, count);
  }
}

// Bid and ask side by side in one register.
using Pair = double __attribute__((vector_size(16)));
using PairMask = int64_t __attribute__((vector_size(16)));

Pair When(PairMask condition, Pair values) { return std::bit_cast<Pair>(condition & std::bit_cast<PairMask>(values)); }

void Ofi(const HandTicks& ticks, std::span<HandOutput> outputs) {
  struct Quote {
    Pair price = {kNaN, kNaN}, size = {};
  };
  std::vector<Quote> lasts(static_cast<std::size_t>(ticks.symbols));
  const auto update = [&](int64_t row, double bid, double ask, double bid_size, double ask_size) {
    if (!((bid_size >= 0) & (ask_size >= 0))) return One{kNaN};
    Quote& last = lasts[static_cast<std::size_t>(ticks.symbol[row])];
    const Pair price = {bid, ask}, size = {bid_size, ask_size};
    const Pair plus = When(price >= last.price, Pair{bid_size, last.size[1]});
    const Pair minus = When(price <= last.price, Pair{last.size[0], ask_size});
    const bool seen = last.price[0] == last.price[0];
    last = {price, size};
    return One{seen ? plus[0] - minus[0] - minus[1] + plus[1] : kNaN};
  };
  EachKeyedRow(ticks.rows, outputs, update, ticks.bid, ticks.ask, ticks.bid_size, ticks.ask_size);
}

// Ratios first, then their logarithms, in pieces that stay in the cache.
void LogReturns(const HandTicks& ticks, std::span<HandOutput> outputs) {
  constexpr int64_t kPiece = 4096;
  std::vector<double> lasts(static_cast<std::size_t>(ticks.symbols), kNaN);
  const double* price = ticks.price.values;
  double* to = outputs[0].values;
  for (int64_t begin = 0; begin < ticks.rows; begin += kPiece) {
    const int64_t end = std::min(begin + kPiece, ticks.rows);
    for (int64_t base = begin; base < end; base += 64) {
      const int64_t count = std::min<int64_t>(64, end - base);
      const uint64_t usable = ValidityWord(ticks.price, base, count);
      uint64_t present = 0;
      for (int64_t row = 0; row < count; ++row) {
        const double x = price[base + row];
        if (((usable >> row) & 1) == 0 || !((x > 0) & IsFinite(x))) {
          to[base + row] = 1.0;
          continue;
        }
        const double ratio = x / std::exchange(lasts[static_cast<std::size_t>(ticks.symbol[base + row])], x);
        const bool there = (ratio > 0) & IsFinite(ratio);
        to[base + row] = there ? ratio : 1.0;
        present |= uint64_t{there} << row;
      }
      outputs[0].validity[base / 64] = present;
    }
    sabot::kernels::math::Log({to + begin, static_cast<std::size_t>(end - begin)});
  }
}

struct NeumaierSum {
  double sum = 0, compensation = 0;
  void Add(double value) {
    const double total = sum + value;
    compensation += std::abs(sum) >= std::abs(value) ? (sum - total) + value : (value - total) + sum;
    sum = total;
  }
  double Total() const { return sum + compensation; }
};

void Vwap(const HandTicks& ticks, std::span<HandOutput> outputs) {
  struct Traded {
    NeumaierSum turnover, volume;
  };
  std::vector<Traded> sums(static_cast<std::size_t>(ticks.symbols));
  const auto update = [&](int64_t row, double price, double volume) {
    if (!(volume >= 0)) return One{kNaN};
    Traded& traded = sums[static_cast<std::size_t>(ticks.symbol[row])];
    traded.turnover.Add(price * volume);
    traded.volume.Add(volume);
    return One{traded.turnover.Total() / traded.volume.Total()};
  };
  EachKeyedRow(ticks.rows, outputs, update, ticks.price, ticks.volume);
}

// --- rolling ---

// The last `window` values of each symbol as sums of x - c and (x - c)^2 (of x alone if not kAnchored), c a value
// inside the window. Nothing is subtracted, so nothing drifts: a ring holds raw values up to the newest, and behind it,
// for each older value, the sums from that one on. When the last of those has left, they are made anew from the raw
// values.
template <bool kAnchored>
class Windows {
 public:
  struct Sums {
    double sum = 0, squares = 0;
  };
  struct Window {
    double anchor = 0;
    Sums newer;  // Of the values that came after the ring was made anew.
    int32_t size = 0;
    int32_t next = 0;  // Where the next value goes: the oldest value's place in a full window.
  };

  Windows(int64_t symbols, int64_t window)
      : window_(static_cast<int32_t>(window)),
        windows_(static_cast<std::size_t>(symbols)),
        ring_(static_cast<std::size_t>(symbols * window)) {}

  void Prefetch(int32_t symbol) const {
    __builtin_prefetch(&ring_[static_cast<std::size_t>(symbol) * window_ + windows_[symbol].next], 1);
  }

  // Appends x and returns the sums of a full window.
  Sums Push(int32_t symbol, double x) {
    Window& window = windows_[symbol];
    Sums* ring = &ring_[static_cast<std::size_t>(symbol) * window_];
    if (window.size < window_ && window.size++ == 0) window.anchor = x;
    ring[window.next].sum = x;  // Over the oldest value, which leaves.
    const double deviation = kAnchored ? x - window.anchor : x;
    window.newer.sum += deviation;
    if constexpr (kAnchored) window.newer.squares += deviation * deviation;
    if (++window.next == window_) return Renew(window, ring);
    const Sums& older = ring[window.next];
    return {older.sum + window.newer.sum, older.squares + window.newer.squares};
  }

  bool full(int32_t symbol) const { return windows_[symbol].size == window_; }
  double anchor(int32_t symbol) const { return windows_[symbol].anchor; }

 private:
  [[gnu::noinline]] Sums Renew(Window& window, Sums* ring) const {
    window.anchor = ring[window_ - 1].sum;
    Sums sums;
    for (int32_t at = window_ - 1; at >= 0; --at) {
      const double deviation = kAnchored ? ring[at].sum - window.anchor : ring[at].sum;
      sums.sum += deviation;
      if constexpr (kAnchored) sums.squares += deviation * deviation;
      ring[at] = sums;
    }
    window.newer = {};
    window.next = 0;
    return sums;
  }

  int32_t window_;
  std::vector<Window> windows_;
  std::vector<Sums> ring_;
};

constexpr int64_t kAhead = 8;  // Rows ahead at which a ring's cell is fetched.

// `result` of a full window's x, anchor, sum of deviations and sum of squared deviations from the mean.
void Rolling(const HandTicks& ticks, std::span<HandOutput> outputs, auto result) {
  Windows<true> windows(ticks.symbols, kWindow);
  using Result = decltype(result(0.0, 0.0, 0.0, 0.0));
  Result none;
  none.fill(kNaN);
  const auto update = [&](int64_t row, double x) -> Result {
    windows.Prefetch(ticks.symbol[std::min(row + kAhead, ticks.rows - 1)]);
    const int32_t symbol = ticks.symbol[row];
    const auto sums = windows.Push(symbol, x);
    if (!windows.full(symbol)) return none;
    const double squared = sums.squares - sums.sum * (sums.sum / kWindow);
    return result(x, windows.anchor(symbol), sums.sum, squared > 0 ? squared : squared < 0 ? 0.0 : squared);
  };
  EachKeyedRow(ticks.rows, outputs, update, ticks.price);
}

void RollingStd(const HandTicks& ticks, std::span<HandOutput> outputs) {
  Rolling(ticks, outputs,
          [](double, double, double, double squared) { return One{std::sqrt(squared / (kWindow - 1))}; });
}

void RollingZscore(const HandTicks& ticks, std::span<HandOutput> outputs) {
  Rolling(ticks, outputs, [](double x, double anchor, double sum, double squared) {
    return One{squared != 0 ? ((x - anchor) - sum / kWindow) / std::sqrt(squared / (kWindow - 1)) : kNaN};
  });
}

void BollingerBands(const HandTicks& ticks, std::span<HandOutput> outputs) {
  Rolling(ticks, outputs, [](double, double anchor, double sum, double squared) {
    const double mean = anchor + sum / kWindow, width = 2 * std::sqrt(squared / kWindow);
    return Three{mean, mean + width, mean - width};
  });
}

// Of a column of log returns.
void RealizedVar(const HandTicks& ticks, const HandColumn& log_return, std::span<HandOutput> outputs) {
  Windows<false> windows(ticks.symbols, kVarianceWindow);
  const auto update = [&](int64_t row, double x) {
    const int32_t symbol = ticks.symbol[row];
    const double sum = windows.Push(symbol, x * x).sum;
    return One{windows.full(symbol) ? sum : kNaN};
  };
  EachKeyedRow(ticks.rows, outputs, update, log_return);
}

// --- ten of them, column by column ---

void ChainOfTen(const HandTicks& ticks, std::span<HandOutput> outputs) {
  Midprice(ticks, outputs.subspan(0));
  QuotedSpread(ticks, outputs.subspan(1));
  L1Imbalance(ticks, outputs.subspan(3));
  SignedVolume(ticks, outputs.subspan(4));
  Ofi(ticks, outputs.subspan(5));
  LogReturns(ticks, outputs.subspan(6));
  Ewma(ticks, outputs.subspan(7));
  RealizedVar(ticks, {outputs[6].values, reinterpret_cast<const uint8_t*>(outputs[6].validity)}, outputs.subspan(8));
  RollingZscore(ticks, outputs.subspan(9));
  Vwap(ticks, outputs.subspan(10));
}

struct Loop {
  std::string_view kernel;
  int32_t outputs;
  void (*run)(const HandTicks&, std::span<HandOutput>);
};

constexpr std::array kLoops = {Loop{"midprice", 1, Midprice},
                               Loop{"quoted_spread", 2, QuotedSpread},
                               Loop{"l1_imbalance", 1, L1Imbalance},
                               Loop{"signed_volume", 1, SignedVolume},
                               Loop{"ewma", 1, Ewma},
                               Loop{"diff", 1, Diff},
                               Loop{"ofi", 1, Ofi},
                               Loop{"log_returns", 1, LogReturns},
                               Loop{"vwap", 1, Vwap},
                               Loop{"rolling_std", 1, RollingStd},
                               Loop{"rolling_zscore", 1, RollingZscore},
                               Loop{"bollinger_bands", 3, BollingerBands},
                               Loop{"chain_of_ten", 11, ChainOfTen}};

}  // namespace

int32_t hand_loop_run(const char* kernel, const HandTicks* ticks, HandMemory memory, HandOutput* outputs) {
  const auto* loop = std::find_if(kLoops.begin(), kLoops.end(), [&](const Loop& l) { return l.kernel == kernel; });
  if (loop == kLoops.end()) return 0;
  for (int32_t i = 0; i < loop->outputs; ++i) outputs[i] = Allocate(ticks->rows, memory);
  loop->run(*ticks, {outputs, static_cast<std::size_t>(loop->outputs)});
  return loop->outputs;
}

void hand_loop_release(HandOutput* outputs, int32_t count) {
  for (int32_t i = 0; i < count; ++i) std::free(outputs[i].values), std::free(outputs[i].validity);
}

// Co-moments of two series at every lag up to a largest one, L, over the same rows: as many two-stacks (rolling.h) as
// there are lags, with one set of counters. Its part of the ring:
//
//   the last L + 1 values of x, newest first, and of y
//   the anchor of each of these, which is what it was at the last rebuild
//   two nodes: the back, and the whole window
//   the window: a node a row, with a timestamp behind it if the window is a time
//
// A node is six runs of L + 1 cells, lag by lag: means of x_{t-j} and of y_{t-j}, their M2, and the co-moments of
// x_{t-j} with y_t and of x_t with y_{t-j}. While a row belongs to the back, its means are its raw values.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <span>

#include "sabot/data/fields.h"
#include "sabot/kernels/correlation.h"
#include "sabot/kernels/window.h"

namespace sabot::kernels {

class LaggedCoMoments {
 public:
  struct Counters {
    using Structure = LaggedCoMoments;
    int32_t head = 0;   // The oldest row of the window.
    int32_t size = 0;   // Rows in the window.
    int32_t front = 0;  // How many of them, from the oldest on, hold suffix aggregates.
    SABOT_FIELDS(Counters, head, size, front)
  };

  struct LagCorrelation {
    int64_t lag = 0;
    double correlation = 0;
    bool defined = false;
  };

  // Cells in front of the window.
  static constexpr int64_t FixedCells(int64_t max_lag) { return 4 * (max_lag + 1) + 2 * NodeCells(max_lag); }
  // Cells of a row of the window.
  static constexpr int64_t RowCells(const Window& window, int64_t max_lag) {
    return NodeCells(max_lag) + static_cast<int64_t>(window.timed());
  }
  // Moves the window to more cells behind the fixed ones.
  static void Move(Counters& counters, std::span<const double> from, std::span<double> to, int64_t row_cells) {
    MoveRing(from, counters.head, counters.size, row_cells, to);
    counters.head = 0;
  }

  // Those of one symbol, as long as its ring stays where it is.
  LaggedCoMoments(Counters& counters, std::span<double> ring, const Window& window, int64_t max_lag)
      : counters_(counters),
        window_(window),
        lags_(max_lag + 1),
        row_cells_(RowCells(window, max_lag)),
        room_(window.timed() ? (static_cast<int64_t>(ring.size()) - FixedCells(max_lag)) / row_cells_ : window.rows),
        values_(ring.data()),
        anchors_(values_ + 2 * lags_),
        back_(anchors_ + 2 * lags_),
        whole_(back_ + 6 * lags_),
        rows_(whole_ + 6 * lags_) {}

  // Takes note of a row: this one and the next L are paired with it.
  void Enter(double x, double y) {
    for (double* series : {values_, values_ + lags_}) std::copy_backward(series, series + lags_ - 1, series + lags_);
    values_[0] = x;
    values_[lags_] = y;
  }

  // Appends the row that was entered last, after L others, and evicts what has left the window. Of a window of time the
  // ring has room for one more row.
  void Push(int64_t timestamp) {
    if (window_.timed()) {
      while (counters_.size > 0 && HasLeft(std::bit_cast<int64_t>(Row(0)[row_cells_ - 1]), window_.ns, timestamp)) {
        Evict();
      }
    } else if (counters_.size == window_.rows) {
      Evict();
    }
    if (counters_.size == 0) std::copy_n(values_, 2 * lags_, anchors_);
    double* row = Row(counters_.size);
    std::copy_n(values_, 2 * lags_, row);
    if (window_.timed()) row[row_cells_ - 1] = std::bit_cast<double>(timestamp);
    std::copy_n(values_, 2 * lags_, whole_);
    BecomeSingle(whole_);
    Merge(back_, counters_.size - counters_.front, whole_, 1, back_);
    ++counters_.size;
    Merge(Row(0), counters_.front, back_, counters_.size - counters_.front, whole_);
  }

  // The lag at which x_{t-lag} (a negative one: y_{t+lag}) correlates most with the other series, whatever the sign.
  // Where several do, the first of 0, 1, -1, 2, -2 and so on.
  LagCorrelation Strongest() const {
    // Correlations that are equal differ by less, from rounding, which is not to choose the lag.
    constexpr double kEqual = 1e-12;
    LagCorrelation best;
    const auto compare = [&](int64_t lag, double correlation) {
      if (!std::isfinite(correlation)) return;
      if (best.defined && std::abs(correlation) <= std::abs(best.correlation) + kEqual) return;
      best = {lag, correlation, true};
    };
    const double *m2_x = whole_ + 2 * lags_, *m2_y = m2_x + lags_, *c_x = m2_y + lags_, *c_y = c_x + lags_;
    compare(0, Correlation(c_x[0], m2_x[0], m2_y[0]));
    for (int64_t lag = 1; lag < lags_; ++lag) {
      compare(lag, Correlation(c_x[lag], m2_x[lag], m2_y[0]));
      compare(-lag, Correlation(c_y[lag], m2_x[0], m2_y[lag]));
    }
    return best;
  }

 private:
  static constexpr int64_t NodeCells(int64_t max_lag) { return 6 * (max_lag + 1); }

  // A row of the window, the oldest being 0.
  double* Row(int64_t index) const {
    int64_t row = counters_.head + index;
    if (row >= room_) row -= room_;
    return rows_ + row * row_cells_;
  }

  // Turns raw values into the node of one row.
  void BecomeSingle(double* node) const {
    for (int64_t cell = 0; cell < 2 * lags_; ++cell) node[cell] -= anchors_[cell];
    std::fill_n(node + 2 * lags_, 4 * lags_, 0.0);
  }

  // As CoMoments::Merge, lag by lag. `merged` may be either of the two.
  void Merge(const double* older, int64_t older_count, const double* newer, int64_t newer_count, double* merged) const {
    if (older_count == 0) {
      if (merged != newer) std::copy_n(newer, 6 * lags_, merged);
      return;
    }
    if (newer_count == 0) {
      if (merged != older) std::copy_n(older, 6 * lags_, merged);
      return;
    }
    const auto n1 = static_cast<double>(older_count), n2 = static_cast<double>(newer_count), n = n1 + n2;
    const double share = n2 / n, weight = n1 * n2 / n;
    const int64_t y = lags_, m2_x = 2 * lags_, m2_y = 3 * lags_, c_x = 4 * lags_, c_y = 5 * lags_;
    const double dx0 = newer[0] - older[0], dy0 = newer[y] - older[y];
#pragma GCC ivdep
    for (int64_t lag = 0; lag < lags_; ++lag) {
      const double dx = newer[lag] - older[lag], dy = newer[y + lag] - older[y + lag];
      merged[lag] = older[lag] + dx * share;
      merged[y + lag] = older[y + lag] + dy * share;
      merged[m2_x + lag] = older[m2_x + lag] + newer[m2_x + lag] + dx * dx * weight;
      merged[m2_y + lag] = older[m2_y + lag] + newer[m2_y + lag] + dy * dy * weight;
      merged[c_x + lag] = older[c_x + lag] + newer[c_x + lag] + dx * dy0 * n1 * n2 / n;
      merged[c_y + lag] = older[c_y + lag] + newer[c_y + lag] + dx0 * dy * n1 * n2 / n;
    }
  }

  void Evict() {
    if (counters_.front == 0) Rebuild();
    if (++counters_.head == room_) counters_.head = 0;
    --counters_.size;
    // At once, and not before the next eviction: otherwise the anchors would have left the window.
    if (--counters_.front == 0 && counters_.size > 0) Rebuild();
  }

  // Turns the raw values of the back into suffix aggregates about the newest of them.
  void Rebuild() {
    const double* suffix = Row(counters_.size - 1);
    std::copy_n(suffix, 2 * lags_, anchors_);
    for (int64_t count = 0; count < counters_.size; ++count) {
      double* row = Row(counters_.size - 1 - count);
      BecomeSingle(row);
      Merge(row, 1, suffix, count, row);
      suffix = row;
    }
    counters_.front = counters_.size;
    std::fill_n(back_, 6 * lags_, 0.0);
  }

  Counters& counters_;
  const Window window_;
  const int64_t lags_;  // L + 1
  const int64_t row_cells_;
  const int64_t room_;  // Rows that the ring can hold.
  double* const values_;
  double* const anchors_;
  double* const back_;
  double* const whole_;
  double* const rows_;
};

}  // namespace sabot::kernels

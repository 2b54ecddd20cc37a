// Whether the user wants a long run to stop (Ctrl-C). Asked now and then by the thread that started the run.
#pragma once

#include <arrow/status.h>

#include <atomic>
#include <utility>

namespace sabot::env {

class Interrupt {
 public:
  virtual ~Interrupt() = default;
  // Cancelled when the run shall stop. Cheap enough to be asked a thousand times a second.
  virtual arrow::Status Check() = 0;
};

// Never interrupts.
class NoInterrupt final : public Interrupt {
 public:
  arrow::Status Check() override { return arrow::Status::OK(); }
};

// Interrupts once another thread has set it: for a thread whose work nobody wants any more.
class StopFlag final : public Interrupt {
 public:
  void Set() { set_ = true; }
  arrow::Status Check() override { return set_ ? arrow::Status::Cancelled("stopped") : arrow::Status::OK(); }

 private:
  std::atomic<bool> set_ = false;
};

// Says whom calls of this thread ask while they wait for somebody else: for the other end of a pipe, for another
// thread. Lives on the stack, and ends before the interrupt does.
class InterruptScope {
 public:
  explicit InterruptScope(Interrupt& interrupt) : before_(std::exchange(current_, &interrupt)) {}
  ~InterruptScope() { current_ = before_; }
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;

  // Cancelled where this thread shall wait no longer.
  static arrow::Status Check() { return current_ == nullptr ? arrow::Status::OK() : current_->Check(); }

 private:
  static inline thread_local Interrupt* current_ = nullptr;
  Interrupt* before_;
};

// How long a call waits before it asks again.
inline constexpr int kInterruptEveryMs = 50;

}  // namespace sabot::env

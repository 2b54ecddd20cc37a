// Ctrl-C for runs that have released the GIL.
#pragma once

#include <nanobind/nanobind.h>

#include <chrono>

#include "sabot/env/interrupt.h"

namespace sabot::python {

// Asks Python for a pending signal, 20 times a second at most. Only Python's main thread gets signals.
class PythonInterrupt final : public env::Interrupt {
 public:
  arrow::Status Check() override {
    const auto now = std::chrono::steady_clock::now();
    if (now < next_) return arrow::Status::OK();
    next_ = now + std::chrono::milliseconds(50);
    const nanobind::gil_scoped_acquire gil;
    if (PyErr_CheckSignals() == 0) return arrow::Status::OK();
    PyErr_Clear();
    return arrow::Status::Cancelled("interrupted");
  }

 private:
  std::chrono::steady_clock::time_point next_ = std::chrono::steady_clock::now() + std::chrono::milliseconds(50);
};

// Releases the GIL for a call that may wait, and lets Ctrl-C end the waiting.
class Waiting {
 public:
  Waiting() : scope_(interrupt_) {}

 private:
  PythonInterrupt interrupt_;
  env::InterruptScope scope_;
  nanobind::gil_scoped_release released_;
};

}  // namespace sabot::python

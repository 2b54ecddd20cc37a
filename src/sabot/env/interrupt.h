// Whether the user wants a long run to stop (Ctrl-C). Asked now and then by the thread that started the run.
#pragma once

#include <arrow/status.h>

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

}  // namespace sabot::env

#include <oneapi/tbb/info.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

#include "sabot/env/executor.h"

namespace sabot::env {
namespace {

class TbbExecutor final : public Executor {
 public:
  explicit TbbExecutor(int threads)
      : threads_(threads > 0 ? threads : oneapi::tbb::info::default_concurrency()), arena_(threads_) {}

  int concurrency() const override { return threads_; }

  void Run(const Work& work) override {
    arena_.execute([&] {
      oneapi::tbb::task_group calls;
      const std::function<void()> call = [&] { work([&] { calls.run(call); }); };
      calls.run_and_wait(call);  // This thread takes part.
    });
  }

  std::size_t Choose(std::size_t) override { return 0; }

 private:
  int threads_;
  oneapi::tbb::task_arena arena_;
};

}  // namespace

std::unique_ptr<Executor> MakeTbbExecutor(int threads) { return std::make_unique<TbbExecutor>(threads); }

}  // namespace sabot::env

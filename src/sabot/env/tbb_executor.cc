#include <oneapi/tbb/info.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

#include <atomic>
#include <cstdint>
#include <utility>

#include "sabot/env/executor.h"

namespace sabot::env {
namespace {

// Who asks for a call is seen by it, and each call by who waits for all. oneTBB guarantees that, but with fences inside
// a compiled library, where ThreadSanitizer does not look; so it is said once more, in the open. It is one for all
// executors because a call must pass here before it reads anything, even where its executor is.
class HandOver {
 public:
  static void Give() { given_.fetch_add(1, std::memory_order_release); }
  static void Take() { static_cast<void>(given_.load(std::memory_order_acquire)); }

 private:
  static inline std::atomic<uint64_t> given_ = 0;
};

class TbbExecutor final : public Executor {
 public:
  explicit TbbExecutor(int threads)
      : threads_(threads > 0 ? threads : oneapi::tbb::info::default_concurrency()), arena_(threads_) {}

  int concurrency() const override { return threads_; }

  void Run(const Work& work) override {
    const auto run = [&] {  // On another thread, where all of the arena's are taken.
      HandOver::Take();
      oneapi::tbb::task_group calls;
      const Another another = [&] { Ask(calls, work, another); };
      work(another);  // This thread takes part.
      calls.wait();
      HandOver::Take();
      HandOver::Give();
    };
    HandOver::Give();
    arena_.execute(run);
    HandOver::Take();
  }

  std::size_t Choose(std::size_t) override { return 0; }

 private:
  static void Ask(oneapi::tbb::task_group& calls, const Work& work, const Another& another) {
    auto call = calls.defer([&work, &another] {
      HandOver::Take();
      work(another);
      HandOver::Give();
    });
    HandOver::Give();
    calls.run(std::move(call));
  }

  int threads_;
  oneapi::tbb::task_arena arena_;
};

}  // namespace

std::unique_ptr<Executor> MakeTbbExecutor(int threads) { return std::make_unique<TbbExecutor>(threads); }

}  // namespace sabot::env

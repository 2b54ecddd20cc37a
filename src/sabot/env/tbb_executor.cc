#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/info.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "sabot/env/calls.h"
#include "sabot/env/executor.h"

namespace sabot::env {
namespace {

// What is handed to another thread is seen by it, and so is it when the memory of that is used again. oneTBB guarantees
// that, but with fences inside a compiled library, where ThreadSanitizer does not look; so it is said once more, in the
// open. It is one for all executors because a call must pass here before it reads anything, even where its executor is.
class HandOver {
 public:
  static void Give() { given_.fetch_add(1, std::memory_order_release); }
  static void Take() { static_cast<void>(given_.load(std::memory_order_acquire)); }

 private:
  static inline std::atomic<uint64_t> given_ = 0;
};

constexpr std::size_t kThreadsMax = 1024;

class TbbExecutor final : public Executor {
 public:
  explicit TbbExecutor(int threads)
      : threads_(threads > 0 ? threads : oneapi::tbb::info::default_concurrency()), arena_(threads_) {}
  ~TbbExecutor() override {
    arena_.execute([this] { posted_->wait(); });  // Those that came late, and found nothing to do.
  }

  int concurrency() const override { return threads_; }
  void Run(const Work& work) override {
    Calls::RunAll(work, [this](std::function<void()> call) {
      HandOver::Take();  // The memory, from the thread that had it before.
      auto posted = posted_->defer([given = new std::function<void()>(std::move(call))] {
        HandOver::Take();
        const std::unique_ptr<std::function<void()>> taken(given);
        HandOver::Give();
        (*taken)();
      });
      HandOver::Give();
      arena_.enqueue(std::move(posted));
    });
  }
  std::size_t Choose(std::size_t) override { return 0; }

 private:
  int threads_;
  oneapi::tbb::task_arena arena_;
  std::unique_ptr<oneapi::tbb::task_group> posted_ = std::make_unique<oneapi::tbb::task_group>();
};

}  // namespace

std::unique_ptr<Executor> MakeTbbExecutor(int threads) {
  // So many are never made; but more than there are cores, where somebody asks for more.
  static const oneapi::tbb::global_control limit(oneapi::tbb::global_control::max_allowed_parallelism, kThreadsMax);
  return std::make_unique<TbbExecutor>(threads);
}

}  // namespace sabot::env

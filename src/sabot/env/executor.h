// Who runs work: all cores in production, one thread and a seed in tests. Work never waits; it asks for company when it
// sees more to do than one thread can.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

namespace sabot::env {

class Executor {
 public:
  // Handed to work: asks for one more call of it, now or later, here or on another thread.
  using Another = std::function<void()>;
  using Work = std::function<void(const Another&)>;

  virtual ~Executor() = default;

  virtual int concurrency() const = 0;  // Threads that may run work at once, the caller's included.
  // Calls `work` on this thread and once more for each request; returns when all calls have returned. `work` must not
  // throw.
  virtual void Run(const Work& work) = 0;
  // Which of `count` > 0 equally allowed things to do next. Called by one thread at a time.
  virtual std::size_t Choose(std::size_t count) = 0;
};

// oneTBB over at most `threads` threads (0: one a core), the caller's among them. The first allowed thing is done
// first.
std::unique_ptr<Executor> MakeTbbExecutor(int threads = 0);

// One thread; what is done next is drawn from the seed. Claims to have `concurrency` threads, so that everything that
// may happen on so many can be tried in some order.
std::unique_ptr<Executor> MakeSeededExecutor(uint64_t seed, int concurrency);

}  // namespace sabot::env

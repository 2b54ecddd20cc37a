#include "sabot/env/background.h"

#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

namespace sabot::env {
namespace {

class ThreadBackground final : public Background {
 public:
  ThreadBackground() : thread_([this] { Run(); }) {}

  ~ThreadBackground() override {
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }

  void Post(std::function<void()> job) override {
    {
      const std::lock_guard lock(mutex_);
      jobs_.push_back(std::move(job));
    }
    changed_.notify_one();
  }

 private:
  void Run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return ended_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      std::function<void()> job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      job();
      job = nullptr;  // What it holds may post as it dies.
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;
  bool ended_ = false;
  std::thread thread_;  // Last, so that it sees the others.
};

}  // namespace

std::unique_ptr<Background> MakeBackground() { return std::make_unique<ThreadBackground>(); }

bool SimulatedBackground::RunOne(const std::function<std::size_t(std::size_t)>& choose) {
  if (jobs_.empty()) return false;
  const auto chosen = jobs_.begin() + static_cast<std::ptrdiff_t>(choose(jobs_.size()));
  const std::function<void()> job = std::move(*chosen);
  jobs_.erase(chosen);
  job();
  return true;
}

}  // namespace sabot::env

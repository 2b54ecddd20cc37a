// Who does what may take long and must keep no task waiting: the disk's work.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <utility>

namespace sabot::env {

// Jobs run one at a time. A job must not throw. Whoever posts keeps at most a fixed number of jobs here, so that the
// queue is as long as there are users, and posts the next from the end of the one before.
class Background {
 public:
  virtual ~Background() = default;
  virtual void Post(std::function<void()> job) = 0;  // Any thread, a job too. Never waits.
};

// One thread, jobs in their order. Destroyed, it does what was posted, and what that posts, first.
std::unique_ptr<Background> MakeBackground();

// Jobs wait until somebody says which runs next: any may, since on a real disk each takes as long as it likes. One
// thread.
class SimulatedBackground final : public Background {
 public:
  void Post(std::function<void()> job) override { jobs_.push_back(std::move(job)); }

  std::size_t pending() const { return jobs_.size(); }
  // Runs the job that `choose` picks of so many; false where there is none.
  bool RunOne(const std::function<std::size_t(std::size_t)>& choose);

 private:
  std::deque<std::function<void()>> jobs_;
};

}  // namespace sabot::env

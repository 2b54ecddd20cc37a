// The calls of one Executor::Run: those asked for are made by whoever comes first, the thread of Run or one of those
// that `post` reaches. Who waits for the last of them runs no other work meanwhile, so that no call ever lies below
// an unrelated one on a stack.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include <condition_variable>

#include "sabot/env/executor.h"

namespace sabot::env {

class Calls : public std::enable_shared_from_this<Calls> {
 public:
  // Runs something on another thread soon, or never.
  using Post = std::function<void(std::function<void()>)>;

  static void RunAll(const Executor::Work& work, Post post) {
    std::make_shared<Calls>(work, std::move(post))->RunAll();
  }

  Calls(const Executor::Work& work, Post post) : work_(work), post_(std::move(post)) {}

 private:
  void RunAll() {
    std::unique_lock lock(mutex_);
    asked_ = 1;
    while (asked_ > 0 || running_ > 0) {
      if (asked_ > 0) {
        Call(lock);
      } else {
        returned_.wait(lock, [this] { return asked_ > 0 || running_ == 0; });
      }
    }
  }

  void Ask() {
    {
      const std::lock_guard lock(mutex_);
      ++asked_;
    }
    returned_.notify_one();
    post_([calls = shared_from_this()] {
      std::unique_lock lock(calls->mutex_);
      if (calls->asked_ > 0) calls->Call(lock);  // Else somebody was faster.
    });
  }

  void Call(std::unique_lock<std::mutex>& lock) {
    --asked_;
    ++running_;
    lock.unlock();
    work_([this] { Ask(); });
    lock.lock();
    --running_;
    returned_.notify_one();
  }

  const Executor::Work& work_;  // Outlives the calls, not this: a post may come late, and then finds nothing asked for.
  const Post post_;
  std::mutex mutex_;
  std::condition_variable returned_;
  int asked_ = 0;  // Calls asked for and not yet begun,
  int running_ = 0;  // and begun and not yet returned.
};

}  // namespace sabot::env

#include <random>

#include "sabot/env/executor.h"

namespace sabot::env {
namespace {

class SeededExecutor final : public Executor {
 public:
  SeededExecutor(uint64_t seed, int concurrency) : random_(seed), concurrency_(concurrency) {}

  int concurrency() const override { return concurrency_; }

  void Run(const Work& work) override {
    int64_t asked = 1;
    const Another another = [&] { ++asked; };
    for (; asked > 0; --asked) work(another);
  }

  std::size_t Choose(std::size_t count) override { return random_() % count; }

 private:
  std::mt19937_64 random_;
  int concurrency_;
};

}  // namespace

std::unique_ptr<Executor> MakeSeededExecutor(uint64_t seed, int concurrency) {
  return std::make_unique<SeededExecutor>(seed, concurrency);
}

}  // namespace sabot::env

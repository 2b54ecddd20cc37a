// The functions of math.h: values a second by instruction set, and one at a time.
#include "sabot/kernels/math.h"

#include <benchmark/benchmark.h>

#include <string>
#include <vector>

namespace sabot::kernels::math {
namespace {

std::vector<double> Inputs() {
  std::vector<double> inputs;
  for (int at = 0; at < 4'096; ++at) inputs.push_back(0.5 + at / 4096.0);
  return inputs;
}

template <class Function>
void Measure(benchmark::State& state, Function function) {
  const std::vector<double> inputs = Inputs();
  std::vector<double> values(inputs.size());
  for (auto _ : state) {
    values = inputs;
    function(values);
    benchmark::DoNotOptimize(values.data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(inputs.size()));
}

const bool kRegistered = [] {
  const struct {
    const char* name;
    double (*scalar)(double);
    void (*VectorFunctions::*vector)(double*, int64_t);
  } functions[] = {{"log", Log, &VectorFunctions::log},
                   {"exp", Exp, &VectorFunctions::exp},
                   {"expm1", Expm1, &VectorFunctions::expm1},
                   {"log1p", Log1p, &VectorFunctions::log1p},
                   {"erfc", Erfc, &VectorFunctions::erfc}};
  for (const auto& function : functions) {
    benchmark::RegisterBenchmark((std::string(function.name) + "/scalar").c_str(), [function](benchmark::State& state) {
      Measure(state, [&](std::vector<double>& values) {
        for (double& value : values) value = function.scalar(value);
      });
    });
    for (const Isa isa : SupportedIsas()) {
      benchmark::RegisterBenchmark((std::string(function.name) + "/" + std::string(Name(isa))).c_str(),
                                   [function, isa](benchmark::State& state) {
                                     Measure(state, [&](std::vector<double>& values) {
                                       (FunctionsOf(isa).*function.vector)(values.data(),
                                                                           static_cast<int64_t>(values.size()));
                                     });
                                   });
    }
  }
  return true;
}();

}  // namespace
}  // namespace sabot::kernels::math

// A program of somebody else: averages a few prices with an installed Sabot, and runs a kernel of its own.
#include <sabot/kernels/online_statistics.h>
#include <sabot/kernels/registry.h>
#include <sabot/operators/kernel_library.h>

#include <cstdio>

int main() {
  using sabot::kernels::Ewma;
  const auto kernel = sabot::kernels::FindKernel("ewma");
  if (!kernel.ok()) {
    std::fprintf(stderr, "%s\n", kernel.status().ToString().c_str());
    return 1;
  }
  Ewma::Options options;
  options.alpha = 0.5;
  const auto weight = Ewma::Prepare(options);
  Ewma::Scalars symbol;
  double average = 0;
  for (const double price : {100.0, 102.0, 101.0}) average = Ewma::Update(weight, symbol, {.x = price});
  if (average != 101.0) return 2;
  const auto loaded = sabot::operators::LoadKernels(MINE);
  if (!loaded.ok() || loaded->size() != 1 || loaded->front()->doc.name != "doubled") {
    std::fprintf(stderr, "%s\n", loaded.status().ToString().c_str());
    return 3;
  }
  if (!sabot::operators::MakeKeyedKernel("doubled", {}).ok()) return 4;
  std::printf("outside: all is well, %s is %g\n", (*kernel)->doc.name.data(), average);
  return 0;
}

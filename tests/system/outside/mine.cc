// Somebody else's kernel, in a library that the program loads.
#include <sabot/operators/own_kernels.h>

namespace mine {

using namespace sabot::kernels;

struct Doubled {
  struct Input {
    double x = 0;
    SABOT_FIELDS(Input, x)
  };
  using Options = NoOptions;
  static constexpr KernelDoc kDoc = {.name = "doubled",
                                     .class_name = "DoubledKernel",
                                     .summary = "Twice the price.",
                                     .formula = "2 * x",
                                     .nulls = "",
                                     .source = "Definition."};
  static constexpr std::tuple kInputs{In{"x", &Input::x, "price", "Any number."}};
  static constexpr std::tuple kOutputs{SingleOut{"doubled", "As its input."}};
  static double Compute(const Options&, const Input& input) { return 2 * input.x; }
};

}  // namespace mine

SABOT_KERNELS(mine, mine::Doubled)

#include "sabot/env/fault_point.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace sabot::env {
namespace {

struct Asked {
  std::string name;
  std::atomic<long> left = 1;

  Asked() {
    const char* const text = std::getenv("SABOT_FAULT_POINT");
    if (text == nullptr) return;
    name = text;
    if (const auto colon = name.find(':'); colon != std::string::npos) {
      left = std::strtol(name.c_str() + colon + 1, nullptr, 10);
      name.resize(colon);
    }
    if (std::find(kFaultPoints.begin(), kFaultPoints.end(), name) != kFaultPoints.end() && left > 0) return;
    std::fprintf(stderr, "SABOT_FAULT_POINT is '%s', which is no fault point.\n", text);
    std::abort();
  }
};

}  // namespace

void FaultPoint(std::string_view name) {
  static Asked asked;
  if (name == asked.name && --asked.left == 0) std::raise(SIGKILL);
}

}  // namespace sabot::env

#include "sabot/backtest/strategy.h"

#include <string_view>

namespace sabot::backtest {
namespace {

constexpr char kTypeId[] = "sabot::backtest::InterruptedDetail";

class InterruptedDetail final : public arrow::StatusDetail {
 public:
  const char* type_id() const override { return kTypeId; }
  std::string ToString() const override { return "interrupted by the user"; }
};

}  // namespace

arrow::Status Interrupted() {
  return {arrow::StatusCode::Cancelled, "interrupted", std::make_shared<InterruptedDetail>()};
}

bool IsInterrupted(const arrow::Status& status) {
  return status.IsCancelled() && status.detail() != nullptr && std::string_view(status.detail()->type_id()) == kTypeId;
}

arrow::Status OfStrategy(const arrow::Status& status) {
  if (!status.IsCancelled() || IsInterrupted(status)) return status;
  return arrow::Status::UnknownError(status.message().empty() ? "the strategy cancelled itself" : status.message());
}

}  // namespace sabot::backtest

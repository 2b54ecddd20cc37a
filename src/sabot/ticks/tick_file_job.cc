// A tick file as an input beside others.
#include <filesystem>
#include <utility>

#include "sabot/ticks/tick_jobs_internal.h"

namespace sabot::ticks::internal {
namespace {

class TickFileJob final : public TickJob {
 public:
  TickFileJob(TickInput input, TickFileInfo info)
      : TickJob({.security = info.security,
                 .source = NameOfInput(input),
                 .paths = {PathOfInput(input.file)},
                 .market = info.market}),
        input_(std::move(input)),
        info_(std::move(info)) {}

  const TickFileInfo* tick_file() const override { return &info_; }

  arrow::Result<std::string> Digest(const ConvertTicksOptions&) const override { return DigestOfInputs({input_}, ""); }

  arrow::Result<std::vector<TickPart>> Read(Conversion&) override {
    std::vector<TickPart> parts(1);
    parts[0] = {.security = info_.security, .file = input_.file.path};
    return parts;
  }

 private:
  TickInput input_;
  TickFileInfo info_;
};

}  // namespace

std::unique_ptr<TickJob> MakeTickFileJob(TickInput input, TickFileInfo info) {
  return std::make_unique<TickFileJob>(std::move(input), std::move(info));
}

}  // namespace sabot::ticks::internal

// A CSV or Parquet file of one security into its ticks.
#include <utility>

#include "sabot/ticks/tick_jobs_internal.h"

namespace sabot::ticks::internal {
namespace {

class FileJob final : public TickJob {
 public:
  FileJob(TickInput input, const ConvertTicksOptions& options)
      : TickJob({.security = StemOfInput(input),
                 .source = NameOfInput(input),
                 .paths = {PathOfInput(input.file)},
                 .market = options.market.value_or(""),
                 .weight = WeightOfInput(input)}),
        input_(std::move(input)) {}

  arrow::Result<std::string> Digest(const ConvertTicksOptions& options) const override {
    return DigestOfInputs({input_}, OptionsText(options, info().market));
  }

  arrow::Result<std::vector<TickPart>> Read(Conversion& conversion) override {
    std::vector<TickPart> parts(1);
    TickPart& part = parts.front();
    part.security = info().security;
    part.ticks = conversion.MakeTicks(conversion.PathOf(part.security), {.with_side = input_.has_side});
    TickInputTaker taker;
    taker.tick = [&](std::string_view, const Tick& tick) { return part.ticks->Add(tick), arrow::Status::OK(); };
    taker.rejected = [&](std::string_view) { ++part.rejected; };
    taker.after_batch = [&](double done) {
      set_done(done);
      return part.ticks->MakeRoom();
    };
    ARROW_RETURN_NOT_OK(ReadTickInput(input_, {}, conversion, taker));
    return parts;
  }

 private:
  TickInput input_;
};

}  // namespace

std::unique_ptr<TickJob> MakeFileJob(TickInput input, const ConvertTicksOptions& options) {
  return std::make_unique<FileJob>(std::move(input), options);
}

}  // namespace sabot::ticks::internal

#include "sabot/engine/stream.h"

#include <algorithm>
#include <utility>

#include "sabot/data/errors.h"
#include "sabot/data/key_index.h"
#include "sabot/engine/stream_internal.h"
#include "sabot/graph/range_bounds.h"
#include "sabot/operators/branch.h"
#include "sabot/operators/filter.h"
#include "sabot/operators/project.h"
#include "sabot/shuffle/range_partitioner.h"

namespace sabot::engine {

namespace internal {

std::string Joined(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::string Difference(const arrow::Schema& wanted, const arrow::Schema& found) {
  for (int i = 0; i < std::min(wanted.num_fields(), found.num_fields()); ++i) {
    if (wanted.field(i)->name() == found.field(i)->name() && wanted.field(i)->type()->Equals(found.field(i)->type())) {
      continue;
    }
    return "column " + std::to_string(i) + " is '" + found.field(i)->name() + "' " +
           found.field(i)->type()->ToString() + ", expected '" + wanted.field(i)->name() + "' " +
           wanted.field(i)->type()->ToString();
  }
  return "it has " + std::to_string(found.num_fields()) + " columns, expected " + std::to_string(wanted.num_fields());
}

}  // namespace internal

namespace {

std::string Named(const std::vector<operators::NamedExpression>& columns) {
  std::string text;
  for (const auto& [name, expression] : columns) {
    const std::string made = operators::ToString(*expression);
    text += (text.empty() ? "" : ", ") + (name.empty() || name == made ? made : name + " = " + made);
  }
  return text;
}

}  // namespace

arrow::Result<Stream> Stream::Apply(std::string description, operators::OperatorFactory make) const {
  return Apply(std::move(description), OperatorStep{.make = std::move(make)});
}

arrow::Result<Stream> Stream::Apply(std::string description, OperatorStep step) const {
  ARROW_ASSIGN_OR_RAISE(const auto op, step.make(operators::OperatorContext{}));
  ARROW_ASSIGN_OR_RAISE(auto schemas, op->Bind({schema()}));
  return With({.description = std::move(description),
               .schema = std::move(schemas.front()),
               .step = std::move(step),
               .inputs = {plan_},
               .parallelism = parallelism_,
               .asked = {asked_}});
}

arrow::Result<Stream> Stream::Ranged(std::string column, const std::string& bounds) const {
  std::shared_ptr<arrow::Array> values = std::make_shared<arrow::NullArray>(0);
  if (const auto field = schema()->GetFieldByName(column); field != nullptr) {
    ARROW_ASSIGN_OR_RAISE(values, graph::RangeBounds(bounds, *field));
  }
  const int ranges = static_cast<int>(values->length()) + 1;
  ARROW_RETURN_NOT_OK(shuffle::RangePartitioner::Make(*schema(), column, *values, ranges).status());
  Stream stream = *this;
  stream.asked_ = {.kind = graph::EdgeKind::kRange,
                   .range_by = std::move(column),
                   .range_bounds = bounds,
                   .ranges = ranges,
                   .spill = SpillAsked()};
  return stream;
}

Stream Stream::Rebalanced() const {
  Stream stream = *this;
  stream.asked_ = {.kind = graph::EdgeKind::kRebalance, .spill = SpillAsked()};
  return stream;
}

arrow::Result<Stream> Stream::Spilling(const std::string& when) const {
  if (when != "never" && when != "overflow" && when != "always") {
    return data::OptionError("spill is '" + when + "'. Use never, overflow or always.");
  }
  Stream stream = *this;
  stream.asked_ = asked_.value_or(AskedEdge{});
  stream.asked_->spill = when;
  return stream;
}

arrow::Result<Stream> Stream::Uid(std::string uid) const {
  if (!plan_->uid.empty()) {
    return data::OptionError("uid: the step '" + plan_->description + "' is called '" + plan_->uid +
                             "' already. Name each step once.");
  }
  Plan named = *plan_;
  named.uid = std::move(uid);
  Stream stream = *this;
  stream.plan_ = std::make_shared<const Plan>(std::move(named));
  return stream;
}

Stream Stream::With(Plan plan) const {
  Stream stream = *this;
  stream.asked_.reset();
  stream.plan_ = std::make_shared<Plan>(std::move(plan));
  return stream;
}

arrow::Result<Stream> Stream::Parallelism(int copies) const {
  if (copies < 0) {
    return data::OptionError("parallelism is " + std::to_string(copies) + ". Use at least 1, or 0 for the run's own.");
  }
  Stream stream = *this;
  stream.parallelism_ = copies;
  return stream;
}

arrow::Result<Stream> Stream::Sieved(std::string verb, operators::ExpressionPtr keep, const MakeSieve& make) const {
  const std::string description = verb + " " + operators::ToString(*keep);
  const auto sieved = [&](const Stream& stream, operators::ExpressionPtr condition) {
    return stream.Apply(
        description, {.make = [condition = std::move(condition), make](const operators::OperatorContext& context)
                          -> arrow::Result<std::unique_ptr<operators::Operator>> { return make(condition, context); },
                      .type = verb,
                      .keeps_columns = true});
  };
  if (!operators::HasKernel(*keep)) return sieved(*this, std::move(keep));
  // What kernels in it need is computed beside the columns, which are all that is left afterwards.
  ARROW_ASSIGN_OR_RAISE(const auto lowered,
                        operators::Lower({{.name = "condition", .expression = std::move(keep)}}, *schema(), by_, verb));
  ARROW_ASSIGN_OR_RAISE(const auto staged, Stages(lowered));
  ARROW_ASSIGN_OR_RAISE(const auto kept, sieved(staged, lowered.columns.front().expression));
  std::vector<operators::NamedExpression> columns;
  for (const auto& name : schema()->field_names()) {
    columns.push_back({.name = name, .expression = operators::MakeColumn(name)});
  }
  return kept.Projected(verb, "drop what the " + verb + " computed", std::move(columns));
}

arrow::Result<Stream> Stream::Filter(operators::ExpressionPtr keep) const {
  return Sieved("filter", std::move(keep), [](operators::ExpressionPtr condition, const auto& context) {
    return std::make_unique<operators::Filter>(std::move(condition), context);
  });
}

arrow::Result<Stream> Stream::Filter(std::string_view keep) const {
  ARROW_ASSIGN_OR_RAISE(auto expression, operators::ParseExpression(keep));
  return Filter(std::move(expression));
}

arrow::Result<Stream> Stream::Require(operators::ExpressionPtr keep, std::string reason) const {
  if (reason.empty()) reason = "not " + operators::ToString(*keep);
  return Sieved("require", std::move(keep),
                [reason = std::move(reason)](operators::ExpressionPtr condition, const auto& context) {
                  return std::make_unique<operators::Filter>(std::move(condition), reason, context);
                });
}

arrow::Result<Stream> Stream::Projected(std::string verb, std::string description,
                                        std::vector<operators::NamedExpression> columns) const {
  // Columns of the input that are left under their name are unchanged, unless one is made anew.
  const bool keeps = std::all_of(columns.begin(), columns.end(), [&](const operators::NamedExpression& column) {
    const std::string made = operators::ToString(*column.expression);
    const std::string& name = column.name.empty() ? made : column.name;
    return schema()->GetFieldIndex(name) < 0 || operators::ToString(*operators::MakeColumn(name)) == made;
  });
  const std::string type = verb;
  return Apply(std::move(description),
               {.make = [verb = std::move(verb), columns = std::move(columns)](
                            const operators::OperatorContext&) -> arrow::Result<std::unique_ptr<operators::Operator>> {
                  return std::make_unique<operators::Project>(verb, columns);
                },
                .type = type,
                .keeps_columns = keeps});
}

arrow::Result<Stream> Stream::Stages(const operators::Lowered& lowered) const {
  Stream stream = *this;
  for (const auto& stage : lowered.stages) {
    if (!stage.columns.empty()) {
      ARROW_ASSIGN_OR_RAISE(stream, stream.Projected("with_columns", "compute " + Named(stage.columns),
                                                     operators::WithColumns(*stream.schema(), stage.columns)));
    }
    for (const auto& kernel : stage.kernels) {
      ARROW_ASSIGN_OR_RAISE(stream, stream.Kernel(kernel, stage.by));
    }
  }
  return stream;
}

arrow::Result<Stream> Stream::Select(const std::vector<operators::NamedExpression>& columns) const {
  ARROW_ASSIGN_OR_RAISE(const auto lowered, operators::Lower(columns, *schema(), by_, "select"));
  ARROW_ASSIGN_OR_RAISE(const auto staged, Stages(lowered));
  return staged.Projected("select", "select " + Named(columns), lowered.columns);
}

arrow::Result<Stream> Stream::WithColumns(const std::vector<operators::NamedExpression>& columns) const {
  ARROW_ASSIGN_OR_RAISE(const auto lowered, operators::Lower(columns, *schema(), by_, "with_columns"));
  ARROW_ASSIGN_OR_RAISE(const auto staged, Stages(lowered));
  return staged.Projected("with_columns", "with_columns " + Named(columns),
                          operators::WithColumns(*schema(), lowered.columns));
}

arrow::Result<Stream> Stream::Rename(const std::map<std::string, std::string>& names) const {
  for (const auto& [old_name, new_name] : names) {
    if (schema()->GetFieldIndex(old_name) < 0) {
      return data::SchemaError("rename: column '" + old_name + "' is missing." +
                               data::NearestNames(old_name, schema()->field_names()));
    }
  }
  std::string text;
  std::vector<operators::NamedExpression> columns;
  for (const auto& name : schema()->field_names()) {
    const auto renamed = names.find(name);
    columns.push_back(
        {.name = renamed == names.end() ? name : renamed->second, .expression = operators::MakeColumn(name)});
    if (renamed != names.end()) text += (text.empty() ? "" : ", ") + name + " -> " + renamed->second;
  }
  ARROW_ASSIGN_OR_RAISE(auto stream, Projected("rename", "rename " + text, std::move(columns)));
  for (auto& key : stream.by_) {
    if (const auto renamed = names.find(key); renamed != names.end()) key = renamed->second;
  }
  return stream;
}

arrow::Result<Stream> Stream::KeyBy(std::vector<std::string> by) const {
  ARROW_RETURN_NOT_OK(data::KeyIndex::Make(*schema(), by).status());
  Stream stream = *this;
  stream.by_ = std::move(by);
  return stream;
}

arrow::Result<Stream> Stream::Kernel(operators::KernelSpec kernel, std::optional<std::vector<std::string>> by) const {
  const auto key = by.value_or(by_);
  ARROW_ASSIGN_OR_RAISE(auto alone, operators::KernelChain::Make({std::move(kernel)}, key));
  ARROW_ASSIGN_OR_RAISE(auto schema, alone.Bind(this->schema()));
  const auto* const before = std::get_if<KernelStep>(&plan_->step);
  const bool same_key = before != nullptr && before->pair == alone.pair() &&
                        (!alone.stateful() || !before->stateful || before->by == key);
  const int copies = alone.pair() ? 0 : parallelism_;  // The rows of a pair come together in one.
  const bool fuses = same_key && plan_->parallelism == copies && plan_->uid.empty() && !asked_;
  KernelStep step = fuses ? *before : KernelStep{.kernels = {}, .by = key, .pair = alone.pair()};
  if (alone.stateful()) {
    step.by = key;
    step.stateful = true;
  }
  step.kernels.push_back(alone.kernels().front());
  return With({.description = "kernel",
               .schema = std::move(schema),
               .step = std::move(step),
               .inputs = fuses ? plan_->inputs : std::vector<PlanPtr>{plan_},
               .parallelism = copies,
               .asked = fuses ? plan_->asked : std::vector{asked_}});
}

arrow::Result<Stream> Stream::Map(operators::MapOptions options, operators::BatchFunction function) const {
  auto description = options.name;
  const bool keeps_rows = options.keeps_rows;
  const std::string type = keeps_rows ? "map" : "flat_map";
  return Apply(std::move(description),
               {.make = [options = std::move(options), function = std::move(function)](
                            const operators::OperatorContext&) -> arrow::Result<std::unique_ptr<operators::Operator>> {
                  return std::make_unique<operators::Map>(options, function);
                },
                .type = type,
                // Rows that are made of a batch have its place: how copies cut batches would be seen.
                .copies_allowed = keeps_rows,
                .own_memory = true});
}

arrow::Result<Stream> Stream::DataQuality(operators::DataQualityOptions options) const {
  const std::string keys = internal::Joined(options.by);
  return Apply(
      "data_quality by " + keys,
      {.make = [options = std::move(options)](
                   const operators::OperatorContext& context) -> arrow::Result<std::unique_ptr<operators::Operator>> {
         return std::make_unique<operators::DataQuality>(options, context);
       },
       .type = "data_quality",
       .keeps_columns = true});
}

arrow::Result<Stream> Stream::Union(const std::vector<Stream>& others) const {
  std::vector<const Plan*> sources;  // One that is there twice gives its rows by several ways.
  const auto add = [&](const Plan& plan) {
    const auto of_one = SourcesOf(plan);
    sources.insert(sources.end(), of_one.begin(), of_one.end());
  };
  add(*plan_);
  for (const auto& other : others) add(*other.plan_);
  std::sort(sources.begin(), sources.end());
  if (std::adjacent_find(sources.begin(), sources.end()) == sources.end()) return United(others);
  ARROW_ASSIGN_OR_RAISE(const auto first, Branch(0));
  std::vector<Stream> branches;
  for (std::size_t i = 0; i < others.size(); ++i) {
    ARROW_ASSIGN_OR_RAISE(auto branch, others[i].Branch(static_cast<int64_t>(i) + 1));
    branches.push_back(std::move(branch));
  }
  return first.United(branches);
}

arrow::Result<Stream> Stream::Branch(int64_t number) const {
  return Apply("branch " + std::to_string(number),
               {.make = [number](const auto&) -> arrow::Result<std::unique_ptr<operators::Operator>> {
                  return std::make_unique<operators::Branch>(number);
                },
                .type = "branch",
                .keeps_columns = true});
}

arrow::Result<Stream> Stream::United(const std::vector<Stream>& others) const {
  std::vector<PlanPtr> inputs = {plan_};
  std::vector<std::optional<AskedEdge>> asked = {asked_};
  for (const auto& other : others) {
    if (!other.schema()->Equals(*schema(), /*check_metadata=*/false)) {
      return data::SchemaError("union: input " + std::to_string(inputs.size()) +
                               " has other columns: " + internal::Difference(*schema(), *other.schema()) +
                               ". Make them alike with select, rename or with_columns.");
    }
    inputs.push_back(other.plan_);
    asked.push_back(other.asked_);
  }
  return With({.description = "union of " + std::to_string(inputs.size()) + ", merged by place",
               .schema = schema(),
               .step = UnionStep{},
               .inputs = std::move(inputs),
               .asked = std::move(asked)});
}

}  // namespace sabot::engine

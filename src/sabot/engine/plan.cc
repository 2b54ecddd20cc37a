#include "sabot/engine/plan.h"

#include <algorithm>

#include "sabot/kernels/options.h"

namespace sabot::engine {
namespace {

void AddSources(const Plan& plan, std::vector<const Plan*>& sources) {
  if (std::holds_alternative<SourceStep>(plan.step) &&
      std::find(sources.begin(), sources.end(), &plan) == sources.end()) {
    sources.push_back(&plan);
  }
  for (const auto& input : plan.inputs) AddSources(*input, sources);
}

std::string Joined(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::string TextOf(const operators::KernelSpec& spec) {
  std::string text;
  for (const auto& [name, value] : spec.options) {
    text += (text.empty() ? "" : ", ") + name + "=" + kernels::ToString(value);
  }
  for (const auto& [role, column] : spec.columns) text += (text.empty() ? "" : ", ") + role + "=" + column;
  std::string outputs;
  for (const auto& [output, name] : spec.outputs) outputs += (outputs.empty() ? " as " : ", ") + name;
  return spec.kernel + "(" + text + ")" + outputs;
}

// What the step is called in checkpoints, if it is.
std::string UidOf(const Plan& plan) { return plan.uid.empty() ? "" : " [uid " + plan.uid + "]"; }

void Write(const Plan& plan, const std::vector<const Plan*>& sources, const std::string& indent, std::string& text) {
  if (std::holds_alternative<SourceStep>(plan.step)) {
    const auto rank = std::find(sources.begin(), sources.end(), &plan) - sources.begin();
    text += indent + "source " + std::to_string(rank) + ": " + plan.description + UidOf(plan) + "\n";
    return;
  }
  const bool merges = std::holds_alternative<UnionStep>(plan.step);
  for (std::size_t at = 0; at < plan.inputs.size(); ++at) {
    const std::string inner = indent + (merges ? "  " : "");
    Write(*plan.inputs[at], sources, inner, text);
    if (at >= plan.asked.size() || !plan.asked[at]) continue;
    const AskedEdge& asked = *plan.asked[at];
    const bool ranged = asked.kind == graph::EdgeKind::kRange;
    text +=
        inner + (ranged ? "partition by range of " + asked.range_by + ": " + asked.range_bounds : "rebalance") + "\n";
  }
  if (const auto* const step = std::get_if<KernelStep>(&plan.step)) {
    const bool one = step->kernels.size() == 1;
    text += indent + (one ? "kernel" : "kernels, one pass") +
            (step->stateful && !step->pair ? " by " + Joined(step->by) : "") + ":";
    for (const auto& kernel : step->kernels) text += (one ? " " : "\n" + indent + "  ") + TextOf(kernel);
    text += UidOf(plan) + "\n";
    return;
  }
  text += indent + plan.description + UidOf(plan) + "\n";
}

}  // namespace

std::vector<const Plan*> SourcesOf(const Plan& plan) {
  std::vector<const Plan*> sources;
  AddSources(plan, sources);
  return sources;
}

std::string Explain(const Plan& plan) {
  std::string text;
  Write(plan, SourcesOf(plan), "", text);
  text += "columns:";
  for (const auto& field : plan.schema->fields()) {
    text += (field == plan.schema->field(0) ? " " : ", ") + field->name() + " " + field->type()->ToString();
  }
  return text;
}

}  // namespace sabot::engine

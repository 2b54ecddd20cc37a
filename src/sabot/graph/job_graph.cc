#include "sabot/graph/job_graph.h"

#include <arrow/util/utf8.h>

#include <algorithm>
#include <array>

#include "sabot/data/errors.h"
#include "sabot/graph/json_text.h"

namespace sabot::graph {
namespace {

constexpr std::size_t kNameBytesMax = 200;

// A name of an enum in another case is one as well.
template <class Enum, std::size_t n>
arrow::Result<Enum> Parse(std::string_view what, std::string_view text, const std::array<Enum, n>& all) {
  std::vector<std::string> names;
  for (const Enum each : all) {
    const std::string_view name = ToString(each);
    const bool same = std::equal(name.begin(), name.end(), text.begin(), text.end(),
                                 [](char a, char b) { return (a | 0x20) == (b | 0x20); });
    if (same) return each;
    names.emplace_back(name);
  }
  return data::OptionError("unknown " + std::string(what) + " '" + std::string(text) + "'." +
                           data::NearestNames(text, names));
}

bool IsIdLetter(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9') ||
         letter == '_' || letter == '-' || letter == '.';
}

// Ids become names of files and of metrics.
arrow::Status CheckId(const std::string& what, const std::string& id) {
  if (id.empty()) return data::OptionError(what + " is empty. Give it a name, such as 'prices'.");
  if (id.size() > kNameBytesMax) {
    return data::OptionError(what + " has " + std::to_string(id.size()) + " letters; 200 at most.");
  }
  if (id.front() == '.' || !std::all_of(id.begin(), id.end(), IsIdLetter)) {
    return data::OptionError(what + " is " + Dump(Json(id)) +
                             ". Use letters, digits, '_', '-' and '.', and no '.' first.");
  }
  return arrow::Status::OK();
}

arrow::Status CheckText(const std::string& what, const std::string& text) {
  arrow::util::InitializeUTF8();
  const bool printable =
      std::none_of(text.begin(), text.end(), [](char letter) { return static_cast<unsigned char>(letter) < 0x20; });
  if (printable && arrow::util::ValidateUTF8(text)) return arrow::Status::OK();
  return data::OptionError(what + " is " + Dump(Json(text)) + ". Use UTF-8 text without control characters.");
}

arrow::Status CheckColumns(const std::string& what, const std::vector<std::string>& columns) {
  for (auto column = columns.begin(); column != columns.end(); ++column) {
    if (column->empty()) return data::OptionError(what + " names a column ''. Give the column's name.");
    ARROW_RETURN_NOT_OK(CheckText("a column of " + what, *column));
    if (std::find(columns.begin(), column, *column) != column) {
      return data::OptionError(what + " names column '" + *column + "' twice. Name it once.");
    }
  }
  return arrow::Status::OK();
}

arrow::Status CheckRange(const std::string& who, const Edge& edge) {
  if (edge.kind != EdgeKind::kRange) {
    if (edge.range_by.empty() && edge.range_bounds == "[]") return arrow::Status::OK();
    return data::OptionError(who +
                             " has range_by or range_bounds, but is not of kind RANGE. Make it that, or leave "
                             "them out.");
  }
  if (edge.range_by.size() != 1) {
    return data::OptionError(who + ": range_by names " + std::to_string(edge.range_by.size()) +
                             " columns. A RANGE edge needs one.");
  }
  ARROW_RETURN_NOT_OK(CheckColumns(who + ": range_by", edge.range_by));
  ARROW_ASSIGN_OR_RAISE(const Json bounds, ParseJson(edge.range_bounds, who + ": range_bounds"));
  if (!bounds.is_array()) return data::OptionError(who + ": range_bounds is no array: " + edge.range_bounds + ".");
  for (std::size_t at = 0; at < bounds.size(); ++at) {
    if (!bounds[at].is_number() && !bounds[at].is_string()) {
      return data::OptionError(who + ": range_bounds[" + std::to_string(at) + "] is " + Dump(bounds[at]) +
                               ". Bounds are numbers, or text.");
    }
    if (at == 0) continue;
    if (bounds[at].is_string() != bounds[at - 1].is_string()) {
      return data::OptionError(who + ": range_bounds mixes numbers and text: " + Dump(bounds[at - 1]) + " before " +
                               Dump(bounds[at]) + ". Bounds have the type of the column.");
    }
    if (!(bounds[at - 1] < bounds[at])) {
      return data::OptionError(who + ": range_bounds do not ascend: " + Dump(bounds[at - 1]) + " stands before " +
                               Dump(bounds[at]) + ". Sort them, and leave repeated ones out.");
    }
  }
  return arrow::Status::OK();
}

}  // namespace

std::string_view ToString(EdgeKind kind) {
  switch (kind) {
    case EdgeKind::kForward:
      return "FORWARD";
    case EdgeKind::kHash:
      return "HASH";
    case EdgeKind::kRebalance:
      return "REBALANCE";
    case EdgeKind::kBroadcast:
      return "BROADCAST";
    case EdgeKind::kRange:
      return "RANGE";
  }
  return "?";
}

arrow::Result<EdgeKind> EdgeKindOf(std::string_view text) {
  return Parse(
      "kind of edge", text,
      std::array{EdgeKind::kForward, EdgeKind::kHash, EdgeKind::kRebalance, EdgeKind::kBroadcast, EdgeKind::kRange});
}

std::string_view ToString(Ordering ordering) { return ordering == Ordering::kPlace ? "place" : "arrival"; }

arrow::Result<Ordering> OrderingOf(std::string_view text) {
  return Parse("ordering", text, std::array{Ordering::kPlace, Ordering::kArrival});
}

arrow::Status JobGraph::Check() const {
  ARROW_RETURN_NOT_OK(CheckId("the job's id", job_id_));
  if (key_groups_ >= 1 && key_groups_ <= kKeyGroupsMax) return arrow::Status::OK();
  return data::OptionError("job '" + job_id_ + "': key_groups must be from 1 to " + std::to_string(kKeyGroupsMax) +
                           ", found " + std::to_string(key_groups_) + ".");
}

arrow::Status JobGraph::Add(Operator added) {
  ARROW_RETURN_NOT_OK(Check());
  ARROW_RETURN_NOT_OK(CheckId("the operator's id", added.id));
  const std::string who = "operator '" + added.id + "'";
  if (Find(added.id) != nullptr) {
    return data::OptionError(who + " exists already in job '" + job_id_ + "'. Give one of the two another id.");
  }
  if (operators_.size() == kOperatorsMax) {
    return data::OptionError(who + ": a job has at most " + std::to_string(kOperatorsMax) + " operators.");
  }
  if (added.name.empty()) added.name = added.id;
  ARROW_RETURN_NOT_OK(CheckText(who + ": the name", added.name));
  const auto is_type_letter = [](char letter) { return (letter >= 'a' && letter <= 'z') || letter == '_'; };
  if (added.type.empty() || !std::all_of(added.type.begin(), added.type.end(), is_type_letter)) {
    return data::OptionError(who + ": the type is " + Dump(Json(added.type)) +
                             ". Use lower-case letters and '_', such as 'map' or 'source'.");
  }
  if (added.parallelism < 1 || added.parallelism > key_groups_) {
    return data::OptionError(who + ": parallelism must be from 1 to " + std::to_string(key_groups_) +
                             ", the job's key groups, found " + std::to_string(added.parallelism) +
                             (added.parallelism < 1 ? "." : ". Lower it, or give the job more key_groups."));
  }
  if (added.stateful && added.key_by.empty() && added.parallelism != 1 && added.type != "source" &&
      added.type != "sink") {
    return data::OptionError(who + " keeps state without a key, so parallelism must be 1, found " +
                             std::to_string(added.parallelism) + ". Name its key in key_by, or lower parallelism.");
  }
  if (added.type == "source" && !added.key_by.empty()) {
    return data::OptionError(who +
                             " is a source, which no rows come to: key_by says nothing. Name in partitioned_by "
                             "the keys that its partitions hold apart.");
  }
  if (added.type != "source" && !added.partitioned_by.empty()) {
    return data::OptionError(who + " is no source, so partitioned_by says nothing. Leave it out.");
  }
  ARROW_RETURN_NOT_OK(CheckColumns(who + ": key_by", added.key_by));
  ARROW_RETURN_NOT_OK(CheckColumns(who + ": partitioned_by", added.partitioned_by));
  ARROW_ASSIGN_OR_RAISE(const Json parameters, ParseJson(added.parameters, who + ": parameters"));
  if (!parameters.is_object()) return data::OptionError(who + ": parameters is no JSON object.");
  added.parameters = Dump(parameters);  // One spelling, so that equal graphs are equal.

  index_.emplace(added.id, static_cast<int>(operators_.size()));
  takers_.emplace_back();
  operators_.push_back(std::move(added));
  return arrow::Status::OK();
}

arrow::Status JobGraph::Connect(Edge edge) {
  ARROW_ASSIGN_OR_RAISE(const int from, IndexOf(edge.from));
  ARROW_ASSIGN_OR_RAISE(const int to, IndexOf(edge.to));
  const std::string who = "edge '" + edge.from + "' -> '" + edge.to + "'";
  if (operators_[from].type == "sink") {
    return data::OptionError(who + ": '" + edge.from + "' is a sink, which no rows leave. Connect what feeds it.");
  }
  if (operators_[to].type == "source") {
    return data::OptionError(who + ": '" + edge.to +
                             "' is a source, which takes no rows. Swap the two, or use a union.");
  }
  if (edge.input < 0 || edge.input >= kInputsMax) {
    return data::OptionError(who + ": input must be from 0 to " + std::to_string(kInputsMax - 1) + ", found " +
                             std::to_string(edge.input) + ".");
  }
  for (const Edge& other : edges_) {
    if (other.to != edge.to || other.input != edge.input) continue;
    return data::OptionError(who + ": input " + std::to_string(edge.input) + " of '" + edge.to +
                             "' takes the rows of '" + other.from +
                             "' already. Give this edge another input, or leave it out.");
  }
  if (edges_.size() == kEdgesMax) {
    return data::OptionError(who + ": a job has at most " + std::to_string(kEdgesMax) + " edges.");
  }
  if (edge.spill != "never" && edge.spill != "overflow" && edge.spill != "always") {
    return data::OptionError(who + ": spill is " + Dump(Json(edge.spill)) +
                             ". It is 'never', 'overflow' (to disk, where there is no room) or 'always'.");
  }
  ARROW_RETURN_NOT_OK(CheckRange(who, edge));
  if (edge.kind == EdgeKind::kRange) edge.range_bounds = Dump(Json::parse(edge.range_bounds));

  // Depth first from the receiver: whoever reaches the sender closes a cycle.
  std::vector<int> came_from(operators_.size(), -1);
  std::vector<int> open = {to};
  came_from[to] = to;
  while (!open.empty() && came_from[from] == -1) {
    const int next = open.back();
    open.pop_back();
    for (const int taker : takers_[next]) {
      if (came_from[taker] != -1) continue;
      came_from[taker] = next;
      open.push_back(taker);
    }
  }
  if (came_from[from] != -1) {
    std::string cycle = edge.to;
    for (int at = from; at != to; at = came_from[at]) cycle = operators_[at].id + " -> " + cycle;
    return data::OptionError(who + " closes a cycle: " + edge.to + " -> " + cycle +
                             ". Rows flow one way: leave one of these edges out.");
  }
  takers_[from].push_back(to);
  edges_.push_back(std::move(edge));
  return arrow::Status::OK();
}

const Operator* JobGraph::Find(std::string_view id) const {
  const auto found = index_.find(id);
  return found == index_.end() ? nullptr : &operators_[found->second];
}

arrow::Result<int> JobGraph::IndexOf(std::string_view id) const {
  const auto found = index_.find(id);
  if (found != index_.end()) return found->second;
  std::vector<std::string> ids;
  for (const Operator& op : operators_) ids.push_back(op.id);
  return data::OptionError("job '" + job_id_ + "' has no operator '" + std::string(id) + "'." +
                           (ids.empty() ? " Add it first." : data::NearestNames(id, ids)));
}

}  // namespace sabot::graph

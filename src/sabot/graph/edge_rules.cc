#include "sabot/graph/edge_rules_internal.h"

#include <algorithm>

#include "sabot/data/errors.h"
#include "sabot/graph/json_text.h"

namespace sabot::graph {
namespace {

using Names = std::vector<std::string>;

// What tells the copy that has a row: nothing known, the key-group table of a key, the partitions of a source, or
// bounds.
struct Division {
  enum Kind { kNone, kKeyGroups, kSource, kBounds } kind = kNone;
  Names columns = {};
  int source = -1;
  std::string bounds = {};

  // Whether rows of one key are on one copy. By key groups the key must be the same one, since its state is stored, and
  // moved, by group.
  bool Holds(const Names& key) const {
    if (kind == kKeyGroups) return columns == key;
    return kind == kSource && std::all_of(columns.begin(), columns.end(), [&](const std::string& column) {
             return std::find(key.begin(), key.end(), column) != key.end();
           });
  }
  bool operator==(const Division&) const = default;
};

class Rules {
 public:
  explicit Rules(const JobGraph& job) : job_(job), decided_(job.edges().size()), out_(job.operators().size()) {}

  arrow::Result<std::vector<DecidedEdge>> Decide(const std::vector<int>& order) {
    std::vector<std::vector<int>> inputs(job_.operators().size());
    for (std::size_t at = 0; at < decided_.size(); ++at) {
      ARROW_ASSIGN_OR_RAISE(decided_[at].from, job_.IndexOf(job_.edges()[at].from));
      ARROW_ASSIGN_OR_RAISE(decided_[at].to, job_.IndexOf(job_.edges()[at].to));
      inputs[decided_[at].to].push_back(static_cast<int>(at));
    }
    for (const int op : order) ARROW_RETURN_NOT_OK(Enter(op, inputs[op]));
    return std::move(decided_);
  }

 private:
  const Operator& At(int op) const { return job_.operators()[op]; }

  arrow::Status Enter(int op, const std::vector<int>& inputs) {
    const Operator& receiver = At(op);
    if (receiver.type == "source") {
      if (!receiver.partitioned_by.empty())
        out_[op] = {.kind = Division::kSource, .columns = receiver.partitioned_by, .source = op};
      return arrow::Status::OK();
    }
    const bool alike = DividedAlike(inputs);
    for (const int at : inputs) {
      if (job_.edges()[at].kind) {
        ARROW_RETURN_NOT_OK(CheckAskedFor(at, alike));
      } else {
        Choose(at, alike);
      }
    }
    ARROW_RETURN_NOT_OK(CheckTogether(receiver, inputs));
    if (receiver.keeps_columns && !inputs.empty()) out_[op] = Common(inputs);
    return arrow::Status::OK();
  }

  // Whether all inputs could stay as they are divided.
  bool DividedAlike(const std::vector<int>& inputs) const {
    return std::all_of(inputs.begin(), inputs.end(), [&](int at) {
      const EdgeKind kind = job_.edges()[at].kind.value_or(EdgeKind::kForward);
      if (kind == EdgeKind::kBroadcast) return true;  // Each copy has all of them.
      return kind == EdgeKind::kForward && out_[decided_[at].from] == out_[decided_[inputs[0]].from];
    });
  }

  bool Proved(int at, bool alike) const {
    const Operator &sender = At(decided_[at].from), &receiver = At(decided_[at].to);
    const Division& division = out_[decided_[at].from];
    return sender.parallelism == receiver.parallelism && division.Holds(receiver.key_by) &&
           (alike || division.kind == Division::kKeyGroups);
  }

  void Choose(int at, bool alike) {
    DecidedEdge& edge = decided_[at];
    const Operator &sender = At(edge.from), &receiver = At(edge.to);
    const bool equal = sender.parallelism == receiver.parallelism;
    const std::string copies =
        std::to_string(sender.parallelism) + " copies to " + std::to_string(receiver.parallelism);
    if (equal && sender.parallelism == 1) {
      edge.kind = EdgeKind::kForward;
      edge.why = "one copy each";
    } else if (receiver.key_by.empty()) {
      edge.kind = equal ? EdgeKind::kForward : EdgeKind::kRebalance;
      edge.why = equal ? "as many copies, and no key" : copies + ", and no key";
    } else if (Proved(at, alike)) {
      const Division& division = out_[edge.from];
      edge.kind = EdgeKind::kForward;
      edge.why = "divided by " + Listed(division.columns) + " already" +
                 (division.kind == Division::kSource ? ", says source '" + At(division.source).id + "'" : "");
    } else {
      edge.kind = EdgeKind::kHash;
      edge.why = equal ? "nothing proves that the copies of '" + sender.id + "' hold different keys" : copies;
    }
  }

  arrow::Status CheckAskedFor(int at, bool alike) {
    const Edge& asked = job_.edges()[at];
    DecidedEdge& edge = decided_[at];
    const Operator &sender = At(edge.from), &receiver = At(edge.to);
    edge.kind = *asked.kind;
    edge.why = "asked for";
    const std::string who = "edge '" + sender.id + "' -> '" + receiver.id + "'";
    const bool keyed = !receiver.key_by.empty() && receiver.parallelism > 1;
    const std::string key = "'" + receiver.id + "' keeps rows of one " + Listed(receiver.key_by) + " together";
    switch (edge.kind) {
      case EdgeKind::kForward:
        if (sender.parallelism != receiver.parallelism) {
          return data::OptionError(who + ": FORWARD goes from copy to copy, but '" + sender.id + "' has " +
                                   std::to_string(sender.parallelism) + " and '" + receiver.id + "' " +
                                   std::to_string(receiver.parallelism) +
                                   ". Give both the same parallelism, or leave the kind out.");
        }
        if (keyed && !Proved(at, alike)) {
          return data::OptionError(who + ": " + key + ", and nothing proves that the copies of '" + sender.id +
                                   "' hold different ones. Leave the kind out, or say partitioned_by at the source and "
                                   "keeps_columns at what stands between.");
        }
        return arrow::Status::OK();
      case EdgeKind::kHash:
        if (!receiver.key_by.empty()) return arrow::Status::OK();
        return data::OptionError(who + ": HASH goes by the key of '" + receiver.id +
                                 "', which has none. Name it in key_by, or leave the kind out.");
      case EdgeKind::kRebalance:
        if (!keyed) return arrow::Status::OK();
        return data::OptionError(who + ": " + key + ", which REBALANCE does not. Leave the kind out.");
      case EdgeKind::kBroadcast:
        return arrow::Status::OK();
      case EdgeKind::kRange:
        break;
    }
    const auto bounds = Json::parse(asked.range_bounds).size();
    if (static_cast<int>(bounds) != receiver.parallelism - 1) {
      return data::OptionError(who + ": '" + receiver.id + "' has " + std::to_string(receiver.parallelism) +
                               " copies, so range_bounds needs " + std::to_string(receiver.parallelism - 1) +
                               " bounds, found " + std::to_string(bounds) + ".");
    }
    if (keyed &&
        std::find(receiver.key_by.begin(), receiver.key_by.end(), asked.range_by[0]) == receiver.key_by.end()) {
      return data::OptionError(who + ": " + key + ", which a RANGE of " + Listed(asked.range_by) +
                               " does not. Take a column of the key, or leave the kind out.");
    }
    return arrow::Status::OK();
  }

  // How the rows of one input are divided on arrival.
  Division Arriving(int at) const {
    switch (decided_[at].kind) {
      case EdgeKind::kForward:
        return out_[decided_[at].from];
      case EdgeKind::kHash:
        return {.kind = Division::kKeyGroups, .columns = At(decided_[at].to).key_by};
      case EdgeKind::kRange:
        return {
            .kind = Division::kBounds, .columns = job_.edges()[at].range_by, .bounds = job_.edges()[at].range_bounds};
      default:
        return {};
    }
  }
  Division Common(const std::vector<int>& inputs) const {
    const Division first = Arriving(inputs[0]);
    return std::all_of(inputs.begin(), inputs.end(), [&](int at) { return Arriving(at) == first; }) ? first
                                                                                                    : Division{};
  }

  // Rows of one key meet in one copy, whichever input they come by.
  arrow::Status CheckTogether(const Operator& receiver, std::vector<int> inputs) const {
    std::erase_if(inputs, [&](int at) { return decided_[at].kind == EdgeKind::kBroadcast; });
    if (receiver.key_by.empty() || receiver.parallelism == 1 || inputs.size() < 2) return arrow::Status::OK();
    if (Common(inputs).kind != Division::kNone) return arrow::Status::OK();
    return data::OptionError("operator '" + receiver.id + "' keeps rows of one " + Listed(receiver.key_by) +
                             " together, but its inputs are divided in different ways, as its edges ask for. Ask for "
                             "the same RANGE on all of them, or leave the kinds out.");
  }

  const JobGraph& job_;
  std::vector<DecidedEdge> decided_;
  std::vector<Division> out_;  // By operator: how the rows that leave it are divided.
};

}  // namespace

arrow::Result<std::vector<DecidedEdge>> DecideEdges(const JobGraph& job, const std::vector<int>& order) {
  return Rules(job).Decide(order);
}

std::string Listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "'" : ", '") + name + "'";
  return text;
}

}  // namespace sabot::graph

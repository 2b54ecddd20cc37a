// What a job's tasks and channels did, under the names that docs/reference/metrics.md explains.
#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "sabot/engine/job.h"

namespace sabot::engine {
namespace {

using metrics::Labels;
using metrics::Metric;
using metrics::MetricKind;

constexpr double kNsASecond = 1e9;
constexpr int kHotKeys = 10;

// Metrics in the order in which they were first named.
class Collection {
 public:
  void Add(const std::string& name, const std::string& help, MetricKind kind, const Labels& labels, double value) {
    const auto [at, added] = index_.emplace(name, metrics_.size());
    if (added) metrics_.push_back({.name = name, .help = help, .kind = kind, .samples = {}});
    metrics_[at->second].samples.push_back({.labels = labels, .value = value});
  }
  void Counter(const std::string& name, const std::string& help, const Labels& labels, double value) {
    Add(name, help, MetricKind::kCounter, labels, value);
  }
  void Gauge(const std::string& name, const std::string& help, const Labels& labels, double value) {
    Add(name, help, MetricKind::kGauge, labels, value);
  }
  std::vector<Metric> Take() { return std::move(metrics_); }

 private:
  std::map<std::string, std::size_t> index_;
  std::vector<Metric> metrics_;
};

void AddTask(const TaskCounters& task, const Labels& labels, Collection& to) {
  const double busy = static_cast<double>(task.busy_ns) / kNsASecond;
  const double idle = static_cast<double>(task.idle_ns) / kNsASecond;
  const double pressed = static_cast<double>(task.backpressured_ns) / kNsASecond;
  const double all = busy + idle + pressed;
  to.Counter("sabot_task_steps_total", "Steps that the task made.", labels, static_cast<double>(task.steps));
  to.Counter("sabot_task_busy_seconds_total", "Seconds in steps.", labels, busy);
  to.Counter("sabot_task_idle_seconds_total", "Seconds without input.", labels, idle);
  to.Counter("sabot_task_backpressured_seconds_total", "Seconds without room for output.", labels, pressed);
  const double ratio = all > 0 ? pressed / all : 0;
  to.Gauge("sabot_task_busy_ratio", "Busy, of the time busy, idle or backpressured.", labels, all > 0 ? busy / all : 0);
  to.Gauge("sabot_task_backpressured_ratio", "The same of backpressured; above 0.1 is low, above 0.5 high.", labels,
           ratio);
}

void AddChannel(const shuffle::ChannelCounters& channel, const Labels& labels, Collection& to) {
  const auto value = [](const std::atomic<int64_t>& counter) { return static_cast<double>(counter.load()); };
  to.Counter("sabot_channel_rows_total", "Rows sent.", labels, value(channel.rows_sent));
  to.Counter("sabot_channel_frames_total", "Frames sent, those without rows among them.", labels,
             value(channel.frames_sent));
  to.Counter("sabot_channel_bytes_total", "Bytes of the rows sent, estimated from their columns.", labels,
             value(channel.bytes_sent));
  to.Counter("sabot_channel_credits_waited_total", "Times that the sender found too few credits.", labels,
             value(channel.credits_waited));
  to.Gauge("sabot_channel_credits_held", "Credits of rows sent and not yet released.", labels,
           value(channel.credits_held));
  to.Gauge("sabot_channel_queued_bytes", "Bytes of rows sent and not yet released.", labels,
           value(channel.bytes_queued));
  to.Counter("sabot_channel_spilled_bytes_total", "Bytes written to disk on the way.", labels,
             value(channel.bytes_spilled));
}

}  // namespace

std::vector<Metric> Job::metrics() const {
  Collection collection;
  collection.Counter("sabot_rows_read_total", "Rows that the sources gave.", {}, static_cast<double>(rows_read_));
  collection.Counter("sabot_rows_written_total", "Rows that the sinks took.", {}, static_cast<double>(rows_written()));
  for (int task = first_task_.front(); task < scheduler_->tasks(); ++task) {
    AddTask(scheduler_->counters(task), {{"task", std::string(scheduler_->name(task))}}, collection);
  }
  std::map<std::pair<int, int>, int64_t> newest;  // Frontier of those that lead to a copy of a chain.
  for (const auto& [ends, channel] : channels_) {
    const auto& [index, from, to] = ends;
    const auto& edge = planned_.graph.edges()[static_cast<std::size_t>(index)];
    const auto known = newest.emplace(std::pair(edge.to_chain, to), *channel.frontier_time).first;
    known->second = std::max(known->second, channel.frontier_time->load());
  }
  for (const auto& [ends, channel] : channels_) {
    const auto& [index, from, to] = ends;
    const auto& edge = planned_.graph.edges()[static_cast<std::size_t>(index)];
    const Labels labels = {{"from", TaskName(edge.from_chain, from)}, {"to", TaskName(edge.to_chain, to)}};
    AddChannel(channel.ends.sender->counters(), labels, collection);
    // Where nobody merges by time there is none, and where all was sent, or nothing yet, nothing lags.
    const int64_t mine = *channel.frontier_time;
    const int64_t most = newest[{edge.to_chain, to}];
    if (planned_.carried != Carried::kTimes || mine == data::kBeginPlace.time || most == data::kEndPlace.time) continue;
    collection.Gauge("sabot_channel_frontier_lag_seconds",
                     "Event time by which the channel is behind the one of the same receiver that is furthest.", labels,
                     (static_cast<double>(most) - static_cast<double>(mine)) / kNsASecond);
  }
  for (const auto& edge : hash_edges_) {
    if (!scheduler_->ended()) break;  // Until then they are the tasks'.
    for (const auto& hot : edge.partitioner->hot_keys().Hottest(kHotKeys)) {
      collection.Gauge("sabot_hot_key_share", "At least this share of the rows looked at have the key.",
                       {{"from", edge.from}, {"to", edge.to}, {"key", hot.key}}, hot.share_at_least);
    }
  }
  return collection.Take();
}

}  // namespace sabot::engine

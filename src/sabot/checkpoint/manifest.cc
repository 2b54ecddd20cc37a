#include "sabot/checkpoint/manifest.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "sabot/data/errors.h"
#include "sabot/env/digest.h"

namespace sabot::checkpoint {
namespace {

constexpr std::size_t kNumberDigitsMax = 18;
constexpr std::size_t kFileNameBytesMax = 240;  // File systems allow 255, and a suffix stands behind it.

// One of "017" and "17" only: two names of one checkpoint would be two checkpoints.
bool ParseNumber(std::string_view digits, int64_t& value) {
  if (digits.empty() || digits.size() > kNumberDigitsMax || digits.front() == '0') return false;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return error == std::errc() && end == digits.data() + digits.size() && value > 0;
}

bool IsStateFileName(std::string_view name) {
  const std::size_t slash = name.find('/');
  CheckpointId id;
  return slash != std::string_view::npos && ParseCheckpointId(name.substr(0, slash), id) &&
         IsFileName(name.substr(slash + 1));
}

// Keeps the first mistake.
class Checker {
 public:
  arrow::Status status;

  void Expect(bool holds, const std::string& at, const std::string& found, const std::string& expected) {
    if (status.ok() && !holds)
      status = data::DataError("$." + at + ": found " + found + ", expected " + expected + ".");
  }
  void AtLeast(int64_t least, int64_t value, const std::string& at) {
    Expect(value >= least, at, std::to_string(value), "at least " + std::to_string(least));
  }
  void Text(const std::string& text, const std::string& at) { Expect(!text.empty(), at, "empty text", "a name"); }
  void Files(const std::vector<StateFile>& files, const std::string& at) {
    for (std::size_t i = 0; i < files.size() && status.ok(); ++i) {
      const StateFile& file = files[i];
      const std::string path = at + ".files[" + std::to_string(i) + "]";
      Expect(IsStateFileName(file.name), path + ".name", "'" + file.name + "'", "a name such as '3-17/ewma.0.0.arrow'");
      AtLeast(0, file.bytes, path + ".bytes");
      AtLeast(0, file.rows, path + ".rows");
      Expect(env::IsDigest(file.sha256), path + ".sha256", "'" + file.sha256 + "'", "64 digits of 0-9 and a-f");
    }
  }
  // The copy of an operator, or the partition of a source or sink.
  void Once(const std::string& uid, int number, const std::string& at, const char* what) {
    Text(uid, at + ".uid");
    AtLeast(0, number, at + "." + what);
    Expect(seen_.emplace(at.substr(0, at.find('[')), uid, number).second, at,
           what + (" " + std::to_string(number)) + " of '" + uid + "' twice", "it once");
  }

 private:
  std::set<std::tuple<std::string, std::string, int>> seen_;
};

std::string At(const char* list, std::size_t index) { return list + ("[" + std::to_string(index) + "]"); }

}  // namespace

std::string CheckpointId::ToString() const { return std::to_string(attempt) + "-" + std::to_string(number); }

bool ParseCheckpointId(std::string_view text, CheckpointId& id) {
  const std::size_t dash = text.find('-');
  return dash != std::string_view::npos && ParseNumber(text.substr(0, dash), id.attempt) &&
         ParseNumber(text.substr(dash + 1), id.number);
}

bool IsFileName(std::string_view name) {
  return !name.empty() && name.size() <= kFileNameBytesMax && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
                  c == '.';
         });
}

arrow::Status Manifest::Check() const {
  Checker check;
  check.Text(job_id, "job_id");
  check.AtLeast(1, id.attempt, "attempt");
  check.AtLeast(1, id.number, "number");
  check.Expect(env::IsDigest(plan_digest), "plan_digest", "'" + plan_digest + "'", "64 digits of 0-9 and a-f");
  check.Expect(key_groups >= 1 && key_groups <= graph::kKeyGroupsMax, "key_groups", std::to_string(key_groups),
               "1 to " + std::to_string(graph::kKeyGroupsMax));
  for (std::size_t i = 0; i < operators.size() && check.status.ok(); ++i) {
    const OperatorState& op = operators[i];
    check.Once(op.uid, op.copy, At("operators", i), "copy");
    check.Text(op.type, At("operators", i) + ".type");
    check.Expect(op.form == kFormTables || op.form == kFormFiles, At("operators", i) + ".form", "'" + op.form + "'",
                 "'tables' or 'files'");
    check.Files(op.files, At("operators", i));
  }
  for (std::size_t i = 0; i < sources.size() && check.status.ok(); ++i) {
    check.Once(sources[i].uid, sources[i].partition, At("sources", i), "partition");
    check.AtLeast(0, sources[i].offset, At("sources", i) + ".offset");
  }
  for (std::size_t i = 0; i < sinks.size() && check.status.ok(); ++i) {
    check.Once(sinks[i].uid, sinks[i].partition, At("sinks", i), "partition");
    const SinkState& sink = sinks[i];
    check.AtLeast(0, sink.rows_per_file, At("sinks", i) + ".rows_per_file");
    check.AtLeast(0, sink.durable, At("sinks", i) + ".durable");
    check.AtLeast(sink.durable, sink.rows, At("sinks", i) + ".rows");
    check.AtLeast(0, sink.files_begin, At("sinks", i) + ".files_begin");
    int64_t end = sink.files_begin;
    for (const StateFile& file : sink.files) end += file.rows;
    check.Expect(sink.rows == sink.durable || (sink.files_begin <= sink.durable && sink.rows <= end), At("sinks", i),
                 "files of the rows from " + std::to_string(sink.files_begin) + " to " + std::to_string(end),
                 "those from " + std::to_string(sink.durable) + " to " + std::to_string(sink.rows));
    check.Files(sinks[i].files, At("sinks", i));
  }
  return check.status;
}

std::vector<StateFile> FilesOf(const Manifest& manifest) {
  std::vector<StateFile> files;
  for (const auto& op : manifest.operators) files.insert(files.end(), op.files.begin(), op.files.end());
  for (const auto& sink : manifest.sinks) files.insert(files.end(), sink.files.begin(), sink.files.end());
  return files;
}

}  // namespace sabot::checkpoint

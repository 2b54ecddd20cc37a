// A manifest as JSON, version 1. Every member is there:
//   {"version": 1, "job_id": "prices", "attempt": 3, "number": 17, "plan_digest": "9f...", "key_groups": 256,
//    "cut": {"time": 0, "source": 0, "offset": 0, "path": 0},
//    "operators": [{"uid": "fast", "copy": 0, "type": "kernel", "key_by": ["symbol"], "form": "tables",
//                   "files": [{"name": "3-17/fast.0.0.arrow", "bytes": 1234, "sha256": "e3...", "rows": 12}]}],
//    "sources": [{"uid": "ticks", "partition": 0, "offset": 4096, "time": 0, "ended": false}],
//    "sinks": [{"uid": "out", "partition": 0, "rows": 4096, "rows_per_file": 1024, "durable": 4096,
//               "files_begin": 4096, "files": []}],
//    "ended": [], "decisions": {"attempt": 3, "number": 1}, "created_ms": 0, "sha256": "..."}
// The last is the digest of all before it, written without spaces.
#include "sabot/checkpoint/manifest.h"
#include "sabot/data/errors.h"
#include "sabot/env/digest.h"
#include "sabot/graph/json_text.h"

namespace sabot::checkpoint {
namespace {

using graph::Json;
using graph::ObjectReader;

constexpr int kVersion = 1;

Json FilesJson(const std::vector<StateFile>& files) {
  Json json = Json::array();
  for (const StateFile& file : files) {
    json.push_back({{"name", file.name}, {"bytes", file.bytes}, {"sha256", file.sha256}, {"rows", file.rows}});
  }
  return json;
}

Json JsonOf(const OperatorState& op) {
  return {{"uid", op.uid},       {"copy", op.copy}, {"type", op.type},
          {"key_by", op.key_by}, {"form", op.form}, {"files", FilesJson(op.files)}};
}

Json JsonOf(const SourceState& source) {
  return {{"uid", source.uid},
          {"partition", source.partition},
          {"offset", source.offset},
          {"time", source.time},
          {"ended", source.ended}};
}

Json JsonOf(const SinkState& sink) {
  return {{"uid", sink.uid},
          {"partition", sink.partition},
          {"rows", sink.rows},
          {"rows_per_file", sink.rows_per_file},
          {"durable", sink.durable},
          {"files_begin", sink.files_begin},
          {"files", FilesJson(sink.files)}};
}

template <class State>
Json ListJson(const std::vector<State>& states) {
  Json json = Json::array();
  for (const State& state : states) json.push_back(JsonOf(state));
  return json;
}

std::string At(const std::string& path, const char* list, std::size_t index) {
  return path + "." + list + "[" + std::to_string(index) + "]";
}

// Reads `name`, a list of objects, by `read`, which takes each one's reader.
template <class State, class Read>
void ReadList(ObjectReader& reader, const char* name, std::string_view what, std::vector<State>& states, Read read) {
  const Json* const list = reader.Array(name, /*required=*/true);
  for (std::size_t index = 0; list != nullptr && index < list->size(); ++index) {
    ObjectReader member((*list)[index], At(reader.path(), name, index), what);
    read(member, states.emplace_back());
    if (const auto status = member.Finish(); !status.ok()) return reader.Keep(status);
  }
}

void Read(ObjectReader& reader, StateFile& file) {
  reader.Read("name", file.name, true);
  reader.Read("bytes", file.bytes, true);
  reader.Read("sha256", file.sha256, true);
  reader.Read("rows", file.rows, true);
}

void ReadFiles(ObjectReader& reader, std::string_view what, std::vector<StateFile>& files) {
  ReadList(reader, "files", what, files, [](ObjectReader& member, StateFile& file) { Read(member, file); });
}

arrow::Result<Manifest> ReadManifest(const Json& json, std::string_view what) {
  Manifest manifest;
  int version = 0;
  std::string digest;
  ObjectReader reader(json, "$", what);
  reader.Read("version", version, true);
  if (json.is_object() && json.contains("version") && version != kVersion) {
    reader.Fail("$.version", "found " + json["version"].dump() + ", expected " + std::to_string(kVersion) +
                                 ". Use the Sabot that wrote it.");
  }
  reader.Read("job_id", manifest.job_id, true);
  reader.Read("attempt", manifest.id.attempt, true);
  reader.Read("number", manifest.id.number, true);
  reader.Read("plan_digest", manifest.plan_digest, true);
  reader.Read("key_groups", manifest.key_groups, true);
  if (const Json* const cut = reader.Find("cut"); cut != nullptr) {
    ObjectReader member(*cut, "$.cut", what);
    member.Read("time", manifest.cut.time, true);
    member.Read("source", manifest.cut.source, true);
    member.Read("offset", manifest.cut.offset, true);
    member.Read("path", manifest.cut.path, true);
    reader.Keep(member.Finish());
  } else {
    reader.Fail("$", "the member 'cut' is missing. It is an object.");
  }
  ReadList(reader, "operators", what, manifest.operators, [&](ObjectReader& member, OperatorState& op) {
    member.Read("uid", op.uid, true);
    member.Read("copy", op.copy, true);
    member.Read("type", op.type, true);
    static_cast<void>(member.Array("key_by", true));
    member.Read("key_by", op.key_by);
    member.Read("form", op.form, true);
    ReadFiles(member, what, op.files);
  });
  ReadList(reader, "sources", what, manifest.sources, [](ObjectReader& member, SourceState& source) {
    member.Read("uid", source.uid, true);
    member.Read("partition", source.partition, true);
    member.Read("offset", source.offset, true);
    member.Read("time", source.time, true);
    member.Read("ended", source.ended, true);
  });
  ReadList(reader, "sinks", what, manifest.sinks, [&](ObjectReader& member, SinkState& sink) {
    member.Read("uid", sink.uid, true);
    member.Read("partition", sink.partition, true);
    member.Read("rows", sink.rows, true);
    member.Read("rows_per_file", sink.rows_per_file, true);
    member.Read("durable", sink.durable, true);
    member.Read("files_begin", sink.files_begin, true);
    ReadFiles(member, what, sink.files);
  });
  static_cast<void>(reader.Array("ended", true));
  reader.Read("ended", manifest.ended);
  if (const Json* const decisions = reader.Find("decisions"); decisions != nullptr) {
    ObjectReader member(*decisions, "$.decisions", what);
    member.Read("attempt", manifest.decisions.attempt, true);
    member.Read("number", manifest.decisions.number, true);
    reader.Keep(member.Finish());
  } else {
    reader.Fail("$", "the member 'decisions' is missing. It is an object.");
  }
  reader.Read("created_ms", manifest.created_ms, true);
  reader.Read("sha256", digest, true);
  ARROW_RETURN_NOT_OK(reader.Finish());
  if (const auto status = manifest.Check(); !status.ok()) {
    return data::DataError(std::string(what) + ": " + status.message());
  }
  Json digested = json;
  digested.erase("sha256");
  ARROW_ASSIGN_OR_RAISE(const std::string expected, env::DigestOf(graph::Dump(digested)));
  if (digest != expected) {
    return data::DataError(std::string(what) + ": $.sha256: found '" + digest + "', expected '" + expected +
                           "': the manifest was changed after it was written. Use another checkpoint.");
  }
  return manifest;
}

}  // namespace

arrow::Result<std::string> Manifest::ToJson() const {
  ARROW_RETURN_NOT_OK(Check());
  Json json = {{"version", kVersion},
               {"job_id", job_id},
               {"attempt", id.attempt},
               {"number", id.number},
               {"plan_digest", plan_digest},
               {"key_groups", key_groups},
               {"cut", {{"time", cut.time}, {"source", cut.source}, {"offset", cut.offset}, {"path", cut.path}}},
               {"operators", ListJson(operators)},
               {"sources", ListJson(sources)},
               {"sinks", ListJson(sinks)},
               {"ended", ended},
               {"decisions", {{"attempt", decisions.attempt}, {"number", decisions.number}}},
               {"created_ms", created_ms}};
  ARROW_ASSIGN_OR_RAISE(json["sha256"], env::DigestOf(graph::Dump(json)));
  return graph::Dump(json, 2) + "\n";
}

arrow::Result<Manifest> Manifest::FromJson(std::string_view text, std::string_view file) {
  const std::string what = "manifest '" + std::string(file) + "'";
  const auto as_data = [](const arrow::Status& status) { return data::DataError(status.message()); };
  const auto json = graph::ParseJson(text, what);
  if (!json.ok()) return as_data(json.status());
  auto manifest = ReadManifest(*json, what);
  if (!manifest.ok() && data::KindOf(manifest.status())) return as_data(manifest.status());
  return manifest;
}

arrow::Result<std::string> PlanDigest(const graph::JobGraph& job) {
  Json json = Json::parse(job.ToJson());
  for (Json& op : json["operators"]) op.erase("parallelism");
  return env::DigestOf(graph::Dump(json));
}

}  // namespace sabot::checkpoint

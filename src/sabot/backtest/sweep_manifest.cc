#include <arrow/util/io_util.h>

#include <cerrno>

#include "sabot/backtest/sweep_manifest_internal.h"
#include "sabot/data/errors.h"
#include "sabot/data/version.h"
#include "sabot/env/digest.h"
#include "sabot/graph/json_text.h"

namespace sabot::backtest::internal {
namespace {

using graph::Json;

constexpr int kVersionOfFile = 1;

arrow::Result<std::string> DigestOfFile(const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(const auto where, env::StorageOf(path));
  ARROW_ASSIGN_OR_RAISE(const auto file, where.storage->OpenInput(where.path));
  return env::DigestOf(*file);
}

// A member that both have, as a message shows it.
std::string Shown(const Json& json) {
  std::string text = graph::Dump(json);
  return text.size() <= 60 ? text : text.substr(0, 57) + "...";
}

// The first place in which two configurations differ.
std::string Difference(const Json& there, const Json& here) {
  const Json patch = Json::diff(there, here);
  if (patch.empty()) return "";
  const std::string path = patch[0]["path"];
  const Json::json_pointer at(path);
  const auto shown = [&](const Json& json) { return json.contains(at) ? Shown(json[at]) : std::string("not given"); };
  return path.substr(1) + " is " + shown(there) + " there and " + shown(here) + " here";
}

std::string DifferentTicks(const Json& there, const Json& here) {
  for (const auto& [security, digest] : here.items()) {
    if (!there.contains(security)) return "it has no " + security;
    if (there[security] != digest) return "the ticks of " + security + " are others now";
  }
  for (const auto& [security, digest] : there.items()) {
    if (!here.contains(security)) return "it has " + security + " as well";
  }
  return there == here ? "" : "its securities are in another order";
}

// What it came to there is not what this code comes to.
std::string DifferentCode(const Json& here) {
  return "it was computed by other code of the strategy " + Shown(here["strategy"]) +
         ": its library or module was changed since, or is another one. To go on, take the one that was there";
}

std::string DifferentSweep(const Json& there, const Json& here) {
  for (const char* name : {"sabot", "strategy", "code", "parameters", "sets"}) {
    if (!there.contains(name)) return std::string("it does not say its ") + name;
    if (there[name] == here[name]) continue;
    if (std::string_view(name) == "code") return DifferentCode(here);
    return std::string(name) + " is " + Shown(there[name]) + " there and " + Shown(here[name]) + " here";
  }
  if (!there.contains("ticks") || !there["ticks"].is_object()) return "it does not say its ticks";
  if (auto ticks = DifferentTicks(there["ticks"], here["ticks"]); !ticks.empty()) return ticks;
  if (auto config = Difference(there.value("config", Json()), here["config"]); !config.empty()) return config;
  return there == here ? "" : "its parameter sets are others";
}

}  // namespace

arrow::Result<std::string> SweepManifest(const SweepPlan& plan) {
  Json json;
  json["sweep"] = kVersionOfFile;
  json["sabot"] = kVersion;
  json["strategy"] = plan.run.strategy.name;
  json["code"] = plan.run.strategy.code;
  json["parameters"] = plan.sets.names;
  json["sets"] = plan.sets.size();
  ARROW_ASSIGN_OR_RAISE(json["sets_digest"], env::DigestOf(plan.sets.ToJson()));
  std::vector<std::string> securities;
  Json& ticks = json["ticks"] = Json::object();
  for (const auto& security : plan.securities) {
    securities.push_back(security.security);
    auto digest = DigestOfFile(security.path);
    if (digest.status().IsCancelled()) return digest.status();
    ticks[security.security] = digest.ok() ? *digest : "cannot be read";
  }
  ARROW_ASSIGN_OR_RAISE(json["config"], graph::ParseJson(plan.run.config.ToJson(securities), "sweep"));
  return graph::Dump(json, 2) + "\n";
}

arrow::Status CheckSameSweep(env::Storage& storage, const std::string& path, const std::string& folder,
                             const std::string& manifest) {
  const auto opened = storage.OpenInput(path);
  if (!opened.ok()) {
    const bool missing = arrow::internal::ErrnoFromStatus(opened.status()) == ENOENT;
    return missing ? arrow::Status::OK() : opened.status();
  }
  ARROW_ASSIGN_OR_RAISE(const int64_t bytes, (*opened)->GetSize());
  ARROW_ASSIGN_OR_RAISE(const auto text, (*opened)->Read(bytes));
  const std::string advice = ". Give another folder, or forget what it holds with restart (--restart).";
  const auto there = graph::ParseJson(static_cast<std::string_view>(*text), "sweep");
  if (!there.ok() || !there->is_object()) {
    return data::OptionError("sweep: '" + folder + "' holds a " + kManifestFileName +
                             " that is of no sweep which Sabot began" + advice);
  }
  ARROW_ASSIGN_OR_RAISE(const Json here, graph::ParseJson(manifest, "sweep"));
  const std::string different = DifferentSweep(*there, here);
  if (different.empty()) return arrow::Status::OK();
  return data::OptionError("sweep: '" + folder + "' holds another sweep: " + different + advice);
}

}  // namespace sabot::backtest::internal

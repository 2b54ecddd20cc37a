// Strict reading of JSON: every mistake is an error that says where it stands, as a path such as $.operators[2].id.
// For sources only: it brings nlohmann-json with it.
#pragma once

#include <arrow/result.h>
#include <arrow/status.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sabot::graph {

using Json = nlohmann::ordered_json;

// Errors (kOption), which begin with `what`: no JSON, with line and column; a member that stands twice; an integer that
// 64 bits do not hold; more than 100 levels; more than 64 MB.
arrow::Result<Json> ParseJson(std::string_view text, std::string_view what);

// The text as it stands in JSON; `text` must be UTF-8.
std::string Dump(const Json& json, int indent = -1);

// The members of an object, taken one by one. The first mistake is kept and every later call does nothing.
class ObjectReader {
 public:
  ObjectReader(const Json& json, std::string path, std::string_view what);

  // An absent member leaves the value as it is, unless it is required.
  void Read(const char* name, std::string& value, bool required = false);
  void Read(const char* name, int& value, bool required = false);
  void Read(const char* name, int64_t& value, bool required = false);
  void Read(const char* name, bool& value, bool required = false);
  void Read(const char* name, std::vector<std::string>& value);
  // An object or an array, as text.
  void ReadText(const char* name, std::string& value, Json::value_t type);
  const Json* Find(const char* name);  // Null, if absent.
  // The same, and an error if it is no array.
  const Json* Array(const char* name, bool required = false);

  void Fail(const std::string& at, const std::string& message);
  void Keep(const arrow::Status& status);  // Of a reader of what one of the members holds.
  const std::string& path() const { return path_; }
  // After the last member: an error also if there are members that nobody asked for.
  arrow::Status Finish();

 private:
  const Json* Expect(const char* name, bool required, bool (Json::*is)() const, const char* expected);

  const Json& json_;
  std::string path_;
  std::string_view what_;
  std::vector<std::string> known_;
  arrow::Status status_;
};

}  // namespace sabot::graph

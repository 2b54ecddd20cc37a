#include "sabot/graph/json_text.h"

#include <algorithm>
#include <limits>
#include <set>

#include "sabot/data/errors.h"

namespace sabot::graph {
namespace {

constexpr std::size_t kDepthMax = 100;
constexpr std::size_t kBytesMax = std::size_t{64} << 20;

std::string Shown(const Json& json) {
  if (json.is_array()) return "an array";
  if (json.is_object()) return "an object";
  const std::string text = Dump(json);
  return text.size() <= 60 ? text : text.substr(0, 60) + "...";
}

// Sees what a tree of values cannot show any more.
class Checker final : public nlohmann::json_sax<Json> {
 public:
  Checker(std::string_view text, std::string_view what) : text_(text), what_(what) {}

  arrow::Status status;

  bool null() override { return Value(); }
  bool boolean(bool) override { return Value(); }
  bool number_integer(number_integer_t) override { return Value(); }
  bool number_unsigned(number_unsigned_t) override { return Value(); }
  bool string(string_t&) override { return Value(); }
  bool binary(binary_t&) override { return Value(); }
  bool number_float(number_float_t, const string_t& digits) override {
    if (!Value()) return false;
    if (digits.find_first_of(".eE") != std::string::npos) return true;
    return Fail(Path() + ": the integer " + digits +
                " does not fit 64 bits. Write it with a decimal point: " + digits.substr(0, 60) + ".0.");
  }
  bool start_object(std::size_t) override { return Open({}); }
  bool end_object() override { return Close(); }
  bool start_array(std::size_t) override { return Open({.index = -1, .is_array = true}); }
  bool end_array() override { return Close(); }
  bool key(string_t& name) override {
    Level& level = levels_.back();
    level.key = name;
    if (level.keys.insert(name).second) return true;
    return Fail(Path() + ": the member stands twice. Remove one of them.");
  }
  bool parse_error(std::size_t position, const std::string& token, const nlohmann::detail::exception& error) override {
    const std::string_view before = text_.substr(0, std::min(position == 0 ? 0 : position - 1, text_.size()));
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const auto column = before.size() - (before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1) + 1;
    const std::string at = "line " + std::to_string(line) + ", column " + std::to_string(column) + ": ";
    if (std::string_view(error.what()).find("out_of_range") != std::string_view::npos) {
      return Fail(at + "the number " + token.substr(0, 60) +
                  " does not fit float64, whose largest is about 1.8e308. Write a smaller one.");
    }
    if (text_.find_first_not_of(" \t\r\n") == std::string_view::npos) return Fail("the text is empty.");
    return Fail(at + "this is no JSON" + (token.empty() ? "." : "; found near '" + Printable(token) + "'."));
  }

 private:
  struct Level {
    int64_t index = 0;
    bool is_array = false;
    std::string key = {};
    std::set<std::string> keys = {};
  };

  static std::string Printable(const std::string& token) {
    const std::string end = token.size() <= 30 ? token : "..." + token.substr(token.size() - 30);
    const std::string quoted = Json(end).dump(-1, ' ', true, Json::error_handler_t::replace);
    return quoted.substr(1, quoted.size() - 2);
  }
  bool Fail(const std::string& message) {
    status = data::OptionError(std::string(what_) + ": " + message);
    return false;
  }
  std::string Path() const {
    std::string path = "$";
    for (const Level& level : levels_) {
      path += level.is_array ? "[" + std::to_string(level.index) + "]" : "." + level.key;
    }
    return path;
  }
  bool Value() {
    if (!levels_.empty() && levels_.back().is_array) ++levels_.back().index;
    return true;
  }
  bool Open(Level level) {
    Value();
    levels_.push_back(std::move(level));
    if (levels_.size() <= kDepthMax) return true;
    return Fail("arrays and objects stand more than " + std::to_string(kDepthMax) + " deep.");
  }
  bool Close() {
    levels_.pop_back();
    return true;
  }

  std::string_view text_;
  std::string_view what_;
  std::vector<Level> levels_;
};

}  // namespace

std::string Dump(const Json& json, int indent) {
  return json.dump(indent, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

arrow::Result<Json> ParseJson(std::string_view text, std::string_view what) {
  if (text.size() > kBytesMax) return data::OptionError(std::string(what) + ": the text is larger than 64 MB.");
  Checker checker(text, what);
  if (!Json::sax_parse(text, &checker)) return checker.status;
  return Json::parse(text);
}

ObjectReader::ObjectReader(const Json& json, std::string path, std::string_view what)
    : json_(json), path_(std::move(path)), what_(what) {
  if (!json.is_object()) Fail(path_, "expected an object, found " + Shown(json) + ".");
}

void ObjectReader::Fail(const std::string& at, const std::string& message) {
  if (status_.ok()) status_ = data::OptionError(std::string(what_) + ": " + at + ": " + message);
}

void ObjectReader::Keep(const arrow::Status& status) {
  if (status_.ok()) status_ = status;
}

const Json* ObjectReader::Find(const char* name) {
  known_.emplace_back(name);
  if (!status_.ok()) return nullptr;
  const auto found = json_.find(name);
  return found == json_.end() ? nullptr : &*found;
}

const Json* ObjectReader::Expect(const char* name, bool required, bool (Json::*is)() const, const char* expected) {
  const Json* found = Find(name);
  if (found == nullptr) {
    if (required) Fail(path_, std::string("the member '") + name + "' is missing. It is " + expected + ".");
    return nullptr;
  }
  if ((found->*is)()) return found;
  Fail(path_ + "." + name, std::string("expected ") + expected + ", found " + Shown(*found) + ".");
  return nullptr;
}

void ObjectReader::Read(const char* name, std::string& value, bool required) {
  if (const Json* found = Expect(name, required, &Json::is_string, "text")) value = found->get<std::string>();
}

void ObjectReader::Read(const char* name, int& value, bool required) {
  const Json* found = Expect(name, required, &Json::is_number_integer, "an integer");
  if (found == nullptr) return;
  const bool fits = found->is_number_unsigned() ? found->get<uint64_t>() <= uint64_t{std::numeric_limits<int>::max()}
                                                : found->get<int64_t>() >= std::numeric_limits<int>::min();
  if (!fits) return Fail(path_ + "." + name, "the integer " + Shown(*found) + " does not fit 32 bits.");
  value = found->get<int>();
}

void ObjectReader::Read(const char* name, int64_t& value, bool required) {
  const Json* found = Expect(name, required, &Json::is_number_integer, "an integer");
  if (found == nullptr) return;
  if (found->is_number_unsigned() && found->get<uint64_t>() > uint64_t{std::numeric_limits<int64_t>::max()}) {
    return Fail(path_ + "." + name, "the integer " + Shown(*found) + " does not fit 64 bits with a sign.");
  }
  value = found->get<int64_t>();
}

void ObjectReader::Read(const char* name, bool& value, bool required) {
  if (const Json* found = Expect(name, required, &Json::is_boolean, "true or false")) value = found->get<bool>();
}

void ObjectReader::Read(const char* name, std::vector<std::string>& value) {
  const Json* found = Array(name);
  if (found == nullptr) return;
  value.clear();
  for (std::size_t at = 0; at < found->size(); ++at) {
    const Json& entry = (*found)[at];
    if (!entry.is_string()) {
      return Fail(path_ + "." + name + "[" + std::to_string(at) + "]", "expected text, found " + Shown(entry) + ".");
    }
    value.push_back(entry.get<std::string>());
  }
}

void ObjectReader::ReadText(const char* name, std::string& value, Json::value_t type) {
  const bool object = type == Json::value_t::object;
  const Json* found = object ? Expect(name, false, &Json::is_object, "an object") : Array(name);
  if (found != nullptr) value = Dump(*found);
}

const Json* ObjectReader::Array(const char* name, bool required) {
  return Expect(name, required, &Json::is_array, "an array");
}

arrow::Status ObjectReader::Finish() {
  if (!status_.ok()) return status_;
  for (const auto& [name, value] : json_.items()) {
    if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
    Fail(path_, "unknown member '" + name + "'." + data::NearestNames(name, known_));
  }
  return status_;
}

}  // namespace sabot::graph

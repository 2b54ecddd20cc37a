#include "sabot/data/errors.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <numeric>
#include <utility>
#include <vector>

namespace sabot::data {
namespace {

constexpr std::string_view kDetailId = "sabot::data::ErrorKind";
constexpr std::size_t kNearestMax = 3;
constexpr std::size_t kListedMax = 8;

class KindDetail final : public arrow::StatusDetail {
 public:
  explicit KindDetail(ErrorKind kind) : kind_(kind) {}

  ErrorKind kind() const { return kind_; }
  const char* type_id() const override { return kDetailId.data(); }
  std::string ToString() const override {
    switch (kind_) {
      case ErrorKind::kSchema:
        return "schema error";
      case ErrorKind::kOption:
        return "option error";
      case ErrorKind::kData:
        return "data error";
      case ErrorKind::kSnapshot:
        return "snapshot error";
    }
    return "unknown error";
  }

 private:
  ErrorKind kind_;
};

arrow::Status Error(ErrorKind kind, std::string message) {
  return {arrow::StatusCode::Invalid, std::move(message), std::make_shared<KindDetail>(kind)};
}

char Lower(char letter) { return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter; }

// Levenshtein's distance; upper and lower case are the same letter.
std::size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (Lower(a[i]) == Lower(b[j]) ? 0 : 1);
      diagonal = std::exchange(row[j + 1], std::min({replaced, row[j] + 1, row[j + 1] + 1}));
    }
  }
  return row.back();
}

template <class Names>
std::string Quoted(const Names& names) {
  std::string text;
  for (const auto& name : names) {
    if (!text.empty()) text += ", ";
    text.append("'").append(name).append("'");
  }
  return text;
}

}  // namespace

arrow::Status SchemaError(std::string message) { return Error(ErrorKind::kSchema, std::move(message)); }
arrow::Status OptionError(std::string message) { return Error(ErrorKind::kOption, std::move(message)); }
arrow::Status DataError(std::string message) { return Error(ErrorKind::kData, std::move(message)); }
arrow::Status SnapshotError(std::string message) { return Error(ErrorKind::kSnapshot, std::move(message)); }

std::optional<ErrorKind> KindOf(const arrow::Status& status) {
  const arrow::StatusDetail* detail = status.detail().get();
  if (detail == nullptr || detail->type_id() != kDetailId) return std::nullopt;
  return static_cast<const KindDetail*>(detail)->kind();
}

std::string NearestNames(std::string_view wanted, std::span<const std::string> names) {
  // Half of the letters may differ, at most three: 'bid' is not near 'ask'.
  const std::size_t distance_max = std::clamp<std::size_t>(wanted.size() / 2, 1, 3);
  std::vector<std::pair<std::size_t, std::string_view>> near;
  for (const std::string& name : names) {
    const std::size_t longer = std::max(name.size(), wanted.size());
    if (longer - std::min(name.size(), wanted.size()) > distance_max) continue;
    if (const std::size_t distance = EditDistance(wanted, name); distance <= distance_max)
      near.emplace_back(distance, name);
  }
  if (near.empty()) return names.empty() || names.size() > kListedMax ? "" : " Known names: " + Quoted(names) + ".";
  std::stable_sort(near.begin(), near.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  near.resize(std::min(near.size(), kNearestMax));
  std::vector<std::string_view> nearest;
  for (const auto& [distance, name] : near) nearest.push_back(name);
  return " Nearest names: " + Quoted(nearest) + ".";
}

}  // namespace sabot::data

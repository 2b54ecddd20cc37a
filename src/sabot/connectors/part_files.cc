// Folders of files that are parts of one output: part-00000.parquet and so on.
#include <arrow/util/io_util.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <set>
#include <string_view>
#include <utility>

#include "sabot/connectors/file_sink_internal.h"
#include "sabot/data/errors.h"

namespace sabot::connectors::internal {
namespace {

bool IsPart(std::string_view name, std::string_view suffix) {
  return name.starts_with("part-") && name.ends_with(suffix);
}

arrow::Status InTheWay(const std::string& name) {
  return arrow::internal::IOErrorFromErrno(EEXIST, "the folder holds '", name,
                                           "' already. Name an empty folder, or remove what is in this one.");
}

bool AreDigits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// 17 of "part-00017.parquet"; -1 of what is no such name.
int64_t PartNumber(std::string_view name, std::string_view suffix) {
  constexpr std::size_t kBegin = 5;
  constexpr std::size_t kDigits = 5;
  if (!IsPart(name, suffix) || name.size() != kBegin + kDigits + suffix.size()) return -1;
  const std::string_view digits = name.substr(kBegin, kDigits);
  int64_t number = -1;
  if (AreDigits(digits)) std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

// Whether this follows the name of a file that is being written to a disk: ".<process>-<number>.partial".
bool IsUnfinished(std::string_view rest) {
  constexpr std::string_view kEnd = ".partial";
  if (!rest.starts_with('.') || !rest.ends_with(kEnd)) return false;
  rest = rest.substr(1, rest.size() - 1 - kEnd.size());
  const std::size_t dash = rest.find('-');
  return dash != std::string_view::npos && AreDigits(rest.substr(0, dash)) && AreDigits(rest.substr(dash + 1));
}

// The names in a folder of part files, which is given without a slash at its end.
arrow::Result<std::vector<std::string>> ListParts(env::StoragePath& folder, const std::string& option) {
  std::string& path = folder.path;
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  auto names = folder.storage->List(path);
  if (arrow::internal::ErrnoFromStatus(names.status()) == ENOTDIR) {
    return names.status().WithMessage("with ", option,
                                      " it is a folder of files, but a file is in the way. Name a folder, or leave ",
                                      option, " out.");
  }
  return names;
}

}  // namespace

arrow::Result<env::StoragePath> FindStorage(const std::string& path, std::shared_ptr<env::Storage> storage) {
  if (storage != nullptr) return env::StoragePath{.storage = std::move(storage), .path = path};
  auto place = env::StorageOf(path);
  if (place.status().IsInvalid()) return data::OptionError(place.status().message());
  return place;
}

arrow::Status OpenPartFolder(env::StoragePath& folder, const std::string& suffix, const std::string& option) {
  ARROW_ASSIGN_OR_RAISE(const auto names, ListParts(folder, option));
  for (const std::string& name : names) {
    if (IsPart(name, suffix)) return InTheWay(name);
  }
  return folder.storage->CreateFolder(folder.path);
}

arrow::Status ResumePartFolder(env::StoragePath& folder, const std::string& suffix, const std::string& option,
                               const ResumedParts& parts) {
  ARROW_ASSIGN_OR_RAISE(const auto names, ListParts(folder, option));
  std::set<int64_t> found;
  std::vector<std::string> unfinished;
  for (const std::string& name : names) {
    const std::size_t end = std::string_view("part-00000").size() + suffix.size();
    const int64_t number = PartNumber(std::string_view(name).substr(0, end), suffix);
    if (number >= 0 && IsUnfinished(std::string_view(name).substr(end))) {
      unfinished.push_back(name);
    } else if (IsPart(name, suffix)) {
      if (name.size() != end || number < 0 || number >= parts.expected) return InTheWay(name);
      found.insert(number);
    }
  }
  for (int64_t number = 0; number < parts.kept; ++number) {
    if (found.contains(number)) continue;
    return data::DataError("'" + PartName(folder.path, number, suffix) + "' is missing, but the first " +
                           std::to_string(parts.kept) + (parts.kept == 1 ? " file" : " files") +
                           " of the run that is to go on must be there. Put it back, or begin anew.");
  }
  for (const std::string& name : unfinished) {
    ARROW_RETURN_NOT_OK(folder.storage->Remove(folder.path + "/" + name));
  }
  for (auto number = found.rbegin(); parts.removes && number != found.rend() && *number >= parts.kept; ++number) {
    ARROW_RETURN_NOT_OK(folder.storage->Remove(PartName(folder.path, *number, suffix)));
  }
  return folder.storage->CreateFolder(folder.path);
}

arrow::Status RemoveUnfinished(const env::StoragePath& file) {
  const std::size_t begin = file.path.rfind('/') + 1;  // 0 where there is no folder.
  const std::string folder = begin > 0 ? file.path.substr(0, begin - (begin > 1)) : ".";
  const std::string_view name = std::string_view(file.path).substr(begin);
  ARROW_ASSIGN_OR_RAISE(const auto names, file.storage->List(folder));
  for (const std::string& other : names) {
    if (!other.starts_with(name) || !IsUnfinished(std::string_view(other).substr(name.size()))) continue;
    ARROW_RETURN_NOT_OK(file.storage->Remove(file.path.substr(0, begin) + other));
  }
  return arrow::Status::OK();
}

std::string PartName(const std::string& folder, int64_t number, const std::string& suffix) {
  std::array<char, 32> name{};
  std::snprintf(name.data(), name.size(), "/part-%05lld", static_cast<long long>(number));
  return folder + name.data() + suffix;
}

arrow::Result<std::vector<std::unique_ptr<Sink>>> OpenParts(const std::string& connector, const FileSinkPlace& place,
                                                            int partitions, const OpenPart& open) {
  const std::string where = SinkWhere(connector, place.path);
  if (partitions < 1 || partitions >= kPartFilesMax) {
    return data::OptionError(where + "partitions is " + std::to_string(partitions) + ". Use a value from 1 to " +
                             std::to_string(kPartFilesMax - 1) + ".");
  }
  if (place.rows_per_file != 0) {
    return data::OptionError(where +
                             "partitions and rows_per_file both say how rows are put into files: partitions by their "
                             "key, rows_per_file by their number. Give one of them.");
  }
  if (place.resume_at.value_or(0) != 0) {
    return data::OptionError(where + "resume_at is " + std::to_string(*place.resume_at) +
                             ", but files of partitions are complete at their end only. Use 0.");
  }
  const auto explain = [&](const arrow::Status& status) { return status.WithMessage(where, status.message()); };
  auto folder = FindStorage(place.path, place.storage);
  if (!folder.ok()) return explain(folder.status());
  const auto opened = place.resume_at
                          ? ResumePartFolder(*folder, place.suffix, "partitions", {.kept = 0, .expected = partitions})
                          : OpenPartFolder(*folder, place.suffix, "partitions");
  if (!opened.ok()) return explain(opened);
  std::vector<std::unique_ptr<Sink>> sinks;
  for (int partition = 0; partition < partitions; ++partition) {
    ARROW_ASSIGN_OR_RAISE(sinks.emplace_back(), open(PartName(folder->path, partition, place.suffix), folder->storage));
  }
  return sinks;
}

}  // namespace sabot::connectors::internal

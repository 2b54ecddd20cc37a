// Folders of files that are parts of one output: part-00000.parquet and so on.
#include <arrow/util/io_util.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "sabot/connectors/file_sink_internal.h"
#include "sabot/data/errors.h"

namespace sabot::connectors::internal {

arrow::Result<env::StoragePath> FindStorage(const std::string& path, std::shared_ptr<env::Storage> storage) {
  if (storage != nullptr) return env::StoragePath{.storage = std::move(storage), .path = path};
  auto place = env::StorageOf(path);
  if (place.status().IsInvalid()) return data::OptionError(place.status().message());
  return place;
}

arrow::Status OpenPartFolder(env::StoragePath& folder, const std::string& suffix, const std::string& option) {
  std::string& path = folder.path;
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  const auto names = folder.storage->List(path);
  if (arrow::internal::ErrnoFromStatus(names.status()) == ENOTDIR) {
    return names.status().WithMessage("with ", option,
                                      " it is a folder of files, but a file is in the way. Name a folder, or leave ",
                                      option, " out.");
  }
  ARROW_RETURN_NOT_OK(names.status());
  for (const std::string& name : *names) {
    if (!name.starts_with("part-") || !name.ends_with(suffix)) continue;
    return arrow::internal::IOErrorFromErrno(EEXIST, "the folder holds '", name,
                                             "' already. Name an empty folder, or remove what is in this one.");
  }
  return folder.storage->CreateFolder(path);
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
  const auto explain = [&](const arrow::Status& status) { return status.WithMessage(where, status.message()); };
  auto folder = FindStorage(place.path, place.storage);
  if (!folder.ok()) return explain(folder.status());
  if (const auto opened = OpenPartFolder(*folder, place.suffix, "partitions"); !opened.ok()) return explain(opened);
  std::vector<std::unique_ptr<Sink>> sinks;
  for (int partition = 0; partition < partitions; ++partition) {
    ARROW_ASSIGN_OR_RAISE(sinks.emplace_back(), open(PartName(folder->path, partition, place.suffix), folder->storage));
  }
  return sinks;
}

}  // namespace sabot::connectors::internal

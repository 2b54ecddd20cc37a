#include "sabot/checkpoint/store.h"

#include <arrow/array/array_dict.h>
#include <arrow/buffer.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <arrow/util/io_util.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "sabot/checkpoint/decision_log.h"
#include "sabot/checkpoint/store_names_internal.h"
#include "sabot/data/errors.h"
#include "sabot/env/digest.h"

namespace sabot::checkpoint {
namespace {

constexpr int64_t kPieceBytes = int64_t{1} << 20;
constexpr int64_t kManifestBytesMax = int64_t{64} << 20;

bool IsMissing(const arrow::Status& status) { return arrow::internal::ErrnoFromStatus(status) == ENOENT; }

bool IsOfData(const arrow::Status& status) { return data::KindOf(status) == data::ErrorKind::kData; }

arrow::Status Missing(const std::string& path) { return data::DataError("checkpoint: '" + path + "' is missing."); }

arrow::Status Torn(const std::string& path, const std::string& what, const std::string& found,
                   const std::string& expected) {
  return data::DataError("checkpoint: '" + path + "': " + what + ": found " + found + ", expected " + expected + ".");
}

}  // namespace

arrow::Result<StateFile> Store::Write(const CheckpointId& id, const std::string& name, const arrow::Table& table) {
  // The file format has room for one dictionary a column.
  ARROW_ASSIGN_OR_RAISE(const auto unified, arrow::DictionaryUnifier::UnifyTable(table));
  arrow::TableBatchReader rows(*unified);
  return Write(id, name, rows);
}

arrow::Result<StateFile> Store::Create(const CheckpointId& id, const std::string& name, const char* suffix,
                                       const Fill& fill) {
  if (!IsFileName(name)) {
    return data::OptionError("checkpoint: a file cannot be called '" + name +
                             "'. Use up to 240 letters, digits, '_', '-' and '.', and not '.' first.");
  }
  StateFile file = {.name = id.ToString() + "/" + name + suffix, .bytes = 0, .sha256 = "", .rows = 0};
  ARROW_RETURN_NOT_OK(CheckFree(PathOf(file.name)));
  ARROW_RETURN_NOT_OK(storage_->CreateFolder(PathOf(id.ToString())));
  ARROW_ASSIGN_OR_RAISE(const auto pending, storage_->Create(PathOf(file.name)));
  ARROW_ASSIGN_OR_RAISE(const auto stream, env::DigestStream::Make(pending->stream()));
  ARROW_ASSIGN_OR_RAISE(file.rows, fill(stream));
  ARROW_ASSIGN_OR_RAISE(file.bytes, stream->Tell());
  ARROW_ASSIGN_OR_RAISE(file.sha256, stream->Finish());
  ARROW_RETURN_NOT_OK(pending->Commit());
  return file;
}

arrow::Result<StateFile> Store::Write(const CheckpointId& id, const std::string& name, arrow::RecordBatchReader& rows) {
  return Create(id, name, ".arrow", [&](const auto& stream) -> arrow::Result<int64_t> {
    auto options = arrow::ipc::IpcWriteOptions::Defaults();
    options.use_threads = false;
    ARROW_ASSIGN_OR_RAISE(const auto writer, arrow::ipc::MakeFileWriter(stream, rows.schema(), options));
    int64_t count = 0;
    for (;;) {
      ARROW_ASSIGN_OR_RAISE(const auto batch, rows.Next());
      if (batch == nullptr) break;
      ARROW_RETURN_NOT_OK(writer->WriteRecordBatch(*batch));
      count += batch->num_rows();
    }
    ARROW_RETURN_NOT_OK(writer->Close());
    return count;
  });
}

arrow::Result<StateFile> Store::WriteFile(const CheckpointId& id, const std::string& name,
                                          arrow::io::InputStream& bytes) {
  return Create(id, name, "", [&](const auto& stream) -> arrow::Result<int64_t> {
    for (;;) {
      ARROW_ASSIGN_OR_RAISE(const auto piece, bytes.Read(kPieceBytes));
      if (piece->size() == 0) return 0;
      ARROW_RETURN_NOT_OK(stream->Write(piece));
    }
  });
}

arrow::Status Store::Write(const CheckpointId& id, OperatorState& state,
                           const std::vector<std::shared_ptr<arrow::Table>>& tables) {
  state.files.clear();
  for (std::size_t index = 0; index < tables.size(); ++index) {
    const std::string name = state.uid + "." + std::to_string(state.copy) + "." + std::to_string(index);
    ARROW_ASSIGN_OR_RAISE(auto file, Write(id, name, *tables[index]));
    state.files.push_back(std::move(file));
  }
  return arrow::Status::OK();
}

arrow::Status Store::Commit(const Manifest& manifest) {
  ARROW_ASSIGN_OR_RAISE(const std::string text, manifest.ToJson());
  for (const StateFile& file : FilesOf(manifest)) ARROW_RETURN_NOT_OK(CheckFile(file, Look::kSize));
  const std::string path = PathOf(internal::ManifestName(manifest.id));
  ARROW_RETURN_NOT_OK(CheckFree(path));
  ARROW_RETURN_NOT_OK(storage_->CreateFolder(folder_));
  ARROW_ASSIGN_OR_RAISE(const auto pending, storage_->Create(path));
  ARROW_RETURN_NOT_OK(pending->stream()->Write(text.data(), static_cast<int64_t>(text.size())));
  return pending->Commit();
}

// What a manifest may name is never replaced.
arrow::Status Store::CheckFree(const std::string& path) {
  const auto there = storage_->OpenInput(path);
  if (!there.ok()) return IsMissing(there.status()) ? arrow::Status::OK() : there.status();
  return data::DataError("checkpoint: '" + path + "' is there already. Two processes write as one attempt, or a " +
                         "number was given twice; start the job again, as a new attempt.");
}

arrow::Result<std::vector<CheckpointId>> Store::List() {
  ARROW_ASSIGN_OR_RAISE(const auto names, storage_->List(folder_));
  std::vector<CheckpointId> ids;
  for (const std::string& text : names) {
    const auto name = internal::NameOf(text);
    if (name && name->kind == internal::NameKind::kManifest) ids.push_back(name->id);
  }
  std::sort(ids.begin(), ids.end(), std::greater<>());
  return ids;
}

arrow::Result<int64_t> Store::NextAttempt() {
  ARROW_ASSIGN_OR_RAISE(const auto names, storage_->List(folder_));
  int64_t highest = 0;
  for (const std::string& text : names) {
    if (const auto name = internal::NameOf(text)) highest = std::max(highest, name->id.attempt);
  }
  return highest + 1;
}

arrow::Result<std::string> Store::ReadText(const std::string& name) {
  const std::string path = PathOf(name);
  const auto input = storage_->OpenInput(path);
  if (!input.ok()) {
    return IsMissing(input.status()) ? Missing(path) : input.status();
  }
  ARROW_ASSIGN_OR_RAISE(const int64_t bytes, (*input)->GetSize());
  if (bytes > kManifestBytesMax) {
    return Torn(path, "size", std::to_string(bytes), "at most " + std::to_string(kManifestBytesMax));
  }
  ARROW_ASSIGN_OR_RAISE(const auto buffer, (*input)->ReadAt(0, bytes));
  return buffer->ToString();
}

arrow::Status Store::CheckFile(const StateFile& file, Look look) {
  const std::string path = PathOf(file.name);
  const auto input = storage_->OpenInput(path);
  if (!input.ok()) {
    return IsMissing(input.status()) ? Missing(path) : input.status();
  }
  ARROW_ASSIGN_OR_RAISE(const int64_t bytes, (*input)->GetSize());
  if (bytes != file.bytes) return Torn(path, "size", std::to_string(bytes), std::to_string(file.bytes));
  if (look == Look::kSize) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(env::Digest digest, env::Digest::Make());
  for (int64_t begin = 0; begin < bytes; begin += kPieceBytes) {
    ARROW_ASSIGN_OR_RAISE(const auto piece, (*input)->ReadAt(begin, std::min(kPieceBytes, bytes - begin)));
    ARROW_RETURN_NOT_OK(digest.Add(piece->data(), piece->size()));
  }
  ARROW_ASSIGN_OR_RAISE(const std::string found, digest.Finish());
  return found == file.sha256 ? arrow::Status::OK() : Torn(path, "sha256", found, file.sha256);
}

arrow::Result<Manifest> Store::OpenAs(const CheckpointId& id, Look look) {
  const std::string name = internal::ManifestName(id);
  ARROW_ASSIGN_OR_RAISE(const std::string text, ReadText(name));
  ARROW_ASSIGN_OR_RAISE(Manifest manifest, Manifest::FromJson(text, PathOf(name)));
  if (manifest.id != id) return Torn(PathOf(name), "attempt and number", manifest.id.ToString(), id.ToString());
  for (const StateFile& file : FilesOf(manifest)) {
    const auto status = CheckFile(file, look);
    if (!status.ok()) return status.WithMessage("manifest '", PathOf(name), "': ", status.message());
  }
  return manifest;
}

arrow::Result<Manifest> Store::Open(const CheckpointId& id) { return OpenAs(id, Look::kDigest); }

arrow::Result<std::optional<Manifest>> Store::Newest(std::vector<std::string>& skipped) {
  ARROW_ASSIGN_OR_RAISE(const auto ids, List());
  skipped.clear();
  for (const CheckpointId& id : ids) {
    auto manifest = Open(id);
    if (manifest.ok()) return std::optional(std::move(manifest).ValueUnsafe());
    if (!IsOfData(manifest.status())) return manifest.status();
    skipped.push_back(manifest.status().message());
  }
  if (ids.empty()) return std::nullopt;
  std::string message = "checkpoint: none of the " + std::to_string(ids.size()) + " checkpoints in '" + folder_ +
                        "' can be used. Bring back their files, or name a new folder to start afresh.";
  for (const std::string& one : skipped) message += "\n  " + one;
  return data::DataError(std::move(message));
}

arrow::Result<std::shared_ptr<arrow::Table>> Store::Read(const StateFile& file) {
  ARROW_RETURN_NOT_OK(CheckFile(file, Look::kDigest));
  ARROW_ASSIGN_OR_RAISE(const auto input, storage_->OpenInput(PathOf(file.name)));
  auto options = arrow::ipc::IpcReadOptions::Defaults();
  options.use_threads = false;
  const auto read = [&]() -> arrow::Result<std::shared_ptr<arrow::Table>> {
    ARROW_ASSIGN_OR_RAISE(const auto reader, arrow::ipc::RecordBatchFileReader::Open(input, options));
    ARROW_ASSIGN_OR_RAISE(auto table, reader->ToTable());
    ARROW_RETURN_NOT_OK(table->ValidateFull());
    return table;
  };
  auto table = read();
  if (!table.ok()) {  // Its digest fits: it was no Arrow file when the manifest was written, or the storage fails now.
    if (table.status().IsIOError()) return table.status();
    return Torn(PathOf(file.name), "content", table.status().message(), "an Arrow IPC file");
  }
  const int64_t rows = (*table)->num_rows();
  if (rows != file.rows) return Torn(PathOf(file.name), "rows", std::to_string(rows), std::to_string(file.rows));
  return table;
}

// Its bytes are looked at on their way: what Open found may be gone.
arrow::Status Store::Fetch(const StateFile& file, arrow::io::OutputStream& to) {
  const std::string path = PathOf(file.name);
  const auto input = storage_->OpenInput(path);
  if (!input.ok()) return IsMissing(input.status()) ? Missing(path) : input.status();
  ARROW_ASSIGN_OR_RAISE(env::Digest digest, env::Digest::Make());
  for (int64_t begin = 0; begin < file.bytes; begin += kPieceBytes) {
    ARROW_ASSIGN_OR_RAISE(const auto piece, (*input)->ReadAt(begin, std::min(kPieceBytes, file.bytes - begin)));
    ARROW_RETURN_NOT_OK(digest.Add(piece->data(), piece->size()));
    ARROW_RETURN_NOT_OK(to.Write(piece));
  }
  ARROW_ASSIGN_OR_RAISE(const std::string found, digest.Finish());
  return found == file.sha256 ? arrow::Status::OK() : Torn(path, "sha256", found, file.sha256);
}

arrow::Status Store::CopyFile(const StateFile& file, Store& to) {
  ARROW_RETURN_NOT_OK(to.storage_->CreateFolder(to.PathOf(file.name.substr(0, file.name.rfind('/')))));
  ARROW_ASSIGN_OR_RAISE(const auto pending, to.storage_->Create(to.PathOf(file.name)));
  ARROW_RETURN_NOT_OK(Fetch(file, *pending->stream()));
  return pending->Commit();
}

arrow::Status Store::CopyTo(const CheckpointId& id, Store& to) {
  ARROW_ASSIGN_OR_RAISE(const auto there, to.List());
  if (!there.empty()) {
    return data::OptionError("checkpoint: '" + to.folder_ + "' has checkpoints already, the newest " +
                             there.front().ToString() + ". Copy into a folder that has none.");
  }
  ARROW_ASSIGN_OR_RAISE(const Manifest manifest, Open(id));
  for (const StateFile& file : FilesOf(manifest)) ARROW_RETURN_NOT_OK(CopyFile(file, to));
  ARROW_ASSIGN_OR_RAISE(const auto decisions,
                        DecisionLog::Read(*storage_, PathOf(kDecisionsFolder), manifest.decisions));
  for (const auto& entry : decisions) {
    const std::string name = std::string(kDecisionsFolder) + "/" + internal::ManifestName(entry.at);
    ARROW_ASSIGN_OR_RAISE(const std::string text, ReadText(name));
    ARROW_RETURN_NOT_OK(to.storage_->CreateFolder(to.PathOf(kDecisionsFolder)));
    ARROW_ASSIGN_OR_RAISE(const auto pending, to.storage_->Create(to.PathOf(name)));
    ARROW_RETURN_NOT_OK(pending->stream()->Write(text.data(), static_cast<int64_t>(text.size())));
    ARROW_RETURN_NOT_OK(pending->Commit());
  }
  return to.Commit(manifest);
}

}  // namespace sabot::checkpoint

#include "sabot/engine/operator_files.h"

#include <arrow/io/file.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "sabot/data/errors.h"
#include "sabot/engine/own_folder.h"
#include "sabot/operators/state_files.h"
#include "sabot/state/rocksdb_store.h"

namespace sabot::engine {
namespace {

struct Fetched {
  std::shared_ptr<const OwnFolder> folder;
  std::shared_ptr<state::KeyStore> files = nullptr;  // Goes first.
};

// What a store called the file, which a checkpoint calls "3-17/fast.0.000012.sst".
arrow::Result<std::string> NameOf(const checkpoint::StateFile& file, const checkpoint::OperatorState& op) {
  const std::string prefix = op.uid + "." + std::to_string(op.copy) + ".";
  const std::string name = file.name.substr(file.name.find('/') + 1);
  if (name.size() > prefix.size() && name.starts_with(prefix)) return name.substr(prefix.size());
  return data::DataError("checkpoint: '" + file.name + "': its name should begin with '" + prefix +
                         "', as it is of copy " + std::to_string(op.copy) + " of operator '" + op.uid + "'.");
}

}  // namespace

arrow::Result<std::shared_ptr<state::KeyStore>> FetchFiles(checkpoint::Store& store,
                                                           const checkpoint::OperatorState& op,
                                                           const std::string& parent) {
  auto fetched = std::make_shared<Fetched>();
  ARROW_ASSIGN_OR_RAISE(fetched->folder, OwnFolder::Make(parent));
  for (const auto& file : op.files) {
    ARROW_ASSIGN_OR_RAISE(const std::string name, NameOf(file, op));
    ARROW_ASSIGN_OR_RAISE(const auto to, arrow::io::FileOutputStream::Open(fetched->folder->path() + "/" + name));
    ARROW_RETURN_NOT_OK(store.Fetch(file, *to));
    ARROW_RETURN_NOT_OK(to->Close());
  }
  const auto opened = state::OpenRocksDbFiles(fetched->folder->path());
  if (!opened.ok()) {
    return opened.status().WithMessage("checkpoint: copy ", op.copy, " of operator '", op.uid,
                                       "': ", opened.status().message());
  }
  fetched->files = *opened;
  auto* const files = fetched->files.get();
  return std::shared_ptr<state::KeyStore>(std::move(fetched), files);
}

arrow::Result<std::vector<std::shared_ptr<arrow::Table>>> ReadTables(state::KeyStore& files) {
  ARROW_ASSIGN_OR_RAISE(const auto readers, operators::ReadStateFiles(files));
  std::vector<std::shared_ptr<arrow::Table>> tables;
  for (const auto& reader : readers) {
    ARROW_ASSIGN_OR_RAISE(tables.emplace_back(), reader->ToTable());
  }
  return tables;
}

arrow::Result<std::vector<std::shared_ptr<arrow::Table>>> ReadOperator(checkpoint::Store& store,
                                                                       const checkpoint::OperatorState& op) {
  if (op.form == checkpoint::kFormFiles) {
    ARROW_ASSIGN_OR_RAISE(const auto files, FetchFiles(store, op, TemporaryParent()));
    return ReadTables(*files);
  }
  std::vector<std::shared_ptr<arrow::Table>> tables;
  for (const auto& file : op.files) {
    ARROW_ASSIGN_OR_RAISE(tables.emplace_back(), store.Read(file));
  }
  return tables;
}

std::string TemporaryParent() {
  std::error_code error;
  auto folder = std::filesystem::temp_directory_path(error);
  if (error) folder = ".";
  return (folder / "sabot-state").string();
}

}  // namespace sabot::engine

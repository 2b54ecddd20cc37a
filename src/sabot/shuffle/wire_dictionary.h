// One append-only dictionary a channel and column: values go over the wire once, and rows as indices into it.
#pragma once

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/memory_pool.h>
#include <arrow/result.h>
#include <arrow/type.h>

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace sabot::shuffle {

// Whether such a dictionary can be kept: its values are strings, bytes, or whole bytes of a fixed width.
bool HasWireDictionary(const arrow::DictionaryType& type);

// The sender's. Costs a look-up for each value of each dictionary that comes by and is used, and an array access a row.
class WireDictionary {
 public:
  WireDictionary(std::shared_ptr<arrow::DictionaryType> type, arrow::MemoryPool* pool);

  // The column's indices into the wire's dictionary, in the type's index type; values not seen before are appended.
  arrow::Result<std::shared_ptr<arrow::Array>> Map(const arrow::DictionaryArray& column);
  // What Map appended since the last Keep, for the receiver; nullptr where it is nothing. `reset`: the dictionary
  // begins anew with them, since it was full. Then one of the two: they were sent, or nobody will ever see them.
  struct News {
    std::shared_ptr<arrow::Array> values;
    bool reset = false;
  };
  arrow::Result<News> TakeNews();
  void Keep();
  void Undo();

 private:
  template <class Index>
  arrow::Result<std::shared_ptr<arrow::Array>> MapAs(const arrow::DictionaryArray& column);
  // The index of a value of the last dictionary; kNull for null, kFull where it does not fit any more.
  arrow::Result<int64_t> Resolve(int64_t value);
  void Clear();

  static constexpr int64_t kUnknown = -1;
  static constexpr int64_t kNull = -2;
  static constexpr int64_t kFull = -3;

  std::shared_ptr<arrow::DictionaryType> type_;
  arrow::MemoryPool* pool_;
  int64_t values_max_;
  std::unordered_map<std::string, int64_t> indices_;  // By the value's bytes.
  std::shared_ptr<arrow::Array> last_;  // The dictionary that came by last,
  std::vector<int64_t> of_last_;  // and the indices of its values.
  std::unique_ptr<arrow::ArrayBuilder> news_;
  std::vector<std::string> new_values_;
  bool reset_ = false;
};

}  // namespace sabot::shuffle

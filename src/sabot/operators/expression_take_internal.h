// What was computed for the entries of a dictionary, given to the rows.
#pragma once

#include <arrow/array/array_dict.h>
#include <arrow/result.h>

#include <memory>

namespace sabot::operators {

// Row by row the value of its entry; null where the index or the value is.
arrow::Result<std::shared_ptr<arrow::Array>> TakeByEntry(const arrow::Array& values,
                                                         const arrow::DictionaryArray& rows);

}  // namespace sabot::operators

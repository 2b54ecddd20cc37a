#include "sabot/operators/chain_run.h"

#include <arrow/array/builder_binary.h>
#include <arrow/array/util.h>
#include <arrow/compute/api.h>
#include <arrow/scalar.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "sabot/data/column_buffer.h"
#include "sabot/data/errors.h"
#include "sabot/operators/kernel_chain_internal.h"
#include "sabot/operators/stored_state_internal.h"

namespace sabot::operators {
namespace {

arrow::Result<std::shared_ptr<arrow::Array>> Widen(const std::shared_ptr<arrow::Array>& array, bool is_time,
                                                   const std::string& column) {
  if (array->type_id() == arrow::Type::NA) {
    return arrow::MakeArrayOfNull(is_time ? arrow::int64() : arrow::float64(), array->length());
  }
  if (!is_time) {
    const auto options = arrow::compute::CastOptions::Unsafe(arrow::float64());  // Integers above 2^53 are rounded.
    return arrow::compute::Cast(*array, arrow::float64(), options);
  }
  const auto& type = static_cast<const arrow::TimestampType&>(*array->type());
  const auto cast = arrow::compute::Cast(*array, arrow::timestamp(arrow::TimeUnit::NANO, type.timezone()));
  if (cast.ok()) return cast;
  return data::DataError("column " + Quoted(column) + " of type " + type.ToString() +
                         " holds a time that does not fit int64 nanoseconds since the epoch (" +
                         cast.status().message() + "). Remove or correct that row.");
}

InputColumn InputOf(const arrow::ArrayData& array, int64_t begin) {
  const auto width = static_cast<int64_t>(sizeof(double));
  const bool has_nulls = array.buffers[0] != nullptr && array.null_count != 0;
  return {.values = array.buffers[1]->data() + (array.offset + begin) * width,
          .validity = has_nulls ? array.buffers[0]->data() : nullptr,
          .bit_offset = array.offset + begin};
}

// Kernels whose rows take 15 ns or more, by measurement: in parts, a row takes several more for being found and for
// outputs that come from another core, and cheaper kernels are slower than on one thread.
constexpr std::array<std::string_view, 9> kWorthParts{
    "autocorr",     "historical_cvar", "historical_var", "kyle_lambda",  "roll_spread",
    "rolling_kurt", "rolling_skew",    "vpin",           "xcorr_leadlag"};

// Parts of a kernel's slots: more would leave each with few rows of a morsel.
constexpr unsigned kPartsMost = 8;

bool IsFlag(const KernelOutput& output) { return output.type->id() == arrow::Type::BOOL; }

// Bytes of a value of any other output as kernels write it.
int64_t WidthOf(const KernelOutput& output) {
  return static_cast<int64_t>(output.labels.empty() ? sizeof(double) : sizeof(int8_t));
}

// Flags as kernels write them, a byte a row, to an Arrow bitmap of whole words. At least one row.
void PackFlags(const bool* flags, int64_t rows, uint8_t* bitmap) {
  std::memset(bitmap + (rows - 1) / 64 * 8, 0, 8);  // Also the bits behind the last row.
  for (int64_t row = 0; row < rows; row += 8) {
    uint64_t bytes = 0;
    std::memcpy(&bytes, flags + row, static_cast<std::size_t>(std::min<int64_t>(8, rows - row)));
    bitmap[row / 8] = static_cast<uint8_t>((bytes * 0x0102040810204080) >> 56);  // Byte i moves to bit 56 + i.
  }
}

}  // namespace

arrow::Result<int64_t> ParseMorselRows(std::string_view text) {
  int64_t kilobytes = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), kilobytes);
  if (error != std::errc{} || end != text.data() + text.size() || kilobytes < 1 || kilobytes > 65'536) {
    return data::OptionError("MORSEL_SIZE_KB must be an integer in [1, 65536], found " + Quoted(text) + ".");
  }
  return kilobytes * 1024 / static_cast<int64_t>(sizeof(double));
}

int64_t MorselRows() {
  static const int64_t rows = [] {
    const char* text = std::getenv("MORSEL_SIZE_KB");
    return ParseMorselRows(text == nullptr ? "64" : text).ValueOr(8192);
  }();
  return rows;
}

bool WorthParts(const KeyedKernel& kernel) {
  return kernel.splits() && std::find(kWorthParts.begin(), kWorthParts.end(), kernel.doc().name) != kWorthParts.end();
}

struct ChainRun::Impl {
  KernelChain::Impl* chain = nullptr;
  std::shared_ptr<arrow::RecordBatch> batch;
  int64_t morsel_rows = 0;
  int64_t morsels = 0;

  // The slots of morsels in flight, by morsel % kMorselsInFlight.
  struct MorselKeys {
    std::vector<int32_t> slots;
    std::vector<uint64_t> has_key;
    std::vector<int8_t> legs;  // Of a pair, whose slot is 0.
    bool all_have_key = false;
    int64_t slots_in_use = 0;
  };
  std::vector<MorselKeys> keys;

  struct Output {
    std::shared_ptr<arrow::Buffer> values;
    std::shared_ptr<arrow::Buffer> validity;
    std::vector<int64_t> nulls;  // A morsel.
  };
  std::vector<std::vector<Output>> outputs;  // [kernel][output]

  struct Stage {
    int kernel = -1;  // None: the keys.
    int part = 0;
    int parts = 1;
    std::vector<int> inputs = {};
  };
  std::vector<Stage> stages;

  // The keys and the kernels; those that split, in up to `parts` parts.
  void MakeStages(int parts) {
    std::vector<int> last;  // The stage behind which a stage of the chain is done.
    for (std::size_t index = 0; index < chain->stage_inputs.size(); ++index) {
      const int kernel = static_cast<int>(index) - chain->first_kernel_stage();
      const int split = kernel >= 0 && WorthParts(*chain->kernels[static_cast<std::size_t>(kernel)]) ? parts : 1;
      std::vector<int> inputs;
      for (const int input : chain->stage_inputs[index]) inputs.push_back(last[static_cast<std::size_t>(input)]);
      for (int part = 0; part < split; ++part) {
        stages.push_back({.kernel = kernel, .part = part, .parts = split, .inputs = std::move(inputs)});
        inputs = {static_cast<int>(stages.size()) - 1};
      }
      last.push_back(static_cast<int>(stages.size()) - 1);
    }
  }

  int64_t RowsOf(int64_t morsel) const { return std::min(morsel_rows, batch->num_rows() - morsel * morsel_rows); }

  // Behind the slots is a store: the keys of all morsels, so that the states of new ones are read at once.
  arrow::Status LoadStates() {
    ARROW_RETURN_NOT_OK(chain->stored->MakeRoom());
    for (int64_t morsel = 0; morsel < morsels; ++morsel) ARROW_RETURN_NOT_OK(ResolveKeys(morsel));
    for (auto& kept : keys) kept.slots_in_use = chain->keys->size();
    return chain->stored->Load(chain->pair_keys ? *chain->pair_keys->OfEveryRow(batch->num_rows()) : *batch);
  }

  arrow::Status ResolveKeys(int64_t morsel) {
    auto& kept = keys[morsel % static_cast<int64_t>(keys.size())];
    const auto rows = static_cast<std::size_t>(RowsOf(morsel));
    data::Slots slots{.slots = std::span(kept.slots).first(rows),
                      .has_key = std::span(kept.has_key).first((rows + 63) / 64)};
    if (chain->pair_keys) {
      PairKeys::Rows of_pair{.legs = std::span(kept.legs).first(rows), .has_key = slots.has_key};
      ARROW_RETURN_NOT_OK(chain->pair_keys->Resolve(*batch, morsel * morsel_rows, *chain->keys, of_pair));
      slots.all_have_key = of_pair.all_have_key;
    } else {
      ARROW_RETURN_NOT_OK(chain->keys->Resolve(*batch, morsel * morsel_rows, slots));
    }
    kept.all_have_key = slots.all_have_key;
    kept.slots_in_use = chain->keys->size();
    if (chain->stored != nullptr) chain->stored->Use(morsel * morsel_rows, slots);
    return arrow::Status::OK();
  }

  // "symbol=BTC", or "symbol=BTC, venue=X".
  std::string KeyText(int64_t row) const {
    std::string text;
    for (const auto& name : chain->by) {
      const auto column = batch->GetColumnByName(name);
      auto value = column == nullptr ? nullptr : column->GetScalar(row).ValueOr(nullptr);
      if (value != nullptr && value->type->id() == arrow::Type::DICTIONARY) {
        value = static_cast<const arrow::DictionaryScalar&>(*value).GetEncodedValue().ValueOr(nullptr);
      }
      text += (text.empty() ? "" : ", ") + name + "=" + (value == nullptr ? "?" : Quoted(value->ToString()));
    }
    return text;
  }

  arrow::Status RunKernel(const Stage& stage, int64_t morsel) {
    const auto index = static_cast<std::size_t>(stage.kernel);
    auto& kernel = *chain->kernels[index];
    const int64_t begin = morsel * morsel_rows, rows = RowsOf(morsel);
    std::vector<InputColumn> inputs;
    arrow::ArrayVector widened;  // Keeps what a cast made until the kernel has read it.
    for (std::size_t input = 0; input < chain->bindings[index].size(); ++input) {
      const auto& binding = chain->bindings[index][input];
      if (binding.kernel >= 0) {
        const auto& output = outputs[binding.kernel][binding.output];
        inputs.push_back({.values = output.values->data() + begin * static_cast<int64_t>(sizeof(double)),
                          .validity = output.nulls[morsel] == 0 ? nullptr : output.validity->data(),
                          .bit_offset = begin});
      } else if (binding.widen) {
        const auto& name = batch->schema()->field(binding.column)->name();
        ARROW_ASSIGN_OR_RAISE(
            auto wide, Widen(batch->column(binding.column)->Slice(begin, rows), kernel.inputs()[input].is_time, name));
        inputs.push_back(InputOf(*wide->data(), 0));
        widened.push_back(std::move(wide));
      } else {
        inputs.push_back(InputOf(*batch->column_data(binding.column), begin));
      }
    }
    std::vector<OutputColumn> columns;
    std::vector<std::unique_ptr<bool[]>> flags(outputs[index].size());  // Packed when the kernel has run.
    for (std::size_t output = 0; output < outputs[index].size(); ++output) {
      const auto& written = kernel.outputs()[output];
      auto& to = outputs[index][output];
      if (IsFlag(written)) flags[output] = std::make_unique_for_overwrite<bool[]>(static_cast<std::size_t>(rows));
      columns.push_back({.values = IsFlag(written) ? static_cast<void*>(flags[output].get())
                                                   : to.values->mutable_data() + begin * WidthOf(written),
                         .validity = reinterpret_cast<uint64_t*>(to.validity->mutable_data()) + begin / 64});
    }
    Morsel work{.rows = rows, .inputs = inputs, .part = stage.part, .parts = stage.parts, .outputs = columns};
    if (kernel.stateful()) {
      const auto& kept = keys[morsel % static_cast<int64_t>(keys.size())];
      work.slots = std::span(kept.slots).first(static_cast<std::size_t>(rows));
      work.has_key = kept.all_have_key ? nullptr : kept.has_key.data();
      work.slots_in_use = kept.slots_in_use;
      if (chain->pair_keys) work.legs = kept.legs.data();
    }
    const std::function<std::string(int64_t)> key_text = [&](int64_t row) { return KeyText(begin + row); };
    work.key_text = &key_text;
    ARROW_RETURN_NOT_OK(kernel.Run(work));
    for (std::size_t output = 0; output < columns.size(); ++output) {
      auto& to = outputs[index][output];
      if (stage.part == stage.parts - 1) to.nulls[morsel] = columns[output].nulls;
      if (flags[output] != nullptr) PackFlags(flags[output].get(), rows, to.values->mutable_data() + begin / 8);
    }
    return arrow::Status::OK();
  }

  arrow::Result<std::shared_ptr<arrow::Array>> FinishOutput(const KernelOutput& description, Output& output) const {
    int64_t nulls = 0;
    for (const int64_t count : output.nulls) nulls += count;
    auto validity = nulls == 0 ? nullptr : output.validity;
    const auto type = description.labels.empty() ? description.type : arrow::int8();
    auto array =
        arrow::MakeArray(arrow::ArrayData::Make(type, batch->num_rows(), {std::move(validity), output.values}, nulls));
    if (description.labels.empty()) return array;
    arrow::StringBuilder labels;
    for (const auto label : description.labels) ARROW_RETURN_NOT_OK(labels.Append(label));
    ARROW_ASSIGN_OR_RAISE(const auto dictionary, labels.Finish());
    ARROW_ASSIGN_OR_RAISE(const auto taken, arrow::compute::Take(dictionary, array));
    return taken.make_array();
  }
};

arrow::Result<std::unique_ptr<ChainRun>> KernelChain::Begin(std::shared_ptr<arrow::RecordBatch> batch, int threads) {
  ARROW_RETURN_NOT_OK(Bind(batch->schema()));
  auto run = std::make_unique<ChainRun::Impl>();
  run->chain = impl_.get();
  const auto each =
      static_cast<unsigned>(threads) / static_cast<unsigned>(std::max<std::size_t>(impl_->kernels.size(), 1));
  run->MakeStages(static_cast<int>(std::clamp(std::bit_floor(each), 1U, kPartsMost)));
  run->morsel_rows = MorselRows();
  const int64_t rows = batch->num_rows();
  run->morsels = (rows + run->morsel_rows - 1) / run->morsel_rows;
  if (impl_->stateful) {
    const bool all = impl_->stored != nullptr;
    run->keys.resize(static_cast<std::size_t>(all ? run->morsels : std::min(run->morsels, ChainRun::kMorselsInFlight)));
    const auto most = static_cast<std::size_t>(std::min(rows, run->morsel_rows));
    for (auto& kept : run->keys) {
      kept.slots.resize(most);
      kept.has_key.resize((most + 63) / 64);
      if (impl_->pair_keys) kept.legs.resize(most);
    }
  }
  for (const auto& kernel : impl_->kernels) {
    auto& outputs = run->outputs.emplace_back();
    for (const auto& output : kernel->outputs()) {
      const int64_t bitmap_bytes = (rows + 63) / 64 * 8;
      ARROW_ASSIGN_OR_RAISE(auto values, data::AllocateColumn(IsFlag(output) ? bitmap_bytes : rows * WidthOf(output)));
      ARROW_ASSIGN_OR_RAISE(auto validity, data::AllocateColumn(bitmap_bytes));
      outputs.push_back(
          {std::move(values), std::move(validity), std::vector<int64_t>(static_cast<std::size_t>(run->morsels))});
    }
  }
  run->batch = std::move(batch);
  if (impl_->stored != nullptr) ARROW_RETURN_NOT_OK(run->LoadStates());
  return std::unique_ptr<ChainRun>(new ChainRun(std::move(run)));
}

ChainRun::ChainRun(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ChainRun::~ChainRun() = default;

int ChainRun::stages() const { return static_cast<int>(impl_->stages.size()); }
int64_t ChainRun::morsels() const { return impl_->morsels; }
std::span<const int> ChainRun::inputs(int stage) const { return impl_->stages[static_cast<std::size_t>(stage)].inputs; }

bool ChainRun::ordered(int stage) const {
  const int kernel = impl_->stages[static_cast<std::size_t>(stage)].kernel;
  return kernel < 0 || impl_->chain->kernels[static_cast<std::size_t>(kernel)]->stateful();
}

bool ChainRun::parallel() const {
  if (impl_->morsels < 2) return false;
  // Keys and one kernel with state leave nothing to share: resolving a morsel's keys is cheaper than handing it over.
  const auto& kernels = impl_->chain->kernels;
  return kernels.size() > 1 || (kernels.size() == 1 && (!kernels[0]->stateful() || impl_->stages.size() > 2));
}

arrow::Status ChainRun::Run(int stage, int64_t morsel) {
  const auto& of = impl_->stages[static_cast<std::size_t>(stage)];
  if (of.kernel < 0 && impl_->chain->stored != nullptr) return arrow::Status::OK();  // They are there.
  return of.kernel < 0 ? impl_->ResolveKeys(morsel) : impl_->RunKernel(of, morsel);
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> ChainRun::Finish() {
  arrow::ArrayVector columns = impl_->batch->columns();
  for (std::size_t kernel = 0; kernel < impl_->outputs.size(); ++kernel) {
    const auto descriptions = impl_->chain->kernels[kernel]->outputs();
    for (std::size_t output = 0; output < impl_->outputs[kernel].size(); ++output) {
      ARROW_ASSIGN_OR_RAISE(auto column, impl_->FinishOutput(descriptions[output], impl_->outputs[kernel][output]));
      columns.push_back(std::move(column));
    }
  }
  return arrow::RecordBatch::Make(impl_->chain->output, impl_->batch->num_rows(), std::move(columns));
}

}  // namespace sabot::operators

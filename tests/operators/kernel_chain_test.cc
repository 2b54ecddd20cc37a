#include "sabot/operators/kernel_chain.h"

#include <arrow/array/builder_decimal.h>
#include <arrow/compute/api.h>
#include <gtest/gtest.h>

#include "sabot/data/errors.h"
#include "tests/operators/sample_ticks.h"

namespace sabot::operators {
namespace {

std::shared_ptr<arrow::Array> Doubles(const std::vector<double>& values) {
  arrow::DoubleBuilder builder;
  EXPECT_TRUE(builder.AppendValues(values).ok());
  return builder.Finish().ValueOrDie();
}
std::shared_ptr<arrow::Array> Strings(const std::vector<std::string>& values) {
  arrow::StringBuilder builder;
  EXPECT_TRUE(builder.AppendValues(values).ok());
  return builder.Finish().ValueOrDie();
}
std::shared_ptr<arrow::RecordBatch> Trades(const std::vector<std::string>& symbols, const std::vector<double>& prices) {
  return arrow::RecordBatch::Make(
      arrow::schema({arrow::field("symbol", arrow::utf8()), arrow::field("price", arrow::float64())}),
      static_cast<int64_t>(symbols.size()), arrow::ArrayVector{Strings(symbols), Doubles(prices)});
}
KernelChain MakeChain(std::vector<KernelSpec> specs, std::vector<std::string> by = {"symbol"}) {
  return KernelChain::Make(std::move(specs), std::move(by)).ValueOrDie();
}
arrow::Status MakeError(const KernelSpec& spec) { return KernelChain::Make({spec}).status(); }
arrow::Status BindError(const KernelSpec& spec, const std::shared_ptr<arrow::RecordBatch>& batch) {
  return MakeChain({spec}).Bind(batch->schema()).status();
}

// Wrong use.

TEST(KernelChain, RefusesAnUnknownKernelWithTheNearestNames) {
  const auto status = MakeError({.kernel = "emwa"});
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kOption);
  EXPECT_TRUE(status.message().starts_with("unknown kernel 'emwa'. Nearest names: 'ema', 'ewma', 'sma'."))
      << status.message();
}

TEST(KernelChain, RefusesWrongOptions) {
  EXPECT_EQ(MakeError({.kernel = "ewma", .options = {{"alpha", 1.5}}}).message(),
            "ewma: option 'alpha' must be in (0, 1], found 1.5.");
  EXPECT_EQ(MakeError({.kernel = "ewma", .options = {{"alpha", std::string("x")}}}).message(),
            "ewma: option 'alpha' must be a number, found 'x'.");
  EXPECT_TRUE(MakeError({.kernel = "ewma", .options = {{"alhpa", 0.5}}})
                  .message()
                  .starts_with("ewma: unknown option 'alhpa'. Nearest names: 'alpha'"));
  EXPECT_EQ(MakeError({.kernel = "ewma", .options = {{"alpha", 0.5}, {"span", 3.0}}}).message(),
            "ewma: 'alpha', 'span' were given together. They are spellings of one decay: give one of alpha, lambda, "
            "span, com, "
            "halflife.");
}

TEST(KernelChain, RefusesRolesAndOutputsTheKernelDoesNotHave) {
  EXPECT_TRUE(MakeError({.kernel = "ewma", .columns = {{"y", "price"}}})
                  .message()
                  .starts_with("ewma: columns= names input 'y'"));
  EXPECT_TRUE(
      MakeError({.kernel = "ewma", .outputs = {{"y", "z"}}}).message().starts_with("ewma: outputs= names output 'y'"));
}

TEST(KernelChain, RefusesMissingMistypedAndTakenColumns) {
  const auto batch = Trades({"A"}, {1});
  auto status = BindError({.kernel = "ewma", .columns = {{"x", "prices"}}}, batch);
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kSchema);
  EXPECT_TRUE(
      status.message().starts_with("ewma: input 'x' needs column 'prices', which is missing. Nearest names: 'price'"))
      << status.message();
  EXPECT_EQ(BindError({.kernel = "ewma", .columns = {{"x", "symbol"}}}, batch).message(),
            "ewma: input 'x' reads column 'symbol', found type string, expected a number. Convert the column or bind "
            "another one "
            "with columns={'x': ...}.");
  EXPECT_EQ(BindError({.kernel = "ewma", .outputs = {{"ewma", "price"}}}, batch).message(),
            "ewma: output 'price' exists already. Rename the output with outputs={'ewma': ...}.");
  EXPECT_FALSE(KernelChain::Make({{.kernel = "ewma"}}, {}).ok());
}

TEST(KernelChain, RefusesAFlagWhereANumberIsRead) {
  const KernelSpec guard{.kernel = "price_band_guard", .columns = {{"order_price", "price"}, {"ref_price", "price"}}};
  const auto batch = Trades({"A"}, {1});
  auto chain = MakeChain({guard, {.kernel = "ewma", .columns = {{"x", "price_ok"}}}});
  EXPECT_EQ(chain.Bind(batch->schema()).status().message(),
            "ewma: input 'x' reads column 'price_ok', which price_band_guard writes as bool; expected float64 from "
            "another kernel of the chain.");
  const auto flagged = MakeChain({guard}).Process(batch).ValueOrDie();
  EXPECT_TRUE(BindError({.kernel = "ewma", .columns = {{"x", "price_ok"}}}, flagged)
                  .message()
                  .starts_with("ewma: input 'x' reads column 'price_ok', found type bool, expected a number."));
}

TEST(KernelChain, RefusesASchemaThatChanges) {
  auto chain = MakeChain({{.kernel = "ewma"}});
  const auto first = Trades({"A"}, {1});
  ASSERT_TRUE(chain.Process(first).ok());
  const auto second = first->SetColumn(1, arrow::field("price", arrow::utf8()), first->column(0)).ValueOrDie();
  EXPECT_EQ(chain.Process(second).status().message(),
            "the schema changed between batches: column 1 was price: double, is price: string. Give one schema to all "
            "batches, "
            "or start a new chain.");
  EXPECT_TRUE(chain.Process(first).ok());  // And goes on.
}

TEST(KernelChain, CanBeBoundAgainAfterAMistake) {
  auto chain = MakeChain({{.kernel = "ewma"}});
  const auto good = Trades({"A"}, {1});
  EXPECT_FALSE(chain.Bind(good->RemoveColumn(1).ValueOrDie()->schema()).ok());
  EXPECT_TRUE(chain.Process(good).ok());
}

// Values.

TEST(KernelChain, AppendsColumnsInOrderAndTouchesNothingElse) {
  auto chain = MakeChain(
      {{.kernel = "ewma", .options = {{"alpha", 0.5}}}, {.kernel = "EMAKernel", .options = {{"period", int64_t{2}}}}});
  const auto batch = Trades({"A", "B", "A", "A"}, {1, 10, 2, 4});
  const auto result = chain.Process(batch).ValueOrDie();
  EXPECT_EQ(result->schema()->field_names(), (std::vector<std::string>{"symbol", "price", "ewma", "ema"}));
  EXPECT_EQ(result->column(0), batch->column(0));  // The same arrays, not equal ones.
  EXPECT_TRUE(result->column(2)->Equals(Doubles({1, 10, 1.5, 2.75})));
}

TEST(KernelChain, LaterKernelsReadWhatEarlierOnesWrote) {
  auto chain = MakeChain({{.kernel = "log_returns"}, {.kernel = "realized_var", .options = {{"window", int64_t{2}}}}});
  auto first = MakeChain({{.kernel = "log_returns"}}),
       second = MakeChain({{.kernel = "realized_var", .options = {{"window", int64_t{2}}}}});
  const auto batch = Trades({"A", "A", "B", "A", "A", "B", "B", "B"}, {1, 2, 5, 3, 4, 6, 7, 8});
  const auto fused = chain.Process(batch).ValueOrDie();
  EXPECT_TRUE(SameBits(*fused, *second.Process(first.Process(batch).ValueOrDie()).ValueOrDie()));
}

// Of every length around a byte, a word and a morsel: the bits behind the last row are zero, too.
TEST(KernelChain, FlagsArePackedIntoBits) {
  const KernelSpec guard{.kernel = "price_band_guard", .columns = {{"order_price", "price"}, {"ref_price", "price"}}};
  for (const int64_t rows : {1, 7, 8, 9, 63, 64, 65, 8191, 8192, 8193, 20'000}) {
    std::vector<double> prices;
    for (int64_t row = 0; row < rows; ++row) prices.push_back(row % 3 == 0 || row % 7 == 0 ? 1 : -1);
    const auto batch = Trades(std::vector<std::string>(static_cast<std::size_t>(rows), "A"), prices);
    const auto column = MakeChain({guard}).Process(batch).ValueOrDie()->column(2);
    ASSERT_TRUE(column->ValidateFull().ok());
    const auto& flags = static_cast<const arrow::BooleanArray&>(*column);
    EXPECT_EQ(flags.null_count(), 0);
    for (int64_t row = 0; row < rows; ++row) ASSERT_EQ(flags.Value(row), row % 3 == 0 || row % 7 == 0) << row;
    const auto& bits = *column->data()->buffers[1];
    ASSERT_EQ(bits.size(), (rows + 63) / 64 * 8);
    for (int64_t bit = rows; bit < bits.size() * 8; ++bit) ASSERT_EQ(bits.data()[bit / 8] >> bit % 8 & 1, 0) << bit;
  }
}

TEST(KernelChain, KernelsWithoutStateNeedNoKey) {
  auto chain = MakeChain({{.kernel = "midprice", .columns = {{"bid", "price"}, {"ask", "price"}}}}, {});
  EXPECT_FALSE(chain.stateful());
  EXPECT_TRUE(chain.Process(Trades({"A"}, {3})).ValueOrDie()->column(2)->Equals(Doubles({3})));
}

TEST(KernelChain, NumbersOfEveryTypeAreWidened) {
  const std::vector<double> prices{1, 2, 5, 3};
  const auto batch = Trades({"A", "A", "B", "A"}, prices);
  auto expected = MakeChain({{.kernel = "ewma"}}).Process(batch).ValueOrDie()->column(2);
  for (const auto& type :
       {arrow::float32(), arrow::int8(), arrow::uint16(), arrow::int64(), arrow::uint64(), arrow::decimal128(10, 2)}) {
    const auto narrow = arrow::compute::Cast(*batch->column(1), type).ValueOrDie();
    const auto other = batch->SetColumn(1, arrow::field("price", type), narrow).ValueOrDie();
    EXPECT_TRUE(SameBits(*expected, *MakeChain({{.kernel = "ewma"}}).Process(other).ValueOrDie()->column(2)))
        << type->ToString();
  }
}

TEST(KernelChain, TimesOfEveryUnitAreNanoseconds) {
  const KernelSpec timed{.kernel = "ewma", .options = {{"halflife", std::string("3s")}}};
  const auto trades = Trades({"A", "A", "A"}, {1, 2, 5});
  const auto with = [&](const std::shared_ptr<arrow::DataType>& type, const std::vector<int64_t>& values) {
    arrow::Int64Builder builder;
    EXPECT_TRUE(builder.AppendValues(values).ok());
    const auto times = builder.Finish().ValueOrDie()->View(type).ValueOrDie();
    return trades->AddColumn(2, arrow::field("timestamp", type), times).ValueOrDie();
  };
  const auto ns =
      MakeChain({timed}).Process(with(arrow::int64(), {0, 1'000'000'000, 5'000'000'000})).ValueOrDie()->column(3);
  const auto s = MakeChain({timed})
                     .Process(with(arrow::timestamp(arrow::TimeUnit::SECOND, "UTC"), {0, 1, 5}))
                     .ValueOrDie()
                     ->column(3);
  EXPECT_TRUE(SameBits(*ns, *s));
  const auto overflow =
      MakeChain({timed}).Process(with(arrow::timestamp(arrow::TimeUnit::SECOND), {0, 1, int64_t{1} << 40})).status();
  EXPECT_EQ(data::KindOf(overflow), data::ErrorKind::kData);
  EXPECT_TRUE(overflow.message().starts_with("column 'timestamp' of type timestamp[s] holds a time that does not fit"))
      << overflow;
}

TEST(KernelChain, SlicesWithAnyOffsetGiveTheSameBits) {
  const auto ticks = SampleTicks({.rows = 1000});
  for (const auto& kernel : {"ewma", "ofi", "midprice", "lag"}) {
    for (const int64_t offset : {1, 7, 63, 64, 65}) {
      const auto slice = ticks->Slice(offset, 700);
      const auto copy = Concatenate({slice});
      const KernelSpec spec{.kernel = kernel, .outputs = {{kernel, "out"}}};
      EXPECT_TRUE(SameBits(*MakeChain({spec}).Process(slice).ValueOrDie()->column(slice->num_columns()),
                           *MakeChain({spec}).Process(copy).ValueOrDie()->column(slice->num_columns())));
    }
  }
}

TEST(KernelChain, SeveralKeyColumns) {
  auto batch = Trades({"A", "A", "A", "B"}, {1, 2, 3, 4});
  batch = batch->AddColumn(2, arrow::field("venue", arrow::utf8()), Strings({"X", "Y", "X", "X"})).ValueOrDie();
  auto chain = MakeChain({{.kernel = "diff"}}, {"symbol", "venue"});
  const auto diff = chain.Process(batch).ValueOrDie()->column(3);
  EXPECT_EQ(diff->null_count(), 3);
  EXPECT_EQ(static_cast<const arrow::DoubleArray&>(*diff).Value(2), 2);
}

TEST(KernelChain, OutputsWithoutNullsHaveNoBitmap) {
  auto chain = MakeChain({{.kernel = "ewma"}});
  EXPECT_EQ(chain.Process(Trades({"A", "A"}, {1, 2})).ValueOrDie()->column(2)->null_bitmap(), nullptr);
}

// Snapshots.

TEST(KernelChain, SnapshotIsATableWithKeysAndFields) {
  auto chain = MakeChain({{.kernel = "ewma", .options = {{"alpha", 0.5}}}});
  ASSERT_TRUE(chain.Process(Trades({"B", "A", "B"}, {1, 3, 2})).ok());
  const auto snapshot = chain.Snapshot(0).ValueOrDie();
  EXPECT_EQ(snapshot->schema()->field_names(), (std::vector<std::string>{"symbol", "value", "timestamp", "seen"}));
  EXPECT_TRUE(snapshot->column(0)->chunk(0)->Equals(Strings({"B", "A"})));
  EXPECT_TRUE(snapshot->column(1)->chunk(0)->Equals(Doubles({1.5, 3})));
  const auto [spec, by] = KernelChain::SpecOf(*snapshot->schema()).ValueOrDie();
  EXPECT_EQ(spec.kernel, "ewma");
  EXPECT_EQ(kernels::OptionsToJson(spec.options), R"({"alpha":0.5})");
  EXPECT_EQ(by, std::vector<std::string>{"symbol"});
}

TEST(KernelChain, RestoreRefusesAnotherKernelOtherOptionsAndNoSnapshot) {
  auto chain = MakeChain({{.kernel = "ewma", .options = {{"alpha", 0.5}}}});
  const auto trades = Trades({"A"}, {1});
  ASSERT_TRUE(chain.Process(trades).ok());
  const auto snapshot = chain.Snapshot(0).ValueOrDie();
  auto other = MakeChain({{.kernel = "ewma", .options = {{"alpha", 0.25}}}});
  EXPECT_EQ(other.Restore(0, *snapshot).message(),
            R"(the snapshot is of ewma version 1 {"alpha":0.5}, the kernel is ewma version 1 {"alpha":0.25}. )"
            "Restore it into a kernel of the same name, version and options, or start without it.");
  EXPECT_EQ(data::KindOf(MakeChain({{.kernel = "ema"}}).Restore(0, *snapshot)), data::ErrorKind::kSnapshot);
  EXPECT_EQ(data::KindOf(chain.Restore(0, *arrow::Table::FromRecordBatches({trades}).ValueOrDie())),
            data::ErrorKind::kSnapshot);
  EXPECT_EQ(chain.Restore(0, *snapshot).message(), "snapshot: a key of it has a state already. Restore a key once.");
  const auto twice = arrow::ConcatenateTables({snapshot, snapshot}).ValueOrDie();
  EXPECT_EQ(MakeChain({{.kernel = "ewma", .options = {{"alpha", 0.5}}}}).Restore(0, *twice).message(),
            "the snapshot holds a key twice.");
}

TEST(KernelChain, RestoresUnderAnotherEncodingOfTheKey) {
  const auto trades = Trades({"A", "B", "A"}, {1, 2, 4});
  auto plain = MakeChain({{.kernel = "ewma"}}), encoded = MakeChain({{.kernel = "ewma"}});
  ASSERT_TRUE(plain.Process(trades).ok());
  ASSERT_TRUE(encoded.Restore(0, *plain.Snapshot(0).ValueOrDie()).ok());
  const auto dictionary = arrow::compute::DictionaryEncode(trades->column(0)).ValueOrDie().make_array();
  const auto other = trades->SetColumn(0, arrow::field("symbol", dictionary->type()), dictionary).ValueOrDie();
  EXPECT_TRUE(
      SameBits(*plain.Process(trades).ValueOrDie()->column(2), *encoded.Process(other).ValueOrDie()->column(2)));
}

}  // namespace
}  // namespace sabot::operators

// Sources of ticks as tick files.
#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/type.h>
#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "python/bindings/arrow_capsules.h"
#include "python/bindings/errors.h"
#include "python/bindings/interrupt.h"
#include "python/bindings/module.h"
#include "python/bindings/python_call.h"
#include "sabot/connectors/reject_file.h"
#include "sabot/ticks/convert_ticks.h"

namespace sabot::python {
namespace {

using ticks::ConvertedTicks;

std::shared_ptr<arrow::Array> Texts(const std::vector<ConvertedTicks>& results,
                                    const std::function<std::optional<std::string>(const ConvertedTicks&)>& text_of) {
  arrow::StringBuilder builder;
  for (const auto& result : results) {
    const auto text = text_of(result);
    Check(text ? builder.Append(*text) : builder.AppendNull());
  }
  return Check(builder.Finish());
}

std::shared_ptr<arrow::Array> Counts(const std::vector<ConvertedTicks>& results, int64_t ticks::TickFileInfo::* count) {
  arrow::Int64Builder builder;
  for (const auto& result : results) Check(builder.Append(result.info.*count));
  return Check(builder.Finish());
}

template <class T>
auto FromInfo(T ticks::TickFileInfo::* member) {
  return [member](const ConvertedTicks& result) { return result.info.*member; };
}

std::optional<std::string> IfAny(const std::string& text) { return text.empty() ? std::nullopt : std::optional(text); }

std::shared_ptr<arrow::RecordBatch> TableOf(const std::vector<ConvertedTicks>& results) {
  arrow::BooleanBuilder skipped;
  for (const auto& result : results) Check(skipped.Append(result.skipped));
  const auto text = arrow::utf8();
  const auto count = arrow::int64();
  const auto schema =
      arrow::schema({arrow::field("security", text), arrow::field("source", text), arrow::field("path", text),
                     arrow::field("rows", count), arrow::field("rejected", count), arrow::field("reordered", count),
                     arrow::field("skipped", arrow::boolean()), arrow::field("error", text)});
  using Info = ticks::TickFileInfo;
  return arrow::RecordBatch::Make(
      schema, static_cast<int64_t>(results.size()),
      {Texts(results, [](const auto& result) { return std::optional(result.security); }),
       Texts(results, [](const auto& result) { return std::optional(result.source); }),
       Texts(results, [](const auto& result) { return IfAny(result.path); }), Counts(results, &Info::rows),
       Counts(results, &Info::rejected), Counts(results, &Info::reordered), Check(skipped.Finish()),
       Texts(results, [](const auto& result) { return IfAny(result.status.message()); })});
}

std::vector<ConvertedTicks> ConvertTicks(const std::vector<std::string>& sources, const std::string& folder,
                                         int64_t header_row, int max_workers, std::optional<int> max_sheets,
                                         std::optional<std::string> market, bool day_first, bool overwrite,
                                         const std::optional<std::string>& rejects, nb::object progress) {
  ticks::ConvertTicksOptions options;
  options.header_row = header_row;
  options.max_workers = max_workers;
  options.max_sheets = max_sheets;
  options.market = std::move(market);
  options.day_first = day_first;
  options.overwrite = overwrite;
  options.interrupt = std::make_shared<PythonInterrupt>();
  if (!progress.is_none()) {
    options.progress = [callable = Share(std::move(progress))](const ticks::ConvertProgress& now) {
      return CallPython([&] {
               (*callable)(now.done, now.rows, now.rejected);
               return true;
             })
          .status();
    };
  }
  std::vector<ConvertedTicks> results;
  {
    const nb::gil_scoped_release released;
    if (rejects) options.rejects = Check(connectors::OpenRejectFile(*rejects));
    results = Check(ticks::ConvertTicks(sources, folder, std::move(options)));
  }
  return results;
}

}  // namespace

void RegisterTicks(nb::module_& module) {
  using Info = ticks::TickFileInfo;
  nb::class_<ConvertedTicks>(module, "ConvertedTicks", "What became of the ticks of a security.")
      .def_ro("security", &ConvertedTicks::security)
      .def_ro("source", &ConvertedTicks::source)
      .def_prop_ro("path", [](const ConvertedTicks& result) { return IfAny(result.path); })
      .def_prop_ro("rows", FromInfo(&Info::rows))
      .def_prop_ro("rejected", FromInfo(&Info::rejected))
      .def_prop_ro("reordered", FromInfo(&Info::reordered))
      .def_ro("skipped", &ConvertedTicks::skipped)
      .def_prop_ro("error", [](const ConvertedTicks& result) { return IfAny(result.status.message()); });
  module.def("convert_ticks", &ConvertTicks, nb::arg("sources"), nb::arg("folder"), nb::arg("header_row"),
             nb::arg("max_workers"), nb::arg("max_sheets").none(), nb::arg("market").none(), nb::arg("day_first"),
             nb::arg("overwrite"), nb::arg("rejects").none(), nb::arg("progress").none());
  module.def(
      "converted_ticks_table", [](const std::vector<ConvertedTicks>& results) { return ArrowResult(TableOf(results)); },
      nb::arg("results"));
}

}  // namespace sabot::python

#include "sabot/checkpoint/manifest.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "sabot/data/errors.h"
#include "sabot/env/digest.h"

namespace sabot::checkpoint {
namespace {

const std::string kDigest = env::DigestOf("abc").ValueOrDie();

Manifest Sample() {
  Manifest manifest;
  manifest.job_id = "prices";
  manifest.id = {.attempt = 3, .number = 17};
  manifest.plan_digest = kDigest;
  manifest.key_groups = 128;
  manifest.cut = {.time = 1'700'000'000'000'000'000, .source = 1, .offset = 4096, .path = 0};
  manifest.operators = {
      {.uid = "fast",
       .copy = 0,
       .type = "kernel",
       .key_by = {"symbol", "venue"},
       .files = {{.name = "3-17/fast.0.0.arrow", .bytes = 1234, .sha256 = kDigest, .rows = 12},
                 {.name = "2-9/fast.0.1.arrow", .bytes = 0, .sha256 = kDigest, .rows = 0}}},
      {.uid = "fast", .copy = 1, .type = "kernel", .key_by = {"symbol", "venue"}, .files = {}, .form = "files"},
      {.uid = "count", .copy = 0, .type = "aggregate", .key_by = {}, .files = {}}};
  manifest.sources = {
      {.uid = "ticks", .partition = 0, .offset = 4096, .time = std::numeric_limits<int64_t>::min(), .ended = false},
      {.uid = "ticks", .partition = 1, .offset = std::numeric_limits<int64_t>::max(), .time = -1, .ended = true}};
  manifest.sinks = {{.uid = "out",
                     .partition = 0,
                     .rows = 99,
                     .rows_per_file = 49,
                     .durable = 98,
                     .files_begin = 98,
                     .files = {{.name = "3-17/out.sink.0.arrow", .bytes = 7, .sha256 = kDigest, .rows = 1}}}};
  manifest.ended = {"count"};
  manifest.decisions = {.attempt = 2, .number = 4};
  manifest.created_ms = 1'750'000'000'000;
  return manifest;
}

std::string TextOf(const Manifest& manifest) { return manifest.ToJson().ValueOrDie(); }

// The sample's text with one place changed.
std::string With(const std::string& from, const std::string& to) {
  std::string text = TextOf(Sample());
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

std::string ErrorOf(const std::string& text) {
  const auto status = Manifest::FromJson(text, "3-17.json").status();
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kData) << status;
  return status.message();
}

// --- Wrong use. ---

TEST(Manifest, SaysWhereWhatIsWrong) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "manifest '3-17.json': the text is empty."},
      {"[]", "manifest '3-17.json': $: expected an object, found an array."},
      {"{}", "manifest '3-17.json': $: the member 'version' is missing. It is an integer."},
      {With("\"version\": 1", "\"version\": 2"),
       "manifest '3-17.json': $.version: found 2, expected 1. Use the Sabot that wrote it."},
      {With("\"job_id\": \"prices\"", "\"job_id\": 5"), "manifest '3-17.json': $.job_id: expected text, found 5."},
      {With("\"job_id\": \"prices\"", "\"job_id\": \"\""),
       "manifest '3-17.json': $.job_id: found empty text, expected a name."},
      {With("\"attempt\": 3", "\"attempt\": 0"), "manifest '3-17.json': $.attempt: found 0, expected at least 1."},
      {With("\"number\": 17", "\"number\": 1.5"), "manifest '3-17.json': $.number: expected an integer, found 1.5."},
      {With("\"key_groups\": 128", "\"key_groups\": 32769"),
       "manifest '3-17.json': $.key_groups: found 32769, expected 1 to 32768."},
      {With("\"bytes\": 1234", "\"bytes\": -1"),
       "manifest '3-17.json': $.operators[0].files[0].bytes: found -1, expected at least 0."},
      {With("\"rows\": 12", "\"row\": 12"),
       "manifest '3-17.json': $.operators[0].files[0]: the member 'rows' is missing. It is an integer."},
      {With("3-17/fast.0.0.arrow", "3-17/../secret"),
       "manifest '3-17.json': $.operators[0].files[0].name: found '3-17/../secret', "
       "expected a name such as '3-17/ewma.0.0.arrow'."},
      {With("\"copy\": 1", "\"copy\": 0"),
       "manifest '3-17.json': $.operators[1]: found copy 0 of 'fast' twice, expected it once."},
      {With("\"form\": \"files\"", "\"form\": \"file\""),
       "manifest '3-17.json': $.operators[1].form: found 'file', expected 'tables' or 'files'."},
      {With("\"form\": \"files\"", "\"forms\": \"files\""),
       "manifest '3-17.json': $.operators[1]: the member 'form' is missing. It is text."},
      {With("\"offset\": 9223372036854775807", "\"offset\": 9223372036854775808"),
       "manifest '3-17.json': $.sources[1].offset: the integer 9223372036854775808 does not fit 64 bits with a sign."},
      {With("\"ended\": true", "\"ended\": null"),
       "manifest '3-17.json': $.sources[1].ended: expected true or false, found null."},
      {With("\"files_begin\": 98", "\"files_begin\": 99"),
       "manifest '3-17.json': $.sinks[0]: found files of the rows from 99 to 100, expected those from 98 to 99."},
      {With("\"decisions\"", "\"decided\""),
       "manifest '3-17.json': $: the member 'decisions' is missing. It is an object."},
      {With("\"created_ms\"", "\"create_ms\": 0, \"created_ms\""),
       "manifest '3-17.json': $: unknown member 'create_ms'. Nearest names: 'created_ms'."},
  };
  for (const auto& [text, message] : cases) {
    const std::string found = ErrorOf(text);
    EXPECT_EQ(found.substr(0, message.size()), message);
  }
}

TEST(Manifest, NoticesAChangedDigit) {
  const std::string found = ErrorOf(With("\"rows\": 99", "\"rows\": 98"));
  EXPECT_TRUE(found.starts_with("manifest '3-17.json': $.sha256: found '")) << found;
  EXPECT_TRUE(found.ends_with("': the manifest was changed after it was written. Use another checkpoint.")) << found;
}

TEST(Manifest, IsNotWrittenWhereItCouldNotBeRead) {
  Manifest manifest = Sample();
  manifest.sources[1].partition = 0;
  EXPECT_EQ(manifest.ToJson().status().message(),
            "$.sources[1]: found partition 0 of 'ticks' twice, expected it once.");
  manifest = Sample();
  manifest.operators[0].files[0].sha256 = "abc";
  EXPECT_EQ(data::KindOf(manifest.ToJson().status()), data::ErrorKind::kData);
}

TEST(CheckpointId, HasOneText) {
  CheckpointId id;
  EXPECT_TRUE(ParseCheckpointId("3-17", id));
  EXPECT_EQ(id, (CheckpointId{.attempt = 3, .number = 17}));
  EXPECT_EQ(id.ToString(), "3-17");
  for (const char* text : {"", "3", "-", "3-", "-17", "03-17", "3-017", "0-1", "1-0", "3-17 ", " 3-17", "+3-17",
                           "3--17", "3-17-1", "3-1234567890123456789", "3-1x"}) {
    EXPECT_FALSE(ParseCheckpointId(text, id)) << text;
  }
}

TEST(FileName, LeadsNowhereElse) {
  for (const char* name : {"a", "fast.0.1", "A-b_9.arrow"}) EXPECT_TRUE(IsFileName(name)) << name;
  for (const char* name : {"", ".", "..", ".a", "a/b", "a b", "a\\b", "\xc3\xa9"}) {
    EXPECT_FALSE(IsFileName(name)) << name;
  }
  EXPECT_TRUE(IsFileName(std::string(240, 'a')));
  EXPECT_FALSE(IsFileName(std::string(241, 'a')));
}

// --- Edges: damaged texts are errors, never crashes and never another manifest. ---

TEST(Manifest, IsReadWholeOrNotAtAll) {
  const std::string text = TextOf(Sample());
  for (std::size_t bytes = 0; bytes + 1 < text.size(); ++bytes) {  // Without its last newline it is whole.
    ASSERT_FALSE(Manifest::FromJson(text.substr(0, bytes), "f").ok()) << bytes;
  }
  EXPECT_TRUE(Manifest::FromJson(text.substr(0, text.size() - 1), "f").ok());
}

TEST(Manifest, AnyChangedByteIsNoticedOrMeansNothing) {
  const Manifest sample = Sample();
  const std::string text = TextOf(sample);
  std::mt19937_64 random(7);
  for (int round = 0; round < 3'000; ++round) {
    std::string changed = text;
    for (uint64_t changes = 1 + random() % 3; changes > 0; --changes) {
      changed[random() % changed.size()] = static_cast<char>(random());
    }
    const auto read = Manifest::FromJson(changed, "f");
    if (!read.ok()) continue;
    ASSERT_EQ(*read, sample) << changed;  // A space more or less.
  }
}

TEST(Manifest, RandomBytesAreErrors) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 3'000; ++round) {
    std::string bytes(random() % 200, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    EXPECT_FALSE(Manifest::FromJson(bytes, "f").ok());
  }
  EXPECT_FALSE(Manifest::FromJson(std::string(100'000, '['), "f").ok());
}

// --- Values. ---

TEST(Manifest, ComesBackAsItWas) {
  const Manifest sample = Sample();
  const std::string text = TextOf(sample);
  const Manifest back = Manifest::FromJson(text, "f").ValueOrDie();
  EXPECT_EQ(back, sample);
  EXPECT_EQ(TextOf(back), text);

  Manifest least;
  least.job_id = "a";
  least.id = {.attempt = 1, .number = 1};
  least.plan_digest = kDigest;
  least.cut = data::kEndPlace;
  EXPECT_EQ(Manifest::FromJson(TextOf(least), "f").ValueOrDie(), least);
}

TEST(Manifest, NamesItsFiles) {
  std::vector<std::string> names;
  for (const StateFile& file : FilesOf(Sample())) names.push_back(file.name);
  EXPECT_EQ(names, (std::vector<std::string>{"3-17/fast.0.0.arrow", "2-9/fast.0.1.arrow", "3-17/out.sink.0.arrow"}));
}

graph::JobGraph Job(int parallelism, const std::string& key) {
  graph::JobGraph job("prices");
  EXPECT_TRUE(job.Add({.id = "ticks", .type = "source"}).ok());
  EXPECT_TRUE(
      job.Add({.id = "fast", .type = "kernel", .parallelism = parallelism, .stateful = true, .key_by = {key}}).ok());
  EXPECT_TRUE(job.Connect({.from = "ticks", .to = "fast"}).ok());
  return job;
}

TEST(PlanDigest, IsOfTheJobAndNotOfItsParallelism) {
  const std::string digest = PlanDigest(Job(2, "symbol")).ValueOrDie();
  EXPECT_TRUE(env::IsDigest(digest));
  EXPECT_EQ(PlanDigest(Job(5, "symbol")).ValueOrDie(), digest);
  EXPECT_NE(PlanDigest(Job(2, "venue")).ValueOrDie(), digest);
}

}  // namespace
}  // namespace sabot::checkpoint

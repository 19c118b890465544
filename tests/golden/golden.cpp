// See golden.h.
#include "golden.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "checkpoint/safetensors.h"

namespace moebius::internal::golden {

namespace {

std::string root() { return std::string(MOEBIUS_SOURCE_DIR) + "/tests/golden/"; }

template <typename T>
std::vector<T> read_values(const File& file, const TensorInfo& info) {
  std::vector<T> values(info.bytes / sizeof(T));
  file.read(info.offset, std::as_writable_bytes(std::span(values)));
  return values;
}

double standard_deviation(std::span<const float> values) {
  double sum = 0, squares = 0;
  for (const float v : values) sum += v;
  const double mean = sum / static_cast<double>(values.size());
  for (const float v : values) squares += (v - mean) * (v - mean);
  return std::sqrt(squares / static_cast<double>(values.size()));
}

}  // namespace

std::vector<std::string> all_checkpoints() {
  std::vector<std::string> names = kPlain;
  names.insert(names.end(), kQuantized.begin(), kQuantized.end());
  return names;
}

std::string checkpoint_directory(const std::string& name) { return root() + "checkpoints/" + name; }

Expected read_expected(const std::string& name) {
  const File file(root() + "expected/" + name + ".safetensors");
  Expected expected;
  for (const TensorInfo& info : read_safetensors_header(file).tensors) {
    if (info.name == "tokens") {
      expected.tokens = read_values<int32_t>(file, info);
    } else if (info.name == "mtp_logits") {
      expected.mtp_logits = read_values<float>(file, info);
    } else {
      expected.logits[info.name] = read_values<float>(file, info);
    }
  }
  return expected;
}

std::vector<ComputeOptions> every_cpu() {
  std::vector<ComputeOptions> all;
  for (const OptionWord<InstructionSet>& isa : option_words<InstructionSet>()) {
    all.push_back({.instruction_set = isa.value});
  }
  return all;
}

void PrintTo(const OnBackend& value, std::ostream* out) { *out << name_of(value.compute) << "_" << value.checkpoint; }

std::vector<OnBackend> on_each(const std::vector<ComputeOptions>& computes) {
  std::vector<OnBackend> all;
  for (const std::string& checkpoint : all_checkpoints()) {
    for (const ComputeOptions& compute : computes) all.push_back({compute, checkpoint});
  }
  return all;
}

std::vector<ComputeOptions> every_backend() {
  std::vector<ComputeOptions> all = every_cpu();
  all.insert(all.begin(), kReference);
  return all;
}

std::string name_of(const ComputeOptions& compute) {
  std::string name(word(compute.backend));
  if (compute.instruction_set) name += word(*compute.instruction_set);
  return name;
}

bool runs_here(const ComputeOptions& compute) {
  const std::vector<InstructionSet> present = machine_instruction_sets();
  return !compute.instruction_set || std::ranges::find(present, *compute.instruction_set) != present.end();
}

EngineOptions on(const ComputeOptions& compute) {
  EngineOptions options;
  options.compute = compute;
  return options;
}

LoadedModel load(const std::string& name, const EngineOptions& options) {
  return load_on_backend(Checkpoint(checkpoint_directory(name)), load_options(options));
}

std::vector<float> run(const LoadedModel& loaded, std::span<const int32_t> tokens, int64_t chunk) {
  const size_t piece = chunk > 0 ? static_cast<size_t>(chunk) : tokens.size();
  Stepper stepper(*loaded.model, *loaded.backend);
  std::vector<float> logits;
  for (size_t first = 0; first < tokens.size(); first += piece) {
    const auto part = tokens.subspan(first, std::min(piece, tokens.size() - first));
    const std::vector<float> rows = stepper.append_all(part);
    logits.insert(logits.end(), rows.begin(), rows.end());
  }
  return logits;
}

void expect_promise(std::span<const float> actual, std::span<const float> expected) {
  ASSERT_EQ(actual.size(), expected.size());
  double worst = 0;
  for (size_t i = 0; i < actual.size(); ++i) {
    ASSERT_TRUE(std::isfinite(actual[i])) << "logit " << i;
    worst = std::max(worst, std::abs(static_cast<double>(actual[i]) - expected[i]));
  }
  EXPECT_LE(worst, 1e-3 * std::max(1.0, standard_deviation(expected)));
  ::testing::Test::RecordProperty("max_abs_difference", std::to_string(worst));
}

std::string first_difference(std::span<const float> actual, std::span<const float> expected, int64_t vocab) {
  if (actual.size() != expected.size()) return fmt::format("{} logits instead of {}", actual.size(), expected.size());
  size_t different = 0, first = 0;
  for (size_t i = actual.size(); i-- > 0;) {
    if (std::bit_cast<uint32_t>(actual[i]) == std::bit_cast<uint32_t>(expected[i])) continue;
    ++different;
    first = i;
  }
  if (different == 0) return "";
  const size_t columns = static_cast<size_t>(vocab);
  return fmt::format("{} of {} logits differ, the first at token {}, id {}: {:.9g} instead of {:.9g}", different,
                     actual.size(), first / columns, first % columns, actual[first], expected[first]);
}

}  // namespace moebius::internal::golden

// Proves a checkpoint on this machine. First its files are audited. Then its logits are computed: they must be finite
// and depend on the tokens, and be bit for bit the same in chunks or in one step, by any expert path, with any number
// of threads and on any instruction set. The reference backend must compute the same bits too; that is tried only for
// small checkpoints, because the reference backend runs plain loops.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <optional>
#include <random>

#include "checkpoint/census.h"
#include "checkpoint/doctor.h"
#include "checkpoint/value_scan.h"
#include "cli/loading.h"
#include "cli/machine.h"
#include "cli/progress.h"
#include "load/make_backend.h"
#include "load/option_words.h"
#include "model/non_finite.h"
#include "model/stepper.h"
#include "moebius/error.h"

namespace moebius::internal::apps {
namespace {

constexpr int64_t kTokens = 40;
static_assert(kTokens <= kMaxLogitRows);
constexpr int64_t kChunks[] = {1, 7, 16};
constexpr uint64_t kReferenceLimit = uint64_t{200}
                                     << 20;  // bytes of weights; the reference backend needs minutes for more
constexpr const char* kOurBug =
    "this is a bug in moebius or a fault of the memory: run it again, then please report it";

constexpr const char* kDownloadAgain =
    "the files are damaged, or their download did not end: download the checkpoint again and compare its checksums";

using Logits = std::vector<float>;

std::vector<int32_t> test_tokens(int64_t vocab) {
  std::mt19937_64 generator(1);
  std::vector<int32_t> tokens(kTokens);
  for (int32_t& token : tokens) token = static_cast<int32_t>(generator() % static_cast<uint64_t>(vocab));
  return tokens;
}

// Returns all logits [kTokens, V] of a new sequence that runs in steps of `chunk` tokens.
Logits logits_of(const ReadyModel& model, int64_t chunk) {
  const int64_t vocab = model.model().config().vocab;
  const std::vector<int32_t> tokens = test_tokens(vocab);
  Stepper stepper(model.model(), model.backend());
  Logits all;
  for (int64_t at = 0; at < kTokens; at += chunk) {
    const int64_t rows = std::min(chunk, kTokens - at);
    const auto part = std::span(tokens).subspan(static_cast<size_t>(at), static_cast<size_t>(rows));
    const Logits logits = stepper.step(part, {0, rows});
    all.insert(all.end(), logits.begin(), logits.end());
  }
  return all;
}

std::string first_difference(const Logits& got, const Logits& expected) {
  const auto vocab = static_cast<int64_t>(got.size()) / kTokens;
  int64_t different = 0;
  int64_t first = -1;
  for (size_t i = 0; i < got.size(); ++i) {
    if (std::memcmp(&got[i], &expected[i], sizeof(float)) == 0) continue;
    different += 1;
    if (first < 0) first = static_cast<int64_t>(i);
  }
  const auto at = static_cast<size_t>(first);
  return fmt::format("{} of {} logits differ, first at token {}, id {}: {} and {}", different, got.size(),
                     first / vocab, first % vocab, got[at], expected[at]);
}

bool same_bits(const Logits& a, const Logits& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// Says how logits of many tokens [kTokens, V] show that the weights are not those of a model. Returns "" when they do
// not.
std::string what_is_constant(const Logits& logits) {
  constexpr float kNoise = 1e-6f;
  const size_t vocab = logits.size() / kTokens;
  const std::span<const float> first = std::span(logits).first(vocab);
  bool same_rows = true;
  for (size_t row = 0; row < static_cast<size_t>(kTokens); ++row) {
    const std::span<const float> values = std::span(logits).subspan(row * vocab, vocab);
    const auto [least, most] = std::ranges::minmax(values);
    if (most - least <= kNoise * std::max(std::abs(least), std::abs(most))) {
      return fmt::format("all {} logits of a token are {:.3g}", vocab, least);
    }
    same_rows = same_rows && std::ranges::equal(values, first);
  }
  return same_rows ? fmt::format("{} different tokens have the same logits", kTokens) : "";
}

class Examination {
 public:
  Examination(Findings& findings, const DoctorOptions& options) : findings_(findings), options_(options) {}

  void run();

 private:
  [[nodiscard]] bool audit();
  void audit_formats(const ModelDir& files, const ModelConfig& config);
  void scan(const ModelDir& files);
  void examine_packed();
  ReadyModel load_with(const CommonOptions& common) const;
  [[nodiscard]] bool examine_loaded();
  void examine_logits(const ReadyModel& model);
  void compare_chunks(const ReadyModel& model);
  void compare_paths(const ReadyModel& model);
  void compare_loads();
  void compare_load(const std::string& check, const std::string& what, const CommonOptions& common);
  void judge(const std::string& check, const std::string& what, const Logits& got);

  Findings& findings_;
  const DoctorOptions& options_;
  Logits expected_;  // logits of the chosen backend, computed in one step
  uint64_t weight_bytes_ = 0;
  bool use_packed_ = false;  // the packed weights on disk are fresh and undamaged
};

void Examination::run() {
  if (!audit()) return;
  const EngineOptions& engine = options_.common.engine;
  if (engine.compute.backend == BackendKind::kCpu && engine.packed.use != PackedUse::kOff) examine_packed();
  if (!examine_loaded()) return;
  if (!options_.quick) compare_loads();
}

bool Examination::audit() {
  std::optional<ModelDir> files;
  if (!findings_.attempt("files", [&] { files.emplace(options_.directory); })) return false;
  findings_.pass("files", fmt::format("{} tensors, headers and offsets valid", files->tensors().size()));
  ModelConfig config;
  const std::string where = (files->path() / "config.json").string();
  if (!findings_.attempt("config", [&] { config = parse_model_config(files->config(), where); })) return false;
  findings_.pass("config", fmt::format("{}, {} layers, width {}, vocabulary {}", config.model_type, config.layers,
                                       config.dim, config.vocab));
  if (!findings_.attempt("quantization", [&] { audit_formats(*files, config); })) return false;
  findings_.attempt("values", [&] { scan(*files); });
  examine_text(findings_, *files, config.vocab);
  return true;
}

void Examination::audit_formats(const ModelDir& files, const ModelConfig& config) {
  const Census census = take_census(files, config);
  std::map<std::string, int64_t> formats;
  for (const ModuleGroup& m : census.modules) formats[m.format] += m.count;
  std::vector<std::string> parts;
  for (const auto& [format, count] : formats) parts.push_back(fmt::format("{} in {}", count, format));
  findings_.pass("quantization",
                 fmt::format("{:.2f} bits per weight: {}", census.bits_per_weight(), fmt::join(parts, "; ")));
  for (const auto& [form, layers] : census.expert_forms) {
    findings_.pass("experts", fmt::format("{} in {} layers", form, layers));
  }
}

void Examination::scan(const ModelDir& files) {
  const Coverage coverage = options_.scan ? Coverage::kAll : Coverage::kSample;
  Progress progress("scanning", scan_bytes(files, coverage));
  const ValueScan result = scan_values(files, coverage, [&](uint64_t done) { progress.update(done); });
  progress.finish();
  const std::string read = fmt::format("{}{}", options_.scan ? "" : "a sample of ", human_bytes(result.bytes));
  if (result.bad_values == 0) {
    findings_.pass("values", fmt::format("{} float tensors, {} read: all finite", result.float_tensors, read));
  } else {
    findings_.fail("values",
                   fmt::format("{} values in {} tensors are not finite, first in {}", result.bad_values,
                               result.bad_tensors, result.first_bad),
                   kDownloadAgain);
  }
  if (result.mostly_zero == 0) {
    findings_.pass("zeros", fmt::format("{} matrices, {} read: none is mostly zeros", result.matrices, read));
  } else {
    findings_.fail("zeros",
                   fmt::format("{} of {} matrices are mostly zeros, first {}", result.mostly_zero, result.matrices,
                               result.first_zero),
                   kDownloadAgain);
  }
}

// A stale or damaged file of packed weights is a warning only: it is no fault of the checkpoint, and the next load
// makes the file again.
void Examination::examine_packed() {
  const ModelDir files(options_.directory);
  const PackedKey key = {std::string(packed_layout(BackendKind::kCpu)), files.fingerprint()};
  for (const auto& path : packed_paths(files.path(), options_.common.engine.packed.cache_directory)) {
    if (!std::filesystem::exists(path)) continue;
    try {
      const PackedReader reader(path, key, nullptr);
      reader.verify();
      findings_.pass("packed weights", path.string() + ": fresh, checksums right");
      use_packed_ = true;
      return;
    } catch (const Error& error) {
      findings_.warn("packed weights", error.what(), "the next load makes it again, or remove it");
    }
  }
}

ReadyModel Examination::load_with(const CommonOptions& common) const {
  CommonOptions small = common;
  small.engine.packed.use = use_packed_ ? PackedUse::kAuto : PackedUse::kOff;  // doctor writes no packed weights
  small.engine.limits.context = kTokens;
  small.engine.limits.max_rows = kTokens;
  return load_model(Checkpoint(options_.directory), small);
}

bool Examination::examine_loaded() {
  std::optional<ReadyModel> loaded;
  if (!findings_.attempt("load", [&] { loaded.emplace(load_with(options_.common)); })) return false;
  weight_bytes_ = loaded->ready.plan.weight_bytes;
  findings_.pass("load", fmt::format("{} in {:.1f} s, {:.2f} GB/s", human_bytes(weight_bytes_), loaded->ready.load_s,
                                     static_cast<double>(weight_bytes_) / loaded->ready.load_s / 1e9));
  return findings_.attempt("logits", [&] { examine_logits(*loaded); }) &&
         findings_.attempt("chunks", [&] { compare_chunks(*loaded); }) &&
         findings_.attempt("expert paths", [&] { compare_paths(*loaded); });
}

void Examination::examine_logits(const ReadyModel& model) {
  expected_ = logits_of(model, kTokens);
  const auto bad = std::ranges::count_if(expected_, [](float x) { return !std::isfinite(x); });
  if (bad > 0) {
    const auto tokens = test_tokens(model.model().config().vocab);
    const std::string place = find_non_finite(model.model(), model.backend(), tokens);
    throw Error(ErrorCode::kNonFinite, model.ready.name,
                fmt::format("{} of {} logits are not finite; first seen in {}", bad, expected_.size(), place),
                "--scan looks for tensors with values that are not finite");
  }
  if (const std::string constant = what_is_constant(expected_); !constant.empty()) {
    throw Error(ErrorCode::kBadTensor, model.ready.name, constant + ": the model has learned nothing", kDownloadAgain);
  }
  double sum = 0;
  double squares = 0;
  for (const float x : expected_) {
    sum += x;
    squares += double{x} * x;
  }
  const auto n = static_cast<double>(expected_.size());
  const double deviation = std::sqrt(std::max(0.0, squares / n - (sum / n) * (sum / n)));
  findings_.pass("logits", fmt::format("finite for {} tokens, standard deviation {:.3g}", kTokens, deviation));
}

void Examination::compare_chunks(const ReadyModel& model) {
  for (const int64_t chunk : kChunks) {
    const Logits got = logits_of(model, chunk);
    if (same_bits(got, expected_)) continue;
    judge("chunks", fmt::format("steps of {}", chunk), got);
    return;
  }
  judge("chunks", fmt::format("steps of {} and the whole prompt", fmt::join(kChunks, ", ")), expected_);
}

void Examination::compare_paths(const ReadyModel& model) {
  constexpr ExpertPath kPaths[] = {ExpertPath::kUnfused, ExpertPath::kConcat, ExpertPath::kFused};
  for (const ExpertPath path : kPaths) {
    model.model().set_expert_path(path);
    const Logits got = logits_of(model, kTokens);
    if (same_bits(got, expected_)) continue;
    judge("expert paths", fmt::format("{} and {}", word(path), word(options_.common.engine.compute.experts)), got);
    return;
  }
  judge("expert paths", "unfused, concat and fused", expected_);
}

void Examination::compare_loads() {
  CommonOptions other = options_.common;
  const int threads = chosen_threads(options_.common.engine.compute.threads);
  other.engine.compute.threads = threads == 1 ? 2 : 1;
  compare_load("threads equal", fmt::format("{} and {} threads", threads, other.engine.compute.threads), other);
  if (options_.common.engine.compute.backend != BackendKind::kCpu) return;
  const InstructionSet chosen = chosen_isa(options_.common.engine.compute);
  for (const InstructionSet isa : machine_instruction_sets()) {
    if (isa == chosen) continue;
    other = options_.common;
    other.engine.compute.instruction_set = isa;
    compare_load("instruction sets", fmt::format("{} and {}", word(chosen), word(isa)), other);
  }
  if (weight_bytes_ > kReferenceLimit) return;
  other = options_.common;
  other.engine.compute.backend = BackendKind::kReference;
  other.engine.compute.instruction_set.reset();
  compare_load("reference", "the cpu and the reference backend", other);
}

void Examination::compare_load(const std::string& check, const std::string& what, const CommonOptions& common) {
  findings_.attempt(check, [&] {
    const ReadyModel model = load_with(common);
    judge(check, what, logits_of(model, kTokens));
  });
}

void Examination::judge(const std::string& check, const std::string& what, const Logits& got) {
  if (same_bits(got, expected_)) {
    findings_.pass(check, what + ": the same bits");
  } else {
    findings_.fail(check, what + ": " + first_difference(got, expected_), kOurBug);
  }
}

}  // namespace

void examine_checkpoint(Findings& findings, const DoctorOptions& options) { Examination(findings, options).run(); }

}  // namespace moebius::internal::apps

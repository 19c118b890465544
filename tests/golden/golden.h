// Golden checkpoints for tests: their names, the logits that other programs compute from them, and a function that runs
// one. The tests themselves decide what is compared with what.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "load/load.h"
#include "load/make_backend.h"
#include "load/option_words.h"
#include "load/options.h"
#include "model/stepper.h"
#include "moebius/error.h"

namespace moebius::internal::golden {

// The checkpoints with a draft head.
inline const std::vector<std::string> kMtp = {"mtp_qwen3_5_moe", "mtp_qwen3_next", "mtp_qwen3_5"};

// A draft head in a directory of its own, the model that it belongs to, and the checkpoint with their expected logits.
struct HeadApart {
  std::string head;
  std::string model;
  std::string base;
};
inline const std::vector<HeadApart> kHeadsApart = {
    {"mtp_qwen3_5_moe_head_hf", "mtp_qwen3_5_moe_mlx", "mtp_qwen3_5_moe"},
    {"mtp_qwen3_5_moe_head_mlx", "mtp_qwen3_5_moe_mlx", "mtp_qwen3_5_moe"},
};

// The checkpoints without quantization, one per shape. Those of kMtp are among them. A name that ends in `forms` stands
// for all forms of that checkpoint.
inline const std::vector<std::string> kPlain = {
    // qwen3_5_moe
    "r1_interval", "r2_tied_f16", "r3_f32", "long_inputs", "published_heads", "uneven_routing", "forms",
    "yarn_qwen3_5_moe", "mtp_qwen3_5_moe",
    // qwen3_next
    "qwen3_next_r1", "qwen3_next_r2_dense", "qwen3_next_r3_step", "qwen3_next_r4_defaults", "qwen3_next_forms",
    "mtp_qwen3_next",
    // qwen3_moe
    "qwen3_moe_wide_heads", "qwen3_moe_tied_step", "qwen3_moe_defaults", "qwen3_moe_forms", "yarn_qwen3_moe",
    // qwen3_5
    "qwen3_5_r1_tied", "qwen3_5_r3", "qwen3_5_forms", "mtp_qwen3_5"};
inline const std::vector<std::string> kQuantized = {
    // qwen3_5_moe
    "q2_g32", "q3_g64", "q4_g64", "q5_g32", "q6_g64", "q8_g64", "q4_g128", "q4_g32_f32", "q3_g128_f16", "mxfp4",
    // the other families
    "qwen3_next_q3_g64", "qwen3_next_q4_g64", "qwen3_moe_q4_g64", "qwen3_5_q4_g64"};

// Returns the names of kPlain and kQuantized.
std::vector<std::string> all_checkpoints();

struct Expected {
  std::vector<int32_t> tokens;                       // [T]
  std::map<std::string, std::vector<float>> logits;  // oracle ("logits" or "mlx_logits") -> [T, V]
  // [T-1, V]; empty without a draft head. Row t comes from hidden state t after the final norm and from token t+1.
  std::vector<float> mtp_logits;
};

std::string checkpoint_directory(const std::string& name);
Expected read_expected(const std::string& name);

// ---- where a checkpoint runs

inline constexpr ComputeOptions kReference = {.backend = BackendKind::kReference};
inline constexpr ComputeOptions kCpu = {};  // with the best instruction set of this machine
// The cpu backend with each instruction set, whether this machine has it or not.
std::vector<ComputeOptions> every_cpu();
// The reference and every_cpu().
std::vector<ComputeOptions> every_backend();

struct OnBackend {
  ComputeOptions compute;
  std::string checkpoint;
};
void PrintTo(const OnBackend& value, std::ostream* out);
// Each of these with all_checkpoints().
std::vector<OnBackend> on_each(const std::vector<ComputeOptions>& computes);

// "reference", "cpu", "cpuavx2"
std::string name_of(const ComputeOptions& compute);
// False when this machine lacks the instruction set. The test then ends with
// GTEST_SKIP() << "NOT TESTED: this machine has no " << ...
bool runs_here(const ComputeOptions& compute);
EngineOptions on(const ComputeOptions& compute);

// ---- runs

LoadedModel load(const std::string& name, const EngineOptions& options = {});

// Returns all rows of logits [T, V] of one sequence that is appended in pieces of `chunk` tokens (0: in one piece).
std::vector<float> run(const LoadedModel& loaded, std::span<const int32_t> tokens, int64_t chunk = 0);

// Checks promise 1 as a GoogleTest expectation: every value is finite and differs from `expected` by at most
// 1e-3 * max(1, standard deviation of `expected`).
void expect_promise(std::span<const float> actual, std::span<const float> expected);

// Returns "" when all bits are equal. Otherwise returns how many logits differ, and the first difference.
std::string first_difference(std::span<const float> actual, std::span<const float> expected, int64_t vocab);

}  // namespace moebius::internal::golden

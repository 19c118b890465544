// Golden checkpoints for tests: where they lie, what others compute from them, and a run of one through the public
// interface. Not here: what is compared with what (the tests).
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "moebius/engine.h"

namespace moebius::golden {

// The plain ones, one per shape; `forms` stands for all of its forms.
inline const std::vector<std::string> kPlain = {"r1_interval",     "r2_tied_f16",    "r3_f32", "long_inputs",
                                                "published_heads", "uneven_routing", "forms"};
inline const std::vector<std::string> kQuantized = {"q2_g32", "q3_g64",  "q4_g64",     "q5_g32",     "q6_g64",
                                                    "q8_g64", "q4_g128", "q4_g32_f32", "q3_g128_f16"};

// Both of the above.
std::vector<std::string> all_checkpoints();

struct Expected {
  std::vector<int32_t> tokens;                       // [T]
  std::map<std::string, std::vector<float>> logits;  // by oracle: "logits", "mlx_logits"; [T, V]
};

std::string checkpoint_directory(const std::string& name);
Expected read_expected(const std::string& name);

// All rows of logits [T, V] of one sequence, appended in pieces of `chunk` tokens (0: in one piece).
std::vector<float> run(Engine& engine, std::span<const int32_t> tokens, int64_t chunk = 0);

// Empty when all bits are equal; otherwise how many logits differ, and the first of them.
std::string first_difference(std::span<const float> actual, std::span<const float> expected, int64_t vocab);

}  // namespace moebius::golden

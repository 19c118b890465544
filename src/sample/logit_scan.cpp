// Passes over a row of logits, block by block.
#include "sample/logit_scan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

#include "base/check.h"
#include "moebius/error.h"

namespace moebius::internal {
namespace {

// Long enough for vectors, short enough that most blocks of a real row hold no candidate.
constexpr size_t kBlock = 64;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct BlockMaximum {
  float value;
  bool is_finite;  // true: no NaN and no +infinity
};

using Block = std::span<const float, kBlock>;

// Computes the maximum by lanes, because a compiler must not reorder a maximum of floats by itself.
BlockMaximum block_maximum(Block block) {
  constexpr size_t kLanes = 16;
  std::array<float, kLanes> largest;
  largest.fill(-kInfinity);
  std::array<int32_t, kLanes> bad{};
  for (size_t i = 0; i < kBlock; i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const float logit = block[i + lane];
      largest[lane] = logit > largest[lane] ? logit : largest[lane];
      bad[lane] |= logit < kInfinity ? 0 : 1;  // no NaN is less than infinity
    }
  }
  const auto larger = [](float a, float b) { return b > a ? b : a; };  // std::max_element branches, and guesses wrong
  return {std::accumulate(largest.begin(), largest.end(), -kInfinity, larger),
          std::accumulate(bad.begin(), bad.end(), 0) == 0};
}

uint64_t block_weight(Block block, const LogitScan& scan) {
  std::array<float, kBlock> xs;  // two loops: in a single loop, compilers see a branch and make no vectors
  for (size_t i = 0; i < kBlock; ++i) xs[i] = in_weight_range(scan.x(block[i]));
  uint64_t sum = 0;
  for (const float x : xs) sum += weight_in_range(x);
  return sum;
}

// Calls body(index, block) for all blocks. The last block is filled up with -infinity.
template <typename Body>
void for_each_block(std::span<const float> logits, const Body& body) {
  const size_t whole = logits.size() / kBlock;
  for (size_t i = 0; i < whole; ++i) body(i, logits.subspan(i * kBlock).first<kBlock>());
  const std::span<const float> rest = logits.subspan(whole * kBlock);
  if (rest.empty()) return;
  std::array<float, kBlock> last;
  last.fill(-kInfinity);
  std::copy(rest.begin(), rest.end(), last.begin());
  body(whole, Block(last));
}

[[noreturn]] void refuse_block(std::span<const float> logits, size_t begin) {
  const auto bad = std::find_if(logits.begin() + begin, logits.end(), [](float z) { return !(z < kInfinity); });
  throw Error(ErrorCode::kNonFinite, "logits", fmt::format("token {} has {}", bad - logits.begin(), *bad));
}

}  // namespace

uint64_t sum_weights(std::span<const Candidate> candidates) {
  uint64_t sum = 0;
  for (const Candidate& candidate : candidates) sum += candidate.weight;
  return sum;
}

// A quickselect by weight: halves what is undecided until one element is left.
void keep_weight(std::vector<Candidate>& candidates, uint64_t weight) {
  if (candidates.empty() || sum_weights(candidates) < weight) return;
  auto begin = candidates.begin();
  auto end = candidates.end();
  while (end - begin > 1) {
    const auto middle = begin + (end - begin) / 2;
    std::nth_element(begin, middle, end, before);
    const uint64_t first_half = sum_weights({begin, middle});
    if (first_half >= weight) {
      end = middle;
    } else {
      weight -= first_half;
      begin = middle;
    }
  }
  candidates.erase(end, candidates.end());
}

void LogitScan::read(std::span<const float> logits, float temperature) {
  MOEBIUS_CHECK(!logits.empty() && static_cast<int64_t>(logits.size()) <= kMaxWeights);
  logits_ = logits;
  constexpr float kLowestTemperature = 1e-30f;  // has a finite inverse, and draws the likeliest all the same
  inverse_temperature_ = 1.0f / std::max(temperature, kLowestTemperature);
  maxima_.resize((logits.size() + kBlock - 1) / kBlock);
  for_each_block(logits, [&](size_t i, Block block) {
    const BlockMaximum maximum = block_maximum(block);
    if (!maximum.is_finite) refuse_block(logits, i * kBlock);
    maxima_[i] = maximum.value;
  });
  largest_ = *std::max_element(maxima_.begin(), maxima_.end());
  if (largest_ > -kInfinity) return;
  throw Error(ErrorCode::kNonFinite, "logits", "all are -inf, no token is left to draw");
}

Candidate LogitScan::candidate(size_t id) const {
  return {logits_[id], static_cast<int32_t>(id), weight_of(x(logits_[id]))};
}

int32_t LogitScan::likeliest() const {
  const auto begin =
      static_cast<size_t>(std::find(maxima_.begin(), maxima_.end(), largest_) - maxima_.begin()) * kBlock;
  return static_cast<int32_t>(std::find(logits_.begin() + begin, logits_.end(), largest_) - logits_.begin());
}

uint64_t LogitScan::weight() const {
  uint64_t sum = 0;
  for_each_block(logits_, [&](size_t i, Block block) {
    if (x(maxima_[i]) > kNoWeight) sum += block_weight(block, *this);
  });
  return sum;
}

// Candidates gather until there are twice as many as asked for. Then the better half stays, so the cost is linear even
// when logits rise from the first to the last. Ids rise as well, so of equal logits the earlier one is in already, and
// stays.
void LogitScan::collect_best(std::vector<Candidate>& out, size_t count) const {
  constexpr size_t kFewest = 128;
  const size_t capacity = std::max(2 * count, kFewest);
  float threshold = -kInfinity;
  const auto trim = [&] {
    if (out.size() <= count) return;
    std::nth_element(out.begin(), out.begin() + (count - 1), out.end(), before);
    threshold = out[count - 1].logit;
    out.resize(count);
  };
  out.clear();
  for (size_t i = 0; i < maxima_.size(); ++i) {
    if (!(maxima_[i] > threshold)) continue;
    for (size_t id = i * kBlock; id < std::min((i + 1) * kBlock, logits_.size()); ++id) {
      if (logits_[id] > threshold) out.push_back({logits_[id], static_cast<int32_t>(id), 0});
      if (out.size() == capacity) trim();
    }
  }
  trim();
  for (Candidate& chosen : out) chosen.weight = weight_of(x(chosen.logit));
}

void LogitScan::collect_above(std::vector<Candidate>& out, float lowest_x) const {
  out.clear();
  for (size_t i = 0; i < maxima_.size(); ++i) {
    if (!(x(maxima_[i]) >= lowest_x)) continue;
    for (size_t id = i * kBlock; id < std::min((i + 1) * kBlock, logits_.size()); ++id) {
      if (x(logits_[id]) >= lowest_x) out.push_back(candidate(id));
    }
  }
}

// Where one margin is too narrow, the next pass costs little, because it too skips every block below its margin.
void LogitScan::collect_weight(std::vector<Candidate>& out, uint64_t weight) const {
  for (const float lowest_x : {-4.0f, -8.0f, -16.0f, kNoWeight}) {
    collect_above(out, lowest_x);
    if (sum_weights(out) >= weight) return;
  }
}

}  // namespace moebius::internal

#include "backend/cpu/expert_passes.h"

#include <algorithm>
#include <cstring>

#include "backend/tensor_memory.h"
#include "base/check.h"
#include "base/checked.h"

namespace moebius::internal::cpu {
namespace {

constexpr int kChunkBlocks = kQuantBlock / kLanes;  // blocks of a chunk: 64 results, one item of work

constexpr int kMaxDownOutputs = 256;

int blocks_of_chunk(const MatrixView& w, int64_t chunk) {
  const int64_t blocks = div_up(w.rows, kLanes);
  return static_cast<int>(std::min<int64_t>(kChunkBlocks, blocks - chunk * kChunkBlocks));
}

// The number of outputs in one item of down_and_add(). An item reads a piece of every expert, and short pieces stream
// badly (measured: pieces of 64 outputs, 14 KB, at 20 GB/s; of 256 outputs at 25 GB/s). Small layers take shorter
// pieces, because there must be enough items for all threads.
int64_t down_outputs(int64_t outputs, int threads) {
  constexpr int64_t kItemsAThread = 4;
  int64_t item = kMaxDownOutputs;
  while (item > kQuantBlock && outputs < item * kItemsAThread * threads) item /= 2;
  return item;
}

void ask_for(const uint8_t* first) {
  for (int64_t i = 0; i < kAheadBytes; i += 64) __builtin_prefetch(first + i, 0, 2);  // 2: see kernels/math.h
}

}  // namespace

void write_weighted_sum(const Output& out, int64_t t, std::span<const float> weights,
                        std::span<const float* const> rows, const KernelTable& kernels) {
  constexpr int64_t kPiece = 256;
  alignas(64) float sum[kPiece];
  for (int64_t first = 0; first < out.x.cols; first += kPiece) {
    const int64_t n = std::min(kPiece, out.x.cols - first);
    std::fill_n(sum, n, 0.0f);
    for (size_t slot = 0; slot < rows.size(); ++slot) kernels.scale_add(sum, rows[slot] + first, weights[slot], n);
    float* to = row(out.x, t) + first;
    if (out.write == Write::kAdd) {
      kernels.add(to, sum, n);
    } else {
      std::copy_n(sum, n, to);
    }
  }
}

ExpertPasses::ExpertPasses(const KernelTable& kernels, ThreadPool& pool) : kernels_(kernels), pool_(pool) {
  constexpr int kMaxPasses = 5;
  for (int i = 0; i < kMaxPasses; ++i) items_.emplace_back(pool.size());
}

void ExpertPasses::reserve(const ExpertLimits& limits) {
  limits_ = limits;
  const int64_t rows = limits.rows * limits.slots;
  const auto n = static_cast<size_t>(rows);
  whole_ = RoutedRows(limits.rows, 1);
  std::ranges::fill(whole_.weights, 1.0f);
  next_row_.resize(static_cast<size_t>(limits.experts + 1));
  active_.reserve(static_cast<size_t>(limits.experts + 1));
  row_of_entry_.resize(n);
  token_of_row_.resize(n);
  weight_of_row_.resize(n);
  x_of_row_.resize(n);
  h_of_row_.resize(n);
  h_out_.resize(n);
  h_f32_out_.resize(n);
  h_int8_.reserve(rows, limits.width);
  h_f32_ = Buffer(rows * limits.width * 4);
  gate_up_ = Buffer(rows * limits.width * 8);
  slot_out_ = Buffer(rows * limits.dim * 4);
  sums_ = Buffer(limits.rows * limits.dim * 4);
}

// ---- tokens by expert

// A counting sort. The rows of an expert are its tokens, ascending. Experts ascend; the shared expert is last.
void ExpertPasses::sort(std::span<const ActivationRow> x, const RoutedRows* routed, const PackedExperts& packed,
                        ExpertRange range) {
  if (routed == nullptr) whole_.rows = std::ssize(x);
  routed_ = routed == nullptr ? &whole_ : routed;
  packed_ = &packed;
  MOEBIUS_CHECK(tokens() == std::ssize(x) && tokens() <= limits_.rows && routed_->slots <= limits_.slots);
  std::ranges::fill(next_row_, 0);
  for (int64_t i = 0; i < tokens() * routed_->slots; ++i) {
    const int32_t id = routed_->ids[static_cast<size_t>(i)];
    MOEBIUS_CHECK(id >= 0 && id < packed.entries());
    ++next_row_[static_cast<size_t>(id)];
  }
  list_active(range);
  place_rows(x, range);
}

void ExpertPasses::list_active(ExpertRange range) {
  active_.clear();
  int64_t row = 0;
  int64_t chunk = 0;
  for (int64_t id = range.first; id < range.first + range.count; ++id) {
    const int64_t rows = next_row_[static_cast<size_t>(id)];
    next_row_[static_cast<size_t>(id)] = row;
    if (rows == 0) continue;
    const bool shared = id >= packed_->routed.count;
    const PackedGroup& group = shared ? packed_->shared : packed_->routed;
    active_.push_back({&group, shared ? 0 : id, row, static_cast<int32_t>(rows), chunk});
    row += rows;
    chunk += group.chunks();
  }
}

void ExpertPasses::place_rows(std::span<const ActivationRow> x, ExpertRange range) {
  const int64_t slots = routed_->slots;
  for (int64_t i = 0; i < tokens() * slots; ++i) {
    const int32_t id = routed_->ids[static_cast<size_t>(i)];
    const bool is_in_range = id >= range.first && id < range.first + range.count;
    const int64_t row = is_in_range ? next_row_[static_cast<size_t>(id)]++ : -1;
    row_of_entry_[static_cast<size_t>(i)] = row;
    if (!is_in_range) continue;
    const auto r = static_cast<size_t>(row);
    token_of_row_[r] = static_cast<int32_t>(i / slots);
    weight_of_row_[r] = routed_->weights[static_cast<size_t>(i)];
    x_of_row_[r] = x[static_cast<size_t>(i / slots)];
    h_f32_out_[r] = h_f32_.as<float>() + row * limits_.width;
    h_out_[r] = h_int8_.out(row);
    h_of_row_[r] = h_int8_.in(row, h_f32_out_[r]);
  }
}

void ExpertPasses::add_traffic(Traffic& traffic) const {
  for (const Active& expert : active_) {
    const PackedGroup& group = *expert.group;
    const int64_t int8_matmuls = (group.int8_in ? 2 : 0) + (group.int8_down ? 1 : 0);
    traffic.weight_bytes += group.expert_bytes;
    traffic.int8_macs += expert.rows * group.width * packed_->dim * int8_matmuls;
    traffic.distinct_experts += expert.group == &packed_->routed ? 1 : 0;
  }
  traffic.expert_layers += 1;
}

const ExpertPasses::Active& ExpertPasses::active_of_chunk(int64_t chunk) const {
  const auto after = std::upper_bound(active_.begin(), active_.end(), chunk,
                                      [](int64_t c, const Active& active) { return c < active.first_chunk; });
  return *(after - 1);
}

int64_t ExpertPasses::chunks() const { return active_.back().first_chunk + active_.back().group->chunks(); }

// ---- what one item does

// The kernels prefetch only within a contiguous piece of memory. ask_for_gate() and ask_for_down() prefetch the first
// lines of the next piece.
void ExpertPasses::ask_for_gate(const Active& expert) {
  ask_for(expert.group->of(expert.group->gate, expert.index).data);
}

void ExpertPasses::ask_for_down(const Active& expert, int64_t first_block) {
  const MatrixView w = expert.group->of(expert.group->down, expert.index);
  ask_for(w.data + first_block * w.block_bytes);
}

void ExpertPasses::fused_chunk(int64_t item) {
  const Active& expert = active_of_chunk(item);
  const PackedGroup& group = *expert.group;
  MatrixView gate = group.of(group.gate, expert.index);
  MatrixView up = group.of(group.up, expert.index);
  const bool last_chunk = item - expert.first_chunk + 1 == group.chunks();
  if (last_chunk && &expert != &active_.back()) ask_for_gate(*(&expert + 1));
  gate.gap = up.gap = 0;  // blocks of gate and up are read in turns, so nothing between them is skipped
  kernels_.gate_up({.gate = gate,
                    .up = up,
                    .rows = x_of_row_.data() + expert.first_row,
                    .h = group.int8_down ? nullptr : h_f32_out_.data() + expert.first_row,
                    .quantized = group.int8_down ? h_out_.data() + expert.first_row : nullptr,
                    .n = expert.rows,
                    .chunk = static_cast<int32_t>(item - expert.first_chunk),
                    .int8 = group.int8_in});
}

void ExpertPasses::project_chunk(int64_t item, Half half) {
  const Active& expert = active_of_chunk(item);
  const PackedGroup& group = *expert.group;
  const int64_t chunk = item - expert.first_chunk;
  const MatrixView w = group.of(half == Half::kUp ? group.up : group.gate, expert.index);
  float* out[kMaxRows];
  for (int32_t first = 0; first < expert.rows; first += kMaxRows) {
    const int32_t n = std::min(kMaxRows, expert.rows - first);
    for (int32_t t = 0; t < n; ++t) {
      float* both = gate_up_.as<float>() + (expert.first_row + first + t) * 2 * limits_.width;
      out[t] = both + (half == Half::kUp ? group.width : 0) + chunk * kQuantBlock;
    }
    kernels_.matmul({.w = w,
                     .rows = x_of_row_.data() + expert.first_row + first,
                     .out = out,
                     .n = n,
                     .first_block = static_cast<int32_t>(chunk * kChunkBlocks),
                     .block_count = blocks_of_chunk(w, chunk),
                     .int8 = group.int8_in});
  }
}

// h = silu(gate) * up of one (token, slot) row. h is quantized if down takes int8.
void ExpertPasses::activate_row(int64_t row) {
  const auto after = std::upper_bound(active_.begin(), active_.end(), row,
                                      [](int64_t r, const Active& active) { return r < active.first_row; });
  const PackedGroup& group = *(after - 1)->group;
  const float* gate = gate_up_.as<float>() + row * 2 * limits_.width;
  float* h = h_f32_out_[static_cast<size_t>(row)];
  kernels_.swiglu(h, gate, gate + group.width, group.width);
  if (group.int8_down) kernels_.quantize_row(h_out_[static_cast<size_t>(row)], h, group.width);
}

// Computes 64 outputs of down of one expert, for all its tokens, into a buffer.
void ExpertPasses::down_rows(int64_t item, int64_t items_an_expert) {
  const Active& expert = active_[static_cast<size_t>(item / items_an_expert)];
  const PackedGroup& group = *expert.group;
  const int64_t chunk = item % items_an_expert;
  const MatrixView w = group.of(group.down, expert.index);
  float* out[kMaxRows];
  for (int32_t first = 0; first < expert.rows; first += kMaxRows) {
    const int32_t n = std::min(kMaxRows, expert.rows - first);
    for (int32_t t = 0; t < n; ++t) {
      out[t] = slot_out_.as<float>() + (expert.first_row + first + t) * limits_.dim + chunk * kQuantBlock;
    }
    kernels_.matmul({.w = w,
                     .rows = h_of_row_.data() + expert.first_row + first,
                     .out = out,
                     .n = n,
                     .first_block = static_cast<int32_t>(chunk * kChunkBlocks),
                     .block_count = blocks_of_chunk(w, chunk),
                     .int8 = group.int8_down});
  }
}

// Computes the outputs [first_output, first_output + outputs) of every token. Experts are taken in ascending order, so
// that each token's sum has the order of N9.
void ExpertPasses::down_and_add(const Output& out, int64_t first_output, int64_t outputs) {
  const bool adds = out.write == Write::kAdd;
  const auto sum_of = [&](int64_t t) {
    return (adds ? sums_.as<float>() + t * limits_.dim : row(out.x, t)) + first_output;
  };
  for (int64_t t = 0; t < tokens(); ++t) std::fill_n(sum_of(t), outputs, 0.0f);
  alignas(64) float results[kMaxRows * kMaxDownOutputs];
  float* pointers[kMaxRows];
  for (int t = 0; t < kMaxRows; ++t) pointers[t] = results + t * kMaxDownOutputs;
  const int64_t first_block = first_output / kLanes;
  const int64_t blocks = div_up(outputs, kLanes);
  for (size_t i = 0; i < active_.size(); ++i) {
    const Active& expert = active_[i];
    const PackedGroup& group = *expert.group;
    const MatrixView w = group.of(group.down, expert.index);
    if (i + 1 < active_.size()) ask_for_down(active_[i + 1], first_block);
    for (int32_t first = 0; first < expert.rows; first += kMaxRows) {
      const int32_t n = std::min(kMaxRows, expert.rows - first);
      kernels_.matmul({.w = w,
                       .rows = h_of_row_.data() + expert.first_row + first,
                       .out = pointers,
                       .n = n,
                       .first_block = static_cast<int32_t>(first_block),
                       .block_count = static_cast<int32_t>(blocks),
                       .int8 = group.int8_down});
      for (int32_t t = 0; t < n; ++t) {
        const auto r = static_cast<size_t>(expert.first_row + first + t);
        kernels_.scale_add(sum_of(token_of_row_[r]), pointers[t], weight_of_row_[r], outputs);
      }
    }
  }
  for (int64_t t = 0; adds && t < tokens(); ++t) kernels_.add(row(out.x, t) + first_output, sum_of(t), outputs);
}

void ExpertPasses::weighted_sum(const Output& out, int64_t token) {
  const auto slots = static_cast<size_t>(routed_->slots);
  const size_t first = static_cast<size_t>(token) * slots;
  const float* rows[kMaxSlots];
  for (size_t slot = 0; slot < slots; ++slot) {
    rows[slot] = slot_out_.as<float>() + row_of_entry_[first + slot] * limits_.dim;
  }
  write_weighted_sum(out, token, std::span(routed_->weights).subspan(first, slots), {rows, slots}, kernels_);
}

void ExpertPasses::copy_slot(Tensor out, int64_t entry) {
  const int64_t from = row_of_entry_[static_cast<size_t>(entry)];
  if (from >= 0) std::copy_n(slot_out_.as<float>() + from * limits_.dim, out.cols, row(out, entry));
}

// ---- the paths

// Runs the items of one pass; to be called inside ThreadPool::run.
template <typename Body>
void ExpertPasses::pass(size_t number, int thread, const Body& body) {
  for (int64_t i = items_[number].claim(thread); i >= 0; i = items_[number].claim(thread)) body(i);
}

void ExpertPasses::run_fused(const Output& out) {
  const int64_t dim = out.x.cols;
  items_[0].reset(chunks());
  const int64_t outputs = down_outputs(dim, pool_.size());
  items_[1].reset(div_up(dim, outputs));
  pool_.run([&](int thread) {
    pass(0, thread, [&](int64_t item) { fused_chunk(item); });
    pool_.barrier();
    pass(1, thread, [&](int64_t item) { down_and_add(out, item * outputs, std::min(outputs, dim - item * outputs)); });
  });
}

void ExpertPasses::run_separate(const Output& out, ExpertPath path) {
  const int64_t down_items = div_up(out.x.cols, kQuantBlock);
  const bool concat = path == ExpertPath::kConcat;
  items_[0].reset(chunks());
  items_[1].reset(chunks());
  items_[2].reset(tokens() * routed_->slots);
  items_[3].reset(std::ssize(active_) * down_items);
  items_[4].reset(tokens());
  pool_.run([&](int thread) {
    pass(0, thread, [&](int64_t item) {
      project_chunk(item, Half::kGate);
      if (concat) project_chunk(item, Half::kUp);
    });
    pool_.barrier();
    if (!concat) {
      pass(1, thread, [&](int64_t item) { project_chunk(item, Half::kUp); });
      pool_.barrier();
    }
    pass(2, thread, [&](int64_t row) { activate_row(row); });
    pool_.barrier();
    pass(3, thread, [&](int64_t item) { down_rows(item, down_items); });
    pool_.barrier();
    pass(4, thread, [&](int64_t token) { weighted_sum(out, token); });
  });
}

void ExpertPasses::run(const Output& out, ExpertPath path) {
  if (path == ExpertPath::kFused) {
    run_fused(out);
  } else {
    run_separate(out, path);
  }
}

void ExpertPasses::run_slots(Tensor out) {
  if (active_.empty()) return;
  const int64_t down_items = div_up(out.cols, kQuantBlock);
  items_[0].reset(chunks());
  items_[1].reset(std::ssize(active_) * down_items);
  items_[2].reset(tokens() * routed_->slots);
  pool_.run([&](int thread) {
    pass(0, thread, [&](int64_t item) { fused_chunk(item); });
    pool_.barrier();
    pass(1, thread, [&](int64_t item) { down_rows(item, down_items); });
    pool_.barrier();
    pass(2, thread, [&](int64_t entry) { copy_slot(out, entry); });
  });
}

}  // namespace moebius::internal::cpu

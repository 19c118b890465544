#include "backend/cpu/expert_passes.h"

#include <algorithm>

#include "base/check.h"
#include "base/checked.h"

namespace moebius::cpu {
namespace {

constexpr int kChunkBlocks = kQuantBlock / kLanes;  // 64 results: an item of work

constexpr int kMostDownOutputs = 256;

int blocks_of_chunk(const MatrixView& w, int64_t chunk) {
  const int64_t blocks = div_up(w.rows, kLanes);
  return static_cast<int>(std::min<int64_t>(kChunkBlocks, blocks - chunk * kChunkBlocks));
}

// Outputs of one item of down_and_add. It reads a piece of every expert, and short pieces stream badly (measured: of 64
// outputs, 14 KB, at 20 GB/s; of 256 at 25); but there must be items enough for all threads.
int64_t down_outputs(int64_t outputs, int threads) {
  constexpr int64_t kItemsAThread = 4;
  int64_t item = kMostDownOutputs;
  while (item > kQuantBlock && outputs < item * kItemsAThread * threads) item /= 2;
  return item;
}

void ask_for(const uint8_t* first) {
  for (int64_t i = 0; i < kAheadBytes; i += 64) __builtin_prefetch(first + i, 0, 2);  // 2: as kernels/math.h says
}

}  // namespace

ExpertPasses::ExpertPasses(const KernelTable& kernels, ThreadPool& pool) : kernels_(kernels), pool_(pool) {
  constexpr int kMostPasses = 5;
  for (int i = 0; i < kMostPasses; ++i) items_.emplace_back(pool.size());
}

void ExpertPasses::reserve(int64_t rows, int64_t experts, int64_t width, int64_t dim) {
  next_row_.resize(std::max(next_row_.size(), static_cast<size_t>(experts + 2)));
  active_.reserve(static_cast<size_t>(experts + 1));
  if (rows <= capacity_rows_ && width <= capacity_width_ && dim <= capacity_dim_) return;
  capacity_rows_ = std::max(capacity_rows_, rows);
  capacity_width_ = std::max(capacity_width_, width);
  capacity_dim_ = std::max(capacity_dim_, dim);
  const auto n = static_cast<size_t>(capacity_rows_);
  h_f32_out_.resize(n);
  token_of_row_.resize(n);
  weight_of_row_.resize(n);
  row_of_slot_.resize(n);
  x_of_row_.resize(n);
  h_of_row_.resize(n);
  h_out_.resize(n);
  h_int8_.reserve(capacity_rows_, capacity_width_);
  h_f32_ = Buffer(capacity_rows_ * capacity_width_ * 4);
  gate_up_ = Buffer(capacity_rows_ * capacity_width_ * 8);
  slot_out_ = Buffer(capacity_rows_ * capacity_dim_ * 4);
}

// ---- tokens by expert

// Counting sort: rows of an expert are its tokens, ascending; experts ascend, the shared one is last.
void ExpertPasses::sort(const ActivationRow* x, const Routing& routing, const PackedExperts& packed) {
  const int64_t entries = routing.ids.rows * routing.ids.cols;
  const int64_t experts = packed.routed.count + packed.shared.count;
  std::fill(next_row_.begin(), next_row_.end(), 0);
  for (int64_t i = 0; i < entries; ++i) {
    const int32_t id = routing.ids.i32()[i];
    MOEBIUS_CHECK(id >= 0 && id < experts);
    ++next_row_[static_cast<size_t>(id)];
  }
  active_.clear();
  distinct_routed_ = 0;
  weight_bytes_ = 0;
  int8_macs_ = 0;
  int64_t row = 0;
  int64_t chunk = 0;
  for (int64_t id = 0; id < experts; ++id) {
    const int64_t rows = next_row_[static_cast<size_t>(id)];
    next_row_[static_cast<size_t>(id)] = row;
    if (rows == 0) continue;
    const bool shared = id >= packed.routed.count;
    const PackedGroup& group = shared ? packed.shared : packed.routed;
    active_.push_back({&group, shared ? 0 : id, row, static_cast<int32_t>(rows), chunk});
    distinct_routed_ += shared ? 0 : 1;
    weight_bytes_ += group.expert_bytes;
    int8_macs_ += rows * group.width * packed.dim * ((group.int8_in ? 2 : 0) + (group.int8_down ? 1 : 0));
    row += rows;
    chunk += group.chunks();
  }
  place_rows(x, routing);
}

void ExpertPasses::place_rows(const ActivationRow* x, const Routing& routing) {
  const int64_t slots = routing.ids.cols;
  for (int64_t i = 0; i < routing.ids.rows * slots; ++i) {
    const int64_t row = next_row_[static_cast<size_t>(routing.ids.i32()[i])]++;
    const auto r = static_cast<size_t>(row);
    row_of_slot_[static_cast<size_t>(i)] = row;
    token_of_row_[r] = static_cast<int32_t>(i / slots);
    weight_of_row_[r] = routing.weights.f32()[i];
    x_of_row_[r] = x[i / slots];
    h_f32_out_[r] = h_f32_.as<float>() + row * capacity_width_;
    h_out_[r] = h_int8_.out(row);
    h_of_row_[r] = h_int8_.in(row, h_f32_out_[r]);
  }
}

const ExpertPasses::Active& ExpertPasses::active_of_chunk(int64_t chunk) const {
  const auto after = std::upper_bound(active_.begin(), active_.end(), chunk,
                                      [](int64_t c, const Active& active) { return c < active.first_chunk; });
  return *(after - 1);
}

int64_t ExpertPasses::chunks() const { return active_.back().first_chunk + active_.back().group->chunks(); }

// ---- what one item does

// The kernels ask memory ahead only within what lies in one piece; these ask for the first lines of the next one.
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
  gate.gap = up.gap = 0;  // read in turns: what lies between is the other one
  kernels_.gate_up({.gate = gate,
                    .up = up,
                    .rows = x_of_row_.data() + expert.first_row,
                    .h = group.int8_down ? nullptr : h_f32_out_.data() + expert.first_row,
                    .quantized = group.int8_down ? h_out_.data() + expert.first_row : nullptr,
                    .n = expert.rows,
                    .chunk = static_cast<int32_t>(item - expert.first_chunk),
                    .int8 = group.int8_in});
}

void ExpertPasses::project_chunk(int64_t item, bool gate, bool up) {
  const Active& expert = active_of_chunk(item);
  const PackedGroup& group = *expert.group;
  const int64_t chunk = item - expert.first_chunk;
  for (const bool is_up : {false, true}) {
    if (is_up ? !up : !gate) continue;
    const MatrixView w = group.of(is_up ? group.up : group.gate, expert.index);
    float* out[kMostRows];
    for (int32_t first = 0; first < expert.rows; first += kMostRows) {
      const int32_t n = std::min(kMostRows, expert.rows - first);
      for (int32_t t = 0; t < n; ++t) {
        const int64_t row = expert.first_row + first + t;
        out[t] = gate_up_.as<float>() + row * 2 * capacity_width_ + (is_up ? group.width : 0) + chunk * kQuantBlock;
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
}

// h = silu(gate) * up of one (token, slot) row, quantized when down wants it.
void ExpertPasses::activate_row(int64_t row) {
  const auto after = std::upper_bound(active_.begin(), active_.end(), row,
                                      [](int64_t r, const Active& active) { return r < active.first_row; });
  const PackedGroup& group = *(after - 1)->group;
  const float* gate = gate_up_.as<float>() + row * 2 * capacity_width_;
  float* h = h_f32_out_[static_cast<size_t>(row)];
  kernels_.swiglu(h, gate, gate + group.width, group.width);
  if (group.int8_down) kernels_.quantize_row(h_out_[static_cast<size_t>(row)], h, group.width);
}

// down of 64 outputs of one expert, for all its tokens, to a buffer.
void ExpertPasses::down_rows(int64_t item, int64_t items_an_expert) {
  const Active& expert = active_[static_cast<size_t>(item / items_an_expert)];
  const PackedGroup& group = *expert.group;
  const int64_t chunk = item % items_an_expert;
  const MatrixView w = group.of(group.down, expert.index);
  float* out[kMostRows];
  for (int32_t first = 0; first < expert.rows; first += kMostRows) {
    const int32_t n = std::min(kMostRows, expert.rows - first);
    for (int32_t t = 0; t < n; ++t) {
      out[t] = slot_out_.as<float>() + (expert.first_row + first + t) * capacity_dim_ + chunk * kQuantBlock;
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

// Outputs [first_output, first_output + outputs) of every token: experts in ascending order, so that each token's sum
// has the order of N9.
void ExpertPasses::down_and_add(Tensor out, int64_t first_output, int64_t outputs) {
  for (int64_t t = 0; t < out.rows; ++t) std::fill_n(out.row(t) + first_output, outputs, 0.0f);
  alignas(64) float results[kMostRows * kMostDownOutputs];
  float* pointers[kMostRows];
  for (int t = 0; t < kMostRows; ++t) pointers[t] = results + t * kMostDownOutputs;
  const int64_t first_block = first_output / kLanes;
  const int64_t blocks = div_up(outputs, kLanes);
  for (size_t i = 0; i < active_.size(); ++i) {
    const Active& expert = active_[i];
    const PackedGroup& group = *expert.group;
    const MatrixView w = group.of(group.down, expert.index);
    if (i + 1 < active_.size()) ask_for_down(active_[i + 1], first_block);
    for (int32_t first = 0; first < expert.rows; first += kMostRows) {
      const int32_t n = std::min(kMostRows, expert.rows - first);
      kernels_.matmul({.w = w,
                       .rows = h_of_row_.data() + expert.first_row + first,
                       .out = pointers,
                       .n = n,
                       .first_block = static_cast<int32_t>(first_block),
                       .block_count = static_cast<int32_t>(blocks),
                       .int8 = group.int8_down});
      for (int32_t t = 0; t < n; ++t) {
        const auto row = static_cast<size_t>(expert.first_row + first + t);
        kernels_.scale_add(out.row(token_of_row_[row]) + first_output, pointers[t], weight_of_row_[row], outputs);
      }
    }
  }
}

void ExpertPasses::weighted_sum(Tensor out, const Routing& routing, int64_t token) {
  const int64_t slots = routing.ids.cols;
  std::fill_n(out.row(token), out.cols, 0.0f);
  for (int64_t slot = 0; slot < slots; ++slot) {
    const int64_t row = row_of_slot_[static_cast<size_t>(token * slots + slot)];
    kernels_.scale_add(out.row(token), slot_out_.as<float>() + row * capacity_dim_,
                       weight_of_row_[static_cast<size_t>(row)], out.cols);
  }
}

// ---- the paths

// Inside ThreadPool::run: the items of one pass.
template <typename Body>
void ExpertPasses::pass(size_t number, int thread, const Body& body) {
  for (int64_t i = items_[number].take(thread); i >= 0; i = items_[number].take(thread)) body(i);
}

void ExpertPasses::run_fused(Tensor out) {
  items_[0].reset(chunks());
  const int64_t outputs = down_outputs(out.cols, pool_.size());
  items_[1].reset(div_up(out.cols, outputs));
  pool_.run([&](int thread) {
    pass(0, thread, [&](int64_t item) { fused_chunk(item); });
    pool_.barrier();
    pass(1, thread,
         [&](int64_t item) { down_and_add(out, item * outputs, std::min(outputs, out.cols - item * outputs)); });
  });
}

void ExpertPasses::run_separate(Tensor out, const Routing& routing, ExpertPath path) {
  const int64_t down_items = div_up(out.cols, kQuantBlock);
  const bool concat = path == ExpertPath::kConcat;
  items_[0].reset(chunks());
  items_[1].reset(chunks());
  items_[2].reset(routing.ids.rows * routing.ids.cols);
  items_[3].reset(static_cast<int64_t>(active_.size()) * down_items);
  items_[4].reset(out.rows);
  pool_.run([&](int thread) {
    pass(0, thread, [&](int64_t item) { project_chunk(item, true, concat); });
    pool_.barrier();
    if (!concat) {
      pass(1, thread, [&](int64_t item) { project_chunk(item, false, true); });
      pool_.barrier();
    }
    pass(2, thread, [&](int64_t row) { activate_row(row); });
    pool_.barrier();
    pass(3, thread, [&](int64_t item) { down_rows(item, down_items); });
    pool_.barrier();
    pass(4, thread, [&](int64_t token) { weighted_sum(out, routing, token); });
  });
}

void ExpertPasses::run(Tensor out, const ActivationRow* x, const Routing& routing, const PackedExperts& packed,
                       ExpertPath path) {
  sort(x, routing, packed);
  if (path == ExpertPath::kFused) {
    run_fused(out);
  } else {
    run_separate(out, routing, path);
  }
}

}  // namespace moebius::cpu

// A backend without maths, for tests of what runs above a model: host memory, pages, recurrent states. What a layer
// would keep of a token is a hash here, so whoever mixes up pages, states or drafts gets other numbers; what no caller
// may do fails at once. It counts what is alive. The model on it is fake_model.h.
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <memory>
#include <vector>

#include "backend/backend.h"

namespace moebius::testing {

// What the recurrent layers know of all tokens so far.
struct Recurrence {
  uint64_t hash = 0;
  int64_t seen = 0;
  bool operator==(const Recurrence&) const = default;
};

// Keys and values of one position.
struct FakeEntry {
  bool is_written = false;
  bool is_nan = false;
  int32_t token = 0;
  uint64_t hash = 0;
  uint64_t hidden = 0;  // no layer has this: for what the draft head should have seen
  bool operator==(const FakeEntry&) const = default;
};

// The same of the draft head: the pair that it took in.
struct FakePair {
  bool is_written = false;
  uint64_t hidden = 0;
  int32_t token = 0;
  bool operator==(const FakePair&) const = default;
};

struct FakePage {
  int64_t bytes = 0;
  std::array<FakeEntry, kPagePositions> entries = {};
  std::array<FakePair, kPagePositions> pairs = {};
};

struct FakeState {
  StateSpec spec;
  Recurrence now;
  std::vector<Recurrence> draft = {};  // before the rows of a draft, and behind each of them
  std::vector<KvPage> pages = {};
};

class FakeBackend : public Backend {
 public:
  // For the model.
  FakeState& state(State handle);
  [[nodiscard]] const FakeEntry& entry(State handle, int64_t position);
  [[nodiscard]] const FakePair& pair(State handle, int64_t position);
  // Fails when another state sees the page and reads something else there.
  void write_entry(State handle, int64_t position, const FakeEntry& entry);
  void write_pair(State handle, int64_t position, const FakePair& pair);

  // For tests: what is alive.
  [[nodiscard]] int64_t states() const { return std::ssize(states_); }
  [[nodiscard]] int64_t pages() const { return std::ssize(pages_); }
  [[nodiscard]] int64_t tensors() const { return std::ssize(tensors_); }
  [[nodiscard]] int64_t cache_bytes() const;  // of states and pages

  Matrix upload(const MatrixSpec& spec, const RowSource& rows) override;
  Experts upload(const ExpertsSpec& spec) override;
  Tensor upload(std::span<const float> values, int64_t rows, int64_t cols) override;
  Tensor allocate(DType dtype, int64_t rows, int64_t cols) override;
  void free_tensor(Tensor tensor) override;
  void reserve(int64_t) override {}
  [[nodiscard]] int64_t packed_bytes() const override { return 0; }

  State create_state(const StateSpec& spec) override;
  void reset_state(State handle) override;
  void repeat_context(State handle, int64_t seen, int64_t positions) override;
  void keep_rows(State handle, int64_t rows) override;
  void copy_recurrent(State to, State from) override;
  void free_state(State handle) override;
  KvPage create_page(const StateSpec& spec) override;
  void copy_page(KvPage to, KvPage from) override;
  void free_page(KvPage page) override;
  void set_pages(State handle, std::span<const KvPage> pages) override;

  void write(Tensor out, const void* host) override;
  void read(void* host, Tensor x) override;
  void copy(Tensor out, Tensor x) override;
  void embed(Tensor, Tensor, Matrix) override;
  void rms_norm(Tensor, Tensor, Tensor, float) override;
  void add_rms_norm(Tensor, Tensor, Tensor, Tensor, float) override;
  void linear(std::span<const Projection>, Tensor) override;
  void attention(Tensor, const AttentionArgs&, std::span<const SequenceRows>) override;
  void delta_net(Tensor, const DeltaNetArgs&, std::span<const SequenceRows>) override;
  void router(const Routing&, Tensor, const RouterArgs&) override;
  void experts(Tensor, Tensor, const Routing&, Experts, ExpertPath) override;
  void gather_rows(Tensor, Tensor, Tensor) override;
  void concat(Tensor, Tensor, Tensor) override;
  void argmax(Tensor, Tensor) override;
  Traffic take_traffic() override { return {.weight_bytes = 1}; }
  double measure_int8_macs() override { return 0; }

 private:
  FakePage& page_of(State handle, int64_t position);
  [[nodiscard]] bool is_shared(KvPage page) const;

  int32_t next_id_ = 0;  // never used twice, so what is freed is not found
  std::map<int32_t, FakeState> states_;
  std::map<int32_t, std::unique_ptr<FakePage>> pages_;
  std::map<void*, std::unique_ptr<std::vector<std::byte>>> tensors_;
};

}  // namespace moebius::testing

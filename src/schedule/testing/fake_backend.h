// A backend without maths, for tests of what runs above a model: host memory, pages, recurrent states, logs, draws.
// What a layer would keep of a token is a hash here, so whoever mixes up pages, states, logs or drafts gets other
// numbers; what no caller may do fails at once. It counts what is alive. The model on it is fake_model.h.
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "backend/staged_batch.h"
#include "backend/testing/refusing.h"

namespace moebius::internal::testing {

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

// What the recurrent layers took in of one token. A row that nobody wrote has no position.
struct FakeLogRow {
  int32_t token = -1;
  int64_t position = -1;
};

struct FakeLog {
  int64_t bytes = 0;
  std::vector<FakeLogRow> rows;
};

class FakeMemory final : public RefusingMemory {
 public:
  // For the model.
  FakeState& state(State handle);
  FakeLog& log(DeltaLog handle);
  [[nodiscard]] const FakeEntry& entry(State handle, int64_t position);
  [[nodiscard]] const FakePair& pair(State handle, int64_t position);
  // Fails when another state sees the page and reads something else there.
  void write_entry(State handle, int64_t position, const FakeEntry& entry);
  void write_pair(State handle, int64_t position, const FakePair& pair);

  // For operations.
  [[nodiscard]] bool has_drafts() const;  // of any state: rows that keep() has not decided about
  void keep_rows(State handle, int64_t rows);

  // For tests: what is alive.
  [[nodiscard]] int64_t states() const { return std::ssize(states_); }
  [[nodiscard]] int64_t pages() const { return std::ssize(pages_); }
  [[nodiscard]] int64_t logs() const { return std::ssize(logs_); }
  [[nodiscard]] int64_t tensors() const { return std::ssize(tensors_); }
  [[nodiscard]] int64_t cache_bytes() const;  // of states, pages and logs

  Tensor allocate(DType dtype, int64_t rows, int64_t cols) override;
  void free(Tensor tensor) override;
  void write(Tensor out, const void* host) override;
  void read(void* host, Tensor x) override;
  void copy(Tensor out, Tensor x) override;
  State create_state(const StateSpec& spec) override;
  void reset_state(State handle) override;
  void copy_recurrent(State to, State from) override;
  void free_state(State handle) override;
  KvPage create_page(const StateSpec& spec) override;
  void copy_page(KvPage to, KvPage from) override;
  void free_page(KvPage page) override;
  void set_pages(State handle, std::span<const KvPage> pages) override;
  DeltaLog create_log(const StateSpec& spec, int64_t capacity) override;
  void free_log(DeltaLog log) override;

 private:
  FakePage& page_of(State handle, int64_t position);
  [[nodiscard]] bool is_shared(KvPage page) const;

  int32_t next_id_ = 0;  // never used twice, so what is freed is not found
  std::map<int32_t, FakeState> states_;
  std::map<int32_t, std::unique_ptr<FakePage>> pages_;
  std::map<int32_t, FakeLog> logs_;
  std::map<const void*, std::unique_ptr<std::vector<std::byte>>> tensors_;
};

class FakeOperations final : public RefusingOperations {
 public:
  explicit FakeOperations(FakeMemory& memory) : memory_(memory) {}

  // For the model: fails for a handle from before the last stage().
  [[nodiscard]] const StagedBatch& staged(Batch batch) const { return batch_.at(batch); }
  [[nodiscard]] int64_t steps() const { return steps_; }

  void reserve(const StepLimits& limits) override { batch_.reserve(limits); }
  Batch stage(const BatchSpec& spec) override;
  // The draws come with wait(), as those of a device do; until then the caller's are no draws at all.
  void sample(Tensor kept, Tensor logits, Batch batch, std::span<const SequenceSampling> sequences,
              std::span<SequenceDraws> draws) override;
  void keep(Batch batch, Tensor kept) override;
  void wait() override;

 private:
  // What one sample() drew, and where it goes.
  struct PendingDraws {
    std::vector<SequenceDraws> drawn;
    std::span<SequenceDraws> out;
  };
  void check_sampling(const SequenceSampling& sampling) const;

  FakeMemory& memory_;
  StagedBatch batch_;
  std::vector<PendingDraws> pending_;
  int64_t steps_ = 0;  // that read the weights
};

class FakeProbes final : public RefusingProbes {
 public:
  explicit FakeProbes(const FakeOperations& operations) : operations_(operations) {}
  [[nodiscard]] Traffic traffic() const override { return {.weight_bytes = operations_.steps()}; }  // all weights: 1 B

 private:
  const FakeOperations& operations_;
};

class FakeBackend final : public Backend {
 public:
  RefusingWeights& weights() override { return weights_; }
  FakeMemory& memory() override { return memory_; }
  FakeOperations& operations() override { return operations_; }
  FakeProbes& probes() override { return probes_; }

 private:
  RefusingWeights weights_;
  FakeMemory memory_;
  FakeOperations operations_{memory_};
  FakeProbes probes_{operations_};
};

}  // namespace moebius::internal::testing

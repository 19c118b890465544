// For tests: a backend without maths, for the code that runs above a model. It has host memory, pages, recurrent
// states, logs and draws. It keeps a hash where a layer would keep numbers, so code that mixes up pages, states, logs
// or drafts gets other results. A forbidden call fails at once. The backend counts the objects that are alive. The
// model that runs on it is in fake_model.h.
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

// A hash of all tokens that the recurrent layers have seen.
struct Recurrence {
  uint64_t hash = 0;
  int64_t seen = 0;
  bool operator==(const Recurrence&) const = default;
};

// The keys and values of one position.
struct FakeEntry {
  bool is_written = false;
  bool is_nan = false;
  int32_t token = 0;
  uint64_t hash = 0;
  uint64_t hidden = 0;  // what the draft head should see of this position; a real layer does not store it
  bool operator==(const FakeEntry&) const = default;
};

// The draft head's keys and values of one position: the pair that the head took in.
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
  std::vector<Recurrence> draft = {};  // the recurrence before the rows of a draft, and behind each row
  std::vector<KvPage> pages = {};
};

// The logged input of the recurrent layers for one token. A row that was never written has position -1.
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
  // These functions are for the model.
  FakeState& state(State handle);
  FakeLog& log(DeltaLog handle);
  [[nodiscard]] const FakeEntry& entry(State handle, int64_t position);
  [[nodiscard]] const FakePair& pair(State handle, int64_t position);
  // Both writes fail when another state shares the page and the write would change what that state reads.
  void write_entry(State handle, int64_t position, const FakeEntry& entry);
  void write_pair(State handle, int64_t position, const FakePair& pair);

  // These functions are for the operations.
  // Whether any state has draft rows that keep() has not decided about.
  [[nodiscard]] bool has_drafts() const;
  void keep_rows(State handle, int64_t rows);

  // These functions are for tests. They count the objects that are alive.
  [[nodiscard]] int64_t states() const { return std::ssize(states_); }
  [[nodiscard]] int64_t pages() const { return std::ssize(pages_); }
  [[nodiscard]] int64_t logs() const { return std::ssize(logs_); }
  [[nodiscard]] int64_t tensors() const { return std::ssize(tensors_); }
  [[nodiscard]] int64_t cache_bytes() const;  // the bytes of all states, pages and logs

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

  int32_t next_id_ = 0;  // an id is never used twice, so a freed object cannot be found
  std::map<int32_t, FakeState> states_;
  std::map<int32_t, std::unique_ptr<FakePage>> pages_;
  std::map<int32_t, FakeLog> logs_;
  std::map<const void*, std::unique_ptr<std::vector<std::byte>>> tensors_;
};

class FakeOperations final : public RefusingOperations {
 public:
  explicit FakeOperations(FakeMemory& memory) : memory_(memory) {}

  // For the model. Fails for a handle that is older than the last stage().
  [[nodiscard]] const StagedBatch& staged(Batch batch) const { return batch_.at(batch); }
  [[nodiscard]] int64_t steps() const { return steps_; }

  void reserve(const StepLimits& limits) override { batch_.reserve(limits); }
  Batch stage(const BatchSpec& spec) override;
  // The draws arrive with wait(), as with a real device. Until then `draws` has invalid values.
  void sample(Tensor kept, Tensor logits, Batch batch, std::span<const SequenceSampling> sequences,
              std::span<SequenceDraws> draws) override;
  void keep(Batch batch, Tensor kept) override;
  void wait() override;

 private:
  // The draws of one sample(), and the caller's memory for them.
  struct PendingDraws {
    std::vector<SequenceDraws> drawn;
    std::span<SequenceDraws> out;
  };
  void check_sampling(const SequenceSampling& sampling) const;

  FakeMemory& memory_;
  StagedBatch batch_;
  std::vector<PendingDraws> pending_;
  int64_t steps_ = 0;  // the number of steps that read the weights
};

class FakeProbes final : public RefusingProbes {
 public:
  explicit FakeProbes(const FakeOperations& operations) : operations_(operations) {}
  // All weights together count as 1 byte.
  [[nodiscard]] Traffic traffic() const override { return {.weight_bytes = operations_.steps()}; }

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

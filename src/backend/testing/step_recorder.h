// For tests: a backend that forwards every call to another backend, but records steps as a device does. In the first
// run() of a shape, `enqueue` only records operations with their arguments. This run() and every later one of that
// shape repeat the recording on the batch that is staged at the time. Not part of any library.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "backend/backend.h"
#include "base/check.h"

namespace moebius::internal::testing {

class RecordedOperations final : public Operations {
 public:
  explicit RecordedOperations(Operations& operations) : operations_(operations) {}

  [[nodiscard]] int64_t recorded() const { return std::ssize(recordings_); }  // number of recorded shapes
  [[nodiscard]] int64_t runs() const { return runs_; }

  void reserve(const StepLimits& limits) override { now().reserve(limits); }
  Batch stage(const BatchSpec& spec) override { return staged_ = now().stage(spec); }

  void run(const StepShape& shape, const std::function<void()>& enqueue) override {
    MOEBIUS_CHECK(recording_ == nullptr && staged_.rows == shape.rows && staged_.logit_rows == shape.logit_rows);
    const auto [entry, is_new] = recordings_.try_emplace(shape);
    if (is_new) {
      recording_ = &entry->second;
      enqueue();
      recording_ = nullptr;
    }
    for (const Operation& operation : entry->second) operation(operations_, staged_);
    ++runs_;
  }

  void embed(Tensor out, Batch batch, Matrix table) override {
    add(batch, [=](Operations& ops, Batch staged) { ops.embed(out, staged, table); });
  }
  void rms_norm(Tensor out, Tensor x, const Norm& norm) override {
    add([=](Operations& ops, Batch) { ops.rms_norm(out, x, norm); });
  }
  void linear(std::span<const Projection> projections, const Input& x) override {
    add([all = std::vector(projections.begin(), projections.end()), x](Operations& ops, Batch) { ops.linear(all, x); });
  }
  void attention(const MixedRows& out, const AttentionArgs& args, Batch batch) override {
    add(batch, [=](Operations& ops, Batch staged) { ops.attention(out, args, staged); });
  }
  void delta_net(const MixedRows& out, const DeltaNetArgs& args, Batch batch) override {
    add(batch, [=](Operations& ops, Batch staged) { ops.delta_net(out, args, staged); });
  }
  void replay_delta_net(const DeltaNetArgs& args, Batch batch) override {
    add(batch, [=](Operations& ops, Batch staged) { ops.replay_delta_net(args, staged); });
  }
  void router(Routing out, const Input& x, const RouterArgs& args) override {
    add([=](Operations& ops, Batch) { ops.router(out, x, args); });
  }
  void experts(const Output& out, const Input& x, Routing routing, Experts experts, ExpertPath path) override {
    add([=](Operations& ops, Batch) { ops.experts(out, x, routing, experts, path); });
  }
  void expert_slots(Tensor out, const Input& x, Routing routing, Experts experts, ExpertRange range) override {
    add([=](Operations& ops, Batch) { ops.expert_slots(out, x, routing, experts, range); });
  }
  void combine(const Output& out, Tensor slots, Routing routing) override {
    add([=](Operations& ops, Batch) { ops.combine(out, slots, routing); });
  }
  void gather_logit_rows(Tensor out, Tensor x, Batch batch) override {
    add(batch, [=](Operations& ops, Batch staged) { ops.gather_logit_rows(out, x, staged); });
  }
  void concat(Tensor out, const Input& a, const Input& b) override {
    add([=](Operations& ops, Batch) { ops.concat(out, a, b); });
  }

  void sample(Tensor kept, Tensor logits, Batch batch, std::span<const SequenceSampling> sequences,
              std::span<SequenceDraws> draws) override {
    now().sample(kept, logits, batch, sequences, draws);
  }
  void keep(Batch batch, Tensor kept) override { now().keep(batch, kept); }
  void wait() override { now().wait(); }

 private:
  using Operation = std::function<void(Operations&, Batch staged)>;

  // The other backend's operations, for calls that cannot be recorded. Fails while a recording is being made.
  Operations& now() {
    MOEBIUS_CHECK(recording_ == nullptr);
    return operations_;
  }
  // Records an operation. An operation that is called outside of run() runs at once instead.
  void add(Operation operation) { add(staged_, std::move(operation)); }
  void add(Batch batch, Operation operation) {
    if (recording_ == nullptr) return operation(operations_, batch);
    MOEBIUS_CHECK(batch.id == staged_.id);
    recording_->push_back(std::move(operation));
  }

  Operations& operations_;
  std::map<StepShape, std::vector<Operation>> recordings_;
  std::vector<Operation>* recording_ = nullptr;  // null: nothing is being recorded
  Batch staged_;
  int64_t runs_ = 0;
};

class StepRecorder final : public Backend {
 public:
  explicit StepRecorder(std::unique_ptr<Backend> backend)
      : backend_(std::move(backend)), operations_(backend_->operations()) {}

  WeightLoader& weights() override { return backend_->weights(); }
  Memory& memory() override { return backend_->memory(); }
  RecordedOperations& operations() override { return operations_; }
  Probes& probes() override { return backend_->probes(); }

 private:
  std::unique_ptr<Backend> backend_;
  RecordedOperations operations_;
};

}  // namespace moebius::internal::testing

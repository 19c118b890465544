// The bits of every operation on fixed inputs, as a hash. Comparisons with double precision cannot see a product that
// is rounded once more or a sum in another order; every promise of equal bits can. A change here is a change of the
// numerics: it belongs in docs/numerics.md and in every backend, and then the new hash belongs here.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "backend/reference/reference.h"
#include "backend/testing/support.h"

namespace moebius::reference {
namespace {

using testing::HostMatrix;

std::string fnv1a(const std::vector<float>& values) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const float value : values) {
    uint32_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    for (int i = 0; i < 4; ++i) hash = (hash ^ (bits >> (8 * i) & 0xff)) * 0x100000001b3;
  }
  return fmt::format("{:016x}", hash);
}

// Uploads what an operation needs, runs it on five tokens, and hashes what comes out.
class Bits : public ::testing::Test {
 protected:
  static constexpr int64_t kTokens = 5;

  Tensor random(int64_t rows, int64_t cols, float sigma = 1) {
    return testing::tensor(*backend_, testing::normals(rows * cols, ++seed_, sigma), cols);
  }
  HostMatrix matrix(int64_t rows, int64_t cols, const WeightFormat& format) { return {rows, cols, format, ++seed_}; }
  Tensor output(int64_t cols) { return backend_->allocate(DType::kF32, kTokens, cols); }
  std::string hash(Tensor x) { return fnv1a(testing::to_host(*backend_, x)); }
  State state(const StateSpec& spec) { return backend_->create_state(spec); }

  std::string linear(const WeightFormat& format, ActivationKind kind) {
    const HostMatrix w = matrix(20, 1152, format);
    const Tensor out = output(w.rows());
    const Projection projection{out, backend_->upload(w.spec(kind), w)};
    backend_->reserve(kTokens);
    backend_->linear({&projection, 1}, random(kTokens, w.cols()));
    return hash(out);
  }

  std::unique_ptr<Backend> backend_ = make_reference_backend(false);
  uint64_t seed_ = 0;
};

TEST_F(Bits, of_linear_with_f32_weights) {
  EXPECT_EQ(linear(testing::dense(DType::kF32), ActivationKind::kF32), "ffdbc7ee315dda1a");
}

TEST_F(Bits, of_linear_on_decoded_weights) {
  EXPECT_EQ(linear(testing::affine(5, 128), ActivationKind::kF32), "1c6a0d4c869d4419");
}

TEST_F(Bits, of_linear_with_int8_activations) {
  EXPECT_EQ(linear(testing::affine(3, 64), ActivationKind::kInt8), "2dad75d66edcac91");
}

TEST_F(Bits, of_linear_with_int8_activations_in_groups_of32) {
  EXPECT_EQ(linear(testing::affine(6, 32), ActivationKind::kInt8), "4bf7d37f5e7f6ae9");
}

TEST_F(Bits, of_rms_norm) {
  const Tensor out = output(100);
  const Tensor x = random(kTokens, 100);
  const Tensor w = random(1, 100);
  backend_->reserve(kTokens);
  backend_->rms_norm(out, x, w, 1e-6f);
  EXPECT_EQ(hash(out), "aa97d7020475e4c5");
}

TEST_F(Bits, of_attention_over_two_blocks) {
  constexpr int64_t kContext = 300, kHeadDim = 24, kRotary = 8;
  StateSpec spec;
  spec.context = kContext;
  spec.attention_layers = 1;
  spec.kv_heads = 1;
  spec.head_dim = kHeadDim;
  AttentionArgs args;
  args.q = random(kContext, 2 * 2 * kHeadDim);
  args.k = random(kContext, kHeadDim);
  args.v = random(kContext, kHeadDim);
  args.q_norm = random(1, kHeadDim);
  args.k_norm = random(1, kHeadDim);
  args.rope = random(kContext, kRotary);  // any numbers will do, and those of libm may differ
  args.heads = 2;
  args.kv_heads = 1;
  args.head_dim = kHeadDim;
  args.rotary_dim = kRotary;
  args.scale = 0.2f;
  args.eps = 1e-6f;
  const Tensor out = backend_->allocate(DType::kF32, kContext, 2 * kHeadDim);
  backend_->reserve(kContext);
  const SequenceRows rows{state(spec), 0, kContext, 0};
  backend_->attention(out, args, {&rows, 1});
  EXPECT_EQ(hash(out), "53b525812bf3afe1");
}

TEST_F(Bits, of_delta_net) {
  constexpr int64_t kKeyDim = 40, kValueDim = 24, kConvDim = 2 * kKeyDim + 2 * kValueDim;
  StateSpec spec;
  spec.delta_layers = 1;
  spec.conv_dim = kConvDim;
  spec.conv_kernel = 4;
  spec.value_heads = 2;
  spec.key_head_dim = kKeyDim;
  spec.value_head_dim = kValueDim;
  DeltaNetArgs args;
  args.qkv = random(kTokens, kConvDim);
  args.z = random(kTokens, 2 * kValueDim);
  args.b = random(kTokens, 2);
  args.a = random(kTokens, 2);
  args.conv = random(kConvDim, 4, 0.5f);
  args.a_log = random(1, 2);
  args.dt_bias = random(1, 2);
  args.norm = random(1, kValueDim);
  args.key_heads = 1;
  args.value_heads = 2;
  args.key_head_dim = kKeyDim;
  args.value_head_dim = kValueDim;
  args.conv_kernel = 4;
  args.eps = 1e-6f;
  const Tensor out = output(2 * kValueDim);
  backend_->reserve(kTokens);
  const SequenceRows rows{state(spec), 0, kTokens, 0};
  backend_->delta_net(out, args, {&rows, 1});
  EXPECT_EQ(hash(out), "174d6872691fbf3a");
}

TEST_F(Bits, of_router_weights) {
  const HostMatrix w = matrix(60, 128, testing::affine(8, 64));
  const HostMatrix gate = matrix(1, 128, testing::dense(DType::kBF16));
  RouterArgs args;
  args.router = backend_->upload(w.spec(ActivationKind::kF32), w);
  args.shared_gate = backend_->upload(gate.spec(ActivationKind::kF32), gate);
  args.experts = 60;
  args.top_k = 8;
  const Routing out{backend_->allocate(DType::kI32, kTokens, 9), output(9)};
  backend_->reserve(kTokens);
  const Tensor x = random(kTokens, 128, 3.0f);
  backend_->router(out, x, args);
  EXPECT_EQ(hash(out.weights), "0b7fa0b4baadd71c");
  args.renormalize = false;
  backend_->router(out, x, args);
  EXPECT_EQ(hash(out.weights), "e363ea231b3298ab");
}

TEST_F(Bits, of_experts) {
  const WeightFormat format = testing::affine(3, 64);
  const HostMatrix gate = matrix(3 * 64, 128, format), up = matrix(3 * 64, 128, format);
  const HostMatrix down = matrix(3 * 128, 64, format);
  const Experts experts = backend_->upload({"experts", 128, {3, 64, format, format, &gate, &up, &down}, {}});
  const Tensor out = output(128);
  const Routing routing{
      testing::tensor(*backend_, std::vector<int32_t>{0, 1, 0, 2, 1, 2, 0, 1, 0, 2}, 2),
      testing::tensor(*backend_, std::vector<float>{.1f, .2f, .3f, .4f, .5f, .6f, .7f, .8f, .9f, 1}, 2)};
  backend_->reserve(kTokens);
  backend_->experts(out, random(kTokens, 128), routing, experts, ExpertPath::kFused);
  EXPECT_EQ(hash(out), "427b90d58d82fab9");
}

}  // namespace
}  // namespace moebius::reference

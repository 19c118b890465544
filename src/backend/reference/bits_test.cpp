// The bits of every operation on fixed inputs, as a hash. Comparisons with double precision cannot see a product that
// is rounded once more, or a sum in another order; a hash of the bits can. A changed hash is a change of the numerics:
// change docs/numerics.md and every backend first, and then the hash here.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "backend/reference/reference.h"
#include "backend/testing/support.h"

namespace moebius::internal::reference {
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

// Uploads what an operation needs, runs it on five tokens, and hashes its output.
class Bits : public ::testing::Test {
 protected:
  static constexpr int64_t kTokens = 5;

  Tensor random(int64_t rows, int64_t cols, float sigma = 1) {
    return testing::tensor(*backend_, testing::normals(rows * cols, ++seed_, sigma), cols);
  }
  HostMatrix matrix(int64_t rows, int64_t cols, const WeightFormat& format) { return {rows, cols, format, ++seed_}; }
  Tensor output(int64_t cols) { return testing::output(*backend_, kTokens, cols); }
  std::string hash(Tensor x) { return fnv1a(testing::to_host(*backend_, x)); }
  State state(const StateSpec& spec) { return backend_->memory().create_state(spec); }

  std::string linear(const WeightFormat& format, ActivationKind kind) {
    const HostMatrix w = matrix(20, 1152, format);
    const Tensor out = output(w.rows());
    const Projection projection{{out}, testing::upload(*backend_, w, kind)};
    testing::reserve(*backend_, kTokens);
    backend_->operations().linear({&projection, 1}, {random(kTokens, w.cols())});
    return hash(out);
  }

  std::unique_ptr<Backend> backend_ = make_reference_backend();
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
  testing::reserve(*backend_, kTokens);
  backend_->operations().rms_norm(out, x, {w, 1e-6f});
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
  args.rope = random(kContext, kRotary);  // random numbers, because real cosines may differ between versions of libm
  args.shape = {.heads = 2, .kv_heads = 1, .head_dim = kHeadDim, .rotary_dim = kRotary, .gated = true};
  args.scale = 0.2f;
  args.eps = 1e-6f;
  const Tensor out = testing::output(*backend_, kContext, 2 * kHeadDim);
  testing::reserve(*backend_, kContext);
  const Batch batch = testing::stage(*backend_, {{.state = state(spec), .rows = kContext}});
  backend_->operations().attention({out}, args, batch);
  EXPECT_EQ(hash(out), "53b525812bf3afe1");
}

TEST_F(Bits, of_delta_net) {
  constexpr int64_t kKeyDim = 40, kValueDim = 24, kConvDim = 2 * kKeyDim + 2 * kValueDim;
  StateSpec spec;
  spec.delta_layers = 1;
  spec.delta = {
      .key_heads = 1, .value_heads = 2, .key_head_dim = kKeyDim, .value_head_dim = kValueDim, .conv_kernel = 4};
  DeltaNetArgs args;
  args.qkv = random(kTokens, kConvDim);
  args.z = random(kTokens, 2 * kValueDim);
  args.b = random(kTokens, 2);
  args.a = random(kTokens, 2);
  args.conv = backend_->weights().upload_convolution({kConvDim, 4}, testing::normals(kConvDim * 4, ++seed_, 0.5f));
  args.a_log = random(1, 2);
  args.dt_bias = random(1, 2);
  args.norm = random(1, kValueDim);
  args.shape = spec.delta;
  args.eps = 1e-6f;
  const Tensor out = output(2 * kValueDim);
  testing::reserve(*backend_, kTokens);
  const Batch batch = testing::stage(*backend_, {{.state = state(spec), .rows = kTokens}});
  backend_->operations().delta_net({out}, args, batch);
  EXPECT_EQ(hash(out), "174d6872691fbf3a");
}

TEST_F(Bits, of_router_weights) {
  const HostMatrix w = matrix(60, 128, testing::affine(8, 64));
  const HostMatrix gate = matrix(1, 128, testing::dense(DType::kBF16));
  RouterArgs args;
  args.router = testing::upload(*backend_, w, ActivationKind::kF32);
  args.shared_gate = testing::upload(*backend_, gate, ActivationKind::kF32);
  args.shape = {.experts = 60, .top_k = 8, .shared = true};
  const Routing out = backend_->memory().allocate_routing(kTokens, 9);
  testing::reserve(*backend_, kTokens);
  const Tensor x = random(kTokens, 128, 3.0f);
  const auto hash_weights = [&] { return fnv1a(testing::read_routes(*backend_, out, kTokens, 9).weights); };
  backend_->operations().router(out, {x}, args);
  EXPECT_EQ(hash_weights(), "0b7fa0b4baadd71c");
  args.renormalize = false;
  backend_->operations().router(out, {x}, args);
  EXPECT_EQ(hash_weights(), "e363ea231b3298ab");
}

TEST_F(Bits, of_experts) {
  const WeightFormat format = testing::affine(3, 64);
  const HostMatrix gate = matrix(3 * 64, 128, format), up = matrix(3 * 64, 128, format);
  const HostMatrix down = matrix(3 * 128, 64, format);
  const ExpertsSpec spec = {"experts", 128, {3, 64, format, format, &gate, &up, &down}, {}};
  const Experts experts = backend_->weights().upload_experts(spec);
  const Tensor out = output(128);
  const Routing routing = testing::routing_of(
      *backend_, {2, {0, 1, 0, 2, 1, 2, 0, 1, 0, 2}, {.1f, .2f, .3f, .4f, .5f, .6f, .7f, .8f, .9f, 1}});
  testing::reserve(*backend_, kTokens);
  backend_->operations().experts({out}, {random(kTokens, 128)}, routing, experts, ExpertPath::kFused);
  EXPECT_EQ(hash(out), "427b90d58d82fab9");
}

}  // namespace
}  // namespace moebius::internal::reference

#include "backend/op_meter.h"

#include <gtest/gtest.h>

#include "backend/reference/reference.h"
#include "backend/testing/support.h"

namespace moebius {
namespace {

TEST(OpMeter, adds_up_operations_of_all_layers_and_changes_no_result) {
  const testing::HostMatrix host(32, 64, testing::affine(4, 64), 1);
  const std::vector<float> x = testing::normals(64, 2);
  std::vector<float> plain;
  for (const bool metered : {false, true}) {
    std::unique_ptr<Backend> backend = make_reference_backend(false);
    OpMeter* meter = nullptr;
    if (metered) {
      auto wrapper = std::make_unique<OpMeter>(std::move(backend));
      meter = wrapper.get();
      backend = std::move(wrapper);
    }
    const Tensor out = backend->allocate(DType::kF32, 1, 32);
    MatrixSpec spec = host.spec();
    std::vector<Projection> projections;
    for (const char* name : {"model.layers.3.mlp.down_proj", "model.layers.14.mlp.down_proj", "lm_head"}) {
      spec.name = name;
      projections.push_back({out, backend->upload(spec, host)});
    }
    backend->reserve(1);
    for (const Projection& projection : projections) {
      backend->linear({&projection, 1}, testing::tensor(*backend, x, 64));
    }
    if (!metered) {
      plain = testing::to_host(*backend, out);
      continue;
    }
    EXPECT_EQ(testing::to_host(*backend, out), plain);
    const std::vector<OpTotals> ops = meter->take_ops();
    ASSERT_EQ(ops.size(), 2);
    EXPECT_EQ(ops[0].op, "linear mlp.down_proj");
    EXPECT_EQ(ops[0].calls, 2);
    EXPECT_EQ(ops[0].traffic.weight_bytes, 2 * ops[1].traffic.weight_bytes);
    EXPECT_EQ(ops[1].op, "linear lm_head");
    EXPECT_GT(ops[1].seconds, 0);
    EXPECT_EQ(backend->take_traffic().weight_bytes, 3 * ops[1].traffic.weight_bytes);
    EXPECT_TRUE(meter->take_ops().empty());
  }
}

}  // namespace
}  // namespace moebius

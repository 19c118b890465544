#include "backend/op_meter.h"

#include <gtest/gtest.h>

#include "backend/reference/reference.h"
#include "backend/testing/support.h"

namespace moebius::internal {
namespace {

// Runs a step of three matrices with the same input.
std::vector<float> run_three(Backend& backend) {
  const testing::HostMatrix host(32, 64, testing::affine(4, 64), 1);
  const Tensor out = testing::output(backend, 1, 32);
  const Tensor x = testing::tensor(backend, testing::normals(64, 2), 64);
  MatrixSpec spec = host.spec();
  std::vector<Projection> projections;
  for (const char* name : {"model.layers.3.mlp.down_proj", "model.layers.14.mlp.down_proj", "lm_head"}) {
    spec.name = name;
    projections.push_back({{out}, backend.weights().upload_matrix(spec, host)});
  }
  testing::reserve(backend, 1);
  for (const Projection& projection : projections) backend.operations().linear({&projection, 1}, {x});
  return testing::to_host(backend, out);
}

TEST(OpMeter, adds_up_operations_of_all_layers_and_changes_no_result) {
  OpMeter meter(make_reference_backend());
  EXPECT_EQ(run_three(meter), run_three(*make_reference_backend()));
  const std::vector<OpTotals> ops = meter.operations().drain_totals();
  ASSERT_EQ(ops.size(), 2);
  EXPECT_EQ(ops[0].op, "linear mlp.down_proj");
  EXPECT_EQ(ops[0].calls, 2);
  EXPECT_EQ(ops[0].traffic.weight_bytes, 2 * ops[1].traffic.weight_bytes);
  EXPECT_EQ(ops[1].op, "linear lm_head");
  EXPECT_GT(ops[1].seconds, 0);
  EXPECT_EQ(meter.probes().traffic().weight_bytes, 3 * ops[1].traffic.weight_bytes);
  EXPECT_TRUE(meter.operations().drain_totals().empty());
}

}  // namespace
}  // namespace moebius::internal

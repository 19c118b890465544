// Tests of the reference backend outside its maths: storage, operations that pick rows, traffic, refusal of misuse.
#include <gtest/gtest.h>

#include <limits>

#include "backend/reference/reference.h"
#include "backend/testing/support.h"
#include "moebius/error.h"

namespace moebius::internal::reference {
namespace {

using testing::HostMatrix;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// The code of the Error that body throws.
template <typename Body>
ErrorCode error_of(const Body& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorCode::kIo;
}

TEST(Embed, decodes_the_rows_that_are_asked_for) {
  for (const WeightFormat& format :
       {testing::dense(DType::kBF16), testing::affine(3, 64), testing::affine(8, 32, DType::kF16), testing::mxfp4()}) {
    const std::unique_ptr<Backend> backend = make_reference_backend();
    const HostMatrix w(10, 128, format, 1);
    const Matrix table = testing::upload(*backend, w);
    const Tensor out = testing::output(*backend, 3, 128);
    testing::reserve(*backend, 3);
    const std::vector<int32_t> ids = {9, 0, 9};
    backend->operations().embed(out, testing::stage_tokens(*backend, ids), table);
    const std::vector<float> rows = testing::to_host(*backend, out);
    for (int64_t i = 0; i < 3 * 128; ++i) {
      const double exact = w.at(ids[i / 128], i % 128);
      ASSERT_EQ(rows[i], static_cast<float>(exact)) << testing::label(format) << " element " << i;
    }
    EXPECT_EQ(backend->probes().traffic().weight_bytes, 3 * w.bytes() / 10);
  }
}

TEST(GatherLogitRows, copies_the_rows_that_want_logits) {
  const std::unique_ptr<Backend> backend = make_reference_backend();
  const std::vector<float> x = testing::normals(4 * 5, 1);
  const Tensor out = testing::output(*backend, 2, 5);
  testing::reserve(*backend, 4);
  const Batch batch = testing::stage_tokens(*backend, {0, 0, 0, 0}, {1, 3});
  backend->operations().gather_logit_rows(out, testing::tensor(*backend, x, 5), batch);
  std::vector<float> expected(x.begin() + 5, x.begin() + 10);
  expected.insert(expected.end(), x.begin() + 15, x.end());
  EXPECT_EQ(testing::to_host(*backend, out), expected);
}

TEST(Storage, tensors_start_at_zero_and_keep_what_is_written) {
  const std::unique_ptr<Backend> backend = make_reference_backend();
  const Tensor x = testing::output(*backend, 2, 3);
  EXPECT_EQ(testing::to_host(*backend, x), std::vector<float>(6, 0.0f));
  const std::vector<float> values = {1, 2, 3, 4, 5, 6};
  backend->memory().write(x, values.data());
  EXPECT_EQ(testing::to_host(*backend, x), values);
}

TEST(Storage, packed_bytes_are_those_of_the_checkpoint) {
  const std::unique_ptr<Backend> backend = make_reference_backend();
  const HostMatrix a(10, 128, testing::affine(5, 32, DType::kF32), 1);
  const HostMatrix b(3, 7, testing::dense(DType::kF16), 1);
  testing::upload(*backend, a);
  testing::upload(*backend, b);
  EXPECT_EQ(backend->weights().packed_bytes(), 10 * (80 + 2 * 16) + 42);
  EXPECT_EQ(backend->weights().packed_bytes(), a.bytes() + b.bytes());
}

TEST(Traffic, counts_a_matrix_once_per_call_however_many_rows_it_meets) {
  const std::unique_ptr<Backend> backend = make_reference_backend();
  const HostMatrix w(10, 128, testing::affine(4, 64), 1);
  const Matrix matrix = testing::upload(*backend, w);
  const Tensor out = testing::output(*backend, 4, 10);
  testing::reserve(*backend, 4);
  const Projection projection = {{out}, matrix};
  const Tensor x = testing::tensor(*backend, testing::normals(4 * 128, 1), 128);
  for (const int calls : {1, 2}) {
    backend->operations().linear({&projection, 1}, {x});
    EXPECT_EQ(backend->probes().traffic().weight_bytes, calls * w.bytes());
  }
}

TEST(Upload, refuses_formats_that_no_checkpoint_has) {
  struct Case {
    const char* name;
    WeightFormat format;
    int64_t cols;
  };
  const Case cases[] = {
      {"7 bits", testing::affine(7, 64), 128},
      {"group 16", testing::affine(4, 16), 128},
      {"integer scales", testing::affine(4, 64, DType::kI32), 128},
      {"mxfp4 in groups of 64", {DType::kU32, {4, 64, DType::kU8, QuantMode::kMxfp4}}, 128},
      {"integer weights", testing::dense(DType::kI8), 128},
      {"inputs that are not whole groups", testing::affine(4, 64), 96},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const std::unique_ptr<Backend> backend = make_reference_backend();
    const HostMatrix nothing;
    const MatrixSpec spec{"odd", 2, c.cols, c.format};
    EXPECT_EQ(error_of([&] { backend->weights().upload_matrix(spec, nothing); }), ErrorCode::kUnsupported);
  }
}

TEST(Misuse, is_found_out) {
  const std::unique_ptr<Backend> backend = make_reference_backend();
  const HostMatrix w(4, 64, testing::affine(4, 64), 1);
  const Matrix matrix = testing::upload(*backend, w);
  const Tensor x = testing::output(*backend, 3, 64);
  const Tensor y = testing::output(*backend, 3, 4);
  const auto linear = [&](Tensor out, Matrix weight) {
    const Projection projection = {{out}, weight};
    backend->operations().linear({&projection, 1}, {x});
  };
  EXPECT_EQ(error_of([&] { linear(y, matrix); }), ErrorCode::kInternal) << "a step before reserve()";
  testing::reserve(*backend, 2);
  EXPECT_EQ(error_of([&] { linear(y, matrix); }), ErrorCode::kInternal) << "more rows than reserved";
  testing::reserve(*backend, 3);
  linear(y, matrix);
  EXPECT_EQ(error_of([&] { testing::upload(*backend, w); }), ErrorCode::kInternal) << "an upload after reserve()";
  EXPECT_EQ(error_of([&] { linear(x, matrix); }), ErrorCode::kInternal) << "an output of another width";
  EXPECT_EQ(error_of([&] { linear(y, {1}); }), ErrorCode::kInternal) << "a handle of nothing";
  const Batch batch = testing::stage_tokens(*backend, {0, 1, 4});
  EXPECT_EQ(error_of([&] { backend->operations().embed(x, batch, matrix); }), ErrorCode::kInternal)
      << "a token past the table";
  testing::stage_tokens(*backend, {0, 1, 2});
  EXPECT_EQ(error_of([&] { backend->operations().embed(x, batch, matrix); }), ErrorCode::kInternal)
      << "a batch of an earlier step";
  const State state = backend->memory().create_state({});
  backend->memory().free_state(state);
  EXPECT_EQ(error_of([&] { backend->memory().reset_state(state); }), ErrorCode::kInternal) << "a freed state";
}

}  // namespace
}  // namespace moebius::internal::reference

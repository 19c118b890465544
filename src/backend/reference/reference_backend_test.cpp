// The reference backend outside its maths: storage, rows that are picked, traffic, and how misuse is refused.
#include <gtest/gtest.h>

#include <limits>

#include "backend/reference/reference.h"
#include "backend/testing/support.h"
#include "moebius/error.h"

namespace moebius::reference {
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
    const std::unique_ptr<Backend> backend = make_reference_backend(false);
    const HostMatrix w(10, 128, format, 1);
    const Matrix table = backend->upload(w.spec(), w);
    const Tensor out = backend->allocate(DType::kF32, 3, 128);
    backend->reserve(3);
    const std::vector<int32_t> ids = {9, 0, 9};
    backend->embed(out, testing::tensor(*backend, ids, 1), table);
    const std::vector<float> rows = testing::to_host(*backend, out);
    for (int64_t i = 0; i < 3 * 128; ++i) {
      const double exact = w.at(ids[i / 128], i % 128);
      ASSERT_EQ(rows[i], static_cast<float>(exact)) << testing::label(format) << " element " << i;
    }
    EXPECT_EQ(backend->take_traffic().weight_bytes, 3 * w.bytes() / 10);
  }
}

TEST(GatherRows, copies_the_rows_that_are_asked_for) {
  const std::unique_ptr<Backend> backend = make_reference_backend(false);
  const std::vector<float> x = testing::normals(4 * 5, 1);
  const Tensor out = backend->allocate(DType::kF32, 2, 5);
  backend->reserve(4);
  backend->gather_rows(out, testing::tensor(*backend, x, 5), testing::tensor(*backend, std::vector<int32_t>{3, 1}, 1));
  std::vector<float> expected(x.begin() + 15, x.end());
  expected.insert(expected.end(), x.begin() + 5, x.begin() + 10);
  EXPECT_EQ(testing::to_host(*backend, out), expected);
}

TEST(Argmax, takes_the_lowest_id_among_equals_and_never_nan) {
  const std::unique_ptr<Backend> backend = make_reference_backend(false);
  const std::vector<float> logits = {
      1,    3,          3,          2,           //
      kNan, -kInfinity, kNan,       kNan,        //
      kNan, 1,          kNan,       2,           //
      kNan, kNan,       kNan,       kNan,        //
      0,    kInfinity,  kInfinity,  0,           //
      0.0f, -0.0f,      -1,         0.0f,        //
      -5,   -kInfinity, -kInfinity, -kInfinity,  //
  };
  const Tensor out = backend->allocate(DType::kI32, 7, 1);
  backend->reserve(7);
  backend->argmax(out, testing::tensor(*backend, logits, 4));
  EXPECT_EQ(testing::to_host_i32(*backend, out), (std::vector<int32_t>{1, 1, 3, 0, 1, 0, 0}));
}

TEST(Storage, tensors_start_at_zero_and_keep_what_is_written) {
  const std::unique_ptr<Backend> backend = make_reference_backend(false);
  const Tensor x = backend->allocate(DType::kF32, 2, 3);
  EXPECT_EQ(testing::to_host(*backend, x), std::vector<float>(6, 0.0f));
  const std::vector<float> values = {1, 2, 3, 4, 5, 6};
  backend->write(x, values.data());
  EXPECT_EQ(testing::to_host(*backend, x), values);
}

TEST(Storage, packed_bytes_are_those_of_the_checkpoint) {
  const std::unique_ptr<Backend> backend = make_reference_backend(false);
  const HostMatrix a(10, 128, testing::affine(5, 32, DType::kF32), 1);
  const HostMatrix b(3, 7, testing::dense(DType::kF16), 1);
  backend->upload(a.spec(), a);
  backend->upload(b.spec(), b);
  EXPECT_EQ(backend->packed_bytes(), 10 * (80 + 2 * 16) + 42);
  EXPECT_EQ(backend->packed_bytes(), a.bytes() + b.bytes());
}

TEST(Traffic, counts_a_matrix_once_per_call_however_many_rows_it_meets) {
  const std::unique_ptr<Backend> backend = make_reference_backend(false);
  const HostMatrix w(10, 128, testing::affine(4, 64), 1);
  const Matrix matrix = backend->upload(w.spec(), w);
  const Tensor out = backend->allocate(DType::kF32, 4, 10);
  backend->reserve(4);
  backend->linear(std::vector<Projection>{{out, matrix}}, testing::tensor(*backend, testing::normals(4 * 128, 1), 128));
  EXPECT_EQ(backend->take_traffic().weight_bytes, w.bytes());
  EXPECT_EQ(backend->take_traffic().weight_bytes, 0);
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
    const std::unique_ptr<Backend> backend = make_reference_backend(false);
    const HostMatrix nothing;
    const MatrixSpec spec{"odd", 2, c.cols, c.format};
    EXPECT_EQ(error_of([&] { backend->upload(spec, nothing); }), ErrorCode::kUnsupported);
  }
}

TEST(Misuse, is_found_out) {
  const std::unique_ptr<Backend> backend = make_reference_backend(false);
  const HostMatrix w(4, 64, testing::affine(4, 64), 1);
  const Matrix matrix = backend->upload(w.spec(), w);
  const Tensor x = backend->allocate(DType::kF32, 3, 64);
  const Tensor y = backend->allocate(DType::kF32, 3, 4);
  const Tensor ids = testing::tensor(*backend, std::vector<int32_t>{0, 1, 4}, 1);
  const auto linear = [&](Tensor out, Matrix weight) { backend->linear(std::vector<Projection>{{out, weight}}, x); };
  EXPECT_EQ(error_of([&] { linear(y, matrix); }), ErrorCode::kInternal) << "a step before reserve()";
  backend->reserve(2);
  EXPECT_EQ(error_of([&] { linear(y, matrix); }), ErrorCode::kInternal) << "more rows than reserved";
  backend->reserve(3);
  linear(y, matrix);
  EXPECT_EQ(error_of([&] { backend->upload(w.spec(), w); }), ErrorCode::kInternal) << "an upload after reserve()";
  EXPECT_EQ(error_of([&] { linear(x, matrix); }), ErrorCode::kInternal) << "an output of another width";
  EXPECT_EQ(error_of([&] { linear(y, {1}); }), ErrorCode::kInternal) << "a handle of nothing";
  EXPECT_EQ(error_of([&] { backend->embed(x, ids, matrix); }), ErrorCode::kInternal) << "a token past the table";
  const State state = backend->create_state({});
  backend->free_state(state);
  EXPECT_EQ(error_of([&] { backend->reset_state(state); }), ErrorCode::kInternal) << "a freed state";
}

}  // namespace
}  // namespace moebius::reference

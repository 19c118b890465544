// Pages and tensors outside the maths, on every backend: what they hold, and how misuse is refused. What attention()
// reads and writes in pages is in parity_attention_test.cpp.
#include <gtest/gtest.h>

#include "backend/cpu/cpu.h"
#include "backend/reference/reference.h"
#include "backend/testing/support.h"
#include "moebius/error.h"

namespace moebius {
namespace {

using BackendMaker = std::unique_ptr<Backend> (*)();

class EveryBackend : public ::testing::TestWithParam<std::pair<const char*, BackendMaker>> {
 protected:
  EveryBackend() : backend_(GetParam().second()) {
    norm_ = testing::tensor(*backend_, testing::normals(16, 1), 16);
    rope_ = backend_->allocate(DType::kF32, 1024, 0);
    for (Tensor* x : {&q_, &k_, &v_}) *x = backend_->allocate(DType::kF32, 8, 16);
    out_ = backend_->allocate(DType::kF32, 8, 16);
    backend_->reserve(8);
  }

  // A step of `rows` rows at `position`: one head of 16 dims, the first layer.
  void step(State state, int64_t position, int64_t rows) {
    AttentionArgs args;
    for (const Tensor& x : {q_, k_, v_}) backend_->write(x, testing::normals(8 * 16, 2).data());  // normed in place
    args.q = q_.first(rows);
    args.k = k_.first(rows);
    args.v = v_.first(rows);
    args.q_norm = args.k_norm = norm_;
    args.rope = rope_;
    args.heads = args.kv_heads = 1;
    args.head_dim = 16;
    args.gated = false;
    const SequenceRows sequences[] = {{state, 0, rows, position}};
    backend_->attention(out_.first(rows), args, sequences);
  }
  template <typename Body>
  static bool is_refused(const Body& body) {
    try {
      body();
    } catch (const Error& error) {
      return error.code() == ErrorCode::kInternal;
    }
    return false;
  }
  static StateSpec spec(int64_t context) {
    StateSpec spec;
    spec.context = context;
    spec.attention_layers = spec.kv_heads = 1;
    spec.head_dim = 16;
    return spec;
  }

  std::unique_ptr<Backend> backend_;
  Tensor norm_, rope_, q_, k_, v_, out_;
};

TEST_P(EveryBackend, refuses_a_step_beyond_the_pages_of_its_state) {
  const State given = backend_->create_state(spec(0));
  EXPECT_TRUE(is_refused([&] { step(given, 0, 1); })) << "no page at all";
  const KvPage pages[] = {backend_->create_page(spec(0)), backend_->create_page(spec(0))};
  backend_->set_pages(given, pages);
  EXPECT_FALSE(is_refused([&] { step(given, 508, 4); }));
  EXPECT_TRUE(is_refused([&] { step(given, 509, 4); }));
  EXPECT_TRUE(is_refused([&] { step(given, 512, 1); }));
  backend_->set_pages(given, std::span(pages).first(1));
  EXPECT_TRUE(is_refused([&] { step(given, 256, 1); })) << "a page that was taken away";
}

TEST_P(EveryBackend, refuses_a_step_beyond_a_context_that_ends_within_a_page) {
  const State owning = backend_->create_state(spec(100));
  EXPECT_FALSE(is_refused([&] { step(owning, 92, 8); }));
  EXPECT_TRUE(is_refused([&] { step(owning, 93, 8); }));
}

TEST_P(EveryBackend, refuses_pages_that_do_not_fit) {
  StateSpec wide = spec(0);
  wide.head_dim = 32;
  const KvPage narrow_page = backend_->create_page(spec(0));
  const KvPage wide_page = backend_->create_page(wide);
  const State given = backend_->create_state(spec(0));
  const State owning = backend_->create_state(spec(100));
  EXPECT_TRUE(is_refused([&] { backend_->set_pages(given, std::span(&wide_page, 1)); })) << "of another spec";
  EXPECT_TRUE(is_refused([&] { backend_->copy_page(wide_page, narrow_page); })) << "a copy of another size";
  EXPECT_TRUE(is_refused([&] { backend_->set_pages(owning, std::span(&narrow_page, 1)); })) << "a state with its own";
  backend_->free_page(narrow_page);
  EXPECT_TRUE(is_refused([&] { backend_->set_pages(given, std::span(&narrow_page, 1)); })) << "a freed page";
  EXPECT_TRUE(is_refused([&] { backend_->free_page(narrow_page); })) << "freed twice";
}

TEST_P(EveryBackend, leaves_foreign_pages_as_they_are_when_a_state_is_reset) {
  const KvPage page = backend_->create_page(spec(0));
  const State writer = backend_->create_state(spec(0));
  const State reader = backend_->create_state(spec(0));
  backend_->set_pages(writer, std::span(&page, 1));
  backend_->set_pages(reader, std::span(&page, 1));
  step(writer, 0, 8);
  step(reader, 7, 1);
  const std::vector<float> before = testing::to_host(*backend_, out_.first(1));
  backend_->reset_state(writer);
  step(reader, 7, 1);
  EXPECT_EQ(testing::to_host(*backend_, out_.first(1)), before);
}

TEST_P(EveryBackend, copies_rows_of_every_type_and_nothing_beside_them) {
  constexpr int64_t kRows = 300, kCols = 257;  // more than a piece
  const std::vector<float> values = testing::normals(kRows * kCols, 3);
  const Tensor x = testing::tensor(*backend_, values, kCols);
  const Tensor out = backend_->allocate(DType::kF32, kRows + 2, kCols);
  backend_->copy(out.slice(1, kRows), x);
  const std::vector<float> zeros(kCols, 0.0f);
  EXPECT_EQ(testing::to_host(*backend_, out.slice(1, kRows)), values);
  EXPECT_EQ(testing::to_host(*backend_, out.first(1)), zeros);
  EXPECT_EQ(testing::to_host(*backend_, out.slice(kRows + 1, 1)), zeros);

  const Tensor ids = testing::tensor(*backend_, std::vector<int32_t>{7, -1, 9, 4}, 1);
  backend_->copy(ids.slice(0, 2), ids.slice(2, 2));
  EXPECT_EQ(testing::to_host_i32(*backend_, ids), (std::vector<int32_t>{9, 4, 9, 4}));
}

TEST_P(EveryBackend, refuses_copies_of_another_shape_and_tensors_that_are_gone) {
  const Tensor x = backend_->allocate(DType::kF32, 4, 6);
  EXPECT_TRUE(is_refused([&] { backend_->copy(backend_->allocate(DType::kF32, 6, 4), x); }));
  EXPECT_TRUE(is_refused([&] { backend_->copy(backend_->allocate(DType::kI32, 4, 6), x); }));
  EXPECT_TRUE(is_refused([&] { backend_->free_tensor(x.slice(1, 3)); })) << "a part of one";
  backend_->free_tensor(x);
  EXPECT_TRUE(is_refused([&] { backend_->free_tensor(x); })) << "freed twice";
}

INSTANTIATE_TEST_SUITE_P(
    Storage, EveryBackend,
    ::testing::Values(std::pair("reference", BackendMaker([] { return make_reference_backend(false); })),
                      std::pair("cpu", BackendMaker([] { return make_cpu_backend({.threads = 2}); }))),
    [](const auto& test) { return std::string(test.param.first); });

}  // namespace
}  // namespace moebius

// Tests of memory outside the maths, on every backend: what pages, buffers and logs hold, and how misuse is refused.
// attention_test.cpp tests what attention() reads and writes in pages.
#include <gtest/gtest.h>

#include "backend/parity/testing/candidates.h"
#include "backend/reference/reference.h"
#include "backend/testing/support.h"
#include "moebius/error.h"

namespace moebius::internal::testing {
namespace {

constexpr AttentionShape kHead = {.heads = 1, .kv_heads = 1, .head_dim = 16};

// All candidates, and the reference. Tests run the last variant of each.
std::vector<Candidate> all_backends() {
  std::vector<Candidate> all = candidates();
  all.push_back({"reference", "", {{"", [] { return make_reference_backend(); }}}});
  return all;
}

class EveryBackend : public ::testing::TestWithParam<Candidate> {
 protected:
  void SetUp() override {
    if (!GetParam().missing.empty()) GTEST_SKIP() << "NOT TESTED: " << GetParam().missing;
    backend_ = GetParam().variants.back().make();
    norm_ = tensor(*backend_, normals(16, 1), 16);
    rope_ = output(*backend_, 1024, 0);
    for (Tensor* x : {&q_, &k_, &v_}) *x = output(*backend_, 8, 16);
    out_ = output(*backend_, 8, 16);
    StepLimits limits = limits_of(8);
    limits.attention = kHead;
    backend_->operations().reserve(limits);
    for (const Tensor& x : {q_, k_, v_}) memory().write(x, normals(8 * 16, 2).data());
  }

  Memory& memory() { return backend_->memory(); }

  // Runs attention() of the first layer on `rows` rows at `position`, with one head of 16 dims.
  void step(State state, int64_t position, int64_t rows) {
    AttentionArgs args;
    args.shape = kHead;
    args.q = q_.first(rows);
    args.k = k_.first(rows);
    args.v = v_.first(rows);
    args.q_norm = args.k_norm = norm_;
    args.rope = rope_;
    const Batch batch = stage(*backend_, {{.state = state, .rows = rows, .position = position}});
    backend_->operations().attention({out_.first(rows)}, args, batch);
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
  const State given = memory().create_state(spec(0));
  EXPECT_TRUE(is_refused([&] { step(given, 0, 1); })) << "no page at all";
  const KvPage pages[] = {memory().create_page(spec(0)), memory().create_page(spec(0))};
  memory().set_pages(given, pages);
  EXPECT_FALSE(is_refused([&] { step(given, 508, 4); }));
  EXPECT_TRUE(is_refused([&] { step(given, 509, 4); }));
  EXPECT_TRUE(is_refused([&] { step(given, 512, 1); }));
  memory().set_pages(given, std::span(pages).first(1));
  EXPECT_TRUE(is_refused([&] { step(given, 256, 1); })) << "a page that was taken away";
}

TEST_P(EveryBackend, refuses_a_step_beyond_a_context_that_ends_within_a_page) {
  const State owning = memory().create_state(spec(100));
  EXPECT_FALSE(is_refused([&] { step(owning, 92, 8); }));
  EXPECT_TRUE(is_refused([&] { step(owning, 93, 8); }));
}

TEST_P(EveryBackend, refuses_pages_that_do_not_fit) {
  StateSpec wide = spec(0);
  wide.head_dim = 32;
  const KvPage narrow_page = memory().create_page(spec(0));
  const KvPage wide_page = memory().create_page(wide);
  const State given = memory().create_state(spec(0));
  const State owning = memory().create_state(spec(100));
  EXPECT_TRUE(is_refused([&] { memory().set_pages(given, std::span(&wide_page, 1)); })) << "of another spec";
  EXPECT_TRUE(is_refused([&] { memory().copy_page(wide_page, narrow_page); })) << "a copy of another size";
  EXPECT_TRUE(is_refused([&] { memory().set_pages(owning, std::span(&narrow_page, 1)); })) << "a state with its own";
  memory().free_page(narrow_page);
  EXPECT_TRUE(is_refused([&] { memory().set_pages(given, std::span(&narrow_page, 1)); })) << "a freed page";
  EXPECT_TRUE(is_refused([&] { memory().free_page(narrow_page); })) << "freed twice";
}

TEST_P(EveryBackend, leaves_foreign_pages_as_they_are_when_a_state_is_reset) {
  const KvPage page = memory().create_page(spec(0));
  const State writer = memory().create_state(spec(0));
  const State reader = memory().create_state(spec(0));
  memory().set_pages(writer, std::span(&page, 1));
  memory().set_pages(reader, std::span(&page, 1));
  step(writer, 0, 8);
  step(reader, 7, 1);
  const std::vector<float> before = to_host(*backend_, out_.first(1));
  memory().reset_state(writer);
  step(reader, 7, 1);
  EXPECT_EQ(to_host(*backend_, out_.first(1)), before);
}

TEST_P(EveryBackend, copies_rows_of_every_type_and_nothing_beside_them) {
  constexpr int64_t kRows = 300, kCols = 257;  // more than the 256 KiB that the cpu backend copies in one piece
  const std::vector<float> values = normals(kRows * kCols, 3);
  const Tensor x = tensor(*backend_, values, kCols);
  const Tensor out = output(*backend_, kRows + 2, kCols);
  memory().copy(out.slice(1, kRows), x);
  const std::vector<float> zeros(kCols, 0.0f);
  EXPECT_EQ(to_host(*backend_, out.slice(1, kRows)), values);
  EXPECT_EQ(to_host(*backend_, out.first(1)), zeros);
  EXPECT_EQ(to_host(*backend_, out.slice(kRows + 1, 1)), zeros);

  const Tensor ids = counts(*backend_, {7, -1, 9, 4});
  memory().copy(ids.slice(0, 2), ids.slice(2, 2));
  EXPECT_EQ(to_host_i32(*backend_, ids), (std::vector<int32_t>{9, 4, 9, 4}));
}

TEST_P(EveryBackend, refuses_copies_of_another_shape_and_tensors_that_are_gone) {
  const Tensor x = output(*backend_, 4, 6);
  EXPECT_TRUE(is_refused([&] { memory().copy(output(*backend_, 6, 4), x); }));
  EXPECT_TRUE(is_refused([&] { memory().copy(memory().allocate(DType::kI32, 4, 6), x); }));
  EXPECT_TRUE(is_refused([&] { memory().free(x.slice(1, 3)); })) << "a part of one";
  memory().free(x);
  EXPECT_TRUE(is_refused([&] { memory().free(x); })) << "freed twice";
}

TEST_P(EveryBackend, refuses_batches_that_are_none) {
  const State state = memory().create_state(spec(100));
  const auto is_refused_batch = [&](const std::vector<SequenceRows>& sequences,
                                    const std::vector<int32_t>& logit_rows) {
    return is_refused(
        [&] { backend_->operations().stage({.tokens = {}, .sequences = sequences, .logit_rows = logit_rows}); });
  };
  EXPECT_FALSE(is_refused_batch({{.state = state, .rows = 8}}, {0, 7}));
  EXPECT_TRUE(is_refused_batch({}, {})) << "nothing";
  EXPECT_TRUE(is_refused_batch({{.state = state, .rows = 9}}, {})) << "more rows than reserved";
  EXPECT_TRUE(is_refused_batch({{.state = state, .first_row = 1, .rows = 2}}, {})) << "a gap";
  EXPECT_TRUE(is_refused_batch({{.state = state, .rows = 0}}, {})) << "a sequence without rows";
  EXPECT_TRUE(is_refused_batch({{.state = state, .rows = 2}}, {2})) << "logits of a row that is not there";
  EXPECT_TRUE(is_refused_batch({{.state = state, .rows = 2}}, {1, 0})) << "rows out of order";
}

TEST_P(EveryBackend, refuses_a_batch_of_an_earlier_step) {
  const State state = memory().create_state(spec(100));
  const Batch old = stage(*backend_, {{.state = state, .rows = 1}});
  stage(*backend_, {{.state = state, .rows = 1}});
  EXPECT_TRUE(is_refused([&] { backend_->operations().keep(old, counts(*backend_, {1})); }));
}

INSTANTIATE_TEST_SUITE_P(Memory, EveryBackend, ::testing::ValuesIn(all_backends()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace moebius::internal::testing

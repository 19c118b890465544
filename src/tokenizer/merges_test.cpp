// Tests the short and the long form of merging against the plain rule: join the leftmost pair of the lowest rank, until
// there is none.
#include "tokenizer/merges.h"

#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <random>
#include <string>

namespace moebius::internal {
namespace {

using Ids = std::vector<int32_t>;

std::array<int32_t, 256> ids_of_bytes() {
  std::array<int32_t, 256> ids{};
  std::iota(ids.begin(), ids.end(), 0);
  return ids;
}

Ids plainly_merged(const std::string& piece, const std::vector<Merge>& merges) {
  Ids ids(piece.begin(), piece.end());
  while (true) {
    const auto find = [&](const Merge& merge) {
      return std::adjacent_find(ids.begin(), ids.end(),
                                [&](int32_t a, int32_t b) { return a == merge.left && b == merge.right; });
    };
    const auto lowest =
        std::find_if(merges.begin(), merges.end(), [&](const Merge& m) { return find(m) != ids.end(); });
    if (lowest == merges.end()) return ids;
    const auto at = find(*lowest);
    *at = lowest->result;
    ids.erase(at + 1);
  }
}

// Random merges over a, b, c, in the order of training or in any order. Each result id stands for one byte string.
enum class Order { kTrained, kAny };
std::vector<Merge> random_merges(std::mt19937& random, Order order) {
  std::vector<std::string> tokens = {"a", "b", "c"};
  std::map<std::string, int32_t> ids = {{"a", 'a'}, {"b", 'b'}, {"c", 'c'}};
  std::vector<Merge> merges;
  while (merges.size() < 30) {
    const std::string left = tokens[random() % tokens.size()];
    const std::string right = tokens[random() % tokens.size()];
    if (left.size() + right.size() > 8) continue;
    const auto [found, is_new] = ids.emplace(left + right, static_cast<int32_t>(256 + ids.size()));
    if (is_new) tokens.push_back(left + right);
    const bool is_known =
        std::ranges::any_of(merges, [&](const Merge& m) { return m.left == ids[left] && m.right == ids[right]; });
    if (!is_known) merges.push_back({ids[left], ids[right], found->second});
  }
  if (order == Order::kAny) std::shuffle(merges.begin(), merges.end(), random);
  return merges;
}

std::string random_piece(std::mt19937& random, size_t bytes) {
  std::string piece;
  while (piece.size() < bytes) piece += "abcd"[random() % (random() % 4 == 0 ? 4 : 2)];
  return piece;
}

class MergesTest : public ::testing::TestWithParam<Order> {};
INSTANTIATE_TEST_SUITE_P(Merges, MergesTest, ::testing::Values(Order::kTrained, Order::kAny),
                         [](const auto& row) { return row.param == Order::kTrained ? "trained" : "any_order"; });

TEST_P(MergesTest, join_the_leftmost_pair_of_the_lowest_rank) {
  std::mt19937 random(1);  // NOLINT(cert-msc51-cpp,bugprone-random-generator-seed): the same cases every time
  MergeScratch scratch;
  for (int round = 0; round < 100; ++round) {
    const std::vector<Merge> list = random_merges(random, GetParam());
    const Merges merges(list, ids_of_bytes());
    for (const size_t bytes : {1, 2, 7, 31, 32, 33, 64, 200}) {
      const std::string piece = random_piece(random, bytes);
      Ids ids;
      merges.apply(piece, scratch, ids);
      EXPECT_EQ(ids, plainly_merged(piece, list)) << piece;
    }
  }
}

TEST(Merges, append_to_what_is_there) {
  const Merges merges({{'a', 'b', 256}}, ids_of_bytes());
  MergeScratch scratch;
  Ids ids = {7};
  merges.apply("ab", scratch, ids);
  merges.apply("c", scratch, ids);
  EXPECT_EQ(ids, (Ids{7, 256, 'c'}));
}

TEST(Merges, take_the_last_rank_of_a_pair_that_is_listed_twice) {
  const Merges merges({{'a', 'b', 256}, {'b', 'c', 257}, {'a', 'b', 256}}, ids_of_bytes());
  MergeScratch scratch;
  Ids ids;
  merges.apply("abc", scratch, ids);
  EXPECT_EQ(ids, (Ids{'a', 257}));
}

TEST(MergeQueue, gives_pairs_by_rank_and_place_whatever_the_order_of_pushing) {
  std::mt19937 random(1);  // NOLINT(cert-msc51-cpp,bugprone-random-generator-seed)
  for (int round = 0; round < 50; ++round) {
    MergeQueue queue;
    std::vector<uint64_t> waiting;
    for (int step = 0; step < 500; ++step) {
      if (random() % 3 != 0) {
        const PairAt pair{static_cast<uint32_t>(random() % 20), static_cast<uint32_t>(random() % 1000)};
        queue.push(pair);
        waiting.push_back((uint64_t{pair.rank} << 32U) | pair.at);
        continue;
      }
      const std::optional<PairAt> pair = queue.pop();
      ASSERT_EQ(pair.has_value(), !waiting.empty());
      if (!pair) continue;
      const auto lowest = std::ranges::min_element(waiting);
      EXPECT_EQ((uint64_t{pair->rank} << 32U) | pair->at, *lowest);
      waiting.erase(lowest);
    }
  }
}

}  // namespace
}  // namespace moebius::internal

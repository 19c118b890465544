// Characters whose bytes come one by one.
#include "tokenizer/stream_decoder.h"

#include <gtest/gtest.h>

#include "base/testing/expect_error.h"
#include "base/utf8_repair.h"
#include "tokenizer/testing/tokenizers.h"

namespace moebius::internal {
namespace {

using testing::small_file;
using testing::tokenizer_of;
using Pieces = std::vector<std::string>;

// One piece for each byte, and the last from finish().
Pieces pieces_of(std::string_view bytes) {
  static const Tokenizer tokenizer = tokenizer_of(small_file({}));
  StreamDecoder decoder(tokenizer);
  Pieces pieces;
  for (const char byte : bytes) pieces.push_back(decoder.push(static_cast<uint8_t>(byte)));
  pieces.push_back(decoder.finish());
  return pieces;
}

TEST(StreamDecoder, holds_a_character_back_until_it_is_whole) {
  EXPECT_EQ(pieces_of("a\u00e9!"), (Pieces{"a", "", "\u00e9", "!", ""}));
  EXPECT_EQ(pieces_of("\u20ac"), (Pieces{"", "", "\u20ac", ""}));
  EXPECT_EQ(pieces_of("\U0001f600"), (Pieces{"", "", "", "\U0001f600", ""}));
}

TEST(StreamDecoder, gives_a_replacement_for_what_can_no_more_become_a_character) {
  EXPECT_EQ(pieces_of("\xe2\x82x"), (Pieces{"", "", "\uFFFDx", ""}));
  EXPECT_EQ(pieces_of("\xf0\x9f\xe2\x82\xac"), (Pieces{"", "", "\uFFFD", "", "\u20ac", ""}));
  EXPECT_EQ(pieces_of("\xff\x80"), (Pieces{"\uFFFD", "\uFFFD", ""}));
  EXPECT_EQ(pieces_of("\xed\xa0\x80"), (Pieces{"", "\uFFFD\uFFFD", "\uFFFD", ""}));  // a surrogate
}

TEST(StreamDecoder, flushes_what_is_held_back_as_one_replacement) {
  EXPECT_EQ(pieces_of("a\xf0\x9f\x98"), (Pieces{"a", "", "", "", "\uFFFD"}));
}

TEST(StreamDecoder, gives_in_pieces_what_repairing_the_whole_gives) {
  for (int first = 0; first < 256; first += 5) {
    for (int second = 0; second < 256; second += 3) {
      for (const char third : {'a', '\x80', '\xbf', '\xe2', '\xf4'}) {
        const std::string bytes = {static_cast<char>(first), static_cast<char>(second), third, '\x98'};
        std::string joined;
        for (const std::string& piece : pieces_of(bytes)) joined += piece;
        EXPECT_EQ(joined, repaired_utf8({bytes, {}}).text) << first << " " << second;
      }
    }
  }
}

TEST(StreamDecoder, is_as_new_after_it_finished) {
  const Tokenizer tokenizer = tokenizer_of(small_file({}));
  StreamDecoder decoder(tokenizer);
  EXPECT_EQ(decoder.push(0xe2), "");
  EXPECT_EQ(decoder.finish(), "\uFFFD");
  EXPECT_EQ(decoder.push('a'), "a");
}

TEST(StreamDecoder, leaves_special_tokens_out_on_request) {
  const Tokenizer tokenizer = tokenizer_of(small_file({}, {"<s>"}));
  StreamDecoder keeps(tokenizer);
  StreamDecoder skips(tokenizer, Tokenizer::Special::kSkip);
  EXPECT_EQ(keeps.push(256), "<s>");
  EXPECT_EQ(skips.push(256), "");
}

TEST(StreamDecoder, refuses_an_id_that_is_no_token) {
  const Tokenizer tokenizer = tokenizer_of(small_file({}));
  StreamDecoder decoder(tokenizer);
  testing::expect_error(ErrorCode::kUsage, "expected 0 to 255, got 256", [&] { (void)decoder.push(256); });
}

}  // namespace
}  // namespace moebius::internal

// Compares ids with those of the `tokenizers` wheel (tests/golden/make_tokenizer.py), for every way of splitting and
// normalizing that is supported.
#include <gtest/gtest.h>

#include <cstdint>
#include <ostream>

#include "base/quote.h"
#include "base/utf8_repair.h"
#include "tokenizer/stream_decoder.h"
#include "tokenizer/testing/tokenizers.h"

namespace moebius::internal {
namespace {

using testing::golden_json;
using testing::tokenizer_of;
using Ids = std::vector<int32_t>;

const Json& expected() {
  static const Json json = golden_json("expected");
  return json;
}

// splitmix64, as in tokenizer_texts.py.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  size_t below(size_t limit) {
    uint64_t z = state_ += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return (z ^ (z >> 31U)) % limit;
  }

 private:
  uint64_t state_;
};

std::string random_string(Random& random) {
  const Json& atoms = expected()["atoms"];
  std::string text;
  for (size_t left = 1 + random.below(12); left > 0; --left)
    text += atoms[random.below(atoms.size())].get<std::string>();
  return text;
}

std::string repeated(const Json& unit_and_count) {
  std::string text;
  for (int left = unit_and_count[1].get<int>(); left > 0; --left)
    text += unit_and_count[0].get_ref<const std::string&>();
  return text;
}

class Fnv1a {
 public:
  void add(const Ids& ids) {
    for (const int32_t id : ids) {
      for (unsigned shift = 0; shift < 32; shift += 8) {
        value_ = (value_ ^ ((static_cast<uint32_t>(id) >> shift) & 0xffU)) * 0x100000001b3U;
      }
    }
  }
  [[nodiscard]] std::string text() const { return fmt::format("{:016x}", value_); }

 private:
  uint64_t value_ = 0xcbf29ce484222325U;
};

std::string streamed(const Tokenizer& tokenizer, const Ids& ids) {
  StreamDecoder decoder(tokenizer);
  std::string text;
  for (const int32_t id : ids) text += decoder.push(id);
  return text + decoder.finish();
}

struct Variant {
  std::string name;
  friend std::ostream& operator<<(std::ostream& out, const Variant& variant) { return out << variant.name; }
};

std::vector<Variant> variants() {
  std::vector<Variant> all;
  for (const auto& [name, value] : expected()["variants"].items()) all.push_back({name});
  return all;
}

class Golden : public ::testing::TestWithParam<Variant> {
 protected:
  static Tokenizer make() {
    Json file = golden_json(variant()["file"].get<std::string>());
    for (const auto& [pointer, value] : variant()["replaced"].items()) file[Json::json_pointer(pointer)] = value;
    return tokenizer_of(file);
  }
  static const Json& variant() { return expected()["variants"][GetParam().name]; }

  const Tokenizer tokenizer_ = make();
};
INSTANTIATE_TEST_SUITE_P(Tokenizer, Golden, ::testing::ValuesIn(variants()),
                         [](const auto& row) { return row.param.name; });

TEST_P(Golden, gives_the_ids_of_the_wheel_for_texts_that_broke_tokenizers) {
  const Json& texts = expected()["texts"];
  for (size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(tokenizer_.encode(texts[i].get<std::string>()), variant()["ids"][i].get<Ids>()) << texts[i];
  }
}

TEST_P(Golden, gives_the_ids_of_the_wheel_for_random_strings) {
  Random random(expected()["seed"].get<uint64_t>());
  for (const Json& block : variant()["random"]) {
    Fnv1a hash;
    for (int left = expected()["block"].get<int>(); left > 0; --left)
      hash.add(tokenizer_.encode(random_string(random)));
    EXPECT_EQ(hash.text(), block.get<std::string>()) << "block " << (&block - &variant()["random"][0]);
  }
}

TEST_P(Golden, gives_the_ids_of_the_wheel_for_long_repetitions) {
  const Json& units = expected()["repeated"];
  for (size_t i = 0; i < units.size(); ++i) {
    const Ids ids = tokenizer_.encode(repeated(units[i]));
    Fnv1a hash;
    hash.add(ids);
    EXPECT_EQ(ids.size(), variant()["repeated"][i][0].get<size_t>()) << units[i];
    EXPECT_EQ(hash.text(), variant()["repeated"][i][1].get<std::string>()) << units[i];
  }
}

TEST_P(Golden, decodes_what_it_encoded_and_streams_the_same) {
  Random random(1);
  for (int i = 0; i < 500; ++i) {
    const std::string text = random_string(random);
    const Ids ids = tokenizer_.encode(text);
    const std::string decoded = tokenizer_.decode(ids);
    EXPECT_EQ(tokenizer_.encode(decoded), ids) << printable(text, 200);  // NFC may have changed the text, once
    EXPECT_EQ(streamed(tokenizer_, ids), decoded) << printable(text, 200);
  }
}

}  // namespace
}  // namespace moebius::internal

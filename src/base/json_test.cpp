// The bounds of the JSON parser, and getters that check before they convert.
#include "base/json.h"

#include <gtest/gtest.h>

#include <string>

#include "base/duplicates.h"
#include "base/testing/expect_error.h"

namespace moebius::internal {
namespace {

std::string repeat(std::string_view text, size_t count) {
  std::string out;
  out.reserve(text.size() * count);
  for (size_t i = 0; i < count; ++i) out += text;
  return out;
}

TEST(Json, keeps_values_and_the_order_of_keys) {
  const Json json = parse_json(R"({"z":[1,-2,3.5,true,null],"a":{"k":"v"},"":""})", "f");
  EXPECT_EQ(json.dump(), R"({"z":[1,-2,3.5,true,null],"a":{"k":"v"},"":""})");
}

TEST(Json, tells_an_unsigned_from_a_negative_and_a_fractional_number) {
  const Json json = parse_json("[18446744073709551615,-1,3.9,-0]", "f");
  EXPECT_TRUE(json[0].is_number_unsigned());
  EXPECT_FALSE(json[1].is_number_unsigned());
  EXPECT_TRUE(json[2].is_number_float());
  EXPECT_FALSE(json[3].is_number_unsigned());
}

TEST(Json, keeps_the_digits_of_integers_that_no_64_bits_hold) {
  const std::string text = R"({"a":[18446744073709551616,-9223372036854775809,{"b":123456789012345678901234567890}]})";
  const Json json = parse_json(text, "f");
  EXPECT_EQ(to_text(json), text);
  EXPECT_EQ(big_integer_of(json["a"][0]), "18446744073709551616");
  EXPECT_EQ(big_integer_of(json["a"]), std::nullopt);
  EXPECT_EQ(parse_json(to_text(json, JsonLayout::kIndented), "f"), json);
  EXPECT_TRUE(parse_json("1.5e30", "f").is_number_float());
}

TEST(Json, keeps_the_digits_of_integers_beyond_double_but_no_more_than_python) {
  for (const size_t digits : {308u, 309u, 310u, 617u, 4300u}) {
    const std::string number = repeat("7", digits);
    for (const std::string& text : {number, "-" + number, "[0," + number + ",1,-" + number + "]",
                                    R"({"a\\":)" + number + R"(,"b":"\" )" + number + "\"}"}) {
      EXPECT_EQ(to_text(parse_json(text, "f")), text);
    }
    const std::string spaced = "[ " + number + " , \"x\" ]";
    EXPECT_EQ(to_text(parse_json(spaced, "f")), "[" + number + ",\"x\"]");
  }
}

// The bytes in messages count what nlohmann did not see.
TEST(Json, tells_the_byte_of_a_mistake_behind_a_long_integer) {
  const std::string text = "[" + repeat("7", 400) + ",]";
  testing::expect_error(ErrorCode::kInvalidJson, "unexpected \"]\" at byte 402", [&] { parse_json(text, "f"); });
}

TEST(Json, is_written_as_nlohmann_writes_it) {
  const Json json = Json::parse(R"({"a":[1,-2,3.50,1e30,true,null,"\u0001é\"\\",[],{}],"é\n":{"b":[[1],{"c":{}}]}})");
  EXPECT_EQ(to_text(json), json.dump());
  EXPECT_EQ(to_text(json, JsonLayout::kIndented), json.dump(2));
  EXPECT_EQ(to_text(json, JsonLayout::kIndentedByFour), json.dump(4));
  EXPECT_EQ(to_text(Json({{"\xff", "\xff"}})), "{\"\uFFFD\":\"\uFFFD\"}");
}

struct Refusal {
  const char* name;
  std::string text;
  ErrorCode code;
  std::string message;
};

const Refusal kRefusals[] = {
    {"nothing", "", ErrorCode::kInvalidJson, "ends early at byte 0"},
    {"an_open_object", R"({"a":1)", ErrorCode::kInvalidJson, "ends early at byte 6"},
    {"text_after_the_value", "{} x", ErrorCode::kInvalidJson, "unexpected \"x\" at byte 3"},
    {"a_NUL_after_the_value", std::string("{}\0{}", 5), ErrorCode::kInvalidJson, "NUL byte at byte 2"},
    {"a_byte_order_mark", "\xef\xbb\xbf{}", ErrorCode::kInvalidJson, "byte order mark"},
    {"invalid_utf8_in_a_string", "{\"a\":\"\xff\"}", ErrorCode::kInvalidJson, "invalid UTF-8 at byte 6"},
    {"an_overlong_slash", "[\"\xc0\xaf\"]", ErrorCode::kInvalidJson, "invalid UTF-8"},
    {"half_a_surrogate_pair", R"(["\ud800"])", ErrorCode::kInvalidJson, "at byte"},
    {"a_trailing_comma", "[1,]", ErrorCode::kInvalidJson, "at byte 3"},
    {"a_comment", "[1/*x*/]", ErrorCode::kInvalidJson, "at byte 2"},
    {"not_a_number", "[NaN]", ErrorCode::kInvalidJson, "at byte 1"},
    {"an_integer_beyond_python", "[" + std::string(4301, '9') + "]", ErrorCode::kInvalidJson, "does not fit a double"},
    {"a_long_integer_with_a_zero_before_it", "[0" + std::string(400, '9') + "]", ErrorCode::kInvalidJson,
     "at byte 401"},
    {"a_long_integer_in_a_fraction", "[1." + std::string(400, '9') + "e999]", ErrorCode::kInvalidJson, "fit a double"},
    {"letters_behind_a_long_integer", "[" + std::string(400, '9') + "x]", ErrorCode::kInvalidJson, "at byte 401"},
    {"a_number_beyond_double", "[1e400]", ErrorCode::kInvalidJson, "1e400"},
    {"a_key_twice", R"({"a":1,"b":2,"a":3})", ErrorCode::kDuplicateKey, "\"a\" appears twice, again before byte 16"},
    {"a_key_twice_further_in", R"([{"x":{"k":1,"k":1}}])", ErrorCode::kDuplicateKey, "\"k\""},
    {"an_escaped_key_twice", R"({"a":1,"\u0061":2})", ErrorCode::kDuplicateKey, "\"a\""},
    {"arrays_deeper_than_the_limit", repeat("[", 65), ErrorCode::kJsonDepth, "deeper than 64 levels at byte 64"},
    {"a_million_open_arrays", repeat("[", 1'000'000), ErrorCode::kJsonDepth, "64 levels"},
    {"a_million_open_objects", repeat("{\"a\":", 1'000'000), ErrorCode::kJsonDepth, "64 levels"},
    {"a_string_of_five_megabytes", "\"" + std::string(5 << 20, 'a') + "\"", ErrorCode::kInvalidJson, "longer than"},
};

class RefusedJson : public ::testing::TestWithParam<Refusal> {};
INSTANTIATE_TEST_SUITE_P(Json, RefusedJson, ::testing::ValuesIn(kRefusals),
                         [](const auto& instance) { return instance.param.name; });
void PrintTo(const Refusal& refusal, std::ostream* out) { *out << refusal.name; }

TEST_P(RefusedJson, is_an_error_with_the_byte) {
  testing::expect_error(GetParam().code, GetParam().message, [] { parse_json(GetParam().text, "some.json"); });
  testing::expect_error(GetParam().code, "some.json: ", [] { parse_json(GetParam().text, "some.json"); });
}

TEST(Json, accepts_as_many_levels_as_the_limit) {
  const std::string text = repeat("[", 64) + repeat("]", 64);
  EXPECT_NO_THROW(parse_json(text, "f"));
}

TEST(Json, refuses_more_bytes_than_the_limit) {
  const JsonLimits limits{.max_bytes = 8};
  EXPECT_NO_THROW(parse_json("[1, 2,3]", "f", limits));
  testing::expect_error(ErrorCode::kHeaderTooLarge, "9 bytes", [&] { parse_json("[1, 2, 3]", "f", limits); });
}

TEST(Json, refuses_more_values_than_the_limit) {
  const JsonLimits limits{.max_values = 4};
  EXPECT_NO_THROW(parse_json("[1,2,3]", "f", limits));
  testing::expect_error(ErrorCode::kHeaderTooLarge, "too many", [&] { parse_json("[1,2,3,4]", "f", limits); });
}

TEST(Duplicates, finds_the_first_element_that_repeats_an_earlier_one) {
  const std::vector<std::string> names = {"c", "a", "b", "b", "a"};
  const auto name = [&](size_t i) { return std::string_view(names[i]); };
  EXPECT_EQ(first_duplicate(5, name), 3u);
  EXPECT_EQ(first_duplicate(3, name), std::nullopt);
  EXPECT_EQ(first_duplicate(0, name), std::nullopt);
}

class JsonGetters : public ::testing::Test {
 protected:
  Json root_ = parse_json(R"({"text_config":{"heads":16,"eps":1e-6,"tied":false,"act":"silu","list":[1],"none":null,
    "negative":-1,"fraction":3.9,"huge":18446744073709551615,"wide":100000000000000000000,
    "quoted":"4"}})",
                          "config.json");
  JsonObject config_ = JsonObject(root_, "config.json").object("text_config");
};

TEST_F(JsonGetters, return_what_stands_there) {
  EXPECT_EQ(config_.integer("heads", 1, 64), 16);
  EXPECT_EQ(config_.number("eps", 0, 1), 1e-6);
  EXPECT_EQ(config_.number("heads", 0, 64), 16.0);
  EXPECT_EQ(config_.number("wide", 0, 1e30), 1e20);
  EXPECT_FALSE(config_.boolean("tied"));
  EXPECT_EQ(config_.string("act"), "silu");
  EXPECT_EQ(config_.array("list").size(), 1u);
}

TEST_F(JsonGetters, return_the_default_for_an_absent_or_null_key) {
  EXPECT_EQ(config_.integer("absent", 1, 64, 7), 7);
  EXPECT_EQ(config_.number("none", 0, 1, 0.5), 0.5);
  EXPECT_TRUE(config_.boolean("absent", true));
  EXPECT_EQ(config_.string("none", "x"), "x");
  EXPECT_FALSE(config_.has("none"));
  EXPECT_TRUE(config_.has("heads"));
}

TEST_F(JsonGetters, name_the_field_of_an_absent_key_without_default) {
  const std::string message = "config.json: text_config.absent: is missing";
  testing::expect_error(ErrorCode::kBadConfig, message, [&] { (void)config_.integer("absent", 0, 1); });
  testing::expect_error(ErrorCode::kBadConfig, message, [&] { (void)config_.number("absent", 0, 1); });
  testing::expect_error(ErrorCode::kBadConfig, message, [&] { (void)config_.boolean("absent"); });
  testing::expect_error(ErrorCode::kBadConfig, message, [&] { (void)config_.string("absent"); });
  testing::expect_error(ErrorCode::kBadConfig, message, [&] { (void)config_.object("absent"); });
  testing::expect_error(ErrorCode::kBadConfig, message, [&] { (void)config_.array("absent"); });
}

TEST_F(JsonGetters, refuse_integers_that_are_none_or_lie_outside) {
  for (const char* key : {"negative", "fraction", "huge", "wide", "quoted", "tied", "list", "eps"}) {
    testing::expect_error(ErrorCode::kBadConfig,
                          std::string("text_config.") + key + ": expected an integer from 0 to 99",
                          [&] { (void)config_.integer(key, 0, 99); });
  }
}

TEST_F(JsonGetters, refuse_other_types_and_say_what_they_got) {
  testing::expect_error(ErrorCode::kBadConfig, "got \"4\"", [&] { (void)config_.number("quoted", 0, 9); });
  testing::expect_error(ErrorCode::kBadConfig, "got 16", [&] { (void)config_.boolean("heads"); });
  testing::expect_error(ErrorCode::kBadConfig, "got 100000000000000000000", [&] { (void)config_.string("wide"); });
  testing::expect_error(ErrorCode::kBadConfig, "got array", [&] { (void)config_.string("list"); });
  testing::expect_error(ErrorCode::kBadConfig, "expected an object, got 16", [&] { (void)config_.object("heads"); });
  testing::expect_error(ErrorCode::kBadConfig, "expected an array, got false", [&] { (void)config_.array("tied"); });
}

TEST(JsonObjectOfAFile, is_refused_when_the_root_is_no_object) {
  testing::expect_error(ErrorCode::kBadConfig, "config.json: expected an object, got array",
                        [] { JsonObject(Json::array(), "config.json"); });
}

}  // namespace
}  // namespace moebius::internal

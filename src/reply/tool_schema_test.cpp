// Tests types of schemas and values of types, where the golden replies (xml_types.json) do not reach.
#include "reply/tool_schema.h"

#include <gtest/gtest.h>

#include <string>

#include "reply/python_literal.h"

namespace moebius::internal {
namespace {

Json json(const std::string& text) { return parse_json(text, "test"); }

TEST(ParameterType, follows_the_names_that_tools_use) {
  struct Row {
    const char* names;  // separated by blanks
    ParameterType type;
  };
  const Row rows[] = {
      {"string str text varchar char enum String", {.is_text = true}},
      {"integer int int32 uint8 long short unsigned", {.is_integer = true}},
      {"number num float float64", {.is_number = true}},
      {"boolean bool binary", {.is_boolean = true}},
      {"object array arr dict list dict[str,int] list[int]", {.is_container = true}},
      {"null", {.is_nullable = true}},
      {"whatever", {}},
  };
  for (const Row& row : rows) {
    std::istringstream names(row.names);
    for (std::string name; names >> name;) EXPECT_EQ(parameter_type({{"type", name}}), row.type) << name;
  }
}

TEST(ParameterType, joins_the_choices_of_a_schema) {
  struct Row {
    const char* schema;
    ParameterType type;
  };
  const Row rows[] = {
      {R"({"type": ["string", "null"]})", {.is_text = true, .is_nullable = true}},
      {R"({"anyOf": [{"type": "integer"}, {"type": "null"}]})", {.is_integer = true, .is_nullable = true}},
      {R"({"oneOf": [{"type": "array"}, {"anyOf": [{"type": "boolean"}]}]})",
       {.is_boolean = true, .is_container = true}},
      {R"({"type": "integer", "nullable": true})", {.is_integer = true, .is_nullable = true}},
      {R"({"enum": ["a", 1]})", {.is_text = true}},
      {R"({"enum": [1, 2]})", {}},
      {R"({"type": "integer", "enum": ["a"]})", {.is_integer = true}},
      {R"({"type": 5, "anyOf": 5, "enum": 5, "nullable": 5})", {}},
      {R"("string")", {}},
      {R"(null)", {}},
  };
  for (const Row& row : rows) EXPECT_EQ(parameter_type(json(row.schema)), row.type) << row.schema;
}

TEST(ParameterType, stops_at_choices_that_are_nested_without_end) {
  Json schema = {{"type", "integer"}};
  for (int i = 0; i < 1000; ++i) schema = {{"anyOf", Json::array({std::move(schema)})}};
  EXPECT_EQ(parameter_type(schema), ParameterType{});
}

TEST(ToolSchemas, are_read_from_tools_with_and_without_their_wrapper) {
  const auto schemas = tool_schemas(json(
      R"([{"type": "function", "function": {"name": "a", "parameters": {"type": "object"}}}, {"name": "b"}, {}, 5])"));
  ASSERT_EQ(schemas.size(), 2u);
  EXPECT_EQ(schemas[0].name, "a");
  EXPECT_EQ(schemas[0].parameters, json(R"({"type": "object"})"));
  EXPECT_EQ(schemas[1].name, "b");
  EXPECT_TRUE(schemas[1].parameters.is_null());
}

TEST(ToolSchemas, are_none_of_what_is_no_list) { EXPECT_TRUE(tool_schemas(json(R"({"name": "a"})")).empty()); }

TEST(JsonOfValue, reads_numbers_and_gives_the_text_of_what_is_none) {
  constexpr ParameterType kInteger = {.is_integer = true};
  constexpr ParameterType kNumber = {.is_number = true};
  struct Row {
    ParameterType type;
    const char* text;
    const char* json;
  };
  const Row rows[] = {
      {kInteger, "0", "0"},           {kInteger, "-0", "-0"},
      {kInteger, "+5", "5"},          {kInteger, "007", "7"},
      {kInteger, "5.", "5"},          {kInteger, "1e3", "1000"},
      {kInteger, "1e30", "\"1e30\""}, {kInteger, "inf", "\"inf\""},
      {kInteger, "0x10", "\"0x10\""}, {kInteger, "1_000", "\"1_000\""},
      {kInteger, "", "\"\""},         {kInteger, "5 6", "\"5 6\""},
      {kNumber, ".5", "0.5"},         {kNumber, "-2.50", "-2.5"},
      {kNumber, "3.0", "3"},          {kNumber, "1e400", "\"1e400\""},
      {kNumber, "nan", "\"nan\""},    {kNumber, "\n1.5\n", "1.5"},
      {kNumber, "1e30", "1e+30"},
  };
  for (const Row& row : rows) EXPECT_EQ(json_of_value(row.type, row.text), row.json) << row.text;
}

TEST(PythonLiteral, becomes_json) {
  struct Row {
    const char* literal;
    const char* json;
  };
  const Row rows[] = {
      {"None", "null"},
      {"[True, False, null]", "[true,false,null]"},
      {"( )", "[]"},
      {"{ }", "{}"},
      {"{'a': 1, 'b': [2, ], 'a': 3,}", R"({"a":3,"b":[2]})"},
      {"'it\\'s \"x\"'", R"("it's \"x\"")"},
      {R"('\x41\u00e9\U0001F642\ud83d\ude42')", "\"Aé🙂🙂\""},
      {R"('\d\0')", R"("\\d\u0000")"},
      {"[-1.5e3, 2]", "[-1500.0,2]"},
  };
  for (const Row& row : rows) EXPECT_EQ(python_literal_json(row.literal), row.json) << row.literal;
}

TEST(PythonLiteral, is_none_of_other_text) {
  const char* const texts[] = {
      "",         "a",      "[1",        "[1 2]",     "[,]",           "{'a'}", "{1: 2}",           "'a",
      "'a\\",     "'\\x4'", "'\\ud83d'", "'\\ude42'", "'\\U00110000'", "[1] 2", "__import__('os')", "{'a': }",
      "[True,,]", "f(x)",   "'a' 'b'"};
  for (const char* text : texts) EXPECT_EQ(python_literal_json(text), std::nullopt) << text;
}

TEST(PythonLiteral, is_refused_when_it_is_nested_too_deeply) {
  EXPECT_TRUE(python_literal_json(std::string(64, '[') + std::string(64, ']')));
  EXPECT_FALSE(python_literal_json(std::string(100'000, '[')));
}

}  // namespace
}  // namespace moebius::internal

// Compares with what transformers rendered, byte by byte (tests/golden/make_templates.py): one construct at a time, and
// whole chat templates with generated conversations.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <optional>

#include "base/file.h"
#include "template/jinja/testing/support.h"

namespace moebius::internal::jinja {
namespace {

const std::filesystem::path kFolder = std::filesystem::path(MOEBIUS_SOURCE_DIR) / "tests/golden/templates";

Json golden(const char* name) { return parse_json(read_text(kFolder / name, 1 << 20), name); }

std::optional<std::string> rendered(const Template& parsed, const Json& variables) {
  Budget budget(Limits::for_input(1 << 20));
  try {
    return parsed.render(testing::variables_of(variables, Origin::kUser), budget, testing::standing_clock()).text;
  } catch (const Error&) {
    return std::nullopt;
  }
}

std::optional<std::string> rendered(const std::string& source, const Json& variables) {
  try {
    return rendered(Template::parse(source, "golden"), variables);
  } catch (const Error&) {
    return std::nullopt;
  }
}

std::string fnv(const std::optional<std::string>& output, size_t digits) {
  if (!output) return std::string(digits, '-');
  uint64_t value = 0xcbf29ce484222325;
  for (const char byte : *output) value = (value ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  return fmt::format("{:016x}", value).substr(0, digits);
}

TEST(Golden, renders_every_statement_as_transformers_does_or_fails_where_it_fails) {
  const Json small = golden("small.json");
  for (const Json& statement : small["statements"]) {
    const auto source = statement["template"].get<std::string>();
    for (size_t i = 0; i < small["contexts"].size(); ++i) {
      const Json& expected = statement["results"][i];
      const std::optional<std::string> got = rendered(source, small["contexts"][i]);
      EXPECT_EQ(got.has_value(), !expected.is_null()) << source << " in context " << i;
      EXPECT_EQ(Json(got.value_or("")), expected.is_null() ? Json("") : expected) << source;
    }
  }
}

TEST(Golden, prints_and_compares_integers_of_more_than_64_bits_as_transformers_does) {
  const Json integers = golden("integers.json");
  for (const Json& result : integers["results"]) {
    const auto source = result[0].get<std::string>();
    const std::optional<std::string> got = rendered(source, integers["context"]);
    EXPECT_EQ(got ? Json(*got) : Json(nullptr), result[1]) << source;
  }
}

// Visits `{{ value|filter }}` and so on: every combination, in the order of nested loops.
void for_each_product(const Json& parts, const std::function<void(const std::string&)>& visit, size_t part = 0,
                      const std::string& begin = "{{ ") {
  if (part == parts.size()) return visit(begin + " }}");
  for (const Json& piece : parts[part]) for_each_product(parts, visit, part + 1, begin + piece.get<std::string>());
}

TEST(Golden, gives_every_operator_filter_test_and_method_of_every_kind_of_value_the_result_of_jinja2) {
  constexpr size_t kDigits = 4;
  const Json small = golden("small.json");
  size_t count = 0;
  for (const Json& product : small["products"]) {
    const auto results = product["results"].get<std::string>();
    size_t at = 0;
    for_each_product(product["parts"], [&](const std::string& source) {
      const std::string expected = results.substr(at, kDigits);
      at += kDigits;
      if (expected == "????") return;  // Python printed an address
      EXPECT_EQ(fnv(rendered(source, small["contexts"][1]), kDigits), expected) << source;
      ++count;
    });
    EXPECT_EQ(at, results.size());
  }
  EXPECT_GT(count, 10'000u);
}

TEST(Golden, renders_whole_chat_templates_as_transformers_does) {
  constexpr size_t kDigits = 12;
  Json chats = golden("chats.json");
  for (Json& request : chats["requests"]) {
    if (!request["tools"].is_null()) request["tools"] = chats["tools"];
  }
  for (const auto& [file, expected] : chats["templates"].items()) {
    const Template parsed = Template::parse(read_text(kFolder / file, kMaxTemplateBytes), file);
    const auto hashes = expected["hashes"].get<std::string>();
    ASSERT_EQ(hashes.size(), kDigits * chats["requests"].size());
    for (size_t i = 0; i < chats["requests"].size(); ++i) {
      const std::optional<std::string> got = rendered(parsed, chats["requests"][i]);
      EXPECT_EQ(fnv(got, kDigits), hashes.substr(i * kDigits, kDigits)) << file << ", request " << i;
      const auto text = expected["texts"].find(std::to_string(i));
      if (text == expected["texts"].end()) continue;
      EXPECT_EQ(got.value_or("(an error)"), text->get<std::string>()) << file;
    }
  }
}

}  // namespace
}  // namespace moebius::internal::jinja

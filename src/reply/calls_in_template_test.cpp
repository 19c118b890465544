// Tests the words by which a template with calls is known.
#include "reply/calls_in_template.h"

#include <gtest/gtest.h>

namespace moebius::internal {
namespace {

TEST(CallsInTemplate, are_known_by_the_words_of_both_dialects) {
  struct Row {
    const char* source;
    bool has_calls;
  };
  const Row rows[] = {
      {"{{- '<tool_call>\\n<function=' + tool_call.name }}", true},
      {"<tool_call>\n<function=example>", true},
      {"{{- '<tool_call>\\n{\"name\": \"' }}{{- tool_call.name }}", true},
      {"{{ '<tool_call>' }}", false},
      {"{{ tool_call.name }}", false},
      {"", false},
  };
  for (const Row& row : rows) EXPECT_EQ(has_tool_calls(row.source), row.has_calls) << row.source;
}

}  // namespace
}  // namespace moebius::internal

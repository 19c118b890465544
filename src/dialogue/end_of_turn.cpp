// Renders one conversation and looks behind its answer.
#include "dialogue/end_of_turn.h"

#include <algorithm>
#include <string>
#include <utility>

#include "moebius/error.h"

namespace moebius::internal {
namespace {

constexpr const char* kAnswer = "moebius gives an answer";
constexpr const char* kQuestion = "moebius asks a question";

// Returns what the template writes between the answer and the question that follows it.
std::optional<std::string> behind_answer(const ModelText& text, const Json& tools) {
  ChatRequest request;
  for (const auto& [role, content] : {std::pair{"user", kQuestion}, {"assistant", kAnswer}, {"user", kQuestion}}) {
    request.messages.push_back({{"role", role}, {"content", content}});
  }
  request.tools = tools;
  try {
    const std::string rendered = text.render(std::move(request)).text.text;
    const size_t answer = rendered.rfind(kAnswer);
    const size_t question = rendered.rfind(kQuestion);
    if (answer == std::string::npos || question == std::string::npos || question < answer) return std::nullopt;
    const size_t begin = answer + std::string_view(kAnswer).size();
    return rendered.substr(begin, question - begin);
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace

std::optional<int32_t> written_end_of_turn(const ModelText& text, const Json& tools) {
  const std::optional<std::string> behind = behind_answer(text, tools);
  if (!behind) return std::nullopt;
  for (const int32_t id : text.tokenizer.encode(*behind)) {
    if (std::ranges::binary_search(text.tokenizer.added_tokens(), id, {}, &AddedToken::id)) return id;
  }
  return std::nullopt;
}

}  // namespace moebius::internal

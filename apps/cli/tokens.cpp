// See cli/tokens.h.
#include "cli/tokens.h"

#include <fmt/format.h>

#include <charconv>
#include <string_view>

#include "base/quote.h"
#include "cli/text_input.h"
#include "moebius/error.h"

namespace moebius::internal::apps {
namespace {

constexpr std::string_view kSeparators = ", \t\r\n";

int32_t parse_id(std::string_view word, const std::string& where, size_t index) {
  int32_t id = -1;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), id);
  if (error != std::errc{} || end != word.data() + word.size() || id < 0) {
    throw Error(ErrorCode::kUsage, where, fmt::format("entry {} is {}, not a token id", index + 1, in_quotes(word)),
                "give ids between commas, as in --tokens 1,2,3, or a file of them, as in --tokens @ids.txt");
  }
  return id;
}

}  // namespace

std::vector<int32_t> parse_tokens(const std::string& text) {
  const bool is_file = text.starts_with('@');
  const std::string content = is_file ? read_input(text.substr(1)) : text;
  const std::string where = is_file ? "--tokens " + text : "--tokens";
  std::vector<int32_t> tokens;
  const std::string_view rest = content;
  for (size_t at = rest.find_first_not_of(kSeparators); at != std::string_view::npos;) {
    const size_t end = std::min(rest.find_first_of(kSeparators, at), rest.size());
    tokens.push_back(parse_id(rest.substr(at, end - at), where, tokens.size()));
    at = rest.find_first_not_of(kSeparators, end);
  }
  if (tokens.empty()) {
    throw Error(ErrorCode::kUsage, where, "there are no token ids in it", "give at least one, as in --tokens 1");
  }
  return tokens;
}

}  // namespace moebius::internal::apps

// The golden replies of tests/golden/replies: what a model wrote, in which format, and what it means. They are written
// by hand, from what models were seen to write. A case without its own text (xml_types.json) is a call of the tool
// `typed`. A reply that is_cut was ended by a limit, and a call with the word "cut" was cut off by it.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <variant>
#include <vector>

#include "base/json.h"
#include "reply/reply_parser.h"

namespace moebius::internal::testing {

// Text, or a tag that the model wrote as one token.
using ReplyPiece = std::variant<std::string, Tag>;

struct GoldenReply {
  std::string name;
  ReplyFormat format;
  std::vector<ReplyPiece> pieces;
  ReplyEnd end = ReplyEnd::kByModel;
  Reply expected;
};

inline Json read_replies(const std::string& file) {
  const std::string path = std::string(MOEBIUS_SOURCE_DIR "/tests/golden/replies/") + file + ".json";
  std::ifstream in(path, std::ios::binary);
  return parse_json(std::string{std::istreambuf_iterator<char>(in), {}}, path);
}

inline std::string bytes_of_hex(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i < hex.size(); i += 2) bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

inline std::string typed_call(const Json& parameters) {
  std::string text = "<tool_call>\n<function=typed>\n";
  for (const auto& [name, value] : parameters.items()) {
    text += "<parameter=" + name + ">\n" + value.get<std::string>() + "\n</parameter>\n";
  }
  return text + "</function>\n</tool_call>";
}

inline std::vector<ReplyPiece> pieces_of(const Json& golden) {
  if (golden.contains("hex")) return {bytes_of_hex(golden["hex"])};
  if (golden.contains("parameters")) return {typed_call(golden["parameters"])};
  if (golden["text"].is_string()) return {golden["text"].get<std::string>()};
  std::vector<ReplyPiece> pieces;
  for (const Json& piece : golden["text"]) {
    if (piece.is_string()) {
      pieces.emplace_back(piece.get<std::string>());
    } else {
      const std::optional<Tag> tag = tag_of_token(piece["tag"].get<std::string>());
      EXPECT_TRUE(tag) << piece;
      pieces.emplace_back(tag.value_or(Tag::kNone));
    }
  }
  return pieces;
}

inline Reply expected_of(const Json& golden) {
  if (golden.contains("arguments")) return {"", "", {{"call_0", "typed", golden["arguments"]}}};
  const Json& expected = golden["expected"];
  Reply reply{expected.value("reasoning", ""), expected.value("content", ""), {}};
  for (const Json& call : expected.value("tool_calls", Json::array())) {
    const bool is_complete = call.size() < 3 || call[2] != "cut";
    reply.tool_calls.push_back({"call_" + std::to_string(reply.tool_calls.size()), call[0], call[1], is_complete});
  }
  return reply;
}

inline std::vector<GoldenReply> golden_replies() {
  struct File {
    const char* name;
    bool may_call;
  };
  const File files[] = {{"reasoning", false}, {"calls_in_reasoning", true}, {"json_calls", true},
                        {"xml_calls", true},  {"xml_tolerance", true},      {"xml_types", true}};
  const std::vector<ToolSchema> tools = tool_schemas(read_replies("tools"));
  std::vector<GoldenReply> replies;
  for (const File& file : files) {
    for (const Json& golden : read_replies(file.name)) {
      ReplyFormat format{
          .may_call = file.may_call, .starts_in_reasoning = golden.value("starts_in_reasoning", false), .tools = tools};
      const std::string name = std::string(file.name) + ": " + golden["name"].get<std::string>();
      const ReplyEnd end = golden.contains("is_cut") ? ReplyEnd::kCut : ReplyEnd::kByModel;
      replies.push_back({name, std::move(format), pieces_of(golden), end, expected_of(golden)});
    }
  }
  return replies;
}

}  // namespace moebius::internal::testing

// The golden replies of tests/golden/replies: what a model wrote, in which format, and what it means. They are written
// by hand, from what models were seen to write. A case without its own text (xml_types.json) is a call of the tool
// `typed`.
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
    reply.tool_calls.push_back({"call_" + std::to_string(reply.tool_calls.size()), call[0], call[1]});
  }
  return reply;
}

inline std::vector<GoldenReply> golden_replies() {
  struct File {
    const char* name;
    ToolFormat format;
  };
  const File files[] = {{"reasoning", ToolFormat::kNone},
                        {"json_calls", ToolFormat::kHermesJson},
                        {"xml_calls", ToolFormat::kQwenXml},
                        {"xml_tolerance", ToolFormat::kQwenXml},
                        {"xml_types", ToolFormat::kQwenXml}};
  const std::vector<ToolSchema> tools = tool_schemas(read_replies("tools"));
  std::vector<GoldenReply> replies;
  for (const File& file : files) {
    for (const Json& golden : read_replies(file.name)) {
      ReplyFormat format{.tool_format = file.format,
                         .starts_in_reasoning = golden.value("starts_in_reasoning", false),
                         .tools = tools};
      if (golden.contains("format")) {
        format.tool_format = golden["format"] == "json" ? ToolFormat::kHermesJson : ToolFormat::kQwenXml;
      }
      const std::string name = std::string(file.name) + ": " + golden["name"].get<std::string>();
      replies.push_back({name, std::move(format), pieces_of(golden), expected_of(golden)});
    }
  }
  return replies;
}

}  // namespace moebius::internal::testing

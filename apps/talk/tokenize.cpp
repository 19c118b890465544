// `moebius tokenize`: turns text into token ids, or ids into text. It needs the tokenizer of a checkpoint, no weights.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/quote.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/text_input.h"
#include "cli/tokens.h"
#include "dialogue/model_text.h"
#include "moebius/error.h"
#include "talk/reply_printer.h"

namespace moebius::internal::apps {
namespace {

struct TokenizeOptions {
  std::string directory;
  std::string text = "-";
  bool decode = false;
  bool pieces = false;
  bool plain = false;
  bool json = false;
};

std::vector<int32_t> encode(const Tokenizer& tokenizer, std::string text, const TokenizeOptions& options) {
  if (!options.plain) return tokenizer.encode(text);
  const size_t size = text.size();
  return tokenizer.encode(
      MarkedText{std::move(text), size > 0 ? std::vector<ByteRange>{{0, size}} : std::vector<ByteRange>{}});
}

Json pieces_json(const Tokenizer& tokenizer, const std::vector<int32_t>& ids) {
  Json pieces = Json::array();
  for (const int32_t id : ids) pieces.push_back({{"id", id}, {"text", tokenizer.decode({{id}})}});
  return pieces;
}

void show(const Tokenizer& tokenizer, const std::vector<int32_t>& ids, const TokenizeOptions& options) {
  if (options.json) {
    write_json({{"tokens", ids}, {"pieces", pieces_json(tokenizer, ids)}});
  } else if (options.pieces) {
    for (const int32_t id : ids) print("{:>7}  {}\n", id, in_quotes(tokenizer.decode({{id}})));
  } else {
    moebius::internal::apps::print("{}\n", fmt::join(ids, ","));
  }
}

void run_tokenize(const TokenizeOptions& options) {
  const Tokenizer tokenizer = load_tokenizer(options.directory);
  if (options.decode) {
    const std::vector<int32_t> ids = options.text == "-" ? parse_tokens(read_input("-")) : parse_tokens(options.text);
    const std::string text = tokenizer.decode(ids);
    if (options.json) {
      write_json({{"text", text}});
    } else {
      print_text(text);
    }
    return;
  }
  show(tokenizer, encode(tokenizer, read_text_argument(options.text), options), options);
}

}  // namespace

void add_tokenize(CLI::App& app) {
  auto options = std::make_shared<TokenizeOptions>();
  CLI::App& command = *app.add_subcommand("tokenize", "Text to token ids, and back");
  command.footer(
      "moebius tokenize Qwen3.5-35B-A3B-3bit -p \"Hello there\"\n"
      "moebius tokenize Qwen3.5-35B-A3B-3bit -p @book.txt > ids.txt\n"
      "moebius tokenize Qwen3.5-35B-A3B-3bit --decode -p 9419,1052");
  add_directory(command, options->directory);
  command.add_option("-p,--prompt", options->text, "Text, @FILE, or - for standard input; with --decode ids")
      ->type_name("TEXT|@FILE|-")
      ->capture_default_str();
  command.add_flag("--decode", options->decode, "Ids to text");
  command.add_flag("--pieces", options->pieces, "A line a token, with its text");
  command.add_flag("--plain", options->plain, "As a user's text: what spells a control token does not become one");
  command.add_flag("--json", options->json, "Results as JSON on stdout");
  command.callback([options] { run_tokenize(*options); });
}

}  // namespace moebius::internal::apps

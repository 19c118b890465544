// Examines what a checkpoint has beside its weights: the tokenizer, whether that is the model's own, the chat template,
// and generation_config.json. A checkpoint may lack each of these files; a model without words is only a warning.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "checkpoint/contained_path.h"
#include "checkpoint/doctor.h"
#include "dialogue/model_text.h"
#include "dialogue/stop_ids.h"
#include "moebius/error.h"
#include "sample/generation_defaults.h"

namespace moebius::internal::apps {
namespace {

constexpr const char* kTakeOwn = "take the file from the model's own repository";
// Published embeddings have less than 1 % of rows more than their tokenizers have tokens.
constexpr int64_t kLeastTokensPercent = 90;

// Runs a check of a file. The file may be missing; then the finding is a warning.
void attempt_file(Findings& findings, const std::string& check, const std::function<void()>& examine) {
  findings.attempt(
      check,
      [&] {
        try {
          examine();
        } catch (const Error& error) {
          if (error.code() != ErrorCode::kMissingInput) throw;
          findings.add(Verdict::kWarn, check, error, kTakeOwn);
        }
      },
      kTakeOwn);
}

std::optional<Tokenizer> examine_tokenizer(Findings& findings, const ModelDir& files) {
  std::optional<Tokenizer> tokenizer;
  attempt_file(findings, "tokenizer", [&] {
    tokenizer.emplace(load_tokenizer(files.path().string()));
    findings.pass("tokenizer", fmt::format("{} tokens, {} of them added", tokenizer->vocab_size(),
                                           tokenizer->added_tokens().size()));
  });
  return tokenizer;
}

// The tokenizer of another model gives ids that mean other words, or no row of the embedding at all.
void examine_vocabulary(Findings& findings, int64_t tokens, int64_t rows, const std::vector<int32_t>& stop_ids) {
  constexpr const char* kForeign = "this tokenizer is of another model: take the one from the model's own repository";
  const auto unknown = std::ranges::find_if(stop_ids, [&](int32_t id) { return id >= tokens; });
  if (tokens > rows) {
    findings.fail("vocabulary",
                  fmt::format("the tokenizer has ids up to {}, the embedding has {} rows", tokens - 1, rows), kForeign);
  } else if (100 * tokens < kLeastTokensPercent * rows) {
    findings.fail("vocabulary",
                  fmt::format("the tokenizer has {} tokens for the {} rows of the embedding", tokens, rows), kForeign);
  } else if (unknown != stop_ids.end()) {
    findings.fail("vocabulary",
                  fmt::format("an answer ends with id {}, the tokenizer has ids up to {}", *unknown, tokens - 1),
                  kForeign);
  } else {
    findings.pass("vocabulary", fmt::format("{} tokens for {} rows of the embedding", tokens, rows));
  }
}

void examine_template(Findings& findings, const ModelDir& files) {
  constexpr const char* kQuestion = "Is anybody there?";
  attempt_file(findings, "chat template", [&] {
    for (const char* name : {"chat_template.jinja", "tokenizer_config.json"}) contained_path(files.path(), name);
    const ChatFiles chat = read_chat_files(files.path());
    ChatRequest request;
    request.messages = Json::array({Json{{"role", "user"}, {"content", kQuestion}}});
    request.special_tokens = chat.special_tokens;
    const std::string prompt = chat.choose(request.tools).render(request).text.text;
    if (prompt.find(kQuestion) == std::string::npos) {
      throw Error(ErrorCode::kBadTemplate, files.path().string(), "the chat template leaves out what a user says");
    }
    findings.pass("chat template", fmt::format("a question of {} bytes becomes a prompt of {}",
                                               std::string_view(kQuestion).size(), prompt.size()));
  });
}

// Returns the ids that end an answer.
std::vector<int32_t> examine_generation(Findings& findings, const ModelDir& files, int64_t vocab) {
  std::vector<int32_t> stop_ids;
  attempt_file(findings, "generation config", [&] {
    const auto path = contained_path(files.path(), "generation_config.json");
    if (std::filesystem::exists(path)) {
      const Json json = parse_json(read_text(path, JsonLimits{}.max_bytes), path.string());
      read_generation_defaults(JsonObject(json, path.string()));
    }
    stop_ids = read_stop_ids(files, vocab);
    findings.pass("generation config", stop_ids.empty()
                                           ? "no ids end an answer"
                                           : fmt::format("an answer ends with id {}", fmt::join(stop_ids, " or ")));
  });
  return stop_ids;
}

}  // namespace

void examine_text(Findings& findings, const ModelDir& files, int64_t vocab) {
  const std::optional<Tokenizer> tokenizer = examine_tokenizer(findings, files);
  const std::vector<int32_t> stop_ids = examine_generation(findings, files, vocab);
  if (tokenizer) examine_vocabulary(findings, tokenizer->vocab_size(), vocab, stop_ids);
  examine_template(findings, files);
}

}  // namespace moebius::internal::apps

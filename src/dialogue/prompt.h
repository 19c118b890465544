// Turns a request into a prompt for the scheduler: token ids, and facts about the text. The text of the answer is in
// answer_text.h. The engine checks whether the ids fit the model and its context.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/marked_text.h"
#include "dialogue/model_text.h"
#include "dialogue/transcripts.h"
#include "moebius/request.h"
#include "reply/reply_parser.h"

namespace moebius::internal {

// Returns what the chat template is asked for the next message of a chat. The template option "documents" is no option:
// transformers takes documents beside the messages, and they are a user's words. Throws what chat_json throws.
ChatRequest chat_request(const Chat& chat);

struct Prompt {
  std::vector<int32_t> ids;
  // Ascending positions in (0, ids.size()) where conversations may part: behind each message, and at the opening of the
  // answer, which the next turn may render differently. These are good places for a snapshot of recurrent state.
  std::vector<int64_t> boundaries;
  bool has_text = true;              // false for a request of tokens: its answer has no text
  std::optional<ReplyFormat> reply;  // for a chat: how its answer is read
  MarkedText rendered;               // for a chat: the text of `ids`, for Transcripts::add()
};

// `text` is null for a checkpoint without tokenizer.json. `stop_ids` are the ids that end an answer, see stop_ids() in
// model_text.h; in a prompt they end a message. The ids of a request of tokens are taken unchanged. Throws kUsage
// unless exactly one of chat, text and tokens is set, and for stop strings with tokens. Throws kMissingInput for text
// without a tokenizer and for a chat without a template. Also throws the errors of chat_json and of rendering.
Prompt make_prompt(const Request& request, const ModelText* text, std::span<const int32_t> stop_ids,
                   Transcripts& transcripts);

}  // namespace moebius::internal

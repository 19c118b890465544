// A request as token ids, and what there is to know about its text: what the scheduler starts from. Not here: the text
// of the answer (answer_text.h), whether the ids fit the model and its context (the engine knows).
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

struct Prompt {
  std::vector<int32_t> ids;
  // Ascending positions in (0, ids.size()) where conversations part: behind each message, and where an answer begins
  // that the next turn may render differently. Good places for a snapshot of recurrent state.
  std::vector<int64_t> boundaries;
  bool has_text = true;              // false for a request of tokens: its answer has no text
  std::optional<ReplyFormat> reply;  // of a chat: how its answer is read
  MarkedText rendered;               // of a chat: what ids stand for, for Transcripts::add()
};

// text: null for a checkpoint without tokenizer.json. stop_ids: those that end an answer, see stop_ids() in
// model_text.h; in a prompt they end a message. Ids of a request of tokens are taken as they are. Throws kUsage unless
// exactly one of chat, text and tokens is set, and for stop strings with tokens; kMissingInput for text without a
// tokenizer and a chat without a template; and what chat_json and rendering throw.
Prompt make_prompt(const Request& request, const ModelText* text, std::span<const int32_t> stop_ids,
                   Transcripts& transcripts);

}  // namespace moebius::internal

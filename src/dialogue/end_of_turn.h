// Finds the token that ends a turn in what the chat template writes. Some checkpoints name it in none of their files:
// their config.json has the end of a text (<|endoftext|>), and their template ends turns with another token. The ids
// that files name are in stop_ids.h.
#pragma once

#include <cstdint>
#include <optional>

#include "dialogue/model_text.h"

namespace moebius::internal {

// Returns the first added token that the template writes behind an answer, before the words of the next message. A
// model that was trained on such texts writes this token when its answer is complete. tools: null, or the tools of a
// chat whose template is asked for. Returns nothing when the template writes no added token there, or refuses a
// question, an answer and a question.
std::optional<int32_t> written_end_of_turn(const ModelText& text, const Json& tools);

}  // namespace moebius::internal

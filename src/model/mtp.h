// The draft head (multi-token prediction): one decoder layer that guesses the token after next, from the hidden state
// of a token and the embedding of the next token. It shares the model's embedding and lm_head, and has keys and values
// of its own. Its tensors mtp.* lie beside the model's, or alone in a directory of their own. This file has the weights
// and their names. The forward pass is in decoder.h.
#pragma once

#include "model/decoder_layer.h"

namespace moebius::internal {

struct MtpHead {
  Tensor embedding_norm, hidden_norm;  // [1, D]
  Matrix fc;                           // [D, 2D]: inputs are the embedding, then the hidden state
  DecoderLayer layer;                  // full attention
  Tensor norm;                         // [1, D]
};

// Throws kMissingTensor when the directory has no head, and kUnsupported when the head's MLP is of a kind that the
// model lacks.
void bind_mtp(WeightBinder& binder, MtpHead& head, const ModelConfig& config);

}  // namespace moebius::internal

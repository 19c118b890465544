// Finds the directory of a checkpoint from what people type. They type a path, or the name of a model in the Hugging
// Face cache: "Qwen/Qwen3-30B-A3B", or only its last part when a single model has it. Nothing is downloaded.
#pragma once

#include <filesystem>
#include <string>

namespace moebius::internal::apps {

// Returns $HF_HUB_CACHE, or $HF_HOME/hub when that is not set, or ~/.cache/huggingface/hub when neither is set. Returns
// an empty path when $HOME is not set either.
std::filesystem::path hugging_face_cache();

// Throws kMissingInput when there is no such path and no such model; the error suggests the nearest name. Throws kUsage
// when several models of the cache have that last part.
std::string locate_model(const std::string& name);

}  // namespace moebius::internal::apps

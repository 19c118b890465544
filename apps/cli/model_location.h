// What people type for a checkpoint -> its directory: a path as it is, or the name of a model in the Hugging Face cache
// ("Qwen/Qwen3-30B-A3B", or the last part alone when only one model has it). Nothing is downloaded.
#pragma once

#include <filesystem>
#include <string>

namespace moebius::internal::apps {

// $HF_HUB_CACHE, else $HF_HOME/hub, else ~/.cache/huggingface/hub; empty when no variable says where home is.
std::filesystem::path hugging_face_cache();

// Throws kMissingInput when there is no such path and no such model, with the nearest name that there is; kUsage when
// several models of the cache have that last part.
std::string locate_model(const std::string& name);

}  // namespace moebius::internal::apps

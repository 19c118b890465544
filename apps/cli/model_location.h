// Finds the directory of a checkpoint from what people type. They type a path, or the name of a model in the Hugging
// Face cache: "Qwen/Qwen3-30B-A3B", or only its last part when a single model has it. "@REVISION" behind the name takes
// a branch, a tag or a commit. Nothing is downloaded.
#pragma once

#include <string>

namespace moebius::internal::apps {

// Returns the directory: the path itself, or a snapshot of the cache (cli/hub_cache.h). Throws kMissingInput when there
// is no such path and no such model, and suggests the nearest name. Throws kUsage when several models of the cache have
// that last part.
std::string locate_model(const std::string& name);

}  // namespace moebius::internal::apps

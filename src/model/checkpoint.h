// An open checkpoint: its files, whose headers are checked, and the model's config from its config.json. A checkpoint
// is opened once and handed down. Opening it reads no weight.
#pragma once

#include <filesystem>

#include "checkpoint/model_dir.h"
#include "model/config.h"

namespace moebius::internal {

struct Checkpoint {
  // Throws the errors of ModelDir and parse_model_config.
  explicit Checkpoint(const std::filesystem::path& directory)
      : files(directory), config(parse_model_config(files.config(), (files.path() / "config.json").string())) {}

  const ModelDir files;
  const ModelConfig config;
};

}  // namespace moebius::internal

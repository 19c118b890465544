// A checkpoint that is open: its files, whose headers are checked, and what its config.json says of the model. Opened
// once and handed down; no weight is read.
#pragma once

#include <filesystem>

#include "checkpoint/model_dir.h"
#include "model/config.h"

namespace moebius::internal {

struct Checkpoint {
  // Throws what ModelDir and parse_model_config throw.
  explicit Checkpoint(const std::filesystem::path& directory)
      : files(directory), config(parse_model_config(files.config(), (files.path() / "config.json").string())) {}

  const ModelDir files;
  const ModelConfig config;
};

}  // namespace moebius::internal

// For tests: loads a tiny checkpoint and records what a backend is given, or expects that the checkpoint is refused.
// This header is not part of any library.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/model.h"
#include "model/testing/recording_backend.h"
#include "model/testing/tiny_checkpoint.h"
#include "moebius/error.h"

namespace moebius::internal::testing {

struct Loaded {
  TemporaryDirectory directory;
  RecordingBackend backend;
};

inline std::unique_ptr<Loaded> load(const TinyTensors& tensors, const Json& config = tiny_config()) {
  auto loaded = std::make_unique<Loaded>();
  write_checkpoint(loaded->directory, config, tensors);
  load_model(Checkpoint(loaded->directory.path()), loaded->backend, {});
  return loaded;
}

inline void expect_refused(const TinyTensors& tensors, const Json& config, ErrorCode code,
                           const std::vector<std::string>& words) {
  TemporaryDirectory directory;
  write_checkpoint(directory, config, tensors);
  std::optional<Checkpoint> checkpoint;
  RecordingBackend backend;
  try {
    checkpoint.emplace(directory.path());
    load_model(*checkpoint, backend, {});
    ADD_FAILURE() << "was accepted; expected: " << words.front();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    for (const std::string& word : words) {
      EXPECT_THAT(std::string(error.what()) + error.hint(), ::testing::HasSubstr(word));
    }
  }
  if (checkpoint) {
    EXPECT_EQ(checkpoint->files.bytes_read(), 0u) << "weights were read before everything was checked";
  }
  EXPECT_TRUE(backend.matrices.empty() && backend.vectors.empty());
}

}  // namespace moebius::internal::testing

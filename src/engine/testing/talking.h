// For tests: an engine on a tiny checkpoint with random weights and a tokenizer. The tokenizer has one token for each
// byte, and a few tags. The answers are noise, but the same in every run.
#pragma once

#include <memory>
#include <string>

#include "base/testing/temporary_directory.h"
#include "convert/synth.h"
#include "dialogue/testing/chat_template.h"
#include "moebius/engine.h"
#include "tokenizer/testing/tokenizers.h"

namespace moebius::internal::testing {

class Talking {
 public:
  explicit Talking(const EngineOptions& options = {}) {
    SynthOptions synth;
    synth.preset = "tiny";
    synth.bits = 4;
    synthesize(synth, directory());
    const Json tokenizer =
        small_file({}, {"<|im_start|>", "<|im_end|>", "<think>", "</think>", "<tool_call>", "</tool_call>"});
    folder_.write("talking/tokenizer.json", tokenizer.dump());
    folder_.write("talking/tokenizer_config.json", R"({"eos_token": "<|im_end|>"})");
    folder_.write("talking/chat_template.jinja", kChatTemplate);
    engine_ = std::make_unique<Engine>(Engine::load(directory(), options));
  }

  [[nodiscard]] std::string directory() const { return (folder_.path() / "talking").string(); }
  Engine& engine() { return *engine_; }

 private:
  TemporaryDirectory folder_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace moebius::internal::testing

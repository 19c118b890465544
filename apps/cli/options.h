// The options of every command that runs a model. load/option_words.h has the words of their values.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "moebius/engine_options.h"

namespace moebius::internal::apps {

// Returns options for commands that look at one sequence: nothing drafts.
inline EngineOptions without_drafts() {
  EngineOptions options;
  options.drafts.head = DraftHeadUse::kNone;
  options.drafts.max_rows = 0;
  return options;
}

// Returns options for commands that answer one request at a time, in steps of at most `max_rows` tokens.
EngineOptions answering_options(int64_t max_rows);

struct CommonOptions {
  EngineOptions engine = without_drafts();
  bool json = false;
  bool verbose = false;
};

// Adds all common options but --experts, which `bench` takes as a list.
void add_common_options(CLI::App& command, CommonOptions& options);
void add_experts_option(CLI::App& command, CommonOptions& options);
void add_speculation_option(CLI::App& command, CommonOptions& options);
void add_cache_options(CLI::App& command, CommonOptions& options);
// Adds an argument that is a checkpoint: a directory, or the name of a model in the Hugging Face cache.
CLI::Option* add_checkpoint(CLI::App& command, const std::string& name, std::string& directory,
                            const std::string& about);
// Adds DIR, which is required.
void add_directory(CLI::App& command, std::string& directory);

// Leaves out the draft head, and the rows for drafts, when the mode of speculation does not use them.
void prepare_speculation(EngineOptions& engine);

// Throws kUsage for choices that exclude each other. Call it before anything is opened.
void check_common_options(const CommonOptions& options);

}  // namespace moebius::internal::apps

// The options that every command which runs a model has. load/option_words.h has the words of their values.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "moebius/engine_options.h"

namespace moebius::internal::apps {

// Of commands that look at one sequence: nothing drafts.
inline EngineOptions without_drafts() {
  EngineOptions options;
  options.drafts.head = DraftHeadUse::kNone;
  options.drafts.max_rows = 0;
  return options;
}

// Of commands that answer one request at a time, in steps of at most so many tokens.
EngineOptions answering_options(int64_t max_rows);

struct CommonOptions {
  EngineOptions engine = without_drafts();
  bool json = false;
  bool verbose = false;
};

// Adds all of them but --experts, which the bench takes as a list.
void add_common_options(CLI::App& command, CommonOptions& options);
void add_experts_option(CLI::App& command, CommonOptions& options);
void add_speculation_option(CLI::App& command, CommonOptions& options);
void add_cache_options(CLI::App& command, CommonOptions& options);
// DIR, required.
void add_directory(CLI::App& command, std::string& directory);

// Loads no draft head, and keeps no rows for drafts, where none is used.
void prepare_speculation(EngineOptions& engine);

// Throws kUsage for choices that exclude each other; before anything is opened.
void check_common_options(const CommonOptions& options);

}  // namespace moebius::internal::apps

// The flags of the commands that answer through the engine: speculation, the prefix cache and its memory. What they
// mean is moebius/engine.h's.
#pragma once

#include <CLI/CLI.hpp>

#include "moebius/engine.h"

namespace moebius::apps {

// For one request at a time, of at most so many tokens a step.
EngineOptions answering_options(int64_t max_rows);

void add_engine_flags(CLI::App& command, EngineOptions& options);

// Before anything is opened: loads no draft head, and keeps no rows for drafts, where none is used. Throws kUsage for a
// --speculate that is none.
void prepare_speculation(EngineOptions& options);

}  // namespace moebius::apps

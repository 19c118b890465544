// The subcommands. Each add_<command> declares its options on the program and, as the subcommand's callback, what runs
// when it is chosen; the callback returns, throws Error, or throws CLI::RuntimeError with an exit code (doctor's
// finding). Give the examples as the subcommand's footer, one a line: help shows them first. Every option becomes an
// environment variable by itself (--max-tokens: MOEBIUS_MAX_TOKENS), so no command reads the environment.
#pragma once

#include <CLI/CLI.hpp>

namespace moebius::internal::apps {

void add_synth(CLI::App& app);
void add_quantize(CLI::App& app);
void add_inspect(CLI::App& app);
void add_doctor(CLI::App& app);
void add_logits(CLI::App& app);
void add_bench(CLI::App& app);
void add_generate(CLI::App& app);
void add_chat(CLI::App& app);
void add_tokenize(CLI::App& app);
void add_render(CLI::App& app);
void add_perplexity(CLI::App& app);

}  // namespace moebius::internal::apps

// The subcommands. Each add_<command> adds a subcommand with its options to the program. The subcommand's callback is
// what runs when it is chosen. The callback returns, throws Error, or throws CLI::RuntimeError with an exit code (when
// doctor finds a fault). Give the examples as the subcommand's footer, one per line: help shows them first. Every
// option becomes an environment variable by itself (--max-tokens: MOEBIUS_MAX_TOKENS), so no command reads the
// environment.
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

// The subcommands. Each add_<command> declares its options on the program and what runs when it is chosen; a callback
// returns normally, throws Error, or throws CLI::RuntimeError with the exit code of a finding (doctor).
#pragma once

#include <CLI/CLI.hpp>

namespace moebius::apps {

void add_synth(CLI::App& app);
void add_quantize(CLI::App& app);
void add_inspect(CLI::App& app);
void add_doctor(CLI::App& app);
void add_logits(CLI::App& app);
void add_bench(CLI::App& app);
void add_generate(CLI::App& app);

}  // namespace moebius::apps

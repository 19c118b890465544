// How the program explains itself. The help page shows the examples first and fits on one screen. A mistake on the
// command line is reported in three parts, with the word that was probably meant. Every option has an environment
// variable. CLI11 holds the table of options; this file knows no command.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "moebius/error.h"

namespace moebius::internal::apps {

// Installs the help page on the program and its subcommands. Call it before adding subcommands.
void use_help_page(CLI::App& app);

// Gives every option of the chosen subcommand its environment variable: --max-tokens reads MOEBIUS_MAX_TOKENS. A flag
// wins over the variable. Options of other subcommands get none, because a variable meant for another command must not
// break this one.
void use_environment(CLI::App& command);

// Returns the candidate that `word` was probably meant to be. Returns "" when no candidate is near.
std::string closest(std::string_view word, const std::vector<std::string>& candidates);

// Explains what went wrong on the command line. `command` is the chosen subcommand, or the program itself.
Error usage_error(const CLI::App& command, const CLI::ParseError& error, const std::vector<std::string>& arguments);
// Explains that the first argument, `word`, names no subcommand.
Error unknown_command(const CLI::App& app, const std::string& word);

}  // namespace moebius::internal::apps

// How the program explains itself: help with the examples first and at most one screen, command-line mistakes in three
// parts with the word that was probably meant, and the environment variable of each option. The option table is
// CLI11's; nothing here knows a command.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "moebius/error.h"

namespace moebius::internal::apps {

// Installs the help page on the program and its subcommands; call before subcommands are added.
void use_help_page(CLI::App& app);

// Gives every option of the chosen subcommand its variable: --max-tokens reads MOEBIUS_MAX_TOKENS. Flags win. Only of
// the chosen one: a variable meant for another command must not break this one.
void use_environment(CLI::App& command);

// The candidate that `word` was probably meant to be; empty when none is near.
std::string closest(std::string_view word, const std::vector<std::string>& candidates);

// What went wrong on the command line. command: the chosen subcommand, or the program itself.
Error usage_error(const CLI::App& command, const CLI::ParseError& error, const std::vector<std::string>& arguments);
// The first argument names no subcommand.
Error unknown_command(const CLI::App& app, const std::string& word);

}  // namespace moebius::internal::apps

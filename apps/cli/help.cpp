// See cli/help.h.
#include "cli/help.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <sstream>

namespace moebius::internal::apps {
namespace {

constexpr size_t kNameColumn = 31;
constexpr size_t kTextColumn = kNameColumn + 3;
constexpr size_t kColumns = 120;

// "--max-tokens" -> "MOEBIUS_MAX_TOKENS"
std::string variable_name(const std::string& long_name) {
  std::string name = "MOEBIUS_" + long_name;
  for (char& c : name) c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

// Returns the name with its parents' names, for example "moebius bench".
std::string full_name(const CLI::App& app) {
  const CLI::App* parent = app.get_parent();
  return parent == nullptr ? app.get_name() : full_name(*parent) + " " + app.get_name();
}

bool is_help(const CLI::Option& option) { return option.check_lname("help"); }

// Breaks the text into lines that end at the last column. Later lines are indented to stand below the first.
std::string wrapped(const std::string& text) {
  std::istringstream words(text);
  std::string result;
  size_t column = kTextColumn;
  for (std::string word; words >> word;) {
    const bool first = column == kTextColumn;
    if (!first && column + 1 + word.size() > kColumns) {
      result += "\n" + std::string(kTextColumn, ' ');
      column = kTextColumn;
    } else if (!first) {
      result += ' ';
      ++column;
    }
    result += word;
    column += word.size();
  }
  return result;
}

std::string positional_name(const CLI::Option& option) {
  constexpr bool kPositional = true;
  return option.get_name(kPositional);
}

std::string all_flags(const CLI::Option& option) {
  constexpr bool kPositional = false, kAll = true;
  return option.get_name(kPositional, kAll);
}

std::string option_line(const CLI::Option& option) {
  std::string left = option.get_positional() ? positional_name(option) : all_flags(option);
  const std::string type = option.get_type_name();
  if (!option.get_positional() && option.get_items_expected_max() > 0) left += " " + type.substr(0, type.find(':'));
  std::string text = option.get_description();
  const std::string value = option.get_default_str();  // a list brings its own brackets
  if (!value.empty()) text += value.starts_with('[') ? " " + value : fmt::format(" [{}]", value);
  return fmt::format("  {:<{}} {}\n", left, kNameColumn, wrapped(text));
}

class HelpPage : public CLI::Formatter {
 public:
  std::string make_help(const CLI::App* app, std::string, CLI::AppFormatMode) const override {
    std::string page = app->get_description() + "\n\n";
    if (!app->get_footer().empty()) page += "Examples:\n" + indented(app->get_footer()) + "\n";
    page += usage(*app);
    const auto commands = app->get_subcommands([](const CLI::App*) { return true; });
    if (!commands.empty()) page += "\nCommands:\n";
    for (const CLI::App* command : commands) {
      page += fmt::format("  {:<{}} {}\n", command->get_name(), kNameColumn, command->get_description());
    }
    for (const std::string& group : app->get_groups()) page += options_of(*app, group);
    if (app->get_parent() != nullptr) {
      page += "\nEach option is also an environment variable (--max-tokens: MOEBIUS_MAX_TOKENS); the option wins.\n";
    }
    return page;
  }

 private:
  static std::string indented(const std::string& text) {
    std::istringstream lines(text);
    std::string result;
    for (std::string line; std::getline(lines, line);) result += "  " + line + "\n";
    return result;
  }

  static std::string usage(const CLI::App& app) {
    std::string line = "Usage: " + full_name(app);
    std::string details;
    for (const CLI::Option* option : app.get_options([](const CLI::Option* o) { return o->get_positional(); })) {
      const std::string name = positional_name(*option);
      line += option->get_required() ? " " + name : " [" + name + "]";
      details += option_line(*option);
    }
    if (app.get_parent() == nullptr) line += " COMMAND";
    return line + " [options]\n" + details;
  }

  static std::string options_of(const CLI::App& app, const std::string& group) {
    std::string text;
    for (const CLI::Option* option : app.get_options()) {
      if (option->get_positional() || option->get_group() != group) continue;
      text += option_line(*option);
    }
    return text.empty() ? text : "\n" + group + ":\n" + text;
  }
};

// Levenshtein distance, one row at a time.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

std::vector<std::string> option_names(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
  }
  return names;
}

std::string see_help(const CLI::App& command) {
  return fmt::format("`{} --help` shows what it takes", full_name(command));
}

Error unexpected_argument(const CLI::App& command, const std::string& argument) {
  if (!argument.starts_with('-')) {
    return {ErrorCode::kUsage, full_name(command), fmt::format("'{}' is one argument too many", argument),
            see_help(command)};
  }
  const std::string option = argument.substr(0, argument.find('='));
  const std::string meant = closest(option, option_names(command));
  const std::string hint = see_help(command);
  return {ErrorCode::kUsage, option, fmt::format("not an option of `{}`", full_name(command)),
          meant.empty() ? hint : fmt::format("did you mean {}? {}", meant, hint)};
}

// Returns the environment variable that a bad value came from. Returns "" when the option stood on the command line.
std::string guilty_variable(const CLI::App& command, const std::string& message,
                            const std::vector<std::string>& arguments) {
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_lnames().empty() || option->get_envname().empty()) continue;
    const std::string flag = "--" + option->get_lnames().front();
    const char* value = std::getenv(option->get_envname().c_str());  // NOLINT(concurrency-mt-unsafe): no other threads
    if (value == nullptr || message.find(flag) == std::string::npos) continue;
    const bool given =
        std::ranges::any_of(arguments, [&](const std::string& a) { return a == flag || a.starts_with(flag + "="); });
    if (!given) return option->get_envname();
  }
  return "";
}

}  // namespace

void use_help_page(CLI::App& app) {
  app.formatter(std::make_shared<HelpPage>());
  app.get_formatter()->column_width(kNameColumn);
  app.set_help_flag("-h,--help", "This page");
}

void use_environment(CLI::App& command) {
  for (CLI::Option* option : command.get_options()) {
    if (is_help(*option) || option->get_lnames().empty()) continue;
    option->envname(variable_name(option->get_lnames().front()));
  }
}

std::string closest(std::string_view word, const std::vector<std::string>& candidates) {
  std::string best;
  size_t best_distance = std::max<size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    const size_t distance = edit_distance(word, candidate);
    // A candidate that differs in more than half of its letters is another word.
    if (distance >= best_distance || 2 * distance > candidate.size()) continue;
    best = candidate;
    best_distance = distance;
  }
  return best;
}

Error usage_error(const CLI::App& command, const CLI::ParseError& error, const std::vector<std::string>& arguments) {
  // A mistyped option explains whatever else is missing, so it is looked for first. CLI11 leaves surplus arguments with
  // the program itself.
  const CLI::App* root = command.get_parent() == nullptr ? &command : command.get_parent();
  constexpr bool kOfSubcommandsToo = true;
  const std::vector<std::string> extras = root->remaining(kOfSubcommandsToo);
  const auto option = std::ranges::find_if(extras, [](const std::string& e) { return e.starts_with('-'); });
  if (option != extras.end()) return unexpected_argument(command, *option);
  if (!extras.empty()) return unexpected_argument(command, extras.back());
  const std::string message = error.what();
  if (error.get_name() == "RequiredError") {
    const std::string missing = message.substr(0, message.find(" is required"));
    return {ErrorCode::kUsage, full_name(command), missing + " is missing", see_help(command)};
  }
  const std::string variable = guilty_variable(command, message, arguments);
  return {ErrorCode::kUsage, variable.empty() ? full_name(command) : variable + " in the environment", message,
          see_help(command)};
}

Error unknown_command(const CLI::App& app, const std::string& word) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  const std::string meant = closest(word, names);
  const std::string hint = see_help(app);
  return {ErrorCode::kUsage, app.get_name(), fmt::format("'{}' is not a command", word),
          meant.empty() ? hint : fmt::format("did you mean {}? {}", meant, hint)};
}

}  // namespace moebius::internal::apps

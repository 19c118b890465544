// main(): parses the command line, reports errors in three parts, and chooses the exit code. Each subcommand lives in a
// file of its own (cli/commands.h).
#include <CLI/CLI.hpp>
#include <csignal>
#include <exception>
#include <new>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/help.h"
#include "cli/hub_cache.h"
#include "cli/interrupt.h"
#include "cli/machine.h"
#include "cli/output.h"
#include "moebius/error.h"

namespace moebius::internal::apps {
namespace {

constexpr int kUnavailableExit = 69;
constexpr int kInternalExit = 70;

// Prints the error as two lines: "error: where: what" and "hint:  what to do". Prints nothing after Ctrl-C. Returns the
// exit code.
int report(const Error& error) {
  if (error.code() != ErrorCode::kInterrupted) {
    std::string text = error.what();
    const std::string tail = error.hint().empty() ? "" : "; " + error.hint();
    if (text.ends_with(tail)) text.resize(text.size() - tail.size());
    note("{} {}\n", coloured(Stream::kNotes, Colour::kRed, "error:"), text);
    if (!error.hint().empty()) note("hint:  {}\n", error.hint());
  }
  return exit_code(error.code());
}

int report_bug(const char* what) {
  note("{} this is a bug in moebius: {}\n", coloured(Stream::kNotes, Colour::kRed, "error:"), what);
  note("hint:  please report it with the command line and what `moebius --version` says\n");
  return kInternalExit;
}

void build(CLI::App& app) {
  use_help_page(app);
  app.footer(
      "moebius synth --preset qwen3.5-35b-a3b --layers 4 --bits 3 OUT\n"
      "moebius inspect OUT\n"
      "moebius bench OUT --experts unfused,concat,fused\n"
      "moebius generate OUT --tokens 1,2,3");
  app.add_flag_callback(
      "--version", [] { throw CLI::CallForVersion(version_text(), 0); },
      "Version, commit, compiler, numerics, libraries");
  add_synth(app);
  add_quantize(app);
  add_inspect(app);
  add_doctor(app);
  add_generate(app);
  add_chat(app);
  add_tokenize(app);
  add_render(app);
  add_perplexity(app);
  add_logits(app);
  add_bench(app);
}

// Returns the subcommand that the first argument names. Returns the program itself when there are no arguments or the
// first one is an option.
CLI::App& choose_command(CLI::App& app, const std::vector<std::string>& arguments) {
  if (arguments.empty() || arguments.front().starts_with('-')) return app;
  const auto found = app.get_subcommands([&](const CLI::App* c) { return c->check_name(arguments.front()); });
  if (found.empty()) throw unknown_command(app, arguments.front());
  use_environment(*found.front());
  return *found.front();
}

int run(CLI::App& app, const std::vector<std::string>& arguments) {
  if (arguments.empty()) {
    note("{}", app.help());
    return exit_code(ErrorCode::kUsage);
  }
  CLI::App& command = choose_command(app, arguments);
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));  // CLI11 wants the arguments in reverse
  } catch (const CLI::CallForHelp&) {
    write_output(command.help());
  } catch (const CLI::CallForVersion& version) {
    write_output(version.what());
  } catch (const CLI::RuntimeError& finding) {
    flush_output();
    return finding.get_exit_code();
  } catch (const CLI::ParseError& error) {
    throw usage_error(command, error, arguments);
  }
  flush_output();
  return 0;
}

int guarded_main(const std::vector<std::string>& arguments) {
  try {
    trust_hub_cache();
    CLI::App app{"moebius runs sparse mixture-of-experts language models, and says how fast", "moebius"};
    build(app);
    return run(app, arguments);
  } catch (const OutputClosed&) {
    return 0;
  } catch (const Error& error) {
    return error.code() == ErrorCode::kInternal ? report_bug(error.what()) : report(error);
  } catch (const std::bad_alloc&) {
    note("{} there is not enough memory\nhint:  use a smaller --ctx, or a checkpoint of fewer bits\n",
         coloured(Stream::kNotes, Colour::kRed, "error:"));
    return kUnavailableExit;
  } catch (const std::exception& error) {
    return report_bug(error.what());
  }
}

}  // namespace
}  // namespace moebius::internal::apps

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe becomes an error of write(), which cli/output.h handles
  moebius::internal::apps::handle_interrupts();
  return moebius::internal::apps::guarded_main({argv + 1, argv + argc});
}

// `moebius doctor`: its options, the lines it prints, the summary and the exit code.
#include "checkpoint/doctor.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "cli/commands.h"
#include "cli/output.h"
#include "moebius/error.h"

namespace moebius::internal::apps {
namespace {

struct Spelling {
  const char* word;
  const char* json;
  Colour colour;
};

const Spelling& spelling(Verdict verdict) {
  static constexpr Spelling kSpellings[] = {
      {"PASS", "pass", Colour::kGreen}, {"WARN", "warn", Colour::kYellow}, {"FAIL", "fail", Colour::kRed}};
  return kSpellings[static_cast<size_t>(verdict)];
}

void print_finding(const Finding& finding) {
  const Spelling& s = spelling(finding.verdict);
  print("{}  {:<17} {}\n", coloured(Stream::kOutput, s.colour, s.word), finding.check, finding.detail);
  if (!finding.hint.empty()) print("      {:<17} -> {}\n", "", finding.hint);
  flush_output();
}

Json findings_json(const Findings& findings) {
  Json checks = Json::array();
  for (const Finding& f : findings.list()) {
    checks.push_back(
        {{"verdict", spelling(f.verdict).json}, {"check", f.check}, {"detail", f.detail}, {"hint", f.hint}});
  }
  return {{"checks", checks},
          {"summary",
           {{"pass", findings.count(Verdict::kPass)},
            {"warn", findings.count(Verdict::kWarn)},
            {"fail", findings.count(Verdict::kFail)}}}};
}

void run_doctor(const DoctorOptions& options) {
  const bool json = options.common.json;
  check_common_options(options.common);  // contradicting flags are a usage error, not a finding
  Findings findings([json](const Finding& finding) {
    if (!json) print_finding(finding);
  });
  examine_machine(findings, options.common);
  if (!options.directory.empty()) examine_checkpoint(findings, options);
  if (json) {
    write_json(findings_json(findings));
  } else {
    print("\n{} passed, {} warned, {} failed\n", findings.count(Verdict::kPass), findings.count(Verdict::kWarn),
          findings.count(Verdict::kFail));
  }
  if (findings.count(Verdict::kFail) > 0) throw CLI::RuntimeError(1);
}

}  // namespace

void Findings::add(Verdict verdict, const std::string& check, const Error& error, const std::string& hint) {
  std::string detail = error.what();
  const std::string tail = "; " + error.hint();
  if (!error.hint().empty() && detail.ends_with(tail)) detail.resize(detail.size() - tail.size());
  add({verdict, check, fmt::format("{} ({})", detail, name(error.code())), error.hint().empty() ? hint : error.hint()});
}

bool Findings::attempt(const std::string& check, const std::function<void()>& examine, const std::string& hint) {
  try {
    examine();
    return true;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInterrupted) throw;
    add(Verdict::kFail, check, error, hint);
    return false;
  }
}

int64_t Findings::count(Verdict verdict) const {
  return std::ranges::count_if(list_, [&](const Finding& f) { return f.verdict == verdict; });
}

void Findings::add(Finding finding) {
  list_.push_back(std::move(finding));
  told_(list_.back());
}

void add_doctor(CLI::App& app) {
  auto options = std::make_shared<DoctorOptions>();
  CLI::App& command = *app.add_subcommand("doctor", "Examine this machine, and prove a checkpoint on it");
  command.footer(
      "moebius doctor\n"
      "moebius doctor Qwen3.5-35B-A3B-3bit --scan\n"
      "moebius doctor Qwen3.5-35B-A3B-3bit --json > doctor.json    # exit code 1 when a check fails");
  command.add_option("DIR", options->directory, "Checkpoint: audited, loaded, its logits compared bit by bit");
  command.add_flag("--scan", options->scan,
                   "Look for zeros and values that are not finite in all of every tensor, not in a sample");
  command.add_flag("--quick", options->quick, "Load once: do not compare thread counts and instruction sets");
  add_experts_option(command, options->common);
  add_common_options(command, options->common);
  command.callback([options] { run_doctor(*options); });
}

}  // namespace moebius::internal::apps

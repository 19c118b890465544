// The findings of `moebius doctor`. Each check yields a finding: PASS, WARN or FAIL. This file declares the list of
// findings and the examinations. Options and printing are in checkpoint/doctor.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "checkpoint/model_dir.h"
#include "cli/options.h"
#include "moebius/error.h"

namespace moebius::internal::apps {

enum class Verdict : uint8_t { kPass, kWarn, kFail };

struct Finding {
  Verdict verdict = Verdict::kPass;
  std::string check;
  std::string detail;
  std::string hint;  // what to do; empty when it passed
};

class Findings {
 public:
  // `told` is called with each finding as soon as it is added.
  explicit Findings(std::function<void(const Finding&)> told) : told_(std::move(told)) {}

  void pass(const std::string& check, const std::string& detail) { add({Verdict::kPass, check, detail, ""}); }
  void warn(const std::string& check, const std::string& detail, const std::string& hint) {
    add({Verdict::kWarn, check, detail, hint});
  }
  void fail(const std::string& check, const std::string& detail, const std::string& hint) {
    add({Verdict::kFail, check, detail, hint});
  }
  // Adds a finding with the words of an error. `hint` is for an error that has none.
  void add(Verdict verdict, const std::string& check, const Error& error, const std::string& hint = "");
  // Runs one check. An Error that it throws becomes a FAIL; kInterrupted is thrown on. Returns true when the check
  // threw nothing.
  bool attempt(const std::string& check, const std::function<void()>& examine, const std::string& hint = "");

  [[nodiscard]] const std::vector<Finding>& list() const { return list_; }
  [[nodiscard]] int64_t count(Verdict verdict) const;

 private:
  void add(Finding finding);

  std::function<void(const Finding&)> told_;
  std::vector<Finding> list_;
};

struct DoctorOptions {
  CommonOptions common;
  std::string directory;  // empty: examine the machine only
  bool scan = false;      // read every value of every tensor, not a sample
  bool quick = false;     // load once; do not compare thread counts, instruction sets and backends
};

void examine_machine(Findings& findings, const CommonOptions& common);
void examine_checkpoint(Findings& findings, const DoctorOptions& options);
// vocab: the rows of the embedding.
void examine_text(Findings& findings, const ModelDir& files, int64_t vocab);

}  // namespace moebius::internal::apps

// What `moebius doctor` finds: one line a check, PASS, WARN or FAIL, as it is found. Here: the list of findings and the
// two examinations. Not here: options and printing (checkpoint/doctor.cpp).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "cli/options.h"

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
  // told hears each finding at once.
  explicit Findings(std::function<void(const Finding&)> told) : told_(std::move(told)) {}

  void pass(const std::string& check, const std::string& detail) { add({Verdict::kPass, check, detail, ""}); }
  void warn(const std::string& check, const std::string& detail, const std::string& hint) {
    add({Verdict::kWarn, check, detail, hint});
  }
  void fail(const std::string& check, const std::string& detail, const std::string& hint) {
    add({Verdict::kFail, check, detail, hint});
  }
  // Runs one check; an Error it throws is a FAIL with the error's words. True when it threw nothing. kInterrupted
  // passes.
  bool attempt(const std::string& check, const std::function<void()>& examine);

  [[nodiscard]] const std::vector<Finding>& list() const { return list_; }
  [[nodiscard]] int64_t count(Verdict verdict) const;

 private:
  void add(Finding finding);

  std::function<void(const Finding&)> told_;
  std::vector<Finding> list_;
};

struct DoctorOptions {
  CommonOptions common;
  std::string directory;  // empty: the machine alone
  bool scan = false;      // every value of every tensor
  bool quick = false;     // load once: no other thread counts, instruction sets, backends
};

void examine_machine(Findings& findings, const CommonOptions& common);
void examine_checkpoint(Findings& findings, const DoctorOptions& options);

}  // namespace moebius::internal::apps

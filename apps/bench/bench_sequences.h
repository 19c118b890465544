// Measures many sequences at once, and speculation against plain decoding. Each run sends whole answers through the
// scheduler. The arms (ways to draft) take turns run by run in one process. Every answer of every arm is compared with
// the plain one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "cli/loading.h"
#include "speculate/oracle_drafts.h"
#include "speculate/speculation_mode.h"

namespace moebius::internal::apps {

// How one arm drafts: with a speculation mode, or with an oracle that knows the plain answer and errs at a given rate.
struct SequencesArm {
  std::string name;  // the word on the command line
  SpeculationMode mode;
  bool oracle = false;
  OracleErrors errors = {};
};
// Accepts "none", "auto", "mtp[:N]", "ngram[:N]", "oracle:RATE" (the scheduler chooses the depth, and each draft is
// wrong at that rate) and "oracle:RATE:N" (always N drafts). Throws kUsage for any other word.
SequencesArm parse_sequences_arm(const std::string& word);

struct SequencesPlan {
  std::vector<int64_t> batches;               // sequences at once
  std::vector<SequencesArm> arms;             // the first one decodes without drafts
  std::vector<std::vector<int32_t>> prompts;  // dealt to the sequences in turn
  std::vector<int32_t> stop_ids;
  int64_t tokens = 0;  // most tokens of an answer
  int64_t reps = 0;
};

struct SequencesSample {
  double seconds = 0;             // time of the steps in which all sequences decode
  int64_t tokens = 0, steps = 0;  // in those steps; a step of N sequences counts N times
  int64_t drafted = 0, accepted = 0;
  int64_t prompt_tokens = 0, reused_tokens = 0;
};

struct SequencesSeries {
  int64_t sequences = 0;
  std::string arm;
  std::vector<SequencesSample> samples = {};  // one per repetition, in the same order as the plain arm's
};

// Throws kInternal when an answer differs from the plain one.
std::vector<SequencesSeries> run_sequences(const ReadyModel& model, const SequencesPlan& plan,
                                           const std::function<void(const std::string& said)>& said);

Json sequences_json(const std::vector<SequencesSeries>& series);
std::string sequences_table(const std::vector<SequencesSeries>& series);

}  // namespace moebius::internal::apps

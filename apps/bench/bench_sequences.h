// Many conversations at once, and speculation against plain decoding: whole answers through the scheduler. The arms
// (ways to draft) take turns run by run in one process; every answer of every arm is compared with the plain one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "cli/loading.h"
#include "speculate/oracle_drafts.h"
#include "speculate/speculation_mode.h"

namespace moebius::internal::apps {

// What one arm drafts with: a mode, or an oracle that knows the plain answer and errs at a rate.
struct SequencesArm {
  std::string name;  // as it was asked for
  SpeculationMode mode;
  bool oracle = false;
  OracleErrors errors = {};
};
// "none", "auto", "mtp[:N]", "ngram[:N]", "oracle:RATE" (depth chosen, each draft wrong with that rate) or
// "oracle:RATE:N" (always N drafts). Throws kUsage.
SequencesArm parse_sequences_arm(const std::string& word);

struct SequencesPlan {
  std::vector<int64_t> batches;               // sequences at once
  std::vector<SequencesArm> arms;             // the first is plain
  std::vector<std::vector<int32_t>> prompts;  // given to sequences in turn
  std::vector<int32_t> stop_ids;
  int64_t tokens = 0;  // most, of an answer
  int64_t reps = 0;
};

struct SequencesSample {
  double seconds = 0;             // of the steps in which all sequences decode
  int64_t tokens = 0, steps = 0;  // in these; steps of each sequence, summed up
  int64_t drafted = 0, accepted = 0;
  int64_t prompt_tokens = 0, reused_tokens = 0;
};

struct SequencesSeries {
  int64_t sequences = 0;
  std::string arm;
  std::vector<SequencesSample> samples = {};  // one a repetition, in step with those of the plain arm
};

// Throws kInternal when an answer is not the plain one.
std::vector<SequencesSeries> run_sequences(const ReadyModel& model, const SequencesPlan& plan,
                                           const std::function<void(const std::string& said)>& said);

Json sequences_json(const std::vector<SequencesSeries>& series);
std::string sequences_table(const std::vector<SequencesSeries>& series);

}  // namespace moebius::internal::apps

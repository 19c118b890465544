// Many conversations at once, and speculation against plain decoding: whole answers through the scheduler. The arms
// (ways to draft) take turns run by run in one process; every answer of every arm is compared with the plain one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "cli/session.h"
#include "speculate/oracle.h"
#include "speculate/speculation_mode.h"

namespace moebius::apps {

// What one arm drafts with: a mode, or an oracle that knows the plain answer and errs at a rate.
struct StreamsArm {
  std::string name;  // as it was asked for
  SpeculationMode mode;
  bool oracle = false;
  OracleErrors errors = {};
};
// "none", "auto", "mtp[:N]", "ngram[:N]", "oracle:RATE" (depth chosen, each draft wrong with that rate) or
// "oracle:RATE:N" (always N drafts). Throws kUsage.
StreamsArm parse_streams_arm(const std::string& word);

struct StreamsPlan {
  std::vector<int64_t> batches;               // streams at once
  std::vector<StreamsArm> arms;               // the first is plain
  std::vector<std::vector<int32_t>> prompts;  // given to streams in turn
  std::vector<int32_t> stop_ids;
  int64_t tokens = 0;  // most, of an answer
  int64_t reps = 0;
};

struct StreamsSample {
  double seconds = 0;             // of the steps in which all streams decode
  int64_t tokens = 0, steps = 0;  // in these; steps of each stream, summed up
  int64_t drafted = 0, accepted = 0;
  int64_t prompt_tokens = 0, reused_tokens = 0;
};

struct StreamsSeries {
  int64_t streams = 0;
  std::string arm;
  std::vector<StreamsSample> samples = {};  // one a repetition, in step with those of the plain arm
};

// Throws kInternal when an answer is not the plain one.
std::vector<StreamsSeries> run_streams(const Loaded& loaded, const StreamsPlan& plan,
                                       const std::function<void(const std::string& said)>& said);

Json streams_json(const std::vector<StreamsSeries>& series);
std::string streams_table(const std::vector<StreamsSeries>& series);

}  // namespace moebius::apps

// How an engine is loaded, in groups: what computes, how long and how many its sequences are, what it may hold in
// memory, who drafts, and where packed weights are kept.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "moebius/compute_options.h"
#include "moebius/limits.h"
#include "moebius/speculation.h"

namespace moebius {

struct LimitOptions {
  int64_t context = 4096;      // most tokens of a sequence, its answer included; the model's own limit is the bound
  int64_t max_sequences = 16;  // most sequences that run at once, up to kMaxLogitRows; further requests wait
  int64_t max_rows = 512;      // most tokens of one step; a longer prompt takes several steps
  int64_t prompt_rows = 64;    // most tokens of prompts in a step in which other sequences decode
};

enum class KvType : uint8_t { kF32, kF16 };

struct CacheOptions {
  KvType kv = KvType::kF32;   // of the keys and values
  bool keep_prefixes = true;  // keep what was computed, for requests that begin alike
  // For keys, values and states, cached or in use. 0: a quarter of the free memory, and enough for one sequence of the
  // whole context.
  int64_t bytes = 0;
};

enum class DraftHeadUse : uint8_t {
  kNone,
  kIfBundled,  // the checkpoint's own, if it has one
  kBundled,    // the checkpoint's own; loading fails without one
  kDirectory,  // of another checkpoint
};

struct DraftOptions {
  SpeculationMode mode = kSpeculateFreely;  // of requests that do not say
  DraftHeadUse head = DraftHeadUse::kIfBundled;
  std::string head_directory = {};  // with DraftHeadUse::kDirectory
  int64_t max_rows = 16;  // most tokens of one sequence in a step that drafts, up to kMaxLogitRows; 0: no drafts
};

enum class PackedUse : uint8_t {
  kOff,   // neither read nor written
  kAuto,  // a file that is there is used, and made again when the checkpoint has changed
  kMake,  // made when there is none
};

// The cpu backend's packed weights, kept on disk so that the next start has nothing to pack. The file is
// DIRECTORY/moebius.packed, or lies in cache_directory when DIRECTORY cannot be written to.
struct PackedOptions {
  PackedUse use = PackedUse::kAuto;
  bool verify = false;               // compare all checksums before using the file
  std::string cache_directory = {};  // empty: none
};

// The files for text that a checkpoint must have. Loading fails before weights are read when one of them is missing.
enum class TextNeed : uint8_t {
  kNone,  // requests of token ids work without a tokenizer
  kText,  // a tokenizer
  kChat,  // a tokenizer and a chat template
};

struct EngineOptions {
  ComputeOptions compute;
  LimitOptions limits;
  CacheOptions cache;
  DraftOptions drafts;
  PackedOptions packed;
  TextNeed text = TextNeed::kNone;
  // Called from the loading thread a few times a second: bytes loaded, and bytes to load.
  std::function<void(uint64_t done, uint64_t total)> progress;
  // A line worth showing: a packed file that was used, made, or ignored and why.
  std::function<void(const std::string& line)> notice;
};

}  // namespace moebius

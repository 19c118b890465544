// How an engine is loaded: what runs the model, how much it may hold, where packed weights are kept.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "moebius/limits.h"

namespace moebius {

struct EngineOptions {
  std::string backend = "cpu";       // cpu or reference
  std::string isa;                   // portable, avx2, avx512; empty: the best this machine has
  std::string experts = "fused";     // unfused, concat or fused: the same bits, another speed
  std::string kv = "f32";            // f32 or f16
  std::string activations = "int8";  // int8, or f32 (reference only)
  int threads = 0;                   // 0: physical cores within affinity and quota
  int64_t context = 4096;            // most tokens of a request, its answer included
  int64_t max_rows = 512;            // most tokens of one step; prompts are cut into steps of this size
  std::string mtp = "auto";  // draft head: auto: the checkpoint's own if it has one; bundled: must; empty: none; else a
                             // directory
  int64_t draft_rows = 16;   // most tokens of a request in a step that drafts, up to kMaxLogitRows; 0: no drafts
  std::string speculate = "auto";  // of requests that do not say: none, auto, mtp[:N], ngram[:N]
  int64_t max_sequences = 16;      // most requests that run at once, up to kMaxLogitRows; others wait
  int64_t prompt_rows = 64;        // most tokens of prompts in a step that others decode in
  bool prefix_cache = true;        // keep what was computed, for requests that begin alike
  int64_t memory_bytes = 0;        // for keys, values and states, cached or in use; 0: a quarter of what is free, and
                                   // enough for one request of the whole context
  bool needs_text = false, needs_chat = false;  // fail before weights are read when the checkpoint lacks what they need
  // Weights as the cpu backend packs them, kept on disk so that the next start has nothing to do: off, auto (a file
  // that is there is used, and made again when the checkpoint changed) or make. It is MODEL/moebius.packed, or in
  // cache_directory when MODEL cannot be written to; empty: nowhere else.
  std::string packed = "auto";
  std::string cache_directory;
  bool verify_packed = false;  // compare its checksums before using it
  // Bytes loaded and bytes to load, a few times a second.
  std::function<void(uint64_t done, uint64_t total)> progress;
  // A line worth showing: a packed file that was used, made, or ignored and why.
  std::function<void(const std::string& line)> notice;
};

}  // namespace moebius

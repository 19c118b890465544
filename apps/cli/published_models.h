// Published checkpoints that moebius runs, by the memory that they need, and the command that downloads one. The README
// has the same list. Nothing is downloaded here.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace moebius::internal::apps {

struct PublishedModel {
  std::string_view repository;  // on Hugging Face
  double gigabytes;             // of its files, in units of 1e9 bytes
};

// The smallest first.
std::span<const PublishedModel> published_models();

// The largest that leaves room for caches and the system in so much memory; null when none does.
const PublishedModel* largest_model_within(uint64_t bytes);

// "hf download ORG/NAME" for a model that somebody asked for and that is not there. A name without an organisation gets
// that of the published model of this name, else the word ORG. Empty for a text that no repository can have as its
// name, such as a path.
std::string download_command(const std::string& name);

}  // namespace moebius::internal::apps

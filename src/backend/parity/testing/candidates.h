// The backends that must have the reference's bits: a list of names and factories. A new backend needs a new entry.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "backend/backend.h"

namespace moebius::internal::testing {

struct Candidate {
  std::string name;     // letters, digits and underscores: it ends up in the test's name
  std::string missing;  // why this machine cannot run the backend; empty: it can
  struct Variant {
    std::string name;  // "2 threads"
    std::function<std::unique_ptr<Backend>()> make;
  };
  std::vector<Variant> variants;  // ways to run the backend, all with the same bits
};

const std::vector<Candidate>& candidates();

}  // namespace moebius::internal::testing

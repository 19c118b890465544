// What `loop` is inside a for statement. Elements that the loop's own condition refuses are skipped as the loop comes
// to them, not before, because the body may change what the condition sees. `loop.last`, `loop.nextitem` and
// `loop.length` look ahead as far as they need to.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <vector>

#include "template/jinja/runtime.h"

namespace moebius::internal::jinja {

class Loop {
 public:
  using Filter = std::function<bool(const Value&)>;  // empty: every element

  Loop(std::vector<Value> source, Filter filter) : source_(std::move(source)), filter_(std::move(filter)) {}

  std::optional<Value> next();  // the element of the next iteration

  // Returns loop.index and so on, or nothing for a name that loops do not have.
  std::optional<Value> attribute(std::string_view name);
  Value cycle(const Runtime& runtime, const std::vector<Value>& values) const;
  bool changed(Runtime& runtime, std::vector<Value> values);  // true: the values differ from the last call's

 private:
  std::optional<Value> pull();
  bool look_ahead();  // whether there is another element
  int64_t length();

  std::vector<Value> source_;
  Filter filter_;
  size_t next_source_ = 0;
  std::deque<Value> ahead_;
  int64_t index0_ = -1;
  Value previous_, current_;
  std::optional<Value> last_changed_;
};

}  // namespace moebius::internal::jinja

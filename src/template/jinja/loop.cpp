// Walks over the elements of one for statement.
#include "template/jinja/loop.h"

#include "template/jinja/compare.h"

namespace moebius::internal::jinja {

std::optional<Value> Loop::pull() {
  while (next_source_ < source_.size()) {
    const Value& value = source_[next_source_++];
    if (!filter_ || filter_(value)) return value;
  }
  return std::nullopt;
}

bool Loop::look_ahead() {
  if (!ahead_.empty()) return true;
  std::optional<Value> value = pull();
  if (value) ahead_.push_back(*std::move(value));
  return !ahead_.empty();
}

int64_t Loop::length() {
  if (!filter_) return static_cast<int64_t>(source_.size());
  while (std::optional<Value> value = pull()) ahead_.push_back(*std::move(value));
  return index0_ + 1 + static_cast<int64_t>(ahead_.size());
}

std::optional<Value> Loop::next() {
  if (!look_ahead()) return std::nullopt;
  previous_ = std::exchange(current_, ahead_.front());
  ahead_.pop_front();
  ++index0_;
  return current_;
}

std::optional<Value> Loop::attribute(std::string_view name) {
  if (name == "index0") return index0_;
  if (name == "index") return index0_ + 1;
  if (name == "first") return index0_ == 0;
  if (name == "last") return !look_ahead();
  if (name == "length") return length();
  if (name == "revindex") return length() - index0_;
  if (name == "revindex0") return length() - index0_ - 1;
  if (name == "previtem") return previous_;
  if (name == "nextitem") return look_ahead() ? ahead_.front() : Value();
  if (name == "depth") return int64_t{1};
  if (name == "depth0") return int64_t{0};
  return std::nullopt;
}

Value Loop::cycle(const Runtime& runtime, const std::vector<Value>& values) const {
  if (values.empty()) runtime.fail("loop.cycle() needs values");
  return values[static_cast<size_t>(index0_) % values.size()];
}

bool Loop::changed(Runtime& runtime, std::vector<Value> values) {
  const Value now = make_sequence(Form::kTuple, std::move(values));
  if (last_changed_ && equal(runtime, *last_changed_, now)) return false;
  last_changed_ = now;
  return true;
}

}  // namespace moebius::internal::jinja

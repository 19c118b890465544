// The public interface over model and backend: checks what the user passes, cuts prompts into steps, reads logits back.
#include "engine/runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "dialogue/stop_ids.h"
#include "load/load.h"
#include "load/options.h"
#include "schedule/non_finite.h"

namespace moebius {

struct Runner::Impl {
  std::string directory;
  LoadedModel loaded;
  std::vector<int32_t> stop_ids;

  [[nodiscard]] Model& model() const { return *loaded.model; }
  [[nodiscard]] Backend& backend() const { return *loaded.backend; }
};

struct Sequence::Impl {
  explicit Impl(std::shared_ptr<const Runner::Impl> owner)
      : engine(std::move(owner)), state(engine->backend().create_state(engine->model().state_spec())) {}
  ~Impl() { engine->backend().free_state(state); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void check(const std::vector<int32_t>& tokens) const;
  Tensor step(std::span<const int32_t> tokens, std::span<const int32_t> logit_rows, bool draft = false);
  void read_logits(std::span<float> out, Tensor logits);

  std::shared_ptr<const Runner::Impl> engine;
  State state;
  std::vector<int32_t> history;  // every token the state has seen
  int64_t drafted = 0;           // of these, the last that keep() has still to judge
};

void Sequence::Impl::check(const std::vector<int32_t>& tokens) const {
  if (drafted > 0) throw Error(ErrorCode::kUsage, "tokens", "a draft is pending", "call keep() first");
  if (tokens.empty()) throw Error(ErrorCode::kUsage, "tokens", "expected at least one");
  const int64_t vocab = engine->model().config().vocab;
  for (const int32_t id : tokens) {
    if (id >= 0 && id < vocab) continue;
    throw Error(ErrorCode::kUsage, "tokens", fmt::format("expected ids from 0 to {}, got {}", vocab - 1, id));
  }
  const int64_t context = engine->model().options().context;
  const auto length = static_cast<int64_t>(history.size() + tokens.size());
  if (length > context) {
    throw Error(ErrorCode::kUsage, "tokens", fmt::format("{} tokens exceed the context of {}", length, context),
                "load with a larger context");
  }
}

Tensor Sequence::Impl::step(std::span<const int32_t> tokens, std::span<const int32_t> logit_rows, bool draft) {
  const SequenceRows rows{state, 0, static_cast<int64_t>(tokens.size()), static_cast<int64_t>(history.size()), draft};
  const Tensor logits = engine->model().forward({tokens, {&rows, 1}, logit_rows});
  history.insert(history.end(), tokens.begin(), tokens.end());
  return logits;
}

void Sequence::Impl::read_logits(std::span<float> out, Tensor logits) {
  engine->backend().read(out.data(), logits);
  if (all_finite(out)) return;
  const std::vector<int32_t> tokens = std::exchange(history, {});
  drafted = 0;
  const std::string place = find_non_finite(engine->model(), engine->backend(), state, tokens);
  engine->backend().reset_state(state);
  throw Error(ErrorCode::kNonFinite, engine->directory, "logits are not finite; first seen in " + place,
              "the weights of that layer are broken or overflow: compare the file with its source");
}

Runner Runner::load(const std::string& directory, const EngineOptions& options) {
  const LoadOptions load = load_options(options);
  const ModelDir files(directory);
  auto impl = std::make_shared<Impl>();
  impl->directory = directory;
  impl->loaded = load_on_backend(files, load);
  impl->stop_ids = read_stop_ids(files, impl->model().config().vocab);
  return Runner(std::move(impl));
}

Runner::Runner(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Runner::~Runner() = default;
Runner::Runner(Runner&&) noexcept = default;
Runner& Runner::operator=(Runner&&) noexcept = default;

Sequence Runner::start() { return Sequence(std::make_unique<Sequence::Impl>(impl_)); }

int64_t Runner::vocab() const { return impl_->model().config().vocab; }

const std::vector<int32_t>& Runner::stop_ids() const { return impl_->stop_ids; }

uint64_t Runner::take_bytes_moved() { return static_cast<uint64_t>(impl_->backend().take_traffic().bytes()); }

int32_t Runner::argmax(std::span<const float> logits) {
  const auto best = std::ranges::max_element(
      logits, [](float a, float b) { return std::isnan(a) ? !std::isnan(b) : a < b; });  // NaN is below everything
  if (best == logits.end() || std::isnan(*best)) {
    throw Error(ErrorCode::kNonFinite, "logits", "no largest one: they are all NaN, or there are none");
  }
  return static_cast<int32_t>(best - logits.begin());
}

Sequence::Sequence(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Sequence::~Sequence() = default;
Sequence::Sequence(Sequence&&) noexcept = default;
Sequence& Sequence::operator=(Sequence&&) noexcept = default;

std::vector<float> Sequence::append(const std::vector<int32_t>& tokens) {
  impl_->check(tokens);
  const auto max_rows = static_cast<size_t>(impl_->engine->model().options().max_rows);
  std::span<const int32_t> rest = tokens;
  for (; rest.size() > max_rows; rest = rest.subspan(max_rows)) impl_->step(rest.first(max_rows), {});
  const int32_t last_row = static_cast<int32_t>(rest.size()) - 1;
  const Tensor row = impl_->step(rest, {&last_row, 1});
  std::vector<float> logits(static_cast<size_t>(row.cols));
  impl_->read_logits(logits, row);
  return logits;
}

std::vector<float> Sequence::append_all(const std::vector<int32_t>& tokens) {
  impl_->check(tokens);
  const Model& model = impl_->engine->model();
  const auto step_rows = static_cast<size_t>(std::min(model.options().max_rows, kMaxLogitRows));
  const auto vocab = static_cast<size_t>(model.config().vocab);
  std::vector<int32_t> logit_rows(step_rows);
  std::iota(logit_rows.begin(), logit_rows.end(), 0);
  std::vector<float> logits(tokens.size() * vocab);
  for (size_t first = 0; first < tokens.size(); first += step_rows) {
    const auto chunk = std::span(tokens).subspan(first, std::min(step_rows, tokens.size() - first));
    const Tensor rows = impl_->step(chunk, std::span(logit_rows).first(chunk.size()));
    impl_->read_logits(std::span(logits).subspan(first * vocab, chunk.size() * vocab), rows);
  }
  return logits;
}

std::vector<float> Sequence::draft(const std::vector<int32_t>& tokens) {
  impl_->check(tokens);
  const Model& model = impl_->engine->model();
  const int64_t most = model.options().draft_rows;
  if (static_cast<int64_t>(tokens.size()) > most) {
    throw Error(ErrorCode::kUsage, "tokens",
                fmt::format("a draft of {} tokens, expected at most {}", tokens.size(), most),
                "load with larger draft_rows");
  }
  std::vector<int32_t> rows(tokens.size());
  std::iota(rows.begin(), rows.end(), 0);
  const Tensor all = impl_->step(tokens, rows, true);
  impl_->drafted = static_cast<int64_t>(tokens.size());
  std::vector<float> logits(tokens.size() * static_cast<size_t>(model.config().vocab));
  impl_->read_logits(logits, all);
  return logits;
}

void Sequence::keep(int64_t count) {
  const int64_t drafted = impl_->drafted;
  if (drafted == 0) throw Error(ErrorCode::kUsage, "keep", "there is no draft", "call draft() first");
  if (count < 0 || count > drafted) {
    throw Error(ErrorCode::kUsage, "keep", fmt::format("expected 0 to {} tokens, got {}", drafted, count));
  }
  impl_->engine->backend().keep_rows(impl_->state, count);
  impl_->history.resize(impl_->history.size() - static_cast<size_t>(drafted - count));
  impl_->drafted = 0;
}

int64_t Sequence::context() const { return impl_->engine->model().options().context; }

const std::vector<int32_t>& Sequence::tokens() const { return impl_->history; }

int64_t Sequence::position() const { return static_cast<int64_t>(impl_->history.size()); }

}  // namespace moebius

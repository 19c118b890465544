// Rows in descending order of worth, and the best place to stop.
#include "speculate/draft_rows.h"

#include <algorithm>
#include <tuple>

#include "base/checked.h"

namespace moebius {
namespace {

// Of a draft head that was never timed, a share of a plain step: one layer of dozens, and the head of the vocabulary.
constexpr double kHeadPrior = 0.2;

struct Row {
  int64_t stream;
  int64_t depth;
  double reached;
};

std::vector<Row> rows_in_order(std::span<const DraftOffer> offers) {
  std::vector<Row> rows;
  for (size_t stream = 0; stream < offers.size(); ++stream) {
    for (int64_t j = 0; j < offers[stream].max_depth; ++j) {
      rows.push_back({static_cast<int64_t>(stream), j + 1, offers[stream].reached[j]});
    }
  }
  std::ranges::sort(rows, [](const Row& a, const Row& b) {
    return std::tuple(-a.reached, a.depth, a.stream) < std::tuple(-b.reached, b.depth, b.stream);
  });
  return rows;
}

// Whether any number of rows could bring more than `rate`. Costs a small part of looking for the best number, and the
// answer is mostly no where drafts are bad, so that planning costs next to nothing there.
bool may_beat(double rate, const StepPrice& price, std::span<const DraftOffer> offers, std::span<const Row> rows,
              StepPrice::Mood mood) {
  const bool all_of_head =
      std::ranges::all_of(offers, [](const DraftOffer& offer) { return offer.source == DraftSource::kMtp; });
  const double head = all_of_head ? price.head_seconds(1, mood) : 0;  // of a step of it, at least
  auto tokens = static_cast<double>(price.streams());
  const int64_t max_drafted = std::min<int64_t>(std::ssize(rows), StepPrice::kMaxLogitRows - price.streams());
  for (int64_t drafted = 1; drafted <= max_drafted; ++drafted) {
    tokens += rows[drafted - 1].reached;
    const auto head_steps = static_cast<double>(div_up(drafted, price.streams()));
    if (tokens > rate * (price.seconds(drafted, mood) + head * head_steps)) return true;
  }
  return false;
}

// The step that takes the first rows of that order that are not too deep, one more with every advance().
class Prefix {
 public:
  using Mood = StepPrice::Mood;

  Prefix(const StepPrice& price, std::span<const DraftOffer> offers, std::span<const Row> rows, int64_t max_depth)
      : price_(price), rows_(rows), max_depth_(max_depth), tokens_(static_cast<double>(price.streams())) {
    for (const DraftOffer& offer : offers) choices_.push_back({offer.source, 0});
  }

  bool advance() {
    if (price_.streams() + drafted_ >= StepPrice::kMaxLogitRows) return false;
    while (next_ < rows_.size() && rows_[next_].depth > max_depth_) ++next_;
    if (next_ == rows_.size()) return false;
    const Row& row = rows_[next_++];
    ++drafted_;
    tokens_ += row.reached;
    choices_[row.stream].depth = row.depth;
    if (choices_[row.stream].source == DraftSource::kMtp) add_head(++heads_[row.depth]);
    return true;
  }

  DraftRows take(int64_t drafted) {
    while (drafted_ < drafted && advance()) continue;
    return {choices_, tokens_, seconds(Mood::kEven)};
  }

  [[nodiscard]] int64_t drafted() const { return drafted_; }
  [[nodiscard]] double seconds(Mood mood) const {
    return price_.seconds(drafted_, mood) + head_seconds_[static_cast<size_t>(mood)];
  }
  [[nodiscard]] double rate(Mood mood) const { return tokens_ / seconds(mood); }
  [[nodiscard]] double worst_loss() const { return seconds(Mood::kCareful) / price_.plain() - 1; }

 private:
  void add_head(int64_t streams) {
    for (const Mood mood : {Mood::kEven, Mood::kCareful, Mood::kHopeful}) {
      const double before = streams > 1 ? price_.head_seconds(streams - 1, mood) : 0;
      head_seconds_[static_cast<size_t>(mood)] += price_.head_seconds(streams, mood) - before;
    }
  }

  const StepPrice& price_;
  std::span<const Row> rows_;
  int64_t max_depth_;
  size_t next_ = 0;
  int64_t drafted_ = 0;
  double tokens_;
  std::vector<DraftChoice> choices_;
  std::array<int64_t, SpeculationMode::kMaxDepth + 1> heads_ = {};  // streams in each step of the draft head
  std::array<double, 3> head_seconds_ = {};                         // by mood
};

int64_t max_depth_of(std::span<const DraftOffer> offers) {
  int64_t max_depth = 0;
  for (const DraftOffer& offer : offers) max_depth = std::max(max_depth, offer.max_depth);
  return max_depth;
}

double seconds_of(const StepCost& cost, int64_t rows, StepPrice::Mood mood) {
  switch (mood) {
    case StepPrice::Mood::kEven:
      return cost.seconds(rows);
    case StepPrice::Mood::kCareful:
      return cost.careful_seconds(rows);
    case StepPrice::Mood::kHopeful:
      return cost.hopeful_seconds(rows);
  }
  return 0;
}

}  // namespace

int64_t streams_of_head(std::span<const DraftChoice> choices, int64_t step) {
  return std::count_if(choices.begin(), choices.end(), [&](const DraftChoice& choice) {
    return choice.source == DraftSource::kMtp && choice.depth >= step;
  });
}

StepPrice::StepPrice(const StepCost& step, const StepCost& draft_head, int64_t streams, int64_t other_rows)
    : step_(step),
      draft_head_(draft_head),
      streams_(streams),
      rows_(streams + other_rows),
      plain_(step.seconds(streams)),
      others_(step.seconds(rows_) - plain_) {}

double StepPrice::seconds(int64_t drafted, Mood mood) const {
  return plain_ + seconds_of(step_, rows_ + drafted, mood) - seconds_of(step_, rows_, mood);
}

double StepPrice::head_seconds(int64_t streams, Mood mood) const {
  return draft_head_.known() ? seconds_of(draft_head_, streams, mood) : kHeadPrior * step_.seconds(streams);
}

double StepPrice::head_seconds(std::span<const DraftChoice> choices) const {
  double sum = 0;
  for (int64_t step = 1; step <= SpeculationMode::kMaxDepth; ++step) {
    const int64_t streams = streams_of_head(choices, step);
    if (streams == 0) break;
    sum += head_seconds(streams);
  }
  return sum;
}

double StepPrice::worst_loss(std::span<const DraftChoice> choices) const {
  int64_t drafted = 0;
  for (const DraftChoice& choice : choices) drafted += choice.depth;
  return (seconds(drafted, Mood::kCareful) + head_seconds(choices)) / plain_ - 1;
}

DraftRows plain_rows(const StepPrice& price) {
  return {std::vector<DraftChoice>(price.streams()), static_cast<double>(price.streams()), price.plain()};
}

DraftRows choose_rows(const StepPrice& price, std::span<const DraftOffer> offers, double allowance) {
  constexpr double kAsGood = 0.995;
  struct Limit {
    int64_t max_depth;
    int64_t drafted;
    double rate;
  };
  const std::vector<Row> rows = rows_in_order(offers);
  if (!may_beat(plain_rows(price).rate(), price, offers, rows, StepPrice::Mood::kEven)) return plain_rows(price);
  std::vector<Limit> limits = {{0, 0, plain_rows(price).rate()}};
  double best_rate = limits[0].rate;
  for (int64_t max_depth = 1; max_depth <= max_depth_of(offers); ++max_depth) {
    Limit best = limits[0];
    for (Prefix prefix(price, offers, rows, max_depth); prefix.advance();) {
      const double rate = prefix.rate(StepPrice::Mood::kEven);
      if (rate > best.rate && prefix.worst_loss() <= allowance) best = {max_depth, prefix.drafted(), rate};
    }
    best_rate = std::max(best_rate, best.rate);
    limits.push_back(best);
  }
  const Limit best = *std::find_if(limits.begin(), limits.end(),
                                   [&](const Limit& limit) { return limit.rate >= kAsGood * best_rate; });
  return Prefix(price, offers, rows, best.max_depth).take(best.drafted);
}

DraftRows curious_rows(const StepPrice& price, std::span<const DraftOffer> offers, double rate, double allowance) {
  const std::vector<Row> rows = rows_in_order(offers);
  if (!may_beat(rate, price, offers, rows, StepPrice::Mood::kHopeful)) return plain_rows(price);
  int64_t fewest = StepPrice::kMaxLogitRows;
  int64_t limit = 0;
  for (int64_t max_depth = 1; max_depth <= max_depth_of(offers); ++max_depth) {
    for (Prefix prefix(price, offers, rows, max_depth); prefix.advance() && prefix.drafted() < fewest;) {
      if (prefix.worst_loss() > allowance) break;
      if (prefix.rate(StepPrice::Mood::kHopeful) <= rate) continue;
      fewest = prefix.drafted();
      limit = max_depth;
    }
  }
  return limit == 0 ? plain_rows(price) : Prefix(price, offers, rows, limit).take(fewest);
}

double best_rate_alone(const StepPrice& price, const DraftOffer& offer, int64_t sharing) {
  double head = 0;
  if (offer.source == DraftSource::kMtp) head = price.head_seconds(sharing) / static_cast<double>(sharing);
  auto tokens = static_cast<double>(price.streams());
  double best = 0;
  for (int64_t depth = 1; depth <= offer.max_depth; ++depth) {
    tokens += offer.reached[depth - 1];
    best = std::max(best, tokens / (price.seconds(depth) + head * static_cast<double>(depth)));
  }
  return best;
}

}  // namespace moebius

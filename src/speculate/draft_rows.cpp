// Sorts rows by worth, and finds the best number of rows to take from the front.
#include "speculate/draft_rows.h"

#include <algorithm>
#include <tuple>

#include "base/checked.h"

namespace moebius::internal {
namespace {

// The prior cost of a step of the draft head, as a share of a plain step. The draft head has one layer where the model
// has dozens, and the same projection to the vocabulary.
constexpr double kHeadPrior = 0.2;

struct Row {
  int64_t sequence;
  int64_t depth;
  double reached;
};

std::vector<Row> rows_by_worth(std::span<const DraftOffer> offers) {
  std::vector<Row> rows;
  for (size_t sequence = 0; sequence < offers.size(); ++sequence) {
    for (int64_t j = 0; j < offers[sequence].max_depth; ++j) {
      rows.push_back({static_cast<int64_t>(sequence), j + 1, offers[sequence].reached[j]});
    }
  }
  std::ranges::sort(rows, [](const Row& a, const Row& b) {
    return std::tuple(-a.reached, a.depth, a.sequence) < std::tuple(-b.reached, b.depth, b.sequence);
  });
  return rows;
}

// Whether any number of rows could bring more than `rate` tokens per second. This check takes a small part of the time
// of the search for the best number. Where drafts are bad the answer is mostly no, so planning takes almost no time.
bool may_beat(double rate, const StepPrice& price, std::span<const DraftOffer> offers, std::span<const Row> rows,
              StepPrice::Estimate estimate) {
  const bool all_of_head =
      std::ranges::all_of(offers, [](const DraftOffer& offer) { return offer.source == DraftSource::kMtp; });
  // If all drafts come from the draft head, each of its steps takes at least this time.
  const double head = all_of_head ? price.head_seconds(1, estimate) : 0;
  auto tokens = static_cast<double>(price.sequences());
  const int64_t max_drafted = std::min<int64_t>(std::ssize(rows), kMaxLogitRows - price.sequences());
  for (int64_t drafted = 1; drafted <= max_drafted; ++drafted) {
    tokens += rows[drafted - 1].reached;
    const auto head_steps = static_cast<double>(div_up(drafted, price.sequences()));
    if (tokens > rate * (price.seconds(drafted, estimate) + head * head_steps)) return true;
  }
  return false;
}

// A step that verifies the first rows of a list sorted by worth, except for rows deeper than `max_depth`.
class Prefix {
 public:
  using Estimate = StepPrice::Estimate;

  Prefix(const StepPrice& price, std::span<const DraftOffer> offers, std::span<const Row> rows, int64_t max_depth)
      : price_(price), rows_(rows), max_depth_(max_depth), tokens_(static_cast<double>(price.sequences())) {
    for (const DraftOffer& offer : offers) choices_.push_back({offer.source, 0});
  }

  // Adds the next row. Returns false if there is none.
  bool add_next_row() {
    if (price_.sequences() + drafted_ >= kMaxLogitRows) return false;
    while (next_ < rows_.size() && rows_[next_].depth > max_depth_) ++next_;
    if (next_ == rows_.size()) return false;
    const Row& row = rows_[next_++];
    ++drafted_;
    tokens_ += row.reached;
    choices_[row.sequence].depth = row.depth;
    if (choices_[row.sequence].source == DraftSource::kMtp) add_head_sequence(++sequences_by_head_step_[row.depth]);
    return true;
  }

  // Adds rows until `drafted` drafts are verified, and returns the choices.
  DraftRows add_rows_up_to(int64_t drafted) {
    while (drafted_ < drafted && add_next_row()) continue;
    return {choices_, tokens_, seconds(Estimate::kExpected)};
  }

  [[nodiscard]] int64_t drafted() const { return drafted_; }
  [[nodiscard]] double seconds(Estimate estimate) const {
    return price_.seconds(drafted_, estimate) + head_seconds_[static_cast<size_t>(estimate)];
  }
  [[nodiscard]] double rate(Estimate estimate) const { return tokens_ / seconds(estimate); }
  [[nodiscard]] double worst_case_regret() const {
    return seconds(Estimate::kPessimistic) / price_.plain_seconds() - 1;
  }

 private:
  // Adds the cost of one more sequence in a step of the draft head, which then serves `sequences` sequences.
  void add_head_sequence(int64_t sequences) {
    for (const Estimate estimate : {Estimate::kExpected, Estimate::kPessimistic, Estimate::kOptimistic}) {
      const double before = sequences > 1 ? price_.head_seconds(sequences - 1, estimate) : 0;
      head_seconds_[static_cast<size_t>(estimate)] += price_.head_seconds(sequences, estimate) - before;
    }
  }

  const StepPrice& price_;
  std::span<const Row> rows_;
  int64_t max_depth_;
  size_t next_ = 0;
  int64_t drafted_ = 0;
  double tokens_;
  std::vector<DraftChoice> choices_;
  std::array<int64_t, SpeculationMode::kMaxDepth + 1> sequences_by_head_step_ = {};
  std::array<double, 3> head_seconds_ = {};  // indexed by Estimate
};

int64_t max_depth_of(std::span<const DraftOffer> offers) {
  int64_t max_depth = 0;
  for (const DraftOffer& offer : offers) max_depth = std::max(max_depth, offer.max_depth);
  return max_depth;
}

double seconds_of(const StepCost& cost, int64_t rows, StepPrice::Estimate estimate) {
  switch (estimate) {
    case StepPrice::Estimate::kExpected:
      return cost.seconds(rows);
    case StepPrice::Estimate::kPessimistic:
      return cost.pessimistic_seconds(rows);
    case StepPrice::Estimate::kOptimistic:
      return cost.optimistic_seconds(rows);
  }
  return 0;
}

}  // namespace

int64_t sequences_of_head(std::span<const DraftChoice> choices, int64_t step) {
  return std::count_if(choices.begin(), choices.end(), [&](const DraftChoice& choice) {
    return choice.source == DraftSource::kMtp && choice.depth >= step;
  });
}

StepPrice::StepPrice(const StepCost& step, const StepCost& draft_head, int64_t sequences, int64_t other_rows)
    : step_(step),
      draft_head_(draft_head),
      sequences_(sequences),
      rows_(sequences + other_rows),
      plain_seconds_(step.seconds(sequences)),
      other_seconds_(step.seconds(rows_) - plain_seconds_) {}

double StepPrice::seconds(int64_t drafted, Estimate estimate) const {
  return plain_seconds_ + seconds_of(step_, rows_ + drafted, estimate) - seconds_of(step_, rows_, estimate);
}

double StepPrice::head_seconds(int64_t sequences, Estimate estimate) const {
  return draft_head_.known() ? seconds_of(draft_head_, sequences, estimate) : kHeadPrior * step_.seconds(sequences);
}

double StepPrice::head_seconds(std::span<const DraftChoice> choices) const {
  double sum = 0;
  for (int64_t step = 1; step <= SpeculationMode::kMaxDepth; ++step) {
    const int64_t sequences = sequences_of_head(choices, step);
    if (sequences == 0) break;
    sum += head_seconds(sequences);
  }
  return sum;
}

double StepPrice::worst_case_regret(std::span<const DraftChoice> choices) const {
  int64_t drafted = 0;
  for (const DraftChoice& choice : choices) drafted += choice.depth;
  return (seconds(drafted, Estimate::kPessimistic) + head_seconds(choices)) / plain_seconds_ - 1;
}

DraftRows plain_rows(const StepPrice& price) {
  return {std::vector<DraftChoice>(price.sequences()), static_cast<double>(price.sequences()), price.plain_seconds()};
}

DraftRows choose_rows(const StepPrice& price, std::span<const DraftOffer> offers, double allowance) {
  constexpr double kAsGood = 0.995;  // a limit of depth with this share of the best rate counts as equally good
  struct Limit {
    int64_t max_depth;
    int64_t drafted;
    double rate;
  };
  const std::vector<Row> rows = rows_by_worth(offers);
  const double plain_rate = plain_rows(price).rate();
  if (!may_beat(plain_rate, price, offers, rows, StepPrice::Estimate::kExpected)) return plain_rows(price);
  std::vector<Limit> limits = {{0, 0, plain_rate}};
  double best_rate = limits[0].rate;
  for (int64_t max_depth = 1; max_depth <= max_depth_of(offers); ++max_depth) {
    Limit best = limits[0];
    for (Prefix prefix(price, offers, rows, max_depth); prefix.add_next_row();) {
      const double rate = prefix.rate(StepPrice::Estimate::kExpected);
      if (rate > best.rate && prefix.worst_case_regret() <= allowance) best = {max_depth, prefix.drafted(), rate};
    }
    best_rate = std::max(best_rate, best.rate);
    limits.push_back(best);
  }
  const Limit best = *std::find_if(limits.begin(), limits.end(),
                                   [&](const Limit& limit) { return limit.rate >= kAsGood * best_rate; });
  return Prefix(price, offers, rows, best.max_depth).add_rows_up_to(best.drafted);
}

DraftRows exploration_rows(const StepPrice& price, std::span<const DraftOffer> offers, double rate, double allowance) {
  const std::vector<Row> rows = rows_by_worth(offers);
  if (!may_beat(rate, price, offers, rows, StepPrice::Estimate::kOptimistic)) return plain_rows(price);
  int64_t fewest = kMaxLogitRows;
  int64_t limit = 0;
  for (int64_t max_depth = 1; max_depth <= max_depth_of(offers); ++max_depth) {
    for (Prefix prefix(price, offers, rows, max_depth); prefix.add_next_row() && prefix.drafted() < fewest;) {
      if (prefix.worst_case_regret() > allowance) break;
      if (prefix.rate(StepPrice::Estimate::kOptimistic) <= rate) continue;
      fewest = prefix.drafted();
      limit = max_depth;
    }
  }
  return limit == 0 ? plain_rows(price) : Prefix(price, offers, rows, limit).add_rows_up_to(fewest);
}

double best_rate_alone(const StepPrice& price, const DraftOffer& offer, int64_t sharing) {
  double head = 0;
  if (offer.source == DraftSource::kMtp) head = price.head_seconds(sharing) / static_cast<double>(sharing);
  auto tokens = static_cast<double>(price.sequences());
  double best = 0;
  for (int64_t depth = 1; depth <= offer.max_depth; ++depth) {
    tokens += offer.reached[depth - 1];
    best = std::max(best, tokens / (price.seconds(depth) + head * static_cast<double>(depth)));
  }
  return best;
}

}  // namespace moebius::internal

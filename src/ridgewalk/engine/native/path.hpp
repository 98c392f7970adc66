// A path in a page, when its networks are trained: the law, what was held out, the choice of a strength, and what the penalty
// is worth; by the formulas of law.py, result.py, selection.py, statistics.py and rules.py.
//
// Cells are numbered strength x pairs + pair, with the pairs of problem.hpp; strength 0 comes first.
#pragma once
#include <cstring>
#include <numbers>

#include "null_model.hpp"
#include "updater.hpp"

namespace ridgewalk {

constexpr int null_source = -1;  // the null model, as the source of a cell

// One trained network, and what it reaches.
struct Fitted {
  bool known = false, diverged = false;
  double data_loss = 0, penalty = 0, training = 0;  // training: in the units of the target
  std::vector<float> network;
  std::vector<double> held_out;  // losses of the rows that the fold holds out
};

enum class Outcome { better, no_difference, worse, cannot_tell };
// Python's verdicts, as far as they need no probe of the training.
enum class Verdict { helps, helps_somewhat, no_difference, does_not_help, too_noisy, no_signal, not_converged };

// The 97.5% quantile of Student's t, by its distribution for whole degrees of freedom (Abramowitz and Stegun 26.7.3 and 4).
inline double student_quantile(int degrees) {
  double low = 0, high = 0.5, sine = 0, cosine = 1;  // angles in half turns: t = sqrt(degrees) tan(angle)
  for (int halved = 0; halved < 60; ++halved) {
    const double angle = (low + high) / 2;
    cosine = cosine_of_pi(angle), sine = std::sqrt(1 - cosine * cosine);
    double sum = 0, term = degrees % 2 ? cosine : 1;
    for (int k = 2 + degrees % 2; k <= degrees + 1; k += 2) sum += term, term *= cosine * cosine * double(k - 1) / double(k);
    if (degrees == 1) sum = 0;
    const double within = degrees % 2 ? 2 * angle + 2 / std::numbers::pi * sine * sum : sine * sum;
    (within < 0.95 ? low : high) = angle;
  }
  return std::sqrt(double(degrees)) * sine / cosine;
}

struct Effect {
  double mean = 0, error = 0, skewness = 0, smallest = 0;
  double careful = 0;                         // half the more careful interval, which counts other training rows
  double null = 0, gain = 0, gain_error = 0;  // what the best constant loses; what the clearest arm gains over it
  bool lost = false;                          // a training that is compared diverged
  bool chosen = true;                         // the rows choose a strength above 0

  Outcome outcome() const {
    if (high() < 0) return Outcome::better;
    if (-smallest < low() && high() < smallest) return Outcome::no_difference;
    return low() > 0 ? Outcome::worse : Outcome::cannot_tell;
  }
  Verdict verdict() const {
    const double least = 1e-3 * std::abs(null);  // of the null model's loss: what chance makes of the null model itself
    if (lost || !std::isfinite(mean)) return Verdict::not_converged;
    if (gain <= std::max(2 * gain_error, least)) return gain <= least ? Verdict::no_signal : Verdict::too_noisy;
    if (!chosen) return Verdict::no_difference;
    switch (outcome()) {
      case Outcome::better: return high() > -smallest ? Verdict::helps_somewhat : Verdict::helps;
      case Outcome::no_difference: return Verdict::no_difference;
      case Outcome::worse: return Verdict::does_not_help;
      default: return Verdict::too_noisy;
    }
  }
  // Whether what the verdict claims is only probable: the more careful interval holds 0.
  bool unsure() const {
    const Verdict found = verdict();
    const bool claims = found == Verdict::helps || found == Verdict::helps_somewhat || found == Verdict::does_not_help;
    return claims && std::isfinite(careful) && !(std::abs(mean) > careful);
  }
  double low() const { return mean - quantile(1.96) * error; }
  double high() const { return mean - quantile(-1.96) * error; }

 private:
  double quantile(double normal) const {
    const double k = std::min(std::max(skewness, -0.4), 0.4);
    const double bent = std::abs(k) > 1e-6 ? 3 / k * (std::cbrt(1 + k * (normal - k / 6)) - 1) : normal;
    return std::abs(bent) > std::abs(normal) ? bent : normal;
  }
};

class Path {
 public:
  Path(const Problem& problem, Numbers strengths)
      : problem_(problem), strengths_(std::move(strengths)), cells_(strengths_.size() * problem.pairs()),
        source_(cells_.size()), penalty_(cells_.size()), objective_(cells_.size()) {
    for (const RowsOfFold& fold : problem.folds) nulls_.push_back(NullModel(problem, fold).null());
    for (int pair = 0; pair < problem.pairs(); ++pair) null_fits_.push_back(null_fit(pair));
  }

  int strengths() const { return int(strengths_.size()); }
  double strength(int s) const { return strengths_[s]; }
  Fitted& cell(int s, int pair) { return cells_[size_t(s) * problem_.pairs() + pair]; }
  const Fitted& cell(int s, int pair) const { return cells_[size_t(s) * problem_.pairs() + pair]; }
  int source(int s, int pair) const { return source_[size_t(s) * problem_.pairs() + pair]; }
  double objective(int s, int pair) const { return objective_[size_t(s) * problem_.pairs() + pair]; }
  double penalty(int s, int pair) const { return penalty_[size_t(s) * problem_.pairs() + pair]; }
  const Problem& problem() const { return problem_; }

  // Put the network of lowest objective into every cell above strength 0, so that no objective falls.
  void obey_law() {
    end();
    for (int pair = 0; pair < problem_.pairs(); ++pair) law_of(pair);
  }
  // Whether training should go on without a penalty from the weakest strength's network, which loses less than the dense fit.
  bool goes_on(int pair) const {
    if (strengths() < 2 || source(1, pair) == null_source) return false;
    const Fitted &dense = cell(0, pair), &weakest = cell(source(1, pair), pair);
    return !dense.diverged && lower(weakest.data_loss, dense.data_loss);
  }
  // What came of that; it stays where it is better.
  void take_further(int pair, Fitted fitted) {
    if (fitted.diverged || !lower(fitted.data_loss, cell(0, pair).data_loss)) return;
    source_[pair] = source(1, pair);
    cell(0, pair) = std::move(fitted);
    objective_[pair] = cell(0, pair).data_loss;
  }

  // The network that a cell holds.
  const Fitted& held(int s, int pair) const {
    if (s == 0) return cell(0, pair);
    const int from = source(s, pair);
    return from == null_source ? null_fits_[pair] : cell(from, pair);
  }
  // The network itself, without the weights of columns that are constant on its rows, which have taught it nothing.
  std::vector<float> network(int s, int pair) const {
    std::vector<float> all = held(s, pair).network;
    const ArrayShape& first = problem_.arrays[0];
    const Numbers& scale = problem_.folds[problem_.fold_of(pair)].scale;
    for (int p = 0; p < first.inputs; ++p)
      if (std::isinf(scale[p])) std::fill_n(all.begin() + p * first.units, first.units, 0.0f);
    return all;
  }
  bool lost(int s, int pair) const { return cell(s, pair).diverged && (s == 0 || source(s, pair) == s); }

  // Losses of the rows that a fold holds out at a strength, averaged over starts.
  Numbers fold_losses(int s, int fold) const {
    const size_t seeds = problem_.seeds.size(), rows = problem_.folds[fold].held_out.size();
    Numbers mean(rows, 0.0);
    for (size_t e = 0; e < seeds; ++e) {
      const int pair = fold * int(seeds) + int(e);
      for (size_t k = 0; k < rows; ++k)
        mean[k] += lost(s, pair) ? std::numeric_limits<double>::infinity() : held(s, pair).held_out[k];
    }
    for (double& v : mean) v /= double(seeds);
    return mean;
  }
  // Losses of all rows that some fold holds out, fold after fold.
  Numbers row_losses(int s) const {
    Numbers all;
    for (int fold = 0; fold < problem_.held_out_folds(); ++fold) append(all, fold_losses(s, fold));
    return all;
  }
  Numbers null_losses() const {
    Numbers all;
    for (int fold = 0; fold < problem_.held_out_folds(); ++fold)
      append(all, null_fits_[fold * problem_.seeds.size()].held_out);
    return all;
  }

  // Where the mean of losses is lowest; the strongest strength of equal ones; -1 where every one diverged.
  static int minimum(const std::vector<Numbers>& losses) {
    int best = -1;
    double least = std::numeric_limits<double>::infinity();
    for (size_t s = 0; s < losses.size(); ++s) {
      const double value = mean(losses[s]);
      if (value <= least && std::isfinite(value)) best = int(s), least = value;
    }
    return best;
  }
  // The strongest strength, going up from the minimum, within one standard error of it, row by row.
  static int one_standard_error(const std::vector<Numbers>& losses) {
    const int best = minimum(losses);
    if (best < 0) return best;
    for (size_t s = size_t(best) + 1; s < losses.size(); ++s) {
      Numbers change = losses[s];
      for (size_t k = 0; k < change.size(); ++k) change[k] -= losses[best][k];
      if (!(mean(change) <= error(change))) return int(s) - 1;
    }
    return int(losses.size()) - 1;
  }

  // For each fold, the strength that the other folds choose by the minimum; 0 where they cannot.
  std::vector<int> chosen_by_others() const {
    std::vector<int> chosen;
    for (int fold = 0; fold < problem_.held_out_folds(); ++fold) {
      std::vector<Numbers> losses(strengths_.size());
      for (int s = 0; s < strengths(); ++s)
        for (int other = 0; other < problem_.held_out_folds(); ++other)
          if (other != fold) append(losses[s], fold_losses(s, other));
      chosen.push_back(std::max(minimum(losses), 0));
    }
    return chosen;
  }

  // The paired difference of held-out losses, each fold at the strength that the others choose, less strength 0.
  Effect effect() const {
    const std::vector<int> at = chosen_by_others();
    Numbers before = row_losses(0), after, differences;
    for (int fold = 0; fold < problem_.held_out_folds(); ++fold) append(after, fold_losses(at[fold], fold));
    for (size_t k = 0; k < before.size(); ++k) differences.push_back(after[k] - before[k]);
    Effect found;
    found.mean = mean(differences);
    const double by_rows = error(differences), cells = double(problem_.held_out_folds()) * double(problem_.seeds.size());
    const double by_starts = std::sqrt(spread_of_starts(at) / cells);
    found.error = std::hypot(by_rows, by_starts);
    if (found.error > 0)
      for (double d : differences) {
        const double share = (d - found.mean) / double(differences.size()) / found.error;
        found.skewness += share * share * share;
      }
    found.careful = careful_half(after, before);
    const Numbers null = null_losses();
    const double constant = found.null = mean(null);
    std::vector<Numbers> all;
    for (int s = 0; s < strengths(); ++s) all.push_back(row_losses(s));
    found.chosen = minimum(all) > 0;
    for (int pair = 0; pair < problem_.held_out_folds() * int(problem_.seeds.size()); ++pair)
      found.lost |= lost(0, pair) || lost(at[problem_.fold_of(pair)], pair);
    double best = std::numeric_limits<double>::infinity(), clearest = -best;
    for (const Numbers* arm : {&before, &after}) {
      const double loss = mean(*arm);
      if (std::isfinite(loss)) best = std::min(best, loss);
      Numbers gains = null;
      for (size_t k = 0; k < gains.size(); ++k) gains[k] -= (*arm)[k];
      const double gain = mean(gains), its_error = error(gains);
      if (!(gain - 2 * its_error > clearest)) continue;
      clearest = gain - 2 * its_error, found.gain = gain, found.gain_error = its_error;
    }
    found.smallest = 0.02 * std::max({constant - best, 0.05 * std::abs(constant), 1e-300});
    return found;
  }

  // The start of lowest objective on all rows.
  int best_pair(int s) const {
    const int seeds = int(problem_.seeds.size()), first = problem_.held_out_folds() * seeds;
    int best = first;
    double least = std::numeric_limits<double>::infinity();
    for (int pair = first; pair < first + seeds; ++pair) {
      const double value = lost(s, pair) ? std::numeric_limits<double>::infinity() : objective(s, pair);
      if (value < least) best = pair, least = value;
    }
    return best;
  }

  // The mean and its standard error of numbers that are independent.
  static double mean(const Numbers& values) {
    double sum = 0;
    for (double v : values) sum += v;
    return sum / double(values.size());
  }
  static double error(const Numbers& values) {
    const double middle = mean(values), count = double(values.size());
    double squares = 0;
    for (double v : values) squares += (v - middle) * (v - middle);
    return std::sqrt(squares * count / std::max(count - 1, 1.0)) / count;
  }
  static bool lower(double value, double than) { return value < than - 1e-13 * std::abs(than); }

 private:
  static void append(Numbers& to, const Numbers& more) { to.insert(to.end(), more.begin(), more.end()); }

  // Half the interval of Nadeau and Bengio (Machine Learning 2003, equation 9) for the mean difference of losses.
  double careful_half(const Numbers& after, const Numbers& before) const {
    const int count = problem_.held_out_folds();
    Numbers of_folds;
    double ratio = 0, squares = 0;
    size_t k = 0;
    for (int number = 0; number < count; ++number) {
      const RowsOfFold& fold = problem_.folds[number];
      double sum = 0;
      for (size_t row = 0; row < fold.held_out.size(); ++row, ++k) sum += after[k] - before[k];
      of_folds.push_back(sum / double(fold.held_out.size()));
      ratio += double(fold.held_out.size()) / double(fold.training.size()) / count;
    }
    for (double d : of_folds) squares += (d - mean(of_folds)) * (d - mean(of_folds));
    return student_quantile(count - 1) * std::sqrt((1.0 / count + ratio) * squares / (count - 1));
  }

  Fitted null_fit(int pair) const {
    const int number = problem_.fold_of(pair);
    const RowsOfFold& fold = problem_.folds[number];
    const Null& null = nulls_[number];
    Fitted fit;
    fit.known = true, fit.data_loss = null.loss, fit.penalty = null.penalty;
    fit.network.assign(problem_.numbers, 0.0f);
    for (int c = 0; c < problem_.outputs; ++c) fit.network[problem_.arrays.back().first + c] = float(null.output[c]);
    for (int64_t row : fold.held_out) fit.held_out.push_back(problem_.scored(fold, row, null.output.data()));
    for (int64_t row : fold.training)
      fit.training += problem_.scored(fold, row, null.output.data()) / double(fold.training.size());
    return fit;
  }

  bool null_wins(int s, int pair) const {
    return !lower(cell(s, pair).data_loss + cell(s, pair).penalty, null_fits_[pair].data_loss + null_fits_[pair].penalty);
  }
  // A path ends at the first strength at which nothing is left: stronger than that every network is the null model.
  void end() {
    for (int s = 1; s < strengths(); ++s) {
      bool nothing = true;
      for (int pair = 0; pair < problem_.pairs() && nothing; ++pair) nothing = null_wins(s, pair) || empty_layer(cell(s, pair));
      if (!nothing) continue;
      for (int stronger = s + 1; stronger < strengths(); ++stronger)
        for (int pair = 0; pair < problem_.pairs(); ++pair) {
          Fitted& fit = cell(stronger, pair);
          fit.data_loss = std::numeric_limits<double>::infinity(), fit.diverged = false;
        }
      return;
    }
  }
  bool empty_layer(const Fitted& fit) const {
    for (size_t k = 0; k < problem_.arrays.size(); k += 2) {
      const ArrayShape& w = problem_.arrays[k];
      bool empty = true;
      for (size_t i = 0; i < w.size(); ++i) empty &= fit.network[w.first + i] == 0;
      if (empty) return true;
    }
    return false;
  }

  // law.py's `sources`, for one pair.
  void law_of(int pair) {
    const int first = 1, last = strengths() - 1, pairs = problem_.pairs();
    const auto at = [&](int s) { return size_t(s) * pairs + pair; };
    const double null = null_fits_[pair].data_loss + null_fits_[pair].penalty;
    source_[at(0)] = 0, penalty_[at(0)] = 0, objective_[at(0)] = cell(0, pair).data_loss;
    for (int s = first; s <= last; ++s) {
      const double pays = problem_.pays(cell(s, pair).network.data(), strengths_[s]), own = cell(s, pair).data_loss + pays;
      const bool wins = !lower(own, null);
      source_[at(s)] = wins ? null_source : s, penalty_[at(s)] = pays, objective_[at(s)] = wins ? null : own;
    }
    const auto offer = [&](int neighbour, int s) {
      const bool breaks = lower(objective_[at(neighbour)], objective_[at(s)]) && neighbour > s;
      if (source_[at(neighbour)] == null_source || !(source_[at(s)] == null_source || breaks)) return;
      const int from = source_[at(neighbour)];
      const double pays = problem_.pays(cell(from, pair).network.data(), strengths_[s]);
      const double there = cell(from, pair).data_loss + pays;
      if (lower(there, objective_[at(s)])) source_[at(s)] = from, penalty_[at(s)] = pays, objective_[at(s)] = there;
    };
    for (int s = first; s < last; ++s) offer(s, s + 1);
    for (int s = last; s > first; --s) offer(s, s - 1);
    for (int s = first; s <= last; ++s)
      if (source_[at(s)] == null_source) penalty_[at(s)] = null_fits_[pair].penalty;
  }

  // Variance over starts of a fold's mean difference, its rows' own apart: statistics.py's seed_spread.
  double spread_of_starts(const std::vector<int>& at) const {
    const int seeds = int(problem_.seeds.size());
    if (seeds < 2 || std::all_of(at.begin(), at.end(), [](int s) { return s == 0; })) return 0;
    double total = 0;
    int counted = 0;
    for (int fold = 0; fold < problem_.held_out_folds(); ++fold) {
      std::vector<Numbers> each;
      Numbers middle(problem_.folds[fold].held_out.size(), 0.0);
      for (int pair = fold * seeds; pair < (fold + 1) * seeds; ++pair) {
        if (lost(0, pair) || lost(at[fold], pair)) continue;
        each.push_back(held(at[fold], pair).held_out);
        for (size_t k = 0; k < middle.size(); ++k) each.back()[k] -= held(0, pair).held_out[k];
      }
      if (each.size() < 2) continue;
      for (const Numbers& d : each)
        for (size_t k = 0; k < middle.size(); ++k) middle[k] += d[k] / double(each.size());
      double sum = 0;
      for (Numbers& d : each) {
        for (size_t k = 0; k < middle.size(); ++k) d[k] -= middle[k];
        sum += mean(d) * mean(d) - error(d) * error(d);
      }
      total += sum / double(each.size() - 1), ++counted;
    }
    return counted ? std::max(total / counted, 0.0) : 0;
  }

  const Problem& problem_;
  Numbers strengths_;
  std::vector<Fitted> cells_;
  std::vector<int> source_;
  Numbers penalty_, objective_;
  std::vector<Null> nulls_;
  std::vector<Fitted> null_fits_;
};

}  // namespace ridgewalk

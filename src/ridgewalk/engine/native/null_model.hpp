// The null model of a fold, and the strength at which it wins: null_model.py and the `strongest` of families.py.
#pragma once
#include <algorithm>
#include <cmath>

#include "problem.hpp"

namespace ridgewalk {

struct Null {
  Numbers output;        // the best constant
  double loss = 0;       // what it loses
  double penalty = 0;    // what the biases pay that it is
  double objective() const { return loss + penalty; }
};

class NullModel {
 public:
  NullModel(const Problem& problem, const RowsOfFold& fold) : problem_(problem), fold_(fold), rows_(fold.training.size()) {
    const int count = problem.outputs;
    const RowLoss of(problem.loss);
    targets_.resize(rows_ * count);
    for (int c = 0; c < count; ++c) {
      Numbers column(rows_);
      for (size_t k = 0; k < rows_; ++k) targets_[k * count + c] = column[k] = problem.target_seen(fold, fold.training[k], c);
      null_.output.push_back(of.constant(column));
    }
    constant_ = null_.output;
    constant_loss_ = loss_of(constant_);
    if (problem.penalty.bias_alpha > 0) shrink();
    null_.loss = loss_of(null_.output);
  }

  const Null& null() const { return null_; }

  // The strength from which on the null model wins; 0 where no input has anything to say.
  double strongest() {
    slopes_.resize(targets_.size());
    const int count = problem_.outputs, columns = problem_.columns;
    for (size_t k = 0; k < rows_; ++k)
      RowLoss(problem_.loss).slopes(constant_.data(), &targets_[k * count], count, &slopes_[k * count]);
    for (double& slope : slopes_) slope /= double(rows_);
    x_.resize(rows_ * columns);
    for (size_t k = 0; k < rows_; ++k)
      for (int p = 0; p < columns; ++p) x_[k * columns + p] = problem_.seen(fold_, fold_.training[k], p);
    linear_.assign(size_t(columns) * count, 0);
    for (size_t k = 0; k < rows_; ++k)
      for (int p = 0; p < columns; ++p)
        for (int c = 0; c < count; ++c) linear_[p * count + c] += x_[k * columns + p] * slopes_[k * count + c];
    double steepest = 0;
    for (double slope : linear_) steepest = std::max(steepest, std::abs(slope));
    if (!(steepest > nothing * std::max(constant_loss_, 1e-300))) return 0;
    const PathPenalty& penalty = problem_.penalty;
    return penalty.family == Family::elasticnet ? of_elastic_net(steepest) : of_first_layer(steepest);
  }

 private:
  static constexpr double nothing = 1e-12, least_l1_ratio = 1e-3;
  static constexpr double cuts[4] = {0, 0.2, 0.5, 0.8};

  double loss_of(const Numbers& output) const {
    const int count = problem_.outputs;
    double sum = 0;
    for (size_t k = 0; k < rows_; ++k) sum += RowLoss(problem_.loss).value(output.data(), &targets_[k * count], count);
    return sum / double(rows_);
  }
  // The constant of least loss and penalty of the biases. Outputs of all losses but the cross-entropy are alone, and the slope
  // of each rises: by bisection. Those of classes by proximal descent, whose steps of 1 are short enough.
  void shrink() {
    const int count = problem_.outputs;
    const double l1 = problem_.penalty.bias_alpha * problem_.penalty.l1_ratio;
    const double l2 = problem_.penalty.bias_alpha * (1 - problem_.penalty.l1_ratio) / 2;
    if (problem_.loss.kind == LossKind::cross_entropy) {
      Numbers before, slopes;
      for (int step = 0; step < 5000 && before != null_.output; ++step) {
        before = null_.output;
        slopes = slopes_at(before);
        for (int c = 0; c < count; ++c) {
          const double z = before[c] - slopes[c];
          null_.output[c] = std::copysign(std::max(std::abs(z) - l1, 0.0) / (1 + 2 * l2), z);
        }
      }
    } else {
      for (int c = 0; c < count; ++c) {
        double low = std::min(null_.output[c], 0.0), high = std::max(null_.output[c], 0.0);
        for (int k = 0; k < 100; ++k) {
          null_.output[c] = 0.5 * (low + high);
          const double b = null_.output[c], slope = slopes_at(null_.output)[c] + 2 * l2 * b + (b < 0 ? -l1 : l1);
          (slope < 0 ? low : high) = b;
        }
      }
    }
    for (double b : null_.output) null_.penalty += l1 * std::abs(b) + l2 * b * b;
  }
  Numbers slopes_at(const Numbers& output) const {
    const int count = problem_.outputs;
    Numbers sum(size_t(count), 0.0), each(size_t(count), 0.0);
    for (size_t k = 0; k < rows_; ++k) {
      RowLoss(problem_.loss).slopes(output.data(), &targets_[k * count], count, each.data());
      for (int c = 0; c < count; ++c) sum[c] += each[c] / double(rows_);
    }
    return sum;
  }
  double of_elastic_net(double steepest) {
    const PathPenalty& penalty = problem_.penalty;
    const double ratio = penalty.l1_ratio, depth = double(penalty.layer_factors.size()), loss = constant_loss_;
    if (problem_.linear()) return steepest / std::max(ratio, least_l1_ratio) / penalty.layer_factors[0];
    const double mean = geometric_mean(0);
    const auto bound = [&](double slope, double l1, double l2) {
      const double size = power_of(loss / slope, 1 / depth);
      return loss / (depth * (l1 * size + l2 / 2 * size * size)) / mean;
    };
    double least = std::numeric_limits<double>::infinity();
    if (ratio > 0) least = std::min(least, bound(steepest_input(), ratio, 0));
    if (ratio < 1) least = std::min(least, bound(steepest_direction(), ratio, 1 - ratio));
    return least;
  }
  double of_first_layer(double steepest) {
    const PathPenalty& penalty = problem_.penalty;
    const double factor = penalty.layer_factors[0];
    const int count = problem_.outputs, tied = penalty.grouped() ? problem_.arrays[0].units : 1;
    if (problem_.linear()) {
      if (!penalty.grouped()) return steepest / factor;
      double longest = 0;
      for (int p = 0; p < problem_.columns; ++p) longest = std::max(longest, length(&linear_[p * count], count));
      return longest / std::sqrt(double(count)) / factor;
    }
    const double ridge = penalty.upper_l2 * geometric_mean(1);
    const double bound = steepest_input() * std::sqrt(4 * constant_loss_ / (27 * ridge)) / (factor * std::sqrt(double(tied)));
    const double tangent = penalty.layer_factors.size() == 2 ? bound : 3 * bound;
    if (!penalty.bounded()) return tangent;
    return std::max(2 * tangent, std::sqrt(2 * constant_loss_ / (penalty.gamma * tied)) / factor);
  }
  double geometric_mean(size_t first) const {
    const Numbers& factors = problem_.penalty.layer_factors;
    double sum = 0;
    for (size_t k = first; k < factors.size(); ++k) sum += std::log(factors[k]);
    return std::exp(sum / double(factors.size() - first));
  }

  static double length(const double* values, int count) {
    double sum = 0;
    for (int c = 0; c < count; ++c) sum += values[c] * values[c];
    return std::sqrt(sum);
  }
  // The quantile of numbers, between the two next to it by its share.
  static double quantile(Numbers values, double share) {
    const double place = share * double(values.size() - 1);
    const size_t below = size_t(place), above = std::min(below + 1, values.size() - 1);
    std::nth_element(values.begin(), values.begin() + below, values.end());
    const double low = values[below], high = above == below ? low : *std::min_element(values.begin() + above, values.end());
    const double part = place - double(below), step = high - low;
    return part < 0.5 ? low + step * part : high - step * (1 - part);
  }
  // Size of sum_i slopes_i max(side (h_i - cut), 0), or of the linear function where there is no cut; the sum, too.
  double offered(const Numbers& h, double cut, double side, bool hinge, Numbers& sum) const {
    const int count = problem_.outputs;
    sum.assign(size_t(count), 0);
    for (size_t k = 0; k < rows_; ++k) {
      const double f = hinge ? std::max(side * (h[k] - cut), 0.0) : h[k];
      if (f == 0) continue;
      for (int c = 0; c < count; ++c) sum[c] += f * slopes_[k * count + c];
    }
    return length(sum.data(), count);
  }

  double steepest_input() const {
    double best = 0;
    Numbers h(rows_), sum;
    for (int p = 0; p < problem_.columns; ++p) {
      for (size_t k = 0; k < rows_; ++k) h[k] = x_[k * problem_.columns + p];
      best = std::max(best, offered(h, 0, 1, false, sum));
      for (int cut = 1; cut < 4; ++cut) {
        const double place = quantile(h, cuts[cut]);
        for (double side : {1.0, -1.0}) best = std::max(best, offered(h, place, side, true, sum));
      }
    }
    return best;
  }

  // By turns in the direction and in the output, from the directions in which the slopes are steepest and from random ones.
  double steepest_direction() const {
    constexpr int starts = 8;
    const int columns = problem_.columns, count = problem_.outputs;
    NumpyDraws draws(0);
    std::vector<Numbers> directions(starts, Numbers(size_t(columns)));
    for (int p = 0; p < columns; ++p)
      for (Numbers& direction : directions) direction[p] = draws.normal();
    const std::vector<Numbers> right = axes();
    for (int k = 0; k < std::min({columns, count, starts}); ++k)
      for (int p = 0; p < columns; ++p) {
        directions[k][p] = 0;
        for (int c = 0; c < count; ++c) directions[k][p] += linear_[p * count + c] * right[k][c];
      }
    double best = 0;
    for (const Numbers& direction : directions) best = std::max(best, ascended(direction));
    for (int k = 0; k < std::min({columns, count, starts}); ++k) {  // which way round an axis lies is open
      for (double& v : directions[k]) v = -v;
      best = std::max(best, ascended(directions[k]));
    }
    return best;
  }
  double ascended(Numbers direction) const {
    const int columns = problem_.columns, count = problem_.outputs;
    double best = 0;
    Numbers h(rows_), sum, steepest_sum;
    for (int step = 0; step < 12; ++step) {
      const double size = std::max(length(direction.data(), columns), 1e-300);
      for (double& v : direction) v /= size;
      for (size_t k = 0; k < rows_; ++k) {
        h[k] = 0;
        for (int p = 0; p < columns; ++p) h[k] += x_[k * columns + p] * direction[p];
      }
      double steepest = -1, at = 0;
      for (double cut : cuts) {
        const double place = quantile(h, cut), found = offered(h, place, 1, true, sum);
        if (found > steepest) steepest = found, at = place, steepest_sum = sum;
      }
      best = std::max(best, steepest);
      std::fill(direction.begin(), direction.end(), 0);
      bool any = false;
      for (size_t k = 0; k < rows_; ++k) {
        if (!(h[k] > at)) continue;
        double along = 0;
        for (int c = 0; c < count; ++c) along += slopes_[k * count + c] * steepest_sum[c];
        for (int p = 0; p < columns; ++p) direction[p] += x_[k * columns + p] * along;
      }
      for (double v : direction) any |= v != 0;
      if (!any) break;
    }
    return best;
  }
  // The right singular vectors of the linear slopes (P, C), the longest first: Jacobi's rotations of their C x C products.
  std::vector<Numbers> axes() const {
    const int n = problem_.outputs, columns = problem_.columns;
    std::vector<Numbers> a(n, Numbers(n)), v(n, Numbers(n));
    for (int i = 0; i < n; ++i) {
      v[i][i] = 1;
      for (int j = 0; j < n; ++j)
        for (int p = 0; p < columns; ++p) a[i][j] += linear_[p * n + i] * linear_[p * n + j];
    }
    for (int sweep = 0; sweep < 60; ++sweep)
      for (int i = 0; i < n; ++i)
        for (int j = i + 1; j < n; ++j) rotate(a, v, i, j);
    std::vector<Numbers> found;
    std::vector<bool> taken(n, false);
    for (int rank = 0; rank < n; ++rank) {
      int longest = -1;
      for (int k = 0; k < n; ++k)
        if (!taken[k] && (longest < 0 || a[k][k] > a[longest][longest])) longest = k;
      taken[longest] = true;
      Numbers axis(n);
      for (int i = 0; i < n; ++i) axis[i] = v[i][longest];
      found.push_back(axis);
    }
    return found;
  }
  static void rotate(std::vector<Numbers>& a, std::vector<Numbers>& v, int i, int j) {
    const int n = int(a.size());
    if (std::abs(a[i][j]) <= 1e-300) return;
    const double turn = (a[j][j] - a[i][i]) / (2 * a[i][j]);
    const double t = (turn < 0 ? -1 : 1) / (std::abs(turn) + std::sqrt(turn * turn + 1)), c = 1 / std::sqrt(t * t + 1), s = t * c;
    for (int k = 0; k < n; ++k) {
      const double x = a[k][i], y = a[k][j];
      a[k][i] = c * x - s * y, a[k][j] = s * x + c * y;
    }
    for (int k = 0; k < n; ++k) {
      const double x = a[i][k], y = a[j][k];
      a[i][k] = c * x - s * y, a[j][k] = s * x + c * y;
    }
    for (int k = 0; k < n; ++k) {
      const double x = v[k][i], y = v[k][j];
      v[k][i] = c * x - s * y, v[k][j] = s * x + c * y;
    }
  }

  const Problem& problem_;
  const RowsOfFold& fold_;
  size_t rows_;
  Null null_;
  Numbers constant_;  // the best one without a penalty of the biases, from which the strongest strength is found
  double constant_loss_ = 0;
  Numbers targets_, slopes_, x_, linear_;
};

// 0, then `count` geometric steps up to the top: grid.py.
inline Numbers grid(double top, int count, int rows, int inputs) {
  const double share = rows >= inputs ? 1e-3 : 1e-2;
  Numbers all{0};
  for (int k = 0; k < count; ++k)
    all.push_back(k + 1 == count ? top : share * top * power_of(1 / share, double(k) / double(count - 1)));
  return all;
}

}  // namespace ridgewalk

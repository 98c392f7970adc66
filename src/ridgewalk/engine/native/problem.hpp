// A path's problem in a page: rows, folds and settings, by the formulas of folds.py, losses.py, families.py, null_model.py.
//
// Everything here is in double precision and takes little time; what takes time is trained by trainer.hpp, in single precision.
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "constants.hpp"
#include "plan.hpp"
#include "starts.hpp"

namespace ridgewalk {

using Numbers = std::vector<double>;

// A power of a positive number, to a few units in the last place: the library's own brings tables of 6 KB.
inline double power_of(double base, double exponent) { return std::exp(exponent * std::log(base)); }

// One array of a network, (w1, b1, w2, b2, ...), and where it begins among the numbers of all of them.
struct ArrayShape {
  int inputs, units;
  size_t first;
  size_t size() const { return size_t(inputs) * units; }
};

// The losses of losses.py of one row of outputs z and targets t, `count` of each, and its slopes.
class RowLoss {
 public:
  explicit RowLoss(Loss loss) : loss_(loss) {}

  double value(const double* z, const double* t, int count) const {
    if (loss_.kind == LossKind::cross_entropy) {
      double largest = z[0], total = 0, sum = 0;
      for (int c = 1; c < count; ++c) largest = std::max(largest, z[c]);
      for (int c = 0; c < count; ++c) total += std::exp(z[c] - largest);
      for (int c = 0; c < count; ++c) sum += t[c] * (std::log(total) - (z[c] - largest));
      return sum;
    }
    double sum = 0;
    for (int c = 0; c < count; ++c) sum += value_of(z[c], t[c]);
    return sum;
  }
  void slopes(const double* z, const double* t, int count, double* out) const {
    if (loss_.kind != LossKind::cross_entropy) {
      for (int c = 0; c < count; ++c) out[c] = slope_of(z[c], t[c]);
      return;
    }
    double largest = z[0], total = 0, share = 0;
    for (int c = 1; c < count; ++c) largest = std::max(largest, z[c]);
    for (int c = 0; c < count; ++c) total += out[c] = std::exp(z[c] - largest);
    for (int c = 0; c < count; ++c) share += t[c];
    for (int c = 0; c < count; ++c) out[c] = out[c] / total * share - t[c];
  }
  // The best constant of targets whose mean is given; of absolute errors and Huber's by bisection over the targets.
  double constant(const Numbers& targets) const {
    double mean = 0;
    for (double t : targets) mean += t;
    mean /= double(targets.size());
    switch (loss_.kind) {
      case LossKind::cross_entropy:
      case LossKind::poisson: return std::log(std::max(mean, least));
      case LossKind::binary_cross_entropy: {
        const double share = std::min(std::max(mean, least), 1 - least);
        return std::log(share / (1 - share));
      }
      case LossKind::squared_error: return mean;
      default: break;
    }
    double low = targets[0], high = targets[0];
    for (double t : targets) low = std::min(low, t), high = std::max(high, t);
    for (int k = 0; k < 100; ++k) {
      const double middle = 0.5 * (low + high);
      double slope = 0;
      for (double t : targets) slope += slope_of(middle, t);
      (slope < 0 ? low : high) = middle;
    }
    return 0.5 * (low + high);
  }
  bool of_classes() const { return loss_.kind == LossKind::cross_entropy || loss_.kind == LossKind::binary_cross_entropy; }
  // Power of the target's unit that the loss is measured in; 0 where targets are not standardized.
  int unit_power() const {
    switch (loss_.kind) {
      case LossKind::squared_error:
      case LossKind::huber: return 2;
      case LossKind::absolute_error: return 1;
      default: return 0;
    }
  }

 private:
  static constexpr double least = 1e-12;  // a class without a row still gets a finite logit

  double value_of(double z, double t) const {
    const double r = z - t;
    switch (loss_.kind) {
      case LossKind::binary_cross_entropy: return std::max(z, 0.0) + std::log1p(std::exp(-std::abs(z))) - t * z;
      case LossKind::squared_error: return 0.5 * r * r;
      case LossKind::absolute_error: return std::abs(r);
      case LossKind::huber: {
        const double size = std::abs(r), near = std::min(size, loss_.delta);
        return near * (size - 0.5 * near);
      }
      case LossKind::poisson: {
        const double most = constants::largest_exponent, beyond = std::max(z - most, 0.0);
        return std::exp(std::min(z, most)) * (1 + beyond) - t * z - (t > 0 ? t - t * std::log(t) : t);
      }
      default: return 0;
    }
  }
  double slope_of(double z, double t) const {
    const double r = z - t;
    switch (loss_.kind) {
      case LossKind::binary_cross_entropy: {
        const double e = std::exp(-std::abs(z));
        return (z < 0 ? e : 1) / (1 + e) - t;
      }
      case LossKind::squared_error: return r;
      case LossKind::absolute_error: return r > 0 ? 1 : r < 0 ? -1 : 0;
      case LossKind::huber: return std::min(std::max(r, -loss_.delta), loss_.delta);
      case LossKind::poisson: return std::exp(std::min(z, double(constants::largest_exponent))) - t;
      default: return 0;
    }
  }

  Loss loss_;
};

// One training set: its rows and those that it holds out, and how it standardizes.
struct RowsOfFold {
  std::vector<int64_t> training, held_out;
  Numbers ones;  // the weight of every row
  Numbers center, scale, target_center, target_scale;
};

#define RIDGEWALK_FAMILIES(X) X(elasticnet) X(group_lasso) X(mcp) X(group_mcp)
RIDGEWALK_KINDS(Family, family_names, RIDGEWALK_FAMILIES)
struct PathPenalty {
  Family family = Family::elasticnet;
  double l1_ratio = 0.5, bias_alpha = 0, upper_l2 = 1e-3, gamma = 30;
  Numbers layer_factors;  // one per layer of weights
  bool bounded() const { return family == Family::mcp || family == Family::group_mcp; }
  bool grouped() const { return family == Family::group_lasso || family == Family::group_mcp; }
};

// Strengths of one array at one strength of a path, in the precision T: families.py's `at`.
template <class T> struct ArrayStrengths {
  std::vector<T> l1, l2, group;  // one per input, or empty
  double concavity = 0;
};

struct Problem {
  int rows = 0, columns = 0, outputs = 0;
  Numbers x, target;
  Loss loss{LossKind::cross_entropy, 1};
  std::vector<Layer> layers;
  std::vector<ArrayShape> arrays;
  size_t numbers = 0;             // of a network
  std::vector<RowsOfFold> folds;  // the last trains on all rows
  std::vector<int64_t> seeds;
  PathPenalty penalty;
  Optimizer optimizer{};
  int64_t epochs = 600, batch = 0;

  int held_out_folds() const { return int(folds.size()) - 1; }
  int pairs() const { return int(folds.size() * seeds.size()); }
  int fold_of(int pair) const { return pair / int(seeds.size()); }
  int start_of(int pair) const { return pair % int(seeds.size()); }
  bool linear() const { return arrays.size() == 2; }

  void build(const std::vector<int>& hidden, int activation) {
    layers.clear(), arrays.clear(), numbers = 0;
    int inputs = columns;
    const auto dense = [&](int units) {
      layers.push_back({LayerKind::dense, inputs, units, 0});
      for (int from : {inputs, 1}) {
        arrays.push_back({from, units, numbers});
        numbers += arrays.back().size();
      }
      inputs = units;
    };
    for (int units : hidden) {
      dense(units);
      if (activation >= 0) layers.push_back({LayerKind(activation), 0, 0, 0.01});
    }
    dense(outputs);
    hidden_kind_ = activation;
  }

  // Fold `number` of every row, -1 where none holds it out; then all rows.
  void split(const int32_t* number, int count) {
    folds.assign(size_t(count) + 1, {});
    for (int k = 0; k <= count; ++k) {
      RowsOfFold& fold = folds[size_t(k)];
      for (int row = 0; row < rows; ++row) (k < count && number[row] == k ? fold.held_out : fold.training).push_back(row);
      fold.ones.assign(size_t(rows), 1.0);
      standardize(x, columns, fold.training, fold.center, fold.scale);
      fold.target_center.assign(size_t(outputs), 0), fold.target_scale.assign(size_t(outputs), 1);
      if (!RowLoss(loss).unit_power()) continue;
      standardize(target, outputs, fold.training, fold.target_center, fold.target_scale);
      for (double& scale : fold.target_scale) scale = std::isfinite(scale) ? scale : 1;
    }
  }

  double seen(const RowsOfFold& fold, int64_t row, int column) const {
    return (x[size_t(row) * columns + column] - fold.center[column]) / fold.scale[column];
  }
  double target_seen(const RowsOfFold& fold, int64_t row, int output) const {
    return (target[size_t(row) * outputs + output] - fold.target_center[output]) / fold.target_scale[output];
  }

  // Loss of one row, given outputs in a fold's units, in the units of the target: folds.py's row_losses.
  double scored(const RowsOfFold& fold, int64_t row, const double* z) const {
    const RowLoss of(loss);
    Numbers t(size_t(outputs), 0.0);
    for (int c = 0; c < outputs; ++c) t[c] = target_seen(fold, row, c);
    const int power = of.unit_power();
    if (!power) return of.value(z, t.data(), outputs);
    double sum = 0;
    for (int c = 0; c < outputs; ++c) {
      const double unit = fold.target_scale[c] / (outputs > 1 ? folds.back().target_scale[c] : 1);
      sum += of.value(z + c, t.data() + c, 1) * (power == 2 ? unit * unit : unit);
    }
    return sum;
  }

  // Weights that a seed draws, for one fold: network.py's start and losses.py's begun.
  std::vector<float> start(int pair) const {
    NumpyDraws draws{uint64_t(seeds[start_of(pair)])};
    const bool he = hidden_kind_ == int(LayerKind::relu) || hidden_kind_ == int(LayerKind::leaky_relu) ||
                    hidden_kind_ == int(LayerKind::gelu);
    std::vector<float> all(numbers, 0.0f);
    for (size_t k = 0; k < arrays.size(); k += 2) {
      const ArrayShape& w = arrays[k];
      const double deviation = std::sqrt(2.0 / w.inputs), bound = std::sqrt(6.0 / (w.inputs + w.units));
      for (size_t i = 0; i < w.size(); ++i)
        all[w.first + i] = float(he ? deviation * draws.normal() : -bound + 2 * bound * draws.uniform());
    }
    if (loss.kind != LossKind::poisson) return all;
    const ArrayShape &w = arrays[arrays.size() - 2], &b = arrays.back();
    for (size_t i = 0; i < w.size(); ++i) all[w.first + i] *= 0.05f;
    for (int c = 0; c < outputs; ++c) {
      Numbers targets;
      for (int64_t row : folds[fold_of(pair)].training) targets.push_back(target[size_t(row) * outputs + c]);
      all[b.first + c] = float(all[b.first + c] + RowLoss(loss).constant(targets));
    }
    return all;
  }

  // Whether an array has such a strength at all, and what it is at a strength of the path.
  template <class T> ArrayStrengths<T> strengths(size_t k, double alpha) const {
    const ArrayShape& shape = arrays[k];
    const PathPenalty& p = penalty;
    const auto each = [&](T value) { return std::vector<T>(size_t(shape.inputs), value); };
    const auto elastic = [&](T of) {
      return ArrayStrengths<T>{each(of * T(p.l1_ratio)), each(of * T((1 - p.l1_ratio) / 2)), {}, 0};
    };
    if (k % 2) return p.bias_alpha > 0 ? elastic(T(alpha > 0 ? p.bias_alpha : 0)) : ArrayStrengths<T>{};
    const double factor = p.layer_factors[k / 2];
    if (p.family == Family::elasticnet) return elastic(T(factor * alpha));
    const T ridge = T(alpha > 0 ? factor * p.upper_l2 : 0);
    if (k > 0) return {{}, each(ridge), {}, 0};
    const T own = T(factor * alpha);
    ArrayStrengths<T> found;
    if (p.grouped()) found.group = each(own * std::sqrt(T(shape.units)));
    else found.l1 = each(own);
    if (!p.bounded()) return found;
    found.concavity = 1 / p.gamma;
    if (!linear()) found.l2 = each(ridge);
    return found;
  }

  // What a network pays at a strength, in double precision: penalties.py's values.
  double pays(const float* network, double alpha) const {
    double total = 0;
    for (size_t k = 0; k < arrays.size(); ++k) {
      const ArrayShape& shape = arrays[k];
      const ArrayStrengths<double> s = strengths<double>(k, alpha);
      const double curve = s.concavity;
      const auto counted = [curve](double strength, double size) {
        if (curve == 0 || strength == 0) return strength * size;
        return curve * size < strength ? strength * size - curve * size * size / 2 : strength * strength / (2 * curve);
      };
      for (int p = 0; p < shape.inputs; ++p) {
        double l1 = 0, squares = 0;
        for (int q = 0; q < shape.units; ++q) {
          const double w = network[shape.first + size_t(p) * shape.units + q];
          if (!s.l1.empty()) l1 += counted(s.l1[p], std::abs(w));
          squares += w * w;
        }
        total += l1 + (s.l2.empty() ? 0 : s.l2[p] * squares) + (s.group.empty() ? 0 : counted(s.group[p], std::sqrt(squares)));
      }
    }
    return total;
  }

  // A sum as NumPy takes it: one by one over the rows of several columns, by halves where there is but one.
  static double summed(const Numbers& values, bool by_halves) {
    if (by_halves) return halved(values.data(), values.size());
    double sum = 0;
    for (double v : values) sum += v;
    return sum;
  }
  static double halved(const double* values, size_t count) {
    if (count > 128) {
      const size_t half = count / 2 - count / 2 % 8;
      return halved(values, half) + halved(values + half, count - half);
    }
    double sum = 0;
    size_t k = 0;
    if (count >= 8) {
      double r[8];
      std::copy(values, values + 8, r);
      for (k = 8; k + 8 <= count; k += 8)
        for (size_t i = 0; i < 8; ++i) r[i] += values[k + i];
      sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
    }
    for (; k < count; ++k) sum += values[k];
    return sum;
  }
  static void standardize(const Numbers& values, int columns, const std::vector<int64_t>& rows, Numbers& center, Numbers& scale) {
    center.assign(size_t(columns), 0), scale.assign(size_t(columns), std::numeric_limits<double>::infinity());
    const double share = 1.0 / double(rows.size());
    for (int p = 0; p < columns; ++p) {
      const auto at = [&](int64_t row) { return values[size_t(row) * columns + p]; };
      double unit = 0, mean = 0, square = 0;
      bool constant = true;
      for (int64_t row : rows) unit = std::max(unit, std::abs(at(row))), constant &= at(row) == at(rows[0]);
      center[p] = at(rows[0]);
      if (constant) continue;
      Numbers parts;
      for (int64_t row : rows) parts.push_back(share * (at(row) / unit));
      mean = summed(parts, columns == 1);
      parts.clear();
      for (int64_t row : rows) {
        const double d = at(row) / unit - mean;
        parts.push_back(share * (d * d));
      }
      square = summed(parts, columns == 1);
      center[p] = mean * unit;
      if (square > 0) scale[p] = std::sqrt(square) * unit;
    }
  }

 private:
  int hidden_kind_ = -1;
};

}  // namespace ridgewalk

// What a fold's network takes of the columns of x, by input_maps.py's formulas. The pieces of a column lie beside each
// other, so the sum u of all of them says each: one that has j before it is min(max(u - j, 0), 1). Stored is therefore one
// number for the pieces of a column, however many, and one for any other input; a tile is made of them when it is needed:
//
//   input = min(max(slope u + shift, low), high)        slope and shift standardize
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels.hpp"
#include "plan.hpp"

namespace ridgewalk {

constexpr double soft_bound = 3, far = 1e15;  // as in input_maps.py
constexpr double largest = std::numeric_limits<double>::max();

class Mapping {
 public:
  Mapping() = default;
  Mapping(const Fold& fold, int inputs) : fold_(&fold) {
    for (int m = 0; m < inputs; ++m) {
      const double deviation = fold.scale[m], zero = std::isinf(deviation) ? 0 : -fold.center[m] / deviation;
      const bool piece = is_piece(m), empty = piece && std::isinf(fold.map.scale[m]);
      if (!empty && !(piece && follows(m))) stored_.push_back({fold.map.column[m], {}});
      if (!empty) stored_.back().inputs.push_back(m);
      const int at = std::max(0, stored() - 1);
      if (!piece) inputs_.push_back({at, 1, 0, -infinity, infinity});
      else if (empty || std::isinf(deviation)) inputs_.push_back({at, 0, zero, zero, zero});
      else {
        const double before = double(stored_.back().inputs.size() - 1);
        inputs_.push_back({at, 1 / deviation, zero - before / deviation, zero, (1 - fold.center[m]) / deviation});
      }
    }
    if (stored_.empty()) stored_.push_back({0, {}});  // every piece is empty
  }

  // How many numbers are stored of a row, and number s of a row of x.
  int stored() const { return int(stored_.size()); }
  template <class Row> double value(int s, const Row& x) const {
    const Stored& own = stored_[s];
    double sum = 0;
    for (int m : own.inputs) {
      const double mapped = number(m, x(own.column));
      sum += is_piece(m) ? mapped : (mapped - fold_->center[m]) / fold_->scale[m];
    }
    return sum;
  }

  // A tile [inputs][64] of its first `count` rows, from what is stored of them, [stored][64].
  template <class T> void apply(const T* stored, int count, T* out) const {
    for (const Input& input : inputs_) {
      const T *u = stored + size_t(input.stored) * tile;
      const V<T> slope = splat<T>(T(input.slope)), shift = splat<T>(T(input.shift));
      const V<T> low = V<T>{} + T(input.low), high = V<T>{} + T(input.high);
      for (int r = 0; r < tile; r += lanes<T>)
        store<T>(out + r, smaller<T>(larger<T>(load<T>(u + r) * slope + shift, low), high));
      std::fill(out + count, out + tile, T(0));
      out += tile;
    }
  }

 private:
  struct Stored {
    int column;
    std::vector<int> inputs;  // one, or pieces that lie beside each other
  };
  struct Input {
    int stored;
    double slope, shift, low, high;
  };

  bool is_piece(int m) const { return MapKind(fold_->map.kind[m]) == MapKind::piece; }
  // Whether a piece begins where the last one that is stored ends, or later: then it is empty until that one is full.
  bool follows(int m) const {
    if (stored_.empty() || stored_.back().column != fold_->map.column[m] || !is_piece(stored_.back().inputs[0])) return false;
    const int before = stored_.back().inputs.back();
    return fold_->map.center[m] >= fold_->map.center[before] + fold_->map.scale[before] * (1 - rounding);
  }
  double number(int m, double x) const {
    const double difference = std::clamp(x - fold_->map.center[m], -largest, largest);
    const double z = difference / fold_->map.scale[m];
    switch (MapKind(fold_->map.kind[m])) {
      case MapKind::piece: return std::clamp(z, 0.0, 1.0);
      case MapKind::soft_clip: {
        const double bounded = std::clamp(z, -far, far), part = bounded / soft_bound;
        return bounded / std::sqrt(1 + part * part);
      }
      default: return z;
    }
  }

  static constexpr double rounding = 1e-11;  // of a piece's width, which the next one may begin before its end
  static constexpr double infinity = std::numeric_limits<double>::infinity();
  const Fold* fold_ = nullptr;
  std::vector<Stored> stored_;
  std::vector<Input> inputs_;
};

}  // namespace ridgewalk

// What a pass leaves out: hidden units that only zeros lead to, and only zeros lead from.
//
//   h_q = act(b_q), the same for every row        dw_in[.][q] = 0,  db[q] = 0,  dw_out[q][.] = h_q sum_r dy[.][r]
//
// Such a unit is inactive: its gradient is known without a pass, so the pass runs on the smaller arrays of the active
// units, and its gradient is put beside theirs afterwards. Inactive units are looked for at every step, so the step that
// moves a weight of one makes it active again.
#pragma once
#include <numeric>

#include "network.hpp"

namespace ridgewalk {

template <class T> class ActiveUnits {
 public:
  ActiveUnits(const Plan<T>& plan, const std::vector<Shape>& all)
      : layers_(plan.layers), all_(all), shapes_(all), possible_(all.size() > 2 && can_rest(plan)) {
    kept_.push_back(everything(all[0].inputs));
    for (size_t k = 0; k < all.size(); k += 2) kept_.push_back(everything(all[k].units));
    if (!possible_) return;
    arrays_ = zeros<T>(all);
    size_t widest = 0;
    for (const Shape& shape : all) widest = std::max(widest, size_t(shape.stride));
    reached_ = Buffer<T>(widest);
    for (size_t k = 0; k + 2 < all.size(); k += 2) values_.emplace_back(all[k].stride);
  }

  bool possible() const { return possible_; }
  bool all() const { return !some_inactive_; }
  const std::vector<Shape>& shapes() const { return shapes_; }  // of the arrays that a pass runs on

  // The arrays that a pass runs on: these, or smaller ones.
  const Arrays<T>& of(const Arrays<T>& at) {
    if (!possible_) return at;
    some_inactive_ = false;
    for (size_t d = 0; d < values_.size(); ++d) {
      look(at, d);
      some_inactive_ |= int(kept_[d + 1].size()) < all_[2 * d].units;
    }
    for (size_t k = 0; k < all_.size(); ++k) {
      const int units = int(kept_[k / 2 + 1].size());
      shapes_[k] = {k % 2 ? 1 : int(kept_[k / 2].size()), units, padded<T>(units)};
    }
    if (all()) return at;
    for (size_t k = 0; k < all_.size(); ++k)
      for (int p = 0; p < shapes_[k].inputs; ++p) {
        const std::vector<int>& units = kept_[k / 2 + 1];
        const T* from = at[k].get() + size_t(k % 2 ? 0 : kept_[k / 2][p]) * all_[k].stride;
        T* to = arrays_[k].get() + size_t(p) * shapes_[k].stride;
        for (size_t q = 0; q < units.size(); ++q) to[q] = from[units[q]];
        std::fill(to + units.size(), to + shapes_[k].stride, T(0));
      }
    return arrays_;
  }

  // Which rows of the smaller array k stand among rows first to last - 1.
  std::pair<int, int> rows(int k, int first, int last) const {
    if (k % 2) return {first, last};
    const std::vector<int>& kept = kept_[k / 2];
    const auto place = [&](int p) { return int(std::lower_bound(kept.begin(), kept.end(), p) - kept.begin()); };
    return {place(first), place(last)};
  }
  // Rows first to last - 1 of the gradient of array k, from those of the smaller one and from its biases' gradient.
  void put_back(int k, int first, int last, const T* kept_rows, const T* biases, T* dw) const {
    const std::vector<int>& units = kept_[k / 2 + 1];
    const auto row = [&](T factor, const T* from, T* to) {
      for (size_t q = 0; q < units.size(); ++q) to[units[q]] = factor * from[q];
    };
    std::fill(dw, dw + size_t(last - first) * all_[k].stride, T(0));
    auto [next, end] = rows(k, first, last);
    for (int p = first; p < last; ++p, dw += all_[k].stride) {
      const bool kept = k % 2 || (next < end && kept_[k / 2][next] == p);
      if (!kept) {
        row(values_[k / 2 - 1][p], biases, dw);
        continue;
      }
      row(T(1), kept_rows, dw);
      kept_rows += shapes_[k].stride;
      ++next;
    }
  }

 private:
  static std::vector<int> everything(int count) {
    std::vector<int> numbers(count);
    std::iota(numbers.begin(), numbers.end(), 0);
    return numbers;
  }
  // Whether a penalty can bring the weights on both sides of a hidden layer to 0. With dropout, no unit is constant.
  static bool can_rest(const Plan<T>& plan) {
    const auto has_kink = [&](size_t k) { return plan.penalties[k].l1.given || plan.penalties[k].over != Over::none; };
    bool found = false;
    for (size_t k = 0; k + 2 < plan.penalties.size(); k += 2) found |= has_kink(k) && has_kink(k + 2);
    for (const Layer& layer : plan.layers) found &= layer.kind != LayerKind::dropout;
    return found;
  }

  // Find the active units of hidden layer d, and the inactive ones' outputs; where few are inactive, all are kept: it is
  // cheaper.
  void look(const Arrays<T>& at, size_t d) {
    const Shape &in = all_[2 * d], &out = all_[2 * d + 2];
    std::vector<int>& kept = kept_[d + 1];
    const auto leads = [&](int q) {
      const T* row = at[2 * d + 2].get() + size_t(q) * out.stride;
      return std::any_of(row, row + out.units, [](T w) { return w != 0; });
    };
    const int most = in.units * 3 / 4;
    int leading = 0;
    for (int q = 0; q < in.units && leading <= most; ++q) leading += leads(q);
    kept.clear();
    if (leading <= most) {
      reached_.clear();
      for (int p = 0; p < in.inputs; ++p)
        for (int q = 0; q < in.stride; q += lanes<T>) {
          T* bits = reached_.get() + q;
          store<T>(bits, either<T>(load<T>(bits), magnitude<T>(load<T>(at[2 * d].get() + size_t(p) * in.stride + q))));
        }
      for (int q = 0; q < in.units; ++q)
        if (reached_[q] != 0 || leads(q)) kept.push_back(q);
    }
    if (leading > most || int(kept.size()) > most) {
      kept.resize(in.units);
      std::iota(kept.begin(), kept.end(), 0);
      return;
    }
    if (kept.empty()) kept.push_back(0);
    size_t layer = 0;
    for (size_t dense = 0; dense <= d; ++layer) dense += layers_[layer].kind == LayerKind::dense;
    for (int q = 0; q < in.stride; q += lanes<T>) store<T>(values_[d].get() + q, load<T>(at[2 * d + 1].get() + q));
    for (; layers_[layer].kind != LayerKind::dense; ++layer)
      for (int q = 0; q < in.stride; q += lanes<T>)
        store<T>(values_[d].get() + q, activated<T>(layers_[layer], load<T>(values_[d].get() + q)));
  }

  const std::vector<Layer>& layers_;
  const std::vector<Shape>& all_;
  std::vector<Shape> shapes_;
  bool possible_, some_inactive_ = false;
  std::vector<std::vector<int>> kept_;  // inputs, then units of each dense layer
  Buffer<T> reached_;  // bits of the weights that lead to each unit, all in one
  Arrays<T> arrays_, values_;
};

}  // namespace ridgewalk

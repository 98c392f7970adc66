// What a mixture of networks predicts, 64 rows at a time: of more rows than that nothing is kept but the predictions.
//
// The first layer takes z or the soft clip of a column, and pieces of it, by input_maps.py's formulas. What all pieces of a
// column add to a unit is linear between their edges, so its values at the edges say it, however many pieces there are:
//
//   sum_k w_k piece_k(x) = (1 - f) value[e] + f value[e + 1]        f = (x - edge[e]) / (edge[e + 1] - edge[e])
//
// Networks that are made of the same pieces stand beside each other, and are looked up at once. For that, units lie across
// the lanes; everywhere else rows do, so that a row's numbers do not depend on the rows beside it.
#pragma once
#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "maps.hpp"
#include "network.hpp"

namespace ridgewalk {

#define RIDGEWALK_OUTPUTS(X) X(identity) X(logistic) X(softmax) X(exponential)
RIDGEWALK_KINDS(OutputKind, output_names, RIDGEWALK_OUTPUTS)

// A dense layer behind the first: w [inputs][units], b [units].
struct DensePlan {
  int inputs, units;
  const double *w, *b;
};
// A network of a group: its first unit among the group's, and its dense layers behind those.
struct NetworkPlan {
  int first;
  std::vector<DensePlan> dense;
  double share;
  const double *target_center, *target_scale;
};
// Networks whose layers are of the same kinds. The first layer is over D numbers of columns and T tabulated columns.
struct GroupPlan {
  int units, numbers, tabulated;
  const double *bias, *weights;                    // [units], [D][units]
  const int32_t *column, *kind;                    // [D]
  const double *center, *scale;                    // [D]
  const int32_t *tabulated_column, *first_edge;    // [T], [T + 1]
  const double *edges, *values;                    // [first_edge[T]], and for each of them [units]
  std::vector<Layer> layers;                       // behind the first; a dense one has the sizes that a network says
  std::vector<NetworkPlan> networks;
};
struct MixturePlan {
  int columns, outputs;  // the first so many columns are looked at
  OutputKind output;
  std::vector<GroupPlan> groups;
};

// Numbers of a first layer that float32 may take: of a row in which they add more to a unit, sums are rounded too much.
constexpr double most_in_single = 32;
constexpr int table_bytes = 24576;  // of the values that are looked up for all rows of a tile before others are: a near cache holds them
constexpr int most_vectors = 8;     // of a row's sums, which stay in registers meanwhile

// Where 64 rows are in a tabulated column: the number of the edge below, and the shares of its value and of the next.
template <class T> struct Spots {
  alignas(64) T below[tile], above[tile];
  int32_t edge[tile];
};

// What 64 rows need on their way through the networks of any group.
template <class T> struct Workspace {
  Buffer<T> numbers, sums, hidden, above, below, reach;
  Buffer<Spots<T>> spots;
  Workspace(int most_numbers, int most_tabulated, int most_units, int widest)
      : numbers(size_t(most_numbers) * tile), sums(size_t(most_tabulated ? padded<T>(most_units) : 0) * tile),
        hidden(size_t(most_units) * tile), above(size_t(widest) * tile), below(size_t(widest) * tile), reach(tile),
        spots(most_tabulated) {}
};

// sums [64][Wide vectors] += what some tabulated columns add, from values [edge][Wide vectors].
template <class T, int Wide> inline void look_up(const T* values, const Spots<T>* spots, int columns, int rows, T* sums) {
  constexpr int stride = Wide * lanes<T>;
  for (int r = 0; r < rows; ++r, sums += stride) {
    V<T> total[Wide];
#pragma GCC unroll 8
    for (int k = 0; k < Wide; ++k) total[k] = load<T>(sums + k * lanes<T>);
    for (int j = 0; j < columns; ++j) {
      const T* value = values + size_t(spots[j].edge[r]) * stride;
      const V<T> below = splat<T>(spots[j].below[r]), above = splat<T>(spots[j].above[r]);
#pragma GCC unroll 8
      for (int k = 0; k < Wide; ++k) total[k] += below * load<T>(value + k * lanes<T>);
#pragma GCC unroll 8
      for (int k = 0; k < Wide; ++k) total[k] += above * load<T>(value + stride + k * lanes<T>);
    }
#pragma GCC unroll 8
    for (int k = 0; k < Wide; ++k) store<T>(sums + k * lanes<T>, total[k]);
  }
}

// out [units][64] = after(out + sums'), from sums [64][stride].
template <class T, class After>
void add_transposed(const T* sums, int stride, int units, int width, T* out, const After& after) {
  for (int q = 0; q < units; q += lanes<T>)
    for (int r = 0; r < width; r += lanes<T>) {
      V<T> square[lanes<T>];
      for (int k = 0; k < lanes<T>; ++k) square[k] = load<T>(sums + size_t(r + k) * stride + q);
      transpose<T>(square);
      for (int k = 0; k < lanes<T> && q + k < units; ++k) {
        const size_t place = size_t(q + k) * tile + r;
        store<T>(out + place, after.template operator()<T>(load<T>(out + place) + square[k], place));
      }
    }
}

// Networks whose first layers are computed at once.
template <class T> class Group {
 public:
  Group(const GroupPlan& plan, int outputs)
      : units_(plan.units), stride_(padded<T>(plan.units)), layers_(plan.layers),
        weights_(rows_of(plan.weights, plan.numbers, plan.units)), bias_(rows_of(plan.bias, 1, plan.units)),
        first_edge_(plan.first_edge, plan.first_edge + plan.tabulated + 1),
        tabulated_column_(plan.tabulated_column, plan.tabulated_column + plan.tabulated),
        edges_(plan.edges, plan.edges + first_edge_.back()), values_(edges_.size() * stride_) {
    T* to = values_.get();
    in_parts(stride_ / lanes<T>, most_vectors, [&](int vector, int wide) {
      for (size_t e = 0; e < edges_.size(); ++e)
        for (int q = vector * lanes<T>; q < (vector + wide) * lanes<T>; ++q, ++to)
          *to = q < units_ ? T(plan.values[e * units_ + q]) : T(0);
    });
    for (int n = 0; n < plan.numbers; ++n) {
      double steepest = 0;
      for (int q = 0; q < plan.units; ++q) steepest = std::max(steepest, std::abs(plan.weights[size_t(n) * plan.units + q]));
      numbers_.push_back({plan.column[n], MapKind(plan.kind[n]), plan.center[n], 1 / plan.scale[n], T(steepest)});
    }
    for (size_t e = 0; e + 1 < edges_.size(); ++e) inverse_.push_back(1 / std::min(edges_[e + 1] - edges_[e], largest));
    for (const NetworkPlan& network : plan.networks) {
      networks_.push_back({network.first, {}, network.share, {network.target_center, network.target_center + outputs},
                           {network.target_scale, network.target_scale + outputs}});
      for (const DensePlan& dense : network.dense)
        networks_.back().dense.push_back({dense.inputs, dense.units, rows_of(dense.w, dense.inputs, dense.units),
                                          rows_of(dense.b, 1, dense.units)});
    }
  }

  int numbers() const { return int(numbers_.size()); }
  int tabulated() const { return int(tabulated_column_.size()); }
  int units() const { return units_; }
  int widest() const {
    int most = 0;
    for (const Network& network : networks_)
      for (const Dense& dense : network.dense) most = std::max(most, dense.units);
    return most;
  }

  // Add to total [outputs][64] what the networks predict of a tile x [columns][64], times their shares.
  void add(const double* x, int width, OutputKind kind, int outputs, Workspace<T>& space, double* total) const {
    set_numbers(x, width, space);
    T* hidden = space.hidden.get();
    const auto sums = [&](const auto& after) {
      product<T, false>(weights_.get(), stride_, bias_.get(), space.numbers.get(), numbers(), hidden, units_, width, after);
    };
    const bool rectified = with_rectifier<T>(layer_at(0), [&](const auto& after) {
      if (!tabulated()) return sums(after);
      sums(Keep{});
      add_tabulated(x, width, space, after);
    });
    size_t begin = rectified;
    for (; begin < layers_.size() && layers_[begin].kind != LayerKind::dense; ++begin)
      activate(layers_[begin], hidden, units_, width);
    for (const Network& network : networks_)
      add_share(network, forward(network, begin, width, space), width, kind, outputs, total);
  }

 private:
  struct Number {
    int column;
    MapKind kind;
    double center, inverse;
    T steepest;  // largest weight that leads from it
  };
  struct Dense {
    int inputs, units;
    Buffer<T> w, b;
  };
  struct Network {
    int first;
    std::vector<Dense> dense;
    double share;
    std::vector<double> center, scale;
  };

  static Buffer<T> rows_of(const double* from, int rows, int units) {
    const int stride = padded<T>(units);
    Buffer<T> to(size_t(rows) * stride);
    for (int p = 0; p < rows; ++p)
      for (int q = 0; q < units; ++q) to[size_t(p) * stride + q] = T(from[size_t(p) * units + q]);
    return to;
  }

  const Layer* layer_at(size_t k) const { return k < layers_.size() ? &layers_[k] : nullptr; }
  static void activate(const Layer& layer, T* x, int units, int width) {
    with_activation<T>(layer, [&](const auto& value) {
      for (int q = 0; q < units; ++q)
        for (int c = 0; c < width; c += lanes<T>) store<T>(x + q * tile + c, value(load<T>(x + q * tile + c)));
    });
  }

  void set_numbers(const double* x, int width, Workspace<T>& space) const {
    T *to = space.numbers.get(), *reach = space.reach.get();
    for (const Number& number : numbers_) {
      const double *from = x + size_t(number.column) * tile, bound = number.kind == MapKind::soft_clip ? far : largest;
      alignas(64) double z[tile];
      for (int c = 0; c < width; c += lanes<double>) {
        const V<double> difference = within(load<double>(from + c) - number.center, largest);
        store<double>(z + c, within(difference * number.inverse, bound));
      }
      for (int r = 0; r < width; ++r) to[r] = T(z[r]);
      for (int c = 0; c < width; c += lanes<T>) {
        const V<T> v = load<T>(to + c);
        if (number.kind == MapKind::soft_clip) {
          const V<T> part = v * T(1 / soft_bound);
          store<T>(to + c, v / root<T>(T(1) + part * part));
        } else {
          store<T>(reach + c, load<T>(reach + c) + magnitude<T>(v) * number.steepest);
        }
      }
      to += tile;
    }
  }
  static V<double> within(V<double> v, double bound) {
    return smaller<double>(larger<double>(v, splat<double>(-bound)), splat<double>(bound));
  }

  // The point below x of every tabulated column, and the shares of the next one and of this one.
  void set_points(const double* x, int width, Workspace<T>& space) const {
    for (int j = 0; j < tabulated(); ++j) {
      const double* from = x + size_t(tabulated_column_[j]) * tile;
      const int begin = first_edge_[j], end = first_edge_[j + 1] - 1;
      alignas(64) double part[tile];
      alignas(64) int64_t at[tile];
      for (int c = 0; c < width; c += lanes<double>) {
        const V<double> v = load<double>(from + c);
        V<double> low = splat<double>(edges_[begin]), inverse = splat<double>(inverse_[begin]);
        I<double> point = I<double>{} + begin;
        for (int e = begin + 1; e < end; ++e) {
          const V<double> edge = splat<double>(edges_[e]);
          const I<double> beyond = v >= edge;
          low = beyond ? edge : low;
          inverse = beyond ? splat<double>(inverse_[e]) : inverse;
          point -= beyond;
        }
        const V<double> f = larger<double>((v - low) * inverse, V<double>{});
        store<double>(part + c, smaller<double>(f, splat<double>(1.0)));
        *reinterpret_cast<I<double>*>(at + c) = point;
      }
      Spots<T>& to = space.spots[j];
      for (int r = 0; r < width; ++r) {
        to.below[r] = T(1 - part[r]);
        to.above[r] = T(part[r]);
        to.edge[r] = int32_t(at[r]);
      }
    }
  }
  // Add to the hidden layer, before its activation, what the tabulated columns add.
  template <class After> void add_tabulated(const double* x, int width, Workspace<T>& space, const After& after) const {
    set_points(x, width, space);
    space.sums.clear(size_t(width) * stride_);
    in_parts(stride_ / lanes<T>, most_vectors, [&](int vector, int wide) {
      const int unit = vector * lanes<T>, most = std::max(2, int(table_bytes / (size_t(wide) * vector_bytes)));
      const T* values = values_.get() + edges_.size() * unit;
      T* sums = space.sums.get() + size_t(width) * unit;
      with_constant<most_vectors>(wide, [&](auto constant) {
        for (int begin = 0, end; begin < tabulated(); begin = end) {
          for (end = begin + 1; end < tabulated() && first_edge_[end + 1] - first_edge_[begin] <= most;) ++end;
          look_up<T, decltype(constant)::value>(values, space.spots.get() + begin, end - begin, width, sums);
        }
      });
      add_transposed<T>(sums, wide * lanes<T>, std::min(units_ - unit, wide * lanes<T>), width,
                        space.hidden.get() + size_t(unit) * tile, after);
    });
  }

  // Output [outputs][64] of a network, whose layers before `begin` are done.
  T* forward(const Network& network, size_t begin, int width, Workspace<T>& space) const {
    T *x = space.hidden.get() + size_t(network.first) * tile, *to = space.above.get(), *next = space.below.get();
    size_t dense = 0;
    for (size_t k = begin; k < layers_.size(); ++k) {
      if (layers_[k].kind != LayerKind::dense) {
        activate(layers_[k], x, network.dense[dense - 1].units, width);
        continue;
      }
      const Dense& layer = network.dense[dense++];
      k += with_rectifier<T>(layer_at(k + 1), [&](const auto& after) {
        product<T, false>(layer.w.get(), padded<T>(layer.units), layer.b.get(), x, layer.inputs, to, layer.units, width, after);
      });
      x = to;
      std::swap(to, next);
    }
    return x;
  }

  void add_share(const Network& network, T* output, int width, OutputKind kind, int outputs, double* total) const {
    if (kind == OutputKind::identity || kind == OutputKind::exponential) {
      for (int q = 0; q < outputs; ++q) {
        const T* from = output + q * tile;
        double* to = total + q * tile;
        alignas(64) double mean[tile];
        for (int r = 0; r < width; ++r) mean[r] = double(from[r]) * network.scale[q] + network.center[q];
        if (kind == OutputKind::exponential)
          for (int c = 0; c < width; c += lanes<double>)
            store<double>(mean + c, exp<double>(smaller<double>(load<double>(mean + c), splat<double>(largest_exponent<double>))));
        for (int r = 0; r < width; ++r) to[r] += network.share * mean[r];
      }
      return;
    }
    for (int q = 0; q < outputs; ++q)
      for (int c = 0; c < width; c += lanes<T>)
        store<T>(output + q * tile + c, load<T>(output + q * tile + c) * T(network.scale[q]) + T(network.center[q]));
    T* chance = output;
    for (int c = 0; c < width; c += lanes<T>) {
      if (kind == OutputKind::logistic) {
        for (int q = 0; q < outputs; ++q) store<T>(chance + q * tile + c, logistic<T>(load<T>(output + q * tile + c)));
      } else {
        const Softmax<T> parts(output, outputs, c, chance);
        for (int q = 0; q < outputs; ++q) store<T>(chance + q * tile + c, load<T>(chance + q * tile + c) / parts.total);
      }
    }
    for (int q = 0; q < outputs; ++q)
      for (int r = 0; r < width; ++r) total[q * tile + r] += network.share * double(chance[q * tile + r]);
  }

  int units_, stride_;
  std::vector<Layer> layers_;
  std::vector<Number> numbers_;
  Buffer<T> weights_, bias_;
  std::vector<int32_t> first_edge_, tabulated_column_;
  std::vector<double> edges_, inverse_;
  Buffer<T> values_;
  std::vector<Network> networks_;
};

// All groups of a mixture, in one precision.
template <class T> class Groups {
 public:
  explicit Groups(const MixturePlan& plan) : outputs_(plan.outputs), kind_(plan.output) {
    for (const GroupPlan& group : plan.groups) groups_.emplace_back(group, outputs_);
  }
  Workspace<T> workspace() const {
    int numbers = 0, tabulated = 0, units = 0, widest = 0;
    for (const Group<T>& group : groups_) {
      numbers = std::max(numbers, group.numbers());
      tabulated = std::max(tabulated, group.tabulated());
      units = std::max(units, group.units());
      widest = std::max(widest, group.widest());
    }
    return {numbers, tabulated, units, widest};
  }
  // Predictions [outputs][64] of a tile, and of each row, which is far out, whether float32 is too coarse.
  void predict(const double* x, int width, Workspace<T>& space, double* total, bool* far_out) const {
    std::fill_n(total, size_t(outputs_) * tile, 0.0);
    std::fill_n(far_out, tile, false);
    for (const Group<T>& group : groups_) {
      space.reach.clear();
      group.add(x, width, kind_, outputs_, space, total);
      for (int r = 0; r < width; ++r) far_out[r] |= !(space.reach[r] <= T(most_in_single));
    }
  }

 private:
  int outputs_;
  OutputKind kind_;
  std::vector<Group<T>> groups_;
};

class Mixture {
 public:
  explicit Mixture(const MixturePlan& plan) : columns_(plan.columns), outputs_(plan.outputs), single_(plan), twice_(plan) {}
  Mixture(const Mixture&) = delete;
  int columns() const { return columns_; }
  int outputs() const { return outputs_; }

  // Predictions (N, C) of rows x (N, P), in float32 but for rows that are far out, or all in float64.
  void predict(const double* x, int64_t rows, int64_t width, bool single, double* out) const {
    Buffer<double> columns(size_t(columns_) * tile), total(size_t(outputs_) * tile);
    bool far_out[tile];
    int64_t numbers[tile];
    const auto run = [&](const auto& groups, auto& space, int count) {
      gather(x, width, numbers, count, columns.get());
      groups.predict(columns.get(), padded<float>(count), space, total.get(), far_out);
      for (int r = 0; r < count; ++r)
        for (int q = 0; q < outputs_; ++q) out[numbers[r] * outputs_ + q] = total[size_t(q) * tile + r];
    };
    std::vector<int64_t> left;
    const auto all = [&](int64_t number) { return number; };
    const auto some = [&](int64_t number) { return left[number]; };
    const auto in_tiles = [&](int64_t among, const auto& place, const auto& each) {
      for (int64_t first = 0; first < among; first += tile) {
        const int count = int(std::min<int64_t>(tile, among - first));
        for (int r = 0; r < count; ++r) numbers[r] = place(first + r);
        each(count);
      }
    };
    if (single) {
      Workspace<float> space = single_.workspace();
      in_tiles(rows, all, [&](int count) {
        run(single_, space, count);
        for (int r = 0; r < count; ++r)
          if (far_out[r]) left.push_back(numbers[r]);
      });
      if (left.empty()) return;
    }
    Workspace<double> space = twice_.workspace();
    const auto twice = [&](int count) { run(twice_, space, count); };
    if (single) in_tiles(int64_t(left.size()), some, twice);
    else in_tiles(rows, all, twice);
  }

 private:
  // Columns [P][64] of some rows; the places behind the last are 0.
  void gather(const double* x, int64_t width, const int64_t* numbers, int count, double* to) const {
    for (int r = 0; r < count; ++r)
      for (int p = 0; p < columns_; ++p) to[size_t(p) * tile + r] = x[numbers[r] * width + p];
    for (int p = 0; p < columns_; ++p) std::fill(to + size_t(p) * tile + count, to + size_t(p) * tile + tile, 0.0);
  }

  int columns_, outputs_;
  Groups<float> single_;
  Groups<double> twice_;
};

}  // namespace ridgewalk

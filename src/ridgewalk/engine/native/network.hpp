// One tile forward through the layers and back: arrays, gradients, activations, dropout.
#pragma once
#include "kernels.hpp"
#include "losses.hpp"
#include "memory.hpp"
#include "plan.hpp"
#include "rng.hpp"
#include "table.hpp"

namespace ridgewalk {

// Arrays of a network, (w1, b1, w2, b2, ...): rows padded to whole vectors.
struct Shape {
  int inputs, units, stride;
  size_t size() const { return size_t(inputs) * stride; }
};
template <class T> std::vector<Shape> shapes(const std::vector<Layer>& layers) {
  std::vector<Shape> all;
  for (const Layer& layer : layers)
    if (layer.kind == LayerKind::dense)
      for (int inputs : {layer.inputs, 1}) all.push_back({inputs, layer.units, padded<T>(layer.units)});
  return all;
}
template <class T> using Arrays = std::vector<Buffer<T>>;
template <class T> Arrays<T> zeros(const std::vector<Shape>& all) {
  Arrays<T> arrays;
  for (const Shape& shape : all) arrays.emplace_back(shape.size());
  return arrays;
}

// Gradients of all arrays, summed over tiles: some of them lane by lane until `finish`.
template <class T> struct Gradients {
  enum Way { wide, few_inputs, few_units };
  std::vector<Shape> all;
  Arrays<T> arrays;
  std::vector<Way> ways;
  Arrays<T> thin_sums, bias_sums;  // lane by lane: [.][lanes]

  // With `shrinking`, memory is reserved for what wide layers may become.
  Gradients(const std::vector<Shape>& shapes, bool shrinking) : all(shapes), arrays(zeros<T>(shapes)) {
    for (size_t d = 0; d < all.size(); d += 2) {
      const Shape& shape = all[d];
      ways.push_back(way(shape));
      const int shortest = std::min(shape.inputs, shape.units), longest = std::max(shape.inputs, shape.units);
      const bool thin = shrinking || ways.back() != wide;
      thin_sums.emplace_back(thin ? size_t(std::min(shortest, thinnest)) * longest * lanes<T> : 0);
      bias_sums.emplace_back(size_t(shape.units) * lanes<T>);
    }
    was_ = ways;
  }
  // Go on with arrays that have become smaller, or are as large again as at first.
  void take(const std::vector<Shape>& shapes) {
    all = shapes;
    for (size_t d = 0; d < ways.size(); ++d) ways[d] = was_[d] == wide ? way(all[2 * d]) : was_[d];
  }
  // With `later`, the gradients of wide layers are left alone: they come from what the passes keep (Pass::add_rows).
  void clear(bool later) {
    for (size_t d = 0; d < ways.size(); ++d) {
      const Shape& shape = all[2 * d];
      if (!later || ways[d] != wide) arrays[2 * d].clear(shape.size());
      if (ways[d] != wide) thin_sums[d].clear(size_t(shape.inputs) * shape.units * lanes<T>);
      bias_sums[d].clear(size_t(shape.units) * lanes<T>);
    }
  }
  void finish() {
    for (size_t d = 0; d < ways.size(); ++d) {
      const Shape& shape = all[2 * d];
      sum_lanes<T>(bias_sums[d].get(), shape.units);
      std::copy_n(bias_sums[d].get(), shape.units, arrays[2 * d + 1].get());
      if (ways[d] == wide) continue;
      T* flat = thin_sums[d].get();
      const int count = shape.inputs * shape.units;
      T* w = arrays[2 * d].get();
      sum_lanes<T>(flat, count);
      for (int p = 0; p < shape.inputs; ++p)
        for (int q = 0; q < shape.units; ++q)
          w[size_t(p) * shape.stride + q] += ways[d] == few_units ? flat[p * shape.units + q] : flat[q * shape.inputs + p];
    }
  }

 private:
  static Way way(const Shape& shape) {
    return shape.units <= thinnest ? few_units : shape.inputs <= thinnest ? few_inputs : wide;
  }
  std::vector<Way> was_;
};

// Activations, and the slope that a gradient is multiplied by on its way back, from the activation's output.
struct Rectifier {  // ReLU
  template <class T> V<T> value(V<T> v) const { return larger<T>(V<T>{}, v); }
  template <class T> V<T> slope(V<T> y, V<T> dy) const { return y > 0 ? dy : V<T>{}; }
  template <class T> V<T> operator()(V<T> v, size_t) const { return value<T>(v); }
};
struct LeakyRectifier {
  double leak;
  template <class T> V<T> value(V<T> v) const { return v > 0 ? v : T(leak) * v; }
  template <class T> V<T> slope(V<T> y, V<T> dy) const { return y > 0 ? dy : T(leak) * dy; }
  template <class T> V<T> operator()(V<T> v, size_t) const { return value<T>(v); }
};
template <class T, class Rectifying> struct SlopeOf {
  const T* y;
  Rectifying rectifier;
  template <class> V<T> operator()(V<T> dy, size_t i) const { return rectifier.template slope<T>(load<T>(y + i), dy); }
};
template <class T> struct SlopeOfTanh {
  const T* y;
  template <class> V<T> operator()(V<T> dy, size_t i) const { return dy * (T(1) - load<T>(y + i) * load<T>(y + i)); }
};
template <class T> struct SlopeOfLogistic {
  const T* y;
  template <class> V<T> operator()(V<T> dy, size_t i) const { return dy * (load<T>(y + i) * (T(1) - load<T>(y + i))); }
};
template <class T> struct SlopeThatWasKept {
  const T* slope;
  template <class> V<T> operator()(V<T> dy, size_t i) const { return dy * load<T>(slope + i); }
};

#if defined(__wasm__)
// All of these as one type: a page is to be small, and which of them it is, is asked once for every vector that is stored.
template <class T> struct AnyAfter {
  enum Kind { keep, rectifier, leaky, slope_of_rectifier, slope_of_leaky, slope_of_tanh, slope_of_logistic, kept_slope };
  Kind kind = keep;
  const T* y = nullptr;
  double leak = 0;
  template <class> V<T> operator()(V<T> v, size_t i) const {
    switch (kind) {
      case rectifier: return Rectifier{}.template value<T>(v);
      case leaky: return LeakyRectifier{leak}.template value<T>(v);
      case slope_of_rectifier: return SlopeOf<T, Rectifier>{y, {}}.template operator()<T>(v, i);
      case slope_of_leaky: return SlopeOf<T, LeakyRectifier>{y, {leak}}.template operator()<T>(v, i);
      case slope_of_tanh: return SlopeOfTanh<T>{y}.template operator()<T>(v, i);
      case slope_of_logistic: return SlopeOfLogistic<T>{y}.template operator()<T>(v, i);
      case kept_slope: return SlopeThatWasKept<T>{y}.template operator()<T>(v, i);
      default: return v;
    }
  }
};
template <class T> struct Between<AnyAfter<T>> {
  using type = AnyAfter<T>;
};
// A rectifier, leaky or not, as one type that chooses without a branch.
struct AnyRectifier {
  float leak;
  int32_t mask;  // all bits where it leaks, none where it does not
  template <class T> V<T> leaked(V<T> v) const { return (V<T>)((I<T>)(leak * v) & (I<T>{} + mask)); }
  template <class T> V<T> value(V<T> v) const { return v < 0 ? leaked<T>(v) : v; }
  template <class T> V<T> slope(V<T> y, V<T> dy) const { return y > 0 ? dy : leaked<T>(dy); }
};
#endif

// Call f with the activation of a layer that has one, a function of a vector.
template <class T, class F> void with_activation(const Layer& layer, const F& f) {
  switch (layer.kind) {
    case LayerKind::relu: return f([](V<T> v) { return Rectifier{}.template value<T>(v); });
    case LayerKind::leaky_relu: return f([leaky = LeakyRectifier{layer.parameter}](V<T> v) { return leaky.template value<T>(v); });
    case LayerKind::tanh: return f([](V<T> v) { return tanh<T>(v); });
    case LayerKind::logistic: return f([](V<T> v) { return logistic<T>(v); });
    case LayerKind::gelu: return f([](V<T> v) { return v * normal<T>(v).below; });
    default: return;
  }
}

// One vector through a layer that has an activation; any other layer leaves it.
template <class T> V<T> activated(const Layer& layer, V<T> v) {
  with_activation<T>(layer, [&](const auto& value) { v = value(v); });
  return v;
}

// Call f with what becomes of a dense layer's sums as they are stored; return whether the next layer, where there is one, is
// done by that: a rectifier, where its input stood.
template <class T, class F> bool with_rectifier(const Layer* next, const F& f) {
#if defined(__wasm__)
  const bool leaky = next && next->kind == LayerKind::leaky_relu, found = leaky || (next && next->kind == LayerKind::relu);
  f(AnyAfter<T>{leaky ? AnyAfter<T>::leaky : found ? AnyAfter<T>::rectifier : AnyAfter<T>::keep, nullptr,
                leaky ? next->parameter : 0});
  return found;
#else
  if (next && next->kind == LayerKind::relu) return f(Rectifier{}), true;
  if (next && next->kind == LayerKind::leaky_relu) return f(LeakyRectifier{next->parameter}), true;
  return f(Keep{}), false;
#endif
}

struct Dropped {  // what dropout's numbers are drawn from
  uint64_t seed;
  int64_t step;
};

// One worker's pass: the cached output of every layer for one tile, forward, and the gradients, backward.
template <class T> class Pass {
 public:
  explicit Pass(const Plan<T>& plan) : loss_(plan.loss) {
    const std::vector<Layer>& layers = plan.layers;
    int width = plan.source.inputs, dense = 0, widest = 0;
    for (size_t k = 0; k < layers.size(); ++k) {
      const LayerKind kind = layers[k].kind;
      const bool is_dense = kind == LayerKind::dense;
      if (is_dense && dense == 0) first_dense_ = int(k);
      if (is_dense) width = layers[k].units;
      if (dense + is_dense > 0) widest = std::max(widest, width);  // below the first dense layer nothing comes back
      Step step{layers[k], uint64_t(k), width, is_dense ? dense++ : -1, {}, {}, {}, nullptr, nullptr};
      // An activation takes the place of the dense layer's output below it, which nothing needs any more.
      const bool in_place = k > 0 && layers[k - 1].kind == LayerKind::dense && !is_dense && kind != LayerKind::dropout;
      if (!in_place) step.own_output = Buffer<T>(size_t(width) * tile);
      step.output = in_place ? steps_[k - 1].output : step.own_output.get();
      if (kind == LayerKind::gelu || kind == LayerKind::dropout) step.slope = Buffer<T>(size_t(width) * tile);
      if (is_dense) step.panels = Buffer<T>(size_t(padded<T>(width)) * tile);
      steps_.push_back(std::move(step));
    }
    delta_ = Buffer<T>(std::max<size_t>(widest, together * thinnest) * tile);
    other_ = Buffer<T>(size_t(widest) * tile);
    if (plan.source.sparse()) picked_ = Buffer<T>(padded<T>(layers[0].units));
    narrow_ = layers.size() == 3 && !plan.source.sparse() && layers[0].kind == LayerKind::dense &&
              (layers[1].kind == LayerKind::relu || layers[1].kind == LayerKind::leaky_relu) &&
              layers[2].kind == LayerKind::dense && layers[0].inputs <= thinnest && layers[0].units > thinnest &&
              layers[2].units <= thinnest;
  }

  // Go on with arrays of these shapes, which are no larger than at first.
  void take(const std::vector<Shape>& all) {
    for (size_t k = first_dense_; k < steps_.size(); ++k) {
      Step& step = steps_[k];
      if (step.dense >= 0) step.layer.inputs = all[2 * step.dense].inputs;
      step.width = step.dense >= 0 ? all[2 * step.dense].units : steps_[k - 1].width;
    }
  }

  // Output [C][64] of one tile; without `dropped`, dropout is the identity.
  const T* forward(const Arrays<T>& arrays, const Tile<T>& data, const Dropped* dropped) {
    const T* x = data.x;
    if (narrow_) {
      narrow(arrays, [&](const auto& kernel) { kernel.forward(x, data.width(), steps_[2].output); });
      return steps_[2].output;
    }
    for (size_t k = 0; k < steps_.size(); ++k) {
      Step& step = steps_[k];
      step.input = x;
      if (step.dense >= 0) {
        const Buffer<T>& w = arrays[2 * step.dense];
        const T* from = w.get();
        int inputs = step.layer.inputs;
        if (int(k) == first_dense_ && data.sparse) {
          from = picked(w.get(), padded<T>(step.width), data);
          inputs = data.inputs;
        }
        const auto run = [&](const auto& after) {
          product<T, false>(from, padded<T>(step.width), arrays[2 * step.dense + 1].get(), x, inputs, step.output,
                            step.width, data.width(), after);
        };
        k += with_rectifier<T>(k + 1 < steps_.size() ? &steps_[k + 1].layer : nullptr, run);
      } else {
        activate(step, data, dropped);
      }
      x = step.output;
    }
    return x;
  }

  // Sum of the losses of a tile's rows times their shares.
  double loss(const Tile<T>& data, const T* output) const {
    alignas(64) T values[tile];
    loss_values<T>(loss_, output, data.target, steps_.back().width, data.width(), values);
    double sum = 0;
    for (int r = 0; r < data.count; ++r) sum += double(values[r]) * data.shares[r];
    return sum;
  }

  // Add the gradients of the data loss over some tiles; and to `losses`, where it is given, the losses of their rows.
  // With `later`, those of wide layers are left to add_rows, for the last tile.
  void add_gradients(const Arrays<T>& arrays, const Tile<T>* tiles, int count, const Dropped* dropped, bool later,
                     Gradients<T>& into, double* losses) {
    const auto run = [&](const Tile<T>& data) {
      const T* output = forward(arrays, data, dropped);
      if (losses) *losses += loss(data, output);
      return output;
    };
    if (!narrow_) {
      for (int t = 0; t < count; ++t) backward(arrays, tiles[t], run(tiles[t]), later, into);
      return;
    }
    const int outputs = steps_[2].width;
    const T* x[together];
    for (int t = 0; t < count; ++t) {
      T* dy = delta_.get() + size_t(t) * outputs * tile;
      x[t] = tiles[t].x;
      loss_gradient<T>(loss_, run(tiles[t]), tiles[t].target, tiles[t].weights, outputs, tiles[t].width(), dy);
      row_sums<T>(dy, outputs, tiles[t].width(), into.bias_sums[1].get());
    }
    const int width = tiles[count - 1].width(), whole = count - (width < tile);
    narrow(arrays, [&](const auto& kernel) {
      const auto back = [&](int first, int last, auto wide) {
        kernel.backward(x + first, delta_.get() + size_t(first) * outputs * tile, last - first, wide, into.thin_sums[0].get(),
                        into.bias_sums[0].get(), into.thin_sums[1].get());
      };
#if defined(__wasm__)
      if (whole) back(0, whole, int(tile));
#else
      if (whole) back(0, whole, std::integral_constant<int, tile>{});
#endif
      if (whole < count) back(whole, count, width);
    });
  }

  // dw [last - first][stride] += rows first to last - 1 of the gradient of a wide layer, over the last tile.
  void add_rows(int dense, int first, int last, T* dw) const {
    for (const Step& step : steps_)
      if (step.dense == dense)
        gradient<T>(step.input + size_t(first) * tile, last - first, step.panels.get(), step.width, rows_, dw,
                    padded<T>(step.width));
  }

 private:
  // From the output of a tile back through the layers.
  void backward(const Arrays<T>& arrays, const Tile<T>& data, const T* output, bool later, Gradients<T>& gradients) {
    T *dy = delta_.get(), *dx = other_.get();
    rows_ = data.count;
    loss_gradient<T>(loss_, output, data.target, data.weights, steps_.back().width, data.width(), dy);
    for (int k = int(steps_.size()) - 1; k >= first_dense_; --k) {
      const Step& step = steps_[k];
      if (step.dense < 0) {  // a step that no dense layer's product took along
        slope_of(step, [&](const auto& slope) {
          in_rows(step, data, [&](int i) { store<T>(dy + i, slope.template operator()<T>(load<T>(dy + i), i)); });
        });
        continue;
      }
      add_layer(step, data, dy, k == first_dense_, later, gradients);
      if (k == first_dense_) break;
      const auto run = [&](const auto& after) {
        const T* w = arrays[2 * step.dense].get();
        const int inputs = step.layer.inputs, units = step.width, stride = padded<T>(units), width = data.width();
        if (gradients.ways[step.dense] == Gradients<T>::few_units)
          thin_back<T>(w, stride, step.input, inputs, dy, units, width, gradients.thin_sums[step.dense].get(), dx, after);
        else product<T, true>(w, stride, nullptr, dy, units, dx, inputs, width, after);
      };
      if (steps_[k - 1].dense < 0) slope_of(steps_[--k], run);
#if defined(__wasm__)
      else run(AnyAfter<T>{});
#else
      else run(Keep{});
#endif
      std::swap(dy, dx);
    }
  }

  struct Step {
    Layer layer;
    uint64_t number;  // of the layer
    int width;        // features of the output
    int dense;        // number of the dense layer, or -1
    Buffer<T> own_output, slope;
    Buffer<T> panels;  // dy, transposed
    T* output;
    const T* input;
  };

  // Call f with the kernel of a network that is few inputs, a rectified layer, few outputs.
  template <class F> void narrow(const Arrays<T>& arrays, const F& f) {
    const int inputs = steps_[0].layer.inputs, outputs = steps_[2].width;
    const auto of = [&]<int P, int Q, bool exact>(auto activation) {
      using C = Counts<P, Q, exact>;
      f(Narrow<T, P, Q, decltype(activation), C>{C{inputs, outputs}, arrays[0].get(), arrays[1].get(), arrays[2].get(),
                                                 arrays[3].get(), padded<T>(steps_[0].width), padded<T>(steps_[2].width),
                                                 steps_[0].width, activation});
    };
#if defined(__wasm__)
    const bool leaky = steps_[1].layer.kind == LayerKind::leaky_relu;
    const AnyRectifier activation{leaky ? float(steps_[1].layer.parameter) : 0.0f, -int32_t(leaky)};
    if (inputs == 2 && outputs == 2) of.template operator()<2, 2, true>(activation);
    else if (inputs == 2 && outputs == 3) of.template operator()<2, 3, true>(activation);
    else of.template operator()<thinnest, thinnest, false>(activation);
#else
    const auto with = [&](auto activation) {
      with_constant<thinnest>(inputs, [&](auto p) {
        with_constant<thinnest>(outputs, [&](auto q) {
          of.template operator()<decltype(p)::value, decltype(q)::value, true>(activation);
        });
      });
    };
    if (steps_[1].layer.kind == LayerKind::relu) with(Rectifier{});
    else with(LeakyRectifier{steps_[1].layer.parameter});
#endif
  }

  // Call f for the place of every vector of a layer's rows.
  template <class F> void in_rows(const Step& step, const Tile<T>& data, const F& f) {
    for (int q = 0; q < step.width; ++q)
      for (int c = 0; c < data.width(); c += lanes<T>) f(q * tile + c);
  }

  void activate(Step& step, const Tile<T>& data, const Dropped* dropped) {
    const auto each = [&](auto f) {
      in_rows(step, data, [&](int i) { store<T>(step.output + i, f(load<T>(step.input + i), i)); });
    };
    switch (step.layer.kind) {
      case LayerKind::gelu:
        each([&](V<T> v, int i) {
          const Normal<T> n = normal<T>(v);
          store<T>(step.slope.get() + i, n.below + v * n.density);
          return v * n.below;
        });
        break;
      case LayerKind::dropout:
        draw(step, data, dropped);
        each([&](V<T> v, int i) { return v * load<T>(step.slope.get() + i); });
        break;
      default: with_activation<T>(step.layer, [&](const auto& value) { each([&](V<T> v, int) { return value(v); }); });
    }
  }

  template <class F> void slope_of(const Step& step, const F& f) {
#if defined(__wasm__)
    using After = AnyAfter<T>;
    switch (step.layer.kind) {
      case LayerKind::relu: return f(After{After::slope_of_rectifier, step.output, 0});
      case LayerKind::leaky_relu: return f(After{After::slope_of_leaky, step.output, step.layer.parameter});
      case LayerKind::tanh: return f(After{After::slope_of_tanh, step.output, 0});
      case LayerKind::logistic: return f(After{After::slope_of_logistic, step.output, 0});
      default: return f(After{After::kept_slope, step.slope.get(), 0});
    }
#else
    switch (step.layer.kind) {
      case LayerKind::relu: return f(SlopeOf<T, Rectifier>{step.output, {}});
      case LayerKind::leaky_relu: return f(SlopeOf<T, LeakyRectifier>{step.output, {step.layer.parameter}});
      case LayerKind::tanh: return f(SlopeOfTanh<T>{step.output});
      case LayerKind::logistic: return f(SlopeOfLogistic<T>{step.output});
      default: return f(SlopeThatWasKept<T>{step.slope.get()});
    }
#endif
  }

  void draw(Step& step, const Tile<T>& data, const Dropped* dropped) {
    T* kept = step.slope.get();
    const double rate = step.layer.parameter;
    if (!dropped || rate == 0) {
      std::fill(kept, kept + size_t(step.width) * tile, T(1));
      return;
    }
    const T scale = T(1 / (1 - rate));
    const uint64_t bound = uint64_t(std::ceil(rate * 16777216.0));  // of the 24 bits that a number has
    const uint64_t prefix = mix(mix(mix(mix(0, dropped->seed), dropout_purpose), uint64_t(dropped->step)), step.number);
    uint64_t rows[tile];
    for (int r = 0; r < data.width(); ++r) rows[r] = mix(prefix, uint64_t(data.numbers[r]));
    for (int q = 0; q < step.width; ++q)
      for (int r = 0; r < data.width(); ++r) kept[q * tile + r] = (mix(rows[r], uint64_t(q)) >> 40) >= bound ? scale : T(0);
  }

  // Rows of w [inputs][stride] that belong to the columns of a tile.
  const T* picked(const T* w, int stride, const Tile<T>& data) {
    if (picked_.size() < size_t(data.inputs) * stride) picked_ = Buffer<T>(2 * size_t(data.inputs) * stride);
    for (int k = 0; k < data.inputs; ++k)
      std::memcpy(picked_.get() + size_t(k) * stride, w + size_t(data.columns[k]) * stride, stride * sizeof(T));
    return picked_.get();
  }

  void add_layer(const Step& step, const Tile<T>& data, const T* dy, bool first, bool later, Gradients<T>& into) {
    const int d = step.dense, units = step.width, stride = padded<T>(units);
    const bool sparse = first && data.sparse;
    const int inputs = sparse ? data.inputs : step.layer.inputs, rows = data.count, width = data.width();
    T* bias_sums = into.bias_sums[d].get();
    auto way = into.ways[d];
    if (sparse && way == Gradients<T>::few_inputs) way = Gradients<T>::wide;  // its sums are over all inputs
    if (way == Gradients<T>::few_inputs)
      return thin<T>(dy, units, step.input, inputs, width, into.thin_sums[d].get(), [=](int n, int, const auto& row, auto&) {
        V<T> sum = row[0];
        for (size_t j = 1; j < std::size(row); ++j) sum += row[j];
        store<T>(bias_sums + n * lanes<T>, load<T>(bias_sums + n * lanes<T>) + sum);
      });
    row_sums<T>(dy, units, width, bias_sums);
    if (way == Gradients<T>::few_units && !sparse) {  // above the first layer, the way back takes them along
      if (first) thin<T>(step.input, inputs, dy, units, width, into.thin_sums[d].get(), [](auto&&...) {});
      return;
    }
    transpose_panels<T>(dy, units, rows, step.panels.get());
    if (later) return;
    if (!sparse) return gradient<T>(step.input, inputs, step.panels.get(), units, rows, into.arrays[2 * d].get(), stride);
    T* sum = const_cast<T*>(picked_.get());  // the weights in it are needed no more
    std::memset(static_cast<void*>(sum), 0, size_t(inputs) * stride * sizeof(T));
    gradient<T>(step.input, inputs, step.panels.get(), units, rows, sum, stride);
    for (int k = 0; k < inputs; ++k)
      for (int q = 0; q < stride; q += lanes<T>) {
        T* place = into.arrays[2 * d].get() + size_t(data.columns[k]) * stride + q;
        store<T>(place, load<T>(place) + load<T>(sum + size_t(k) * stride + q));
      }
  }

  Loss loss_;
  std::vector<Step> steps_;
  int first_dense_ = -1;
  bool narrow_ = false;
  int rows_ = 0;  // of the last tile
  Buffer<T> delta_, other_, picked_;
};

}  // namespace ridgewalk

// One step of one array: the optimizer's move, then the penalty's prox in the optimizer's own metric.
//
//   z = move(w, dw);   w <- prox_{step}(z):   L1, then the group, then L2        (penalties.py, optimizers.py)
//                                             with a concavity: L2, which shrinks z and step, then MCP of the weight or the group
#pragma once
#include <limits>

#include "network.hpp"

namespace ridgewalk {

// Strengths of one array of one run; a group is an input's row of weights, or several, or a unit's column.
template <class T> struct Prox {
  const T *l1 = nullptr, *l2 = nullptr, *group = nullptr;
  Over over = Over::none;
  const int32_t* member = nullptr;
  int groups = 0;
  T concavity = 0;

  Prox(const Penalty<T>& penalty, int run)
      : l1(penalty.l1.given ? penalty.l1.of(run) : nullptr),
        l2(penalty.l2.given ? penalty.l2.of(run) : nullptr),
        group(penalty.over == Over::none ? nullptr : penalty.group.of(run)),
        over(penalty.over), member(penalty.member), groups(penalty.groups), concavity(T(penalty.concavity)) {}
};

// A result as the engine's threads have it, whose processor makes denormal numbers 0 (thread_pool.hpp). WebAssembly cannot, so there
// it is done here, wherever it can decide what becomes of a weight.
template <class T> inline V<T> flushed(V<T> v) {
#if defined(__SSE2__) || defined(__aarch64__)
  return v;
#else
  const V<T> zero = with_sign<T>(V<T>{}, v);
  return magnitude<T>(v) < std::numeric_limits<T>::min() ? zero : v;
#endif
}
// A size with the sign of z; what is zero has none.
template <class T> inline V<T> directed(V<T> size, V<T> z) { return with_sign<T>(flushed<T>(size), z) + T(0); }
template <class T> inline V<T> soft(V<T> z, V<T> threshold) {
  const V<T> size = magnitude<T>(z) - threshold;
  return directed<T>(size < 0 ? V<T>{} : size, z);  // what is not a number stays so
}
// The prox of MCP: firm below a step of 1 / concavity, hard from there on (_mcp_prox of penalties.py).
template <class T> inline V<T> firm(V<T> z, V<T> step, T strength, T concavity) {
  if (std::isinf(strength)) return z * T(0) + T(0);  // a ridge may have excluded it already, with a step of 0
  const V<T> size = magnitude<T>(z), ratio = step * concavity;
  V<T> left = size - step * strength;
  left = (left < 0 ? V<T>{} : left) / (T(1) - ratio);
  left = left > size ? size : left;
  const V<T> hard = size <= strength * root<T>(step / concavity) ? V<T>{} : size;
  return directed<T>(ratio < 1 ? left : hard, z);
}
// The first `count` lanes of v, 0 beyond.
template <class T> inline V<T> head(V<T> v, int count) {
  I<T> lane;
  for (int k = 0; k < lanes<T>; ++k) lane[k] = k;
  return lane < count ? v : V<T>{};
}

// One value per row (over inputs, the same within a group) or per column (over units) of an array: sums over groups.
template <class T> struct GroupSums {
  const Shape& shape;
  const Prox<T>& prox;
  Buffer<T> values, totals;

  GroupSums(const Shape& s, const Prox<T>& p)
      : shape(s), prox(p), values(p.over == Over::units ? s.stride : padded<T>(s.inputs)), totals(p.groups) {}

  // Sum the squares of an array over every group; without an array, count its weights.
  void sum_squares(const T* array) {
    values.clear();
    totals.clear();
    for (int p = 0; p < shape.inputs; ++p) {
      V<T> row = V<T>{};
      for (int q = 0; q < shape.stride; q += lanes<T>) {
        const V<T> each = array ? load<T>(array + size_t(p) * shape.stride + q) : splat<T>(T(1));
        const V<T> v = head<T>(flushed<T>(each * each), shape.units - q);
        if (prox.over == Over::units) store<T>(values.get() + q, load<T>(values.get() + q) + v);
        else row += v;
      }
      if (prox.over == Over::inputs) totals[prox.member[p]] += sum<T>(row);
    }
    if (prox.over == Over::inputs)
      for (int p = 0; p < shape.inputs; ++p) values[p] = totals[prox.member[p]];
  }
  V<T> at(int p, int q) const { return prox.over == Over::units ? load<T>(values.get() + q) : splat<T>(values[p]); }
  int count() const { return prox.over == Over::units ? shape.units : shape.inputs; }
};

// What an array's update needs beside its strengths: nothing, where no group is penalized.
template <class T> struct GroupBuffer {
  GroupSums<T> squares, shrink;
  Buffer<T> sizes, steps, z;
  GroupBuffer(const Shape& shape, const Prox<T>& prox)
      : squares(shape, prox), shrink(shape, prox), steps(shrink.values.size()), z(shape.size()) {
    squares.sum_squares(nullptr);
    sizes = std::move(squares.values);
    squares.values = Buffer<T>(sizes.size());
  }
  // The mean of the squares of an array over every group, which is what `squares.at` then gives.
  void pool(const T* array) {
    squares.sum_squares(array);
    for (size_t k = 0; k < sizes.size(); ++k) squares.values[k] = sizes[k] > 0 ? squares.values[k] / sizes[k] : T(0);
  }
};

template <class T> struct Moved {
  V<T> z, step;
};
// For every vector of rows `begin` to `end` (with groups, of all rows): from(p, q, i) gives z and step, to(i, w) takes the
// new weights. All is passed by value, so that it stays in registers.
template <class T, bool concave, class From, class To>
void proximal_as(const Shape shape, int begin, int end, const Prox<T> prox, GroupBuffer<T>* buffer, const From from, const To to) {
  const auto ridge = [](V<T> z, V<T> step, T l2) { return l2 > 0 ? z * (T(1) / (T(1) + T(2) * step * l2)) : z; };
  const auto l2 = [&](int p) { return prox.l2 ? prox.l2[p] : T(0); };
  for (int p = begin; p < end; ++p) {
    const T l1_p = prox.l1 ? prox.l1[p] : T(0), l2_p = l2(p);
    for (int q = 0; q < shape.stride; q += lanes<T>) {
      const size_t i = size_t(p) * shape.stride + q;
      auto [z, step] = from(p, q, i);
      if (concave && l2_p > 0) {  // completing the square
        const V<T> shrink = T(1) / (T(1) + T(2) * step * l2_p);
        z *= shrink, step *= shrink;
      }
      if constexpr (concave) {
        if (prox.l1) z = firm<T>(z, step, l1_p, prox.concavity);
      } else if (prox.l1) z = soft<T>(z, step * l1_p);
      if (!buffer) {
        to(i, concave ? z : ridge(z, step, l2_p));
        continue;
      }
      store<T>(buffer->z.get() + i, z);
      if (prox.over == Over::units) store<T>(buffer->steps.get() + q, step);
      else if (q == 0) buffer->steps[p] = step[0];
    }
  }
  if (!buffer) return;
  buffer->shrink.sum_squares(buffer->z.get());
  for (int k = 0; k < buffer->shrink.count(); ++k) {
    const T norm = std::sqrt(buffer->shrink.values[k]), threshold = buffer->steps[k] * prox.group[k];
    if constexpr (concave) {
      const T left = firm<T>(splat<T>(norm), splat<T>(buffer->steps[k]), prox.group[k], prox.concavity)[0];
      buffer->shrink.values[k] = left == norm ? T(1) : left / norm;
    } else {
      const T kept = T(1) - threshold / norm;
      buffer->shrink.values[k] = threshold == 0 || norm == 0 ? T(1) : kept < 0 ? T(0) : kept;
    }
  }
  for (int p = 0; p < shape.inputs; ++p)
    for (int q = 0; q < shape.stride; q += lanes<T>) {
      const size_t i = size_t(p) * shape.stride + q;
      const V<T> step = prox.over == Over::units ? load<T>(buffer->steps.get() + q) : splat<T>(buffer->steps[p]);
      const V<T> v = load<T>(buffer->z.get() + i) * buffer->shrink.at(p, q);
      to(i, concave ? v : ridge(v, step, l2(p)));
    }
}
template <class T, class From, class To>
void proximal(const Shape& shape, int begin, int end, const Prox<T>& prox, GroupBuffer<T>* buffer, const From& from, const To& to) {
  if (prox.concavity > 0) proximal_as<T, true>(shape, begin, end, prox, buffer, from, to);
  else proximal_as<T, false>(shape, begin, end, prox, buffer, from, to);
}

// Libraries of C differ in the last bit of powers and cosines; these are the same on every machine.
inline double whole_power(double base, int64_t exponent) {
  double power = 1;
  for (; exponent > 0; exponent /= 2, base *= base)
    if (exponent % 2) power *= base;
  return power;
}
// cos(pi x) for x in [0, 1]: by the Taylor series of the cosine or the sine of an angle up to pi/4.
inline double cosine_of_pi(double x) {
  if (x > 0.5) return -cosine_of_pi(1 - x);
  const bool by_sine = x > 0.25;
  const double angle = M_PI * (by_sine ? 0.5 - x : x), square = angle * angle;
  double series = 1;
  for (int k = 18 + by_sine; k > 1; k -= 2) series = 1 - series * square / double(k * (k - 1));
  return by_sine ? angle * series : series;
}

// The state of one array under an optimizer, and its step.
template <class T> class Updater {
 public:
  Updater(const Shape& shape, const Optimizer& optimizer, const Prox<T>& prox, bool bias)
      : shape_(shape), optimizer_(optimizer), prox_(prox), decay_(bias ? 0 : optimizer.decay), first_(shape.size()),
        second_(optimizer.kind == OptimizerKind::adam ? shape.size() : 0) {
    if (prox.over != Over::none) buffer_ = std::make_unique<GroupBuffer<T>>(shape_, prox_);
  }

  bool in_groups() const { return bool(buffer_); }

  // The step at which rest is measured: residual_step of penalties.py.
  T residual_step() const { return prox_.concavity > 0 ? std::min(T(1), T(0.5) / prox_.concavity) : T(1); }

  // Where the gradient is to be taken: w + momentum * (last move).
  void look_ahead(const T* w, T* point) const {
    const T momentum = T(optimizer_.first);
    for (size_t i = 0; i < shape_.size(); i += lanes<T>)
      store<T>(point + i, load<T>(w + i) + flushed<T>(momentum * load<T>(first_.get() + i)));
  }

  // Rows `begin` to `end` - 1 of the array w, dw is their gradient; all rows where there are groups.
  void step(T* w, const T* dw, double learning_rate, int64_t k, double ramp, int begin, int end) {
    const Optimizer& o = optimizer_;
    const T rate = T(learning_rate), raised = T(ramp), first = T(o.first), second = T(o.second), epsilon = T(o.epsilon);
    T *m = first_.get(), *v = second_.get();
    if (buffer_ && o.kind != OptimizerKind::sgd) buffer_->pool(dw);
    const auto squares = [buffer = buffer_.get()](V<T> g, int p, int q) { return buffer ? buffer->squares.at(p, q) : flushed<T>(g * g); };
    const size_t before = size_t(begin) * shape_.stride;
    const auto slope = [=](size_t i) { return flushed<T>(load<T>(dw + (i - before))); };
    const T old = o.kind == OptimizerKind::adagrad ? T(1) : second;
    const T fresh = o.kind == OptimizerKind::adagrad ? T(1) : T(1 - o.second);
    const bool adam = o.kind == OptimizerKind::adam;
    const T fresh_m = T(1 - o.first), m_scale = adam ? T(1 / (1 - whole_power(o.first, k + 1))) : T(1);
    const T v_scale = adam ? T(1 / (1 - whole_power(o.second, k + 1))) : T(1), decay = T(learning_rate * decay_);
    // Where a vector is led, and by what step.
    const auto move = [=](OptimizerKind kind, int p, int q, size_t i) {
      const V<T> g = slope(i), w_i = load<T>(w + i);
      if (kind == OptimizerKind::sgd)
        return Moved<T>{w_i + flushed<T>(flushed<T>(first * load<T>(m + i)) - flushed<T>(rate * g)), splat<T>(rate * raised)};
      if (kind != OptimizerKind::adam) {
        const V<T> account = flushed<T>(old * load<T>(m + i)) + flushed<T>(fresh * squares(g, p, q));
        store<T>(m + i, account);
        const V<T> step = rate / (root<T>(account) + epsilon);
        return Moved<T>{w_i - flushed<T>(step * g), step * raised};
      }
      const V<T> m_i = flushed<T>(flushed<T>(first * load<T>(m + i)) + flushed<T>(fresh_m * g));
      const V<T> v_i = flushed<T>(second * load<T>(v + i)) + flushed<T>(fresh * squares(g, p, q));
      store<T>(m + i, m_i), store<T>(v + i, v_i);
      const V<T> step = rate / (root<T>(v_i * v_scale) + epsilon);
      return Moved<T>{w_i - flushed<T>(step * (m_i * m_scale)) - flushed<T>(decay * w_i), step * raised};
    };
    const auto keep = [=](OptimizerKind kind, size_t i, V<T> new_w) {
      const V<T> kept = flushed<T>(new_w);
      if (kind == OptimizerKind::sgd) store<T>(m + i, flushed<T>(kept - load<T>(w + i)));
      store<T>(w + i, kept);
    };
    const auto run = [&](auto kind) {
      proximal<T>(shape_, begin, end, prox_, buffer_.get(), [=](int p, int q, size_t i) { return move(kind, p, q, i); },
                  [=](size_t i, V<T> new_w) { keep(kind, i, new_w); });
    };
#if defined(__wasm__)
    run(o.kind);  // asked for every vector: a page is to be small
#else
    switch (o.kind) {
      case OptimizerKind::sgd: return run(std::integral_constant<OptimizerKind, OptimizerKind::sgd>{});
      case OptimizerKind::adagrad: return run(std::integral_constant<OptimizerKind, OptimizerKind::adagrad>{});
      case OptimizerKind::rmsprop: return run(std::integral_constant<OptimizerKind, OptimizerKind::rmsprop>{});
      case OptimizerKind::adam: return run(std::integral_constant<OptimizerKind, OptimizerKind::adam>{});
    }
#endif
  }

  // prox_step(z) of a plain step, into out.
  void prox(const T* z, T step, T* out) {
    proximal<T>(shape_, 0, shape_.inputs, prox_, buffer_.get(), [&](int, int, size_t i) { return Moved<T>{load<T>(z + i), splat<T>(step)}; },
                [&](size_t i, V<T> w) { store<T>(out + i, flushed<T>(w)); });
  }

  double penalty(const T* w) { return prox_.concavity > 0 ? penalty_as<true>(w) : penalty_as<false>(w); }

 private:
  template <bool concave> double penalty_as(const T* w) {
    double total = 0;
    const auto count = [&](double strength, double term) { total += term == 0 ? 0 : strength * term; };
    // What the strength of a length multiplies: the length itself, or MCP's share of it.
    const auto counted = [c = double(prox_.concavity)](double strength, double size) {
      if constexpr (!concave) return size;
      if (strength == 0) return size;
      return c * size < strength ? size - c * size * size / (2 * strength) : strength / (2 * c);
    };
    for (int p = 0; p < shape_.inputs; ++p)
      for (int q = 0; q < shape_.units; ++q) {
        const double each = w[size_t(p) * shape_.stride + q];
        if (prox_.l1) count(prox_.l1[p], counted(prox_.l1[p], std::abs(each)));
        if (prox_.l2) count(prox_.l2[p], each * each);
      }
    if (!buffer_) return total;
    buffer_->shrink.sum_squares(w);
    for (int k = 0; k < buffer_->shrink.count(); ++k) {  // a norm stands once per member of its group
      const double entries = prox_.over == Over::units ? shape_.inputs : shape_.units;
      count(prox_.group[k], counted(prox_.group[k], std::sqrt(double(buffer_->shrink.values[k]))) * (entries / double(buffer_->sizes[k])));
    }
    return total;
  }

  Shape shape_;
  Optimizer optimizer_;
  Prox<T> prox_;
  double decay_;
  Buffer<T> first_, second_;  // velocity, account or m; v
  std::unique_ptr<GroupBuffer<T>> buffer_;
};

inline double multiplier(const Schedule& schedule, int64_t k, int64_t total) {
  switch (schedule.kind) {
    case ScheduleKind::inverse_time: return 1 / (1 + schedule.a * double(k));
    case ScheduleKind::cosine: return 0.5 * (1 + cosine_of_pi(double(std::min(k, total - 1)) / double(total)));
    case ScheduleKind::steps: return whole_power(schedule.b, k / int64_t(schedule.a));
  }
  return 1;
}

}  // namespace ridgewalk

// The losses of losses.py over one tile: the gradient of the output, and the losses themselves.
#pragma once
#include "kernels.hpp"
#include "plan.hpp"

namespace ridgewalk {

template <class T> constexpr T largest_exponent = constants::largest_exponent;  // of Poisson's rate

// Largest output of each row, and the sum of exp(output - largest), which may be kept.
template <class T> struct Softmax {
  V<T> largest, total;
  Softmax(const T* output, int outputs, int c, T* kept = nullptr) : largest(load<T>(output + c)), total(V<T>{}) {
    for (int q = 1; q < outputs; ++q) largest = larger<T>(largest, load<T>(output + q * tile + c));
    for (int q = 0; q < outputs; ++q) {
      const V<T> e = exp<T>(load<T>(output + q * tile + c) - largest);
      if (kept) store<T>(kept + q * tile + c, e);
      total += e;
    }
  }
};

// dy [outputs][64] = weight * gradient of the row's loss.
template <class T>
void loss_gradient(const Loss& loss, const T* output, const T* target, const T* weights, int outputs, int width, T* dy) {
  const V<T> delta = splat<T>(T(loss.delta));
  for (int c = 0; c < width; c += lanes<T>) {
    const V<T> weight = load<T>(weights + c);
    const auto each = [&](auto slope) {
      for (int q = 0; q < outputs; ++q) {
        const int i = q * tile + c;
        store<T>(dy + i, weight * slope(load<T>(output + i), load<T>(target + i)));
      }
    };
    switch (loss.kind) {
      case LossKind::cross_entropy: {
        const Softmax<T> s(output, outputs, c, dy);
        V<T> share = V<T>{};
        for (int q = 0; q < outputs; ++q) share += load<T>(target + q * tile + c);
        share /= s.total;
        for (int q = 0; q < outputs; ++q) {
          const int i = q * tile + c;
          store<T>(dy + i, weight * (load<T>(dy + i) * share - load<T>(target + i)));
        }
        break;
      }
      case LossKind::binary_cross_entropy: each([](V<T> z, V<T> t) { return logistic<T>(z) - t; }); break;
      case LossKind::squared_error: each([](V<T> z, V<T> t) { return z - t; }); break;
      case LossKind::absolute_error:
        each([](V<T> z, V<T> t) { return z == t ? V<T>{} : z - t == z - t ? with_sign<T>(splat<T>(T(1)), z - t) : z - t; });
        break;
      case LossKind::huber:
        each([&](V<T> z, V<T> t) {
          const V<T> r = z - t;
          return r > delta ? delta : r < -delta ? -delta : r;
        });
        break;
      case LossKind::poisson:
        each([](V<T> z, V<T> t) { return exp<T>(z > largest_exponent<T> ? splat<T>(largest_exponent<T>) : z) - t; });
        break;
    }
  }
}

// values [64]: the loss of each row.
template <class T> void loss_values(const Loss& loss, const T* output, const T* target, int outputs, int width, T* values) {
  const V<T> delta = splat<T>(T(loss.delta));
  for (int c = 0; c < width; c += lanes<T>) {
    V<T> total = V<T>{};
    const auto each = [&](auto value) {
      for (int q = 0; q < outputs; ++q) total += value(load<T>(output + q * tile + c), load<T>(target + q * tile + c));
    };
    switch (loss.kind) {
      case LossKind::cross_entropy: {
        const Softmax<T> s(output, outputs, c);
        const V<T> log_total = log<T>(s.total);
        each([&](V<T> z, V<T> t) { return t * (log_total - (z - s.largest)); });
        break;
      }
      case LossKind::binary_cross_entropy:
        each([](V<T> z, V<T> t) { return larger<T>(splat<T>(T(0)), z) + log_1_plus<T>(exp<T>(-magnitude<T>(z))) - t * z; });
        break;
      case LossKind::squared_error: each([](V<T> z, V<T> t) { return T(0.5) * (z - t) * (z - t); }); break;
      case LossKind::absolute_error: each([](V<T> z, V<T> t) { return magnitude<T>(z - t); }); break;
      case LossKind::huber:
        each([&](V<T> z, V<T> t) {
          const V<T> size = magnitude<T>(z - t), near = size > delta ? delta : size;
          return near * (size - T(0.5) * near);
        });
        break;
      case LossKind::poisson:
        each([](V<T> z, V<T> t) {
          const V<T> beyond = larger<T>(splat<T>(T(0)), z - largest_exponent<T>);
          const V<T> rate = exp<T>(z > largest_exponent<T> ? splat<T>(largest_exponent<T>) : z);
          const V<T> saturated = t > 0 ? t - t * log<T>(t > 0 ? t : splat<T>(T(1))) : t;
          return rate * (T(1) + beyond) - t * z - saturated;
        });
        break;
    }
    store<T>(values + c, total);
  }
}

}  // namespace ridgewalk

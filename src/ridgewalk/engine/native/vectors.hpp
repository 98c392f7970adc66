// Vectors of the machine's own width, and what is done with them: broadcast, shuffle, exp, log, tanh, the normal
// distribution. GCC's and Clang's vector extensions, so one source serves every instruction set.
#pragma once
#include <cmath>
#include <cstdint>
#include <utility>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace ridgewalk {

#if defined(__AVX512F__)
constexpr int vector_bytes = 64;
#elif defined(__AVX__)
constexpr int vector_bytes = 32;
#else
constexpr int vector_bytes = 16;
#endif

// Vectors of a row of data that a product keeps beside each other: with 6 rows of them, the registers are full.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int chunk = 4;
#else
constexpr int chunk = 2;
#endif

template <class T> struct vector_of;
template <> struct vector_of<float> {
  typedef float type __attribute__((vector_size(vector_bytes), may_alias));
  typedef int32_t integers __attribute__((vector_size(vector_bytes), may_alias));
};
template <> struct vector_of<double> {
  typedef double type __attribute__((vector_size(vector_bytes), may_alias));
  typedef int64_t integers __attribute__((vector_size(vector_bytes), may_alias));
};
template <class T> using V = typename vector_of<T>::type;
template <class T> using I = typename vector_of<T>::integers;
template <class T> constexpr int lanes = vector_bytes / int(sizeof(T));

template <class T> inline V<T> load(const T* from) { return *reinterpret_cast<const V<T>*>(from); }
template <class T> inline void store(T* to, V<T> v) { *reinterpret_cast<V<T>*>(to) = v; }
template <class T> inline V<T> splat(T x) { return x - V<T>{}; }

// The larger of two numbers; b where one is not a number: what must survive stands there.
template <class T> inline V<T> larger(V<T> a, V<T> b) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) return (V<T>)_mm512_max_ps((__m512)a, (__m512)b);
  else return (V<T>)_mm512_max_pd((__m512d)a, (__m512d)b);
#elif defined(__AVX__)
  if constexpr (sizeof(T) == 4) return (V<T>)_mm256_max_ps((__m256)a, (__m256)b);
  else return (V<T>)_mm256_max_pd((__m256d)a, (__m256d)b);
#else
  return a > b ? a : b;
#endif
}
// The smaller of two numbers; b where one is not a number.
template <class T> inline V<T> smaller(V<T> a, V<T> b) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) return (V<T>)_mm512_min_ps((__m512)a, (__m512)b);
  else return (V<T>)_mm512_min_pd((__m512d)a, (__m512d)b);
#elif defined(__AVX__)
  if constexpr (sizeof(T) == 4) return (V<T>)_mm256_min_ps((__m256)a, (__m256)b);
  else return (V<T>)_mm256_min_pd((__m256d)a, (__m256d)b);
#else
  return a < b ? a : b;
#endif
}
template <class T> inline V<T> magnitude(V<T> x) {
  const I<T> sign = (I<T>)splat<T>(T(-0.0));
  return (V<T>)((I<T>)x & ~sign);
}
// The bits of both.
template <class T> inline V<T> either(V<T> a, V<T> b) { return (V<T>)((I<T>)a | (I<T>)b); }
template <class T> inline V<T> with_sign(V<T> size, V<T> of) {
  const I<T> sign = (I<T>)splat<T>(T(-0.0));
  return (V<T>)(((I<T>)size & ~sign) | ((I<T>)of & sign));
}

template <class T> inline V<T> root(V<T> x) {
#if defined(__wasm__)
  return __builtin_elementwise_sqrt(x);
#endif
  for (int k = 0; k < lanes<T>; ++k) x[k] = std::sqrt(x[k]);  // one instruction
  return x;
}

// a0 b0 a1 b1 ... of the lower and of the upper halves.
template <class T, size_t... K> inline V<T> lower_of(V<T> a, V<T> b, std::index_sequence<K...>) {
  return __builtin_shufflevector(a, b, int(K / 2 + (K % 2) * lanes<T>)...);
}
template <class T, size_t... K> inline V<T> upper_of(V<T> a, V<T> b, std::index_sequence<K...>) {
  return __builtin_shufflevector(a, b, int(lanes<T> / 2 + K / 2 + (K % 2) * lanes<T>)...);
}
template <class T> inline V<T> lower(V<T> a, V<T> b) { return lower_of<T>(a, b, std::make_index_sequence<lanes<T>>{}); }
template <class T> inline V<T> upper(V<T> a, V<T> b) { return upper_of<T>(a, b, std::make_index_sequence<lanes<T>>{}); }

// A square of lanes x lanes numbers, transposed by log2(lanes) perfect shuffles.
template <class T> inline void transpose(V<T> (&square)[lanes<T>]) {
  constexpr int half = lanes<T> / 2;
  for (int stage = 1; stage < lanes<T>; stage *= 2) {
    V<T> next[lanes<T>];
#pragma GCC unroll 8
    for (int k = 0; k < half; ++k) {
      next[2 * k] = lower<T>(square[k], square[k + half]);
      next[2 * k + 1] = upper<T>(square[k], square[k + half]);
    }
#pragma GCC unroll 16
    for (int k = 0; k < lanes<T>; ++k) square[k] = next[k];
  }
}

// The sums over the lanes of each of `lanes` vectors, side by side in one.
template <class T> inline V<T> sums(V<T> (&vectors)[lanes<T>]) {
#pragma GCC unroll 4
  for (int half = lanes<T> / 2; half > 0; half /= 2)
    for (int k = 0; k < half; ++k)
      vectors[k] = lower<T>(vectors[k], vectors[k + half]) + upper<T>(vectors[k], vectors[k + half]);
  return vectors[0];
}
template <class T> inline T sum(V<T> v) {
  T total = 0;
  for (int k = 0; k < lanes<T>; ++k) total += v[k];
  return total;
}

// exp(x) - 1 = 2^n (exp(r) - 1) + (2^n - 1), with x = n log 2 + r and |r| <= (log 2)/2; exp(r) - 1 by its Taylor
// series (Cody and Waite, Software Manual for the Elementary Functions, 1980, chapter 6). About 1 ulp; arguments are
// cut off where the result would leave the normal numbers.
template <class T> struct Power {
  V<T> series;  // exp(r) - 1
  V<T> scale;   // 2^n
};
template <class T> inline Power<T> power(V<T> x) {
  constexpr bool single = sizeof(T) == 4;
  constexpr T low = single ? T(-87.0) : T(-708.0), high = single ? T(88.0) : T(709.0);
  constexpr T rounder = single ? T(12582912.0) : T(6755399441055744.0);  // 1.5 * 2^(mantissa bits)
  constexpr T head = single ? T(0.693359375) : T(6.93145751953125e-1);
  constexpr T tail = single ? T(-2.12194440e-4) : T(1.42860682030941723212e-6);
  x = x < low ? splat<T>(low) : x;
  x = x > high ? splat<T>(high) : x;
  V<T> n = x * T(1.44269504088896340736) + rounder;
  const I<T> bits = (I<T>)n;
  n -= rounder;
  const V<T> r = (x - n * head) - n * tail;
  constexpr int terms = single ? 7 : 13;
  V<T> p = splat<T>(T(1));
#pragma GCC unroll 16
  for (int k = terms; k > 1; --k) p = p * (r * (T(1) / T(k))) + T(1);
  constexpr int mantissa = single ? 23 : 52, bias = single ? 127 : 1023;
  return {p * r, (V<T>)((bits << mantissa) + ((I<T>{} + bias) << mantissa))};
}
template <class T> inline V<T> exp(V<T> x) {
  const Power<T> e = power<T>(x);
  return e.series * e.scale + e.scale;
}

// tanh|x| = -m / (2 + m), m = exp(-2|x|) - 1.
template <class T> inline V<T> tanh(V<T> x) {
  const Power<T> e = power<T>(magnitude<T>(x) * T(-2));
  const V<T> m = e.series * e.scale + (e.scale - T(1));
  return with_sign<T>(m / (m + T(2)), x);
}

// 1 / (1 + exp(-x)), from the side where nothing overflows.
template <class T> inline V<T> logistic(V<T> x) {
  const V<T> e = exp<T>(-magnitude<T>(x));
  return (x < 0 ? e : splat<T>(T(1))) / (e + T(1));
}

// 2 artanh(s) = 2 (s + s^3/3 + s^5/5 + ...).
template <class T, int Terms> inline V<T> twice_artanh(V<T> s) {
  const V<T> square = s * s;
  V<T> p = splat<T>(T(1) / T(2 * Terms - 1));
#pragma GCC unroll 32
  for (int k = Terms - 1; k > 0; --k) p = p * square + T(1) / T(2 * k - 1);
  return T(2) * s * p;
}
// log of normal numbers: m 2^n with m in [sqrt(1/2), sqrt(2)), log m = 2 artanh((m - 1) / (m + 1)).
template <class T> inline V<T> log(V<T> x) {
  constexpr int mantissa = sizeof(T) == 4 ? 23 : 52;
  const I<T> bits = (I<T>)x, middle = (I<T>)splat<T>(T(0.70710678118654752440));
  const I<T> n = (bits - middle) >> mantissa;
  const V<T> m = (V<T>)(bits - (n << mantissa));
  const V<T> series = twice_artanh<T, sizeof(T) == 4 ? 5 : 11>((m - T(1)) / (m + T(1)));
  return x == x ? __builtin_convertvector(n, V<T>) * T(0.69314718055994530942) + series : x;
}
// log(1 + e) for e in [0, 1].
template <class T> inline V<T> log_1_plus(V<T> e) {
  return twice_artanh<T, sizeof(T) == 4 ? 7 : 16>(e / (e + T(2)));
}

// The normal distribution at x, and its density: erfc(z) = exp(-z^2) g(t) / (1 + 2 z) for z >= 0, with g the
// polynomial that interpolates it at Chebyshev points of t = (z - 2.5) / (z + 2.5) (the change of variable is that of
// Shepherd and Laframboise, Math. Comp. 1981). Within 3e-7 (float) and 3e-15 (double), relative.
template <class T> struct Normal {
  V<T> below, density;
};
template <class T> inline Normal<T> normal(V<T> x) {
  constexpr double single[] = {-6.39178688e-05, 0.000405488914, 0.000463337521, -0.0041802465, 0.000946759654,
                               0.0326775685,    -0.102970541,   0.157644302,    -0.0990242437, -0.122357465,
                               1.26483822};
  constexpr double twice[] = {
      1.0626446902451615e-08,  -1.3773261623665088e-10, -1.0282929009584775e-07, -5.139849623051293e-08,
      4.996243184844074e-07,   6.351053435790767e-07,   -1.5538367635471667e-06, -4.307693802168831e-06,
      2.5897889554706573e-06,  2.274931097809648e-05,   6.273783662541967e-06,   -0.00011354060281990833,
      -8.84813142556603e-05,   0.0006321286802694803,   0.0004918661664606233,   -0.0043820789754421,
      0.0009318927817333366,   0.03276089332058382,     -0.1029670560367351,     0.1576299190212577,
      -0.0990245395736371,     -0.12235676308238294,    1.2648381843668624};
  const auto& coefficients = [&]() -> const auto& {
    if constexpr (sizeof(T) == 4) return single;
    else return twice;
  }();
  const V<T> z = magnitude<T>(x) * T(0.70710678118654752440);
  const V<T> t = (z - T(2.5)) / (z + T(2.5));
  V<T> g = V<T>{};
  for (double c : coefficients) g = g * t + T(c);
  const V<T> e = exp<T>(-z * z);
  const V<T> beyond = T(0.5) * e * g / (T(1) + T(2) * z);
  return {x < 0 ? beyond : T(1) - beyond, e * T(0.39894228040143267794)};
}

}  // namespace ridgewalk

// The three products of a dense layer over one tile of 64 rows of data.
//
//   x, y, dx, dy    [feature][64]     rows of data lie across the lanes, one feature after the other
//   w, dw           [input][unit]     as the user has them, every row padded to whole vectors (`stride`)
//
//   forward   y[q][r]  = b[q] + sum_p w[p][q]  x[p][r]      6 units x `chunk` vectors of sums stay in registers,
//   backward  dx[p][r] =        sum_q w[p][q] dy[q][r]      weights are broadcast from where they lie
//   gradient  dw[p][q] =        sum_r x[p][r] dy[q][r]      6 inputs x `chunk` vectors of units; dy is transposed once
//
// A layer of at most 4 inputs or units has no such square; its dw is summed lane by lane, over all tiles (`thin`).
#pragma once
#include <algorithm>

#include "constants.hpp"
#include "vectors.hpp"

namespace ridgewalk {

constexpr int tile = constants::tile;  // rows of data
#if defined(__wasm__)
constexpr int block = 4;
constexpr bool shared_thin = true;  // one kernel for thin layers of 1 to `thinnest`
#else
constexpr int block = 6;  // features whose sums stay in registers; it changes no bit
constexpr bool shared_thin = false;
#endif
template <class T> constexpr int depth = 512 / sizeof(T);  // terms of a sum before the next block: 32 KiB of a tile
constexpr int thinnest = constants::thinnest;  // inputs or units of a thin layer
constexpr int together = 8;  // tiles of a narrow network that are taken back at once, so that sums stay in registers
template <class T> constexpr int columns = tile / lanes<T>;  // vectors in a tile's row
template <class T> inline int padded(int count) { return (count + lanes<T> - 1) / lanes<T> * lanes<T>; }

// Call f with the constants 1 to Limit for a number known at run time.
template <int Limit, class F> inline void with_constant(int value, F&& f) {
  if (value == Limit) return f(std::integral_constant<int, Limit>{});
  if constexpr (Limit > 1) with_constant<Limit - 1>(value, f);
}
// Cut `total` into parts of at most `most`, as even as they come: f(first, size).
template <class F> inline void in_parts(int total, int most, F&& f) {
  int left = (total + most - 1) / most;
  for (int first = 0; first < total; --left) {
    const int size = (total - first + left - 1) / left;
    f(first, size);
    first += size;
  }
}
// Call f(c, vectors) for all columns c < width of a tile: `chunk` vectors at once, what is left one by one. Such an f holds
// copies: what it held by reference would be read again after every store.
template <class T, class F> inline void in_columns(int width, F&& f) {
  int c = 0;
  for (; c + chunk * lanes<T> <= width; c += chunk * lanes<T>) f(c, std::integral_constant<int, chunk>{});
  for (; c < width; c += lanes<T>) f(c, std::integral_constant<int, 1>{});
}
// The same for an f that may write to columns beyond the width, where nobody reads: in a page nothing is compiled for what is left.
template <class T, class F> inline void in_whole_columns(int width, F&& f) {
#if defined(__wasm__)
  for (int c = 0; c < width; c += chunk * lanes<T>) f(c, std::integral_constant<int, chunk>{});
#else
  in_columns<T>(width, f);
#endif
}

// What becomes of a sum as it is stored: given the vector and its place in the tile.
struct Keep {
  template <class T> V<T> operator()(V<T> v, size_t) const { return v; }
};
// What becomes of a sum that is not complete.
template <class After> struct Between {
  using type = Keep;
};

// `Size` rows and `Wide` vectors of out = sum_k weight(i, k) in[k], k < terms, from row `first` and column c;
// Across: weight(i, k) = w[i stride + k], else w[k stride + i].
template <class T, bool Across, int Size, int Wide, class After>
inline void product_block(const T* w, int stride, const T* bias, bool more, const T* in, int terms, T* out, int first, int c,
                          const After& after) {
  const size_t place = size_t(first) * tile + c;
  T* to = out + place;
  V<T> total[Size][Wide];
#pragma GCC unroll 8
  for (int i = 0; i < Size; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < Wide; ++j)
      total[i][j] = more ? load<T>(to + i * tile + j * lanes<T>) : splat<T>(bias ? bias[first + i] : T(0));
  const T* weight = Across ? w + size_t(first) * stride : w + first;
  const T* row = in + c;
  for (int k = 0; k < terms; ++k, row += tile, weight += Across ? 1 : stride) {
#pragma GCC unroll 8
    for (int i = 0; i < Size; ++i) {
      const V<T> each = splat<T>(weight[Across ? size_t(i) * stride : i]);
#pragma GCC unroll 4
      for (int j = 0; j < Wide; ++j) total[i][j] += each * load<T>(row + j * lanes<T>);
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < Size; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < Wide; ++j) {
      const size_t next = i * tile + j * lanes<T>;
      store<T>(to + next, after.template operator()<T>(total[i][j], place + next));
    }
}

// out [count][64] = weights in [terms][64]; forward with a bias, backward (Across) without. No terms leave the bias.
template <class T, bool Across, class After>
void product(const T* w, int stride, const T* bias, const T* in, int terms, T* out, int count, int width, const After& after) {
  int begin = 0;
  do {
    const bool last = begin + depth<T> >= terms;
    const T* from = Across ? w + begin : w + size_t(begin) * stride;
    in_parts(count, block, [&](int first, int size) {
      with_constant<block>(size, [&](auto high) {
        in_whole_columns<T>(width, [=](int c, auto wide) {
          const auto run = [=](int count, const auto& then) {
            product_block<T, Across, decltype(high)::value, decltype(wide)::value>(
                from, stride, bias, begin > 0, in + size_t(begin) * tile, count, out, first, c, then);
          };
          if (last) run(terms - begin, after);
          else run(depth<T>, typename Between<After>::type{});
        });
      });
    });
    begin += depth<T>;
  } while (begin < terms);
}

// dy [units][64] -> [panel of `chunk` vectors of units][64][chunk vectors]; units are padded to whole vectors.
template <class T> void transpose_panels(const T* dy, int units, int rows, T* panels) {
  for (int first = 0; first < units; first += chunk * lanes<T>) {
    const int width = std::min(chunk * lanes<T>, padded<T>(units - first));
    for (int q = 0; q < width; q += lanes<T>)
      for (int r = 0; r < rows; r += lanes<T>) {
        V<T> square[lanes<T>];
        const T* from = dy + size_t(first + q) * tile + r;
        const auto fill = [&](auto there) {
          for (int k = 0; k < lanes<T>; ++k) square[k] = k < there ? load<T>(from + k * tile) : V<T>{};
        };
        if (first + q + lanes<T> <= units) fill(std::integral_constant<int, lanes<T>>{});
        else fill(units - first - q);
        transpose<T>(square);
        for (int k = 0; k < lanes<T>; ++k) store<T>(panels + size_t(r + k) * width + q, square[k]);
      }
    panels += tile * width;
  }
}

template <class T, int Size, int Width>
inline void gradient_block(const T* x, const T* panel, int rows, T* dw, int stride) {
  V<T> total[Size][Width];
#pragma GCC unroll 8
  for (int i = 0; i < Size; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < Width; ++j) total[i][j] = load<T>(dw + size_t(i) * stride + j * lanes<T>);
  for (int r = 0; r < rows; ++r, panel += Width * lanes<T>) {
#pragma GCC unroll 8
    for (int i = 0; i < Size; ++i) {
      const V<T> each = splat<T>(x[i * tile + r]);
#pragma GCC unroll 4
      for (int j = 0; j < Width; ++j) total[i][j] += each * load<T>(panel + j * lanes<T>);
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < Size; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < Width; ++j) store<T>(dw + size_t(i) * stride + j * lanes<T>, total[i][j]);
}

// dw [inputs][stride] += x dy' over the first `rows` of a tile, from dy's panels.
template <class T> void gradient(const T* x, int inputs, const T* panels, int units, int rows, T* dw, int stride) {
  for (int first = 0; first < units; first += chunk * lanes<T>) {
    const int width = std::min(chunk, padded<T>(units - first) / lanes<T>);
    with_constant<chunk>(width, [&](auto wide) {
      in_parts(inputs, block, [&](int p, int size) {
        with_constant<block>(size, [&](auto high) {
          gradient_block<T, decltype(high)::value, decltype(wide)::value>(x + size_t(p) * tile, panels, rows,
                                                                         dw + size_t(p) * stride + first, stride);
        });
      });
    });
    panels += tile * width * lanes<T>;
  }
}

// total [count][few][lanes] += wide [count][64] * narrow [few][64], lane by lane; each(n, c, row, others) sees their vectors.
// `few` is at most Few.
template <class T, int Few, class Each, class Count>
inline void thin_gradient(const T* wide, int count, const T* narrow, Count few, int width, T* total, const Each& each) {
  in_columns<T>(width, [=](int c, auto vectors) {
    constexpr int Wide = decltype(vectors)::value;
    V<T> others[Few][Wide];
#pragma GCC unroll 4
    for (int i = 0; i < Few; ++i)
#pragma GCC unroll 4
      for (int j = 0; j < Wide; ++j) others[i][j] = i < few ? load<T>(narrow + i * tile + c + j * lanes<T>) : V<T>{};
    for (int n = 0; n < count; ++n) {
      V<T> row[Wide];
#pragma GCC unroll 4
      for (int j = 0; j < Wide; ++j) row[j] = load<T>(wide + size_t(n) * tile + c + j * lanes<T>);
#pragma GCC unroll 4
      for (int i = 0; i < Few; ++i) {
        if (i >= few) break;
        T* place = total + (n * few + i) * lanes<T>;
        V<T> sum = load<T>(place);
#pragma GCC unroll 4
        for (int j = 0; j < Wide; ++j) sum += row[j] * others[i][j];
        store<T>(place, sum);
      }
      each(n, c, row, others);
    }
  });
}
template <class T, class Each>
void thin(const T* wide, int count, const T* narrow, int few, int width, T* total, const Each& each) {
  if constexpr (shared_thin) return thin_gradient<T, thinnest>(wide, count, narrow, few, width, total, each);
  else
    with_constant<thinnest>(few, [&](auto constant) {
      thin_gradient<T, decltype(constant)::value>(wide, count, narrow, constant, width, total, each);
    });
}
// The same for a layer of few units, wide its input and narrow dy; and backward, dx [count][64].
template <class T, class After>
void thin_back(const T* w, int stride, const T* wide, int count, const T* narrow, int few, int width, T* total, T* dx,
               const After& after) {
  thin<T>(wide, count, narrow, few, width, total,
          [=]<int Few, int Wide>(int n, int c, const V<T> (&)[Wide], const V<T> (&others)[Few][Wide]) {
#pragma GCC unroll 4
            for (int j = 0; j < Wide; ++j) {
              V<T> sum = V<T>{};
#pragma GCC unroll 4
              for (int i = 0; i < Few; ++i) {
                if (shared_thin && i >= few) break;  // what pads a row of weights may be no number after a diverged run
                sum += splat<T>(w[size_t(n) * stride + i]) * others[i][j];
              }
              const size_t place = size_t(n) * tile + c + j * lanes<T>;
              store<T>(dx + place, after.template operator()<T>(sum, place));
            }
          });
}
// sums [count][lanes] += rows [count][64], lane by lane.
template <class T> void row_sums(const T* rows, int count, int width, T* sums) {
  for (int n = 0; n < count; ++n) {
    V<T> each = load<T>(sums + n * lanes<T>);
    for (int c = 0; c < width; c += lanes<T>) each += load<T>(rows + size_t(n) * tile + c);
    store<T>(sums + n * lanes<T>, each);
  }
}
// The sums over the lanes of from [count][lanes], written to the beginning of the same memory.
template <class T> void sum_lanes(T* from, int count) {
  for (int first = 0; first < count; first += lanes<T>) {
    V<T> group[lanes<T>];
    for (int k = 0; k < lanes<T>; ++k) group[k] = first + k < count ? load<T>(from + (first + k) * lanes<T>) : V<T>{};
    store<T>(from + first, sums<T>(group));
  }
}

// A hidden layer between at most 4 inputs and 4 outputs is computed twice and never stored: reading it back would cost
// more than computing it. `rectify(v)` is the activation, `slope(v, dv)` the way back through it.
template <int P, int Q, bool exact> struct Counts {  // of its inputs and outputs: constants
  static constexpr int ins = P, outs = Q;
  Counts(int, int) {}
};
template <int P, int Q> struct Counts<P, Q, false> {  // at most so many
  int ins, outs;
};
template <class T, int P, int Q, class Activation, class C = Counts<P, Q, true>> struct Narrow : C {
  const T *w1, *b1, *w2, *b2;  // [P][stride1], [stride1], [hidden][stride2], [stride2]
  int stride1, stride2, hidden;
  Activation activation;

  V<T> unit(int h, const V<T> (&x)[P]) const {
    V<T> sum = splat<T>(b1[h]);
#pragma GCC unroll 4
    for (int p = 0; p < P; ++p) if (p < C::ins) sum += splat<T>(w1[p * stride1 + h]) * x[p];
    return activation.template value<T>(sum);
  }
  void forward(const T* x, int width, T* out) const {
    in_whole_columns<T>(width, [=, *this](int c, auto vectors) {
      constexpr int Wide = decltype(vectors)::value;
      V<T> in[Wide][P], total[Wide][Q];
#pragma GCC unroll 4
      for (int j = 0; j < Wide; ++j) {
        for (int p = 0; p < P; ++p) if (p < C::ins) in[j][p] = load<T>(x + p * tile + c + j * lanes<T>);
        for (int q = 0; q < Q; ++q) if (q < C::outs) total[j][q] = splat<T>(b2[q]);
      }
      for (int h = 0; h < hidden; ++h)
#pragma GCC unroll 4
        for (int j = 0; j < Wide; ++j) {
          const V<T> y = unit(h, in[j]);
#pragma GCC unroll 4
          for (int q = 0; q < Q; ++q) if (q < C::outs) total[j][q] += splat<T>(w2[h * stride2 + q]) * y;
        }
#pragma GCC unroll 4
      for (int j = 0; j < Wide; ++j)
        for (int q = 0; q < Q; ++q) if (q < C::outs) store<T>(out + q * tile + c + j * lanes<T>, total[j][q]);
    });
  }
  // dw1 [hidden][P][lanes], db1 [hidden][lanes] and dw2 [hidden][Q][lanes] grow by `count` tiles, lane by lane; a width that
  // is a constant leaves no loop over columns.
  template <class Width>
  void backward(const T* const* x, const T* dy, int count, Width width, T* dw1, T* db1, T* dw2) const {
    const int end = width;
    for (int h = 0; h < hidden; ++h) {
      V<T> first[P], second[Q], bias = load<T>(db1 + h * lanes<T>);
#pragma GCC unroll 4
      for (int p = 0; p < P; ++p) if (p < C::ins) first[p] = load<T>(dw1 + (h * C::ins + p) * lanes<T>);
#pragma GCC unroll 4
      for (int q = 0; q < Q; ++q) if (q < C::outs) second[q] = load<T>(dw2 + (h * C::outs + q) * lanes<T>);
      for (int t = 0; t < count; ++t)
#pragma GCC unroll 4
        for (int c = 0; c < end; c += lanes<T>) {
          V<T> in[P], down = V<T>{};
#pragma GCC unroll 4
          for (int p = 0; p < P; ++p) if (p < C::ins) in[p] = load<T>(x[t] + p * tile + c);
          const V<T> y = unit(h, in);
#pragma GCC unroll 4
          for (int q = 0; q < Q; ++q) {
            if (q >= C::outs) break;
            const V<T> dz = load<T>(dy + (t * C::outs + q) * tile + c);
            down += splat<T>(w2[h * stride2 + q]) * dz;
            second[q] += y * dz;
          }
          down = activation.template slope<T>(y, down);
          bias += down;
#pragma GCC unroll 4
          for (int p = 0; p < P; ++p) if (p < C::ins) first[p] += down * in[p];
        }
      store<T>(db1 + h * lanes<T>, bias);
#pragma GCC unroll 4
      for (int p = 0; p < P; ++p) if (p < C::ins) store<T>(dw1 + (h * C::ins + p) * lanes<T>, first[p]);
#pragma GCC unroll 4
      for (int q = 0; q < Q; ++q) if (q < C::outs) store<T>(dw2 + (h * C::outs + q) * lanes<T>, second[q]);
    }
  }
};

// 64 rows of data -> [feature][64]; rows are padded to whole vectors, a row that is null is 0.
template <class T> void gather(const T* const (&rows)[tile], int features, T* out) {
  for (int r = 0; r < tile; r += lanes<T>)
    for (int f = 0; f < features; f += lanes<T>) {
      V<T> square[lanes<T>];
      for (int k = 0; k < lanes<T>; ++k) {
        square[k] = rows[r + k] ? load<T>(rows[r + k] + f) : V<T>{};
      }
      transpose<T>(square);
      for (int k = 0; k < lanes<T>; ++k) store<T>(out + size_t(f + k) * tile + r, square[k]);
    }
}

}  // namespace ridgewalk

// The rows of one fold, standardized once and shared by all its runs, and how they become tiles of 64.
//
//   full batch    [tile][feature][64], ready to be used where they lie
//   minibatches   [row][feature]; a tile is gathered from any 64 rows and transposed
//   compressed    x stays as it came; a tile holds only the columns that its rows have, which may be none
//   mapped        either of the first two, of what is stored; a tile is made of that whenever it is asked for
#pragma once
#include "kernels.hpp"
#include "maps.hpp"
#include "memory.hpp"
#include "plan.hpp"
#include "progress.hpp"

namespace ridgewalk {

// Up to 64 rows of data; places from `count` to `width` are 0 and weigh nothing, and nobody looks further.
template <class T> struct Tile {
  const T* x;              // [inputs][64]
  int inputs;              // how many columns x has
#if defined(__wasm__)
  static constexpr bool sparse = false;
#else
  bool sparse;             // whether they are some of the data's columns, and not all
#endif
  const int32_t* columns;  // which, where it is sparse
  const T *target, *weights;  // [outputs][64], [64]
  const double* shares;       // [64]: row weights as they were given
  const int64_t* numbers;     // [64]: rows of the data
  int count;
  int width() const { return padded<T>(count); }
};

// Where one worker builds a tile.
template <class T> struct TileBuffer {
  Buffer<T> x, target, weights;
  Buffer<T> stored;  // what a mapped x is made of
  Buffer<double> shares;
  Buffer<int64_t> numbers;
  std::vector<int32_t> columns, slots;  // compressed rows: columns of the tile, and place + 1 of each column in it
  int sparse_inputs = 0;

  TileBuffer(const Source& source, bool tiled)
      : x(tiled && !source.mapped ? 0 : source.sparse() ? tile : size_t(padded<T>(source.inputs)) * tile),
        target(size_t(padded<T>(source.outputs)) * tile),
        weights(tile),
        stored(source.mapped && !tiled ? size_t(padded<T>(source.inputs)) * tile : 0),
        shares(tile),
        numbers(tile),
        slots(source.sparse() ? source.inputs : 0, 0) {}
};

template <class T> class Table {
 public:
  Table(const Source& source, const Fold& fold, const Rows& rows, bool tiled, Progress& progress)
      : source_(source), fold_(fold), rows_(rows), tiled_(tiled),
        mapping_(source.mapped ? Mapping(fold, source.inputs) : Mapping()),
        stored_(source.sparse() ? 0 : source.mapped ? mapping_.stored() : source.inputs), width_(padded<T>(stored_)),
        target_width_(padded<T>(source.outputs)) {
    const size_t places = size_t(tiles()) * tile;
    x_ = Buffer<T>(places * (tiled ? stored_ : width_));
    target_ = Buffer<T>(places * (tiled ? source.outputs : target_width_));
    weights_ = Buffer<T>(places);
    shares_ = Buffer<double>(places);
    numbers_ = Buffer<int64_t>(places);
    for (int64_t k = 0; k < rows.count && !progress.stopped(); ++k) {
      const int64_t number = rows.numbers[k];
      const auto x = [&](int column) { return source.x(size_t(number) * source.columns_of_x + column); };
      for (int p = 0; p < stored_; ++p)
        x_[place(k, p, stored_, width_)] =
            T(source.mapped ? mapping_.value(p, x) : (x(p) - fold.center[p]) / fold.scale[p]);
      for (int c = 0; c < source.outputs; ++c)
        target_[place(k, c, source.outputs, target_width_)] =
            T((source.target[size_t(number) * source.outputs + c] - fold.target_center[c]) / fold.target_scale[c]);
      weights_[k] = rows.mean_weights ? T(rows.mean_weights[k]) : T(0);
      if (tiled) weights_[k] /= T(rows.count);
      shares_[k] = rows.weights[k];
      total_ += rows.weights[k];
      numbers_[k] = number;
    }
  }

  bool stays() const { return tiled_ && !source_.mapped; }  // whether tiles are stored, and not built in a buffer
  int64_t rows() const { return rows_.count; }
  int64_t tiles() const { return (rows_.count + tile - 1) / tile; }
  const int64_t* numbers() const { return numbers_.get(); }
  double total() const { return total_; }

  // Tile k of the batch that has `size` rows: those at `positions`, or the table's own in their order.
  Tile<T> load(const int32_t* positions, int64_t size, int64_t k, TileBuffer<T>& buffer) const {
    const int count = int(std::min<int64_t>(tile, size - k * tile));
    Tile<T> out{};
    out.x = buffer.x.get(), out.inputs = source_.inputs, out.target = buffer.target.get(), out.weights = buffer.weights.get();
    out.shares = buffer.shares.get(), out.numbers = buffer.numbers.get(), out.count = count;
#if !defined(__wasm__)
    out.sparse = source_.sparse();
#endif
    if (tiled_) {
      const T* stored = x_.get() + size_t(k) * tile * stored_;
      if (source_.mapped) mapping_.apply(stored, count, buffer.x.get());
      else out.x = stored;
      out.target = target_.get() + size_t(k) * tile * source_.outputs;
      out.weights = weights_.get() + k * tile;
      out.shares = shares_.get() + k * tile;
      out.numbers = numbers_.get() + k * tile;
    } else {
      const T* rows[tile] = {};
      const T* targets[tile] = {};
      for (int r = 0; r < tile; ++r) {
        const int64_t at = r < count ? (positions ? positions[k * tile + r] : k * tile + r) : -1;
        buffer.weights[r] = at < 0 ? T(0) : weights_[at] / T(size);
        buffer.shares[r] = at < 0 ? 0.0 : shares_[at];
        buffer.numbers[r] = at < 0 ? 0 : numbers_[at];
        if (at < 0) continue;
        targets[r] = target_.get() + size_t(at) * target_width_;
        if (stored_) rows[r] = x_.get() + size_t(at) * width_;
      }
      gather<T>(targets, source_.outputs, buffer.target.get());
      if (stored_) gather<T>(rows, stored_, (source_.mapped ? buffer.stored : buffer.x).get());
      if (source_.mapped) mapping_.apply(buffer.stored.get(), count, buffer.x.get());
    }
    if (source_.sparse()) scatter(out, buffer);
    return out;
  }

 private:
  size_t place(int64_t row, int feature, int features, int width) const {
    return tiled_ ? (size_t(row / tile) * features + feature) * tile + row % tile : size_t(row) * width + feature;
  }

  void scatter(Tile<T>& out, TileBuffer<T>& buffer) const {
    for (int32_t column : buffer.columns) buffer.slots[column] = 0;
    buffer.columns.clear();
    for (int r = 0; r < out.count; ++r)
      for (int64_t e = source_.starts[out.numbers[r]]; e < source_.starts[out.numbers[r] + 1]; ++e) {
        int32_t& slot = buffer.slots[source_.columns[e]];
        if (slot) continue;
        buffer.columns.push_back(source_.columns[e]);
        slot = int32_t(buffer.columns.size());
      }
    if (buffer.x.size() < buffer.columns.size() * tile) buffer.x = Buffer<T>(2 * buffer.columns.size() * tile);
    else std::memset(static_cast<void*>(buffer.x.get()), 0, buffer.columns.size() * tile * sizeof(T));
    for (int r = 0; r < out.count; ++r)
      for (int64_t e = source_.starts[out.numbers[r]]; e < source_.starts[out.numbers[r] + 1]; ++e) {
        const int32_t column = source_.columns[e];
        buffer.x[size_t(buffer.slots[column] - 1) * tile + r] = T(source_.x(e) / fold_.scale[column]);
      }
    out.x = buffer.x.get();
    out.inputs = int(buffer.columns.size());
    out.columns = buffer.columns.data();
  }

  const Source& source_;
  const Fold& fold_;
  const Rows& rows_;
  bool tiled_;
  Mapping mapping_;
  int stored_, width_, target_width_;  // numbers of a row
  double total_ = 0;
  Buffer<T> x_, target_, weights_;
  Buffer<double> shares_;
  Buffer<int64_t> numbers_;
};

}  // namespace ridgewalk

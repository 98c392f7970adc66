// One run from its start to its measures: epochs, history, early stopping, polish.
#pragma once
#include <limits>
#include <numeric>
#include <optional>

#include "active_units.hpp"
#include "progress.hpp"
#include "thread_pool.hpp"
#include "updater.hpp"

namespace ridgewalk {

constexpr int most_slices = constants::most_slices;
constexpr int64_t few_tiles = constants::few_tiles, many_tiles = constants::many_tiles, large = constants::large;
constexpr int64_t range_bytes = 32768;  // of an array that is updated at once
constexpr int check_every = constants::check_every;  // polishing steps between two looks at the residual

inline int64_t tiles_in(int64_t rows) { return (rows + tile - 1) / tile; }

// How a pass over so many rows is cut into slices, what one thread sums alone. The job decides, not the threads.
// A slice has 64 tiles, or 4 in a large network. A large network keeps the tiles of a smaller batch, each a slice, until
// all are through, and then sums the gradients of wide layers a range of rows at a time, over all of them.
struct Cut {
  int slices;
  bool keeps;
};
class Cutter {
 public:
  template <class T> explicit Cutter(const Plan<T>& plan) {
    int64_t numbers = 0;
    for (const Shape& shape : shapes<T>(plan.layers)) numbers += int64_t(shape.inputs) * shape.units;
    tiles_of_slice_ = numbers >= large ? few_tiles : many_tiles;
    keeps_ = numbers >= large && !plan.source.sparse();
    for (const Fold& fold : plan.folds) most_rows_ = std::max(most_rows_, fold.training.count);
  }
  Cut cut(int64_t rows) const {
    const int64_t tiles = tiles_in(rows);
    if (keeps_ && tiles <= few_tiles) return {int(tiles), true};
    return {int(std::clamp<int64_t>((tiles + tiles_of_slice_ - 1) / tiles_of_slice_, 1, most_slices)), false};
  }
  // Slices of any pass over a training's rows or fewer, and those that are kept tiles.
  int most() const { return std::max(cut(most_rows_).slices, most_kept()); }
  int most_kept() const { return keeps_ ? int(std::min(tiles_in(most_rows_), few_tiles)) : 0; }

 private:
  bool keeps_;
  int64_t tiles_of_slice_, most_rows_ = 1;
};

// The rows of a fold, while any of its runs is at work.
template <class T> struct Data {
  Table<T> training;
  std::unique_ptr<Table<T>> validation;
  Data(const Plan<T>& plan, const Fold& fold, Progress& progress)
      : training(plan.source, fold, fold.training, plan.tiled(), progress) {
    if (fold.validation.given)
      validation = std::make_unique<Table<T>>(plan.source, fold, fold.validation, plan.tiled(), progress);
  }
};

// A part of an array, small enough to stay in a near cache: rows first to last - 1.
struct Range {
  int array, first, last;
};
template <class T> std::vector<Range> ranges(const std::vector<Shape>& all) {
  std::vector<Range> found;
  for (int k = 0; k < int(all.size()); ++k) {
    const int rows = all[k].inputs, row_bytes = all[k].stride * int(sizeof(T));
    const int most = std::max(1, int(range_bytes / row_bytes) / block) * block;
    for (int first = 0; first < rows; first += most) found.push_back({k, first, std::min(rows, first + most)});
  }
  return found;
}

// One worker's own buffer and pass, and the gradient of a range: of the active units alone, of their biases, and of all.
template <class T> struct Worker {
  TileBuffer<T> buffer;
  Pass<T> pass;
  Buffer<T> active_rows, biases, dw;
  Worker(const Plan<T>& plan, size_t in_range)
      : buffer(plan.source, plan.tiled()), pass(plan), active_rows(in_range), biases(in_range), dw(in_range) {}
};

// Trains the runs of a pool of threads, one after the other; nothing is allocated between two steps.
template <class T> class Trainer {
 public:
  Trainer(const Plan<T>& plan, int pool_size, Progress& progress)
      : plan_(plan), shapes_(shapes<T>(plan.layers)), ranges_(ranges<T>(shapes_)), cutter_(plan), pool_(pool_size),
        progress_(progress), active_(plan, shapes_) {
    for (int s = 0; s < cutter_.most(); ++s) parts_.push_back(std::make_unique<Gradients<T>>(shapes_, active_.possible()));
    size_t in_range = 0;
    for (const Range& range : ranges_)
      in_range = std::max(in_range, size_t(range.last - range.first) * shapes_[range.array].stride);
    for (int k = 0; k < std::max(pool_.size(), cutter_.most_kept()); ++k)
      workers_.push_back(std::make_unique<Worker<T>>(plan, in_range));
    w_ = zeros<T>(shapes_);
    if (plan.optimizer.nesterov || plan.polish_steps >= 0) point_ = zeros<T>(shapes_);
    if (plan.patience >= 0) best_ = zeros<T>(shapes_);
    if (plan.polish_steps >= 0) z_ = zeros<T>(shapes_);
    scratch_ = zeros<T>(shapes_);
    if (active_.possible()) whole_ = zeros<T>(shapes_);
  }

  // Train one run; returns early, with nothing written, when asked to stop.
  void train(int run, const Data<T>& data) {
    begin(run, data);
    advance(plan_.epochs);
    finish();
  }

  // The same in parts: begin; advance until all epochs are done; finish.
  void begin(int run, const Data<T>& data) {
    run_ = run;
    data_ = &data;
    updaters_.clear();
    for (size_t k = 0; k < shapes_.size(); ++k) {
      updaters_.push_back(std::make_unique<Updater<T>>(shapes_[k], plan_.optimizer, Prox<T>(plan_.penalties[k], run), k % 2));
      read(plan_.start[k], k);
    }
    training_loss_.reset(), validation_loss_.reset();
    at_ = {};
    const bool stopping = plan_.patience >= 0;
    if (stopping && plan_.ramp == 0) at_.best_loss = watched();
    if (stopping) copy(w_, best_);
    record(0);
  }
  // Train on by at most so many epochs; returns whether there are more to do.
  bool advance(int64_t most) {
    const Table<T>& rows = data_->training;
    const int64_t n = rows.rows(), size = plan_.batch_size ? std::min(plan_.batch_size, n) : n;
    const int64_t total = plan_.epochs * ((n + size - 1) / size), last = std::min(plan_.epochs, at_.epoch + most);
    const bool stopping = plan_.patience >= 0;
    int64_t& step = at_.step;
    for (; at_.epoch < last && !at_.over; ++at_.epoch) {
      const int64_t epoch = at_.epoch;
      const int32_t* order =
          plan_.batch_size ? shuffle_.order(uint64_t(plan_.seeds[run_]), uint64_t(epoch), rows.numbers(), int(n)) : nullptr;
      double lost = 0;
      for (int64_t first = 0; first < n; first += size, ++step) {
        const Dropped dropped{uint64_t(plan_.seeds[run_]), step};
        const bool ahead = plan_.optimizer.nesterov;
        if (ahead)
          for (size_t k = 0; k < shapes_.size(); ++k) updaters_[k]->look_ahead(w_[k].get(), point_[k].get());
        const int64_t count = std::min(size, n - first);
        lost += slice_gradients(ahead ? point_ : w_, order ? order + first : nullptr, count, &dropped, plan_.batch_losses);
        if (progress_.stopped()) return false;
        const double rate = plan_.optimizer.rate * multiplier(plan_.optimizer.schedule, step, total);
        const double ramp = plan_.ramp > 0 ? std::min(1.0, double(step + 1) / (plan_.ramp * double(total))) : 1.0;
        update(cutter_.cut(count), step, rate, ramp);
      }
      training_loss_.reset(), validation_loss_.reset();
      if (plan_.batch_losses) training_loss_ = lost;
      record(epoch + 1);
      ++progress_.done;
      if (!stopping || double(epoch + 1) < plan_.ramp * double(plan_.epochs)) continue;
      const double now = watched();
      if ((now < at_.best_loss - plan_.patience_tolerance || std::isnan(at_.best_loss)) && std::isfinite(now)) {
        at_.best_loss = now;
        at_.best_epoch = epoch + 1;
        copy(w_, best_);
      }
      if (epoch + 1 - at_.best_epoch >= plan_.patience) {
        progress_.done += plan_.epochs - epoch - 1;
        at_.over = true;
      }
    }
    return at_.epoch < plan_.epochs && !at_.over;
  }
  void finish() {
    if (progress_.stopped()) return;
    const bool stopping = plan_.patience >= 0;
    if (stopping) copy(best_, w_);
    if (plan_.polish_steps >= 0) polish();
    if (!progress_.stopped()) measure(stopping ? at_.best_epoch : plan_.epochs);
  }

  // Measure a run under way where it stands, as finish() does at its end.
  void look() { measure(at_.epoch); }
  // Go on with other numbers in the rows.
  void take(const Data<T>& data) {
    data_ = &data;
    training_loss_.reset(), validation_loss_.reset();
  }
  // f(row, output): the outputs of a table's rows, [C][64] from the row's own column on.
  template <class F> void outputs(const Table<T>& rows, const F& f) {
    Worker<T>& worker = *workers_[0];
    const Arrays<T>& seen = seen_of(w_);
    for (int64_t k = 0; k < rows.tiles(); ++k) {
      const Tile<T> data = rows.load(nullptr, rows.rows(), k, worker.buffer);
      const T* output = worker.pass.forward(seen, data, nullptr);
      for (int r = 0; r < data.count; ++r) f(k * tile + r, output + r);
    }
  }
  // The gradient of one weight, as the last measure took it.
  T slope(int k, int p, int q) const { return whole()[k][size_t(p) * shapes_[k].stride + q]; }

 private:
  // One step of every array. A gradient is summed where it stays in a near cache until its weights are updated; the rows
  // of an array whose weights are penalized in groups must wait for each other.
  void update(const Cut& cut, int64_t step, double rate, double ramp) {
    pool_.each(int(ranges_.size()), [&](int k, int member) {
      const Range& range = ranges_[k];
      Updater<T>& updater = *updaters_[range.array];
      const T* dw = gradient_of(cut, range, *workers_[member], updater.in_groups() ? place(range) : workers_[member]->dw.get());
      if (!updater.in_groups()) updater.step(w_[range.array].get(), dw, rate, step, ramp, range.first, range.last);
    });
    for (size_t k = 0; k < shapes_.size(); ++k)
      if (updaters_[k]->in_groups())
        updaters_[k]->step(w_[k].get(), whole()[k].get(), rate, step, ramp, 0, shapes_[k].inputs);
  }

  // Where the gradient of all arrays is put together.
  const Arrays<T>& whole() const { return active_.all() ? parts_[0]->arrays : whole_; }
  T* place(const Range& range) const {
    return whole()[range.array].get() + size_t(range.first) * shapes_[range.array].stride;
  }

  // Gradient of the data loss over a batch, slice by slice; gives the batch's part of the mean loss where it is asked for.
  double slice_gradients(const Arrays<T>& at, const int32_t* positions, int64_t size, const Dropped* dropped, bool losses) {
    const Table<T>& rows = data_->training;
    const int group = rows.stays() ? together : 1;  // any other tile is built in the one buffer
    const bool keeps = cutter_.cut(size).keeps;
    const Arrays<T>& seen = seen_of(at);
    const double loss = in_slices(
        size, group,
        [&](int s, int member, int64_t first, int count, double* sum) {
          Worker<T>& worker = *workers_[keeps ? s : member];
          Tile<T> tiles[together];
          for (int t = 0; t < count; ++t) tiles[t] = rows.load(positions, size, first + t, worker.buffer);
          worker.pass.add_gradients(seen, tiles, count, dropped, keeps, *parts_[s], losses ? sum : nullptr);
        },
        [&](int s) { parts_[s]->clear(keeps); }, [&](int s) { parts_[s]->finish(); });
    return loss / rows.total();
  }
  // What a pass over these arrays runs on; workers and slices are made ready for it.
  const Arrays<T>& seen_of(const Arrays<T>& at) {
    const Arrays<T>& seen = active_.of(at);
    if (!active_.possible()) return seen;
    for (const auto& part : parts_) part->take(active_.shapes());
    for (const auto& worker : workers_) worker->pass.take(active_.shapes());
    return seen;
  }
  // The gradient of a range, over all slices; it stands in dw, or in parts_[0] where there is but one slice.
  const T* gradient_of(const Cut& cut, const Range& range, const Worker<T>& worker, T* dw) const {
    const auto [array, first, last] = range;
    if (active_.all()) return sum_slices(cut, range, dw);
    const auto [next, end] = active_.rows(array, first, last);
    const T* active_rows = sum_slices(cut, {array, next, end}, worker.active_rows.get());
    const T* biases = sum_slices(cut, {array / 2 * 2 + 1, 0, 1}, worker.biases.get());
    active_.put_back(array, first, last, active_rows, biases, dw);
    return dw;
  }
  // Rows of the gradient of what the passes ran on.
  const T* sum_slices(const Cut& cut, const Range& range, T* dw) const {
    const size_t stride = active_.shapes()[range.array].stride, count = (range.last - range.first) * stride;
    const int dense = range.array / 2;
    if (cut.keeps && range.array % 2 == 0 && parts_[0]->ways[dense] == Gradients<T>::wide) {
      std::memset(static_cast<void*>(dw), 0, count * sizeof(T));
      for (int s = 0; s < cut.slices; ++s) workers_[s]->pass.add_rows(dense, range.first, range.last, dw);
      return dw;
    }
    const T* sum = parts_[0]->arrays[range.array].get() + size_t(range.first) * stride;
    for (int s = 1; s < cut.slices; ++s, sum = dw) {
      const T* part = parts_[s]->arrays[range.array].get() + range.first * stride;
      for (size_t i = 0; i < count; i += lanes<T>) store<T>(dw + i, load<T>(sum + i) + load<T>(part + i));
    }
    return sum;
  }
  // Gradient of the data loss over all rows, without dropout, into whole(); gives the mean loss.
  double gradient(const Arrays<T>& at) {
    const int64_t rows = data_->training.rows();
    const double loss = slice_gradients(at, nullptr, rows, nullptr, true);
    pool_.each(int(ranges_.size()), [&](int k, int member) {
      gradient_of(cutter_.cut(rows), ranges_[k], *workers_[member], place(ranges_[k]));
    });
    return loss;
  }

  // Weighted mean loss, without penalty and without dropout; NaN where there are no rows.
  double loss(const Arrays<T>& at, const Table<T>* rows) {
    if (!rows) return std::numeric_limits<double>::quiet_NaN();
    const auto nothing = [](int) {};
    const Arrays<T>& seen = seen_of(at);
    const double sum = in_slices(
        rows->rows(), 1,
        [&](int, int member, int64_t first, int, double* total) {
          Worker<T>& worker = *workers_[member];
          const Tile<T> data = rows->load(nullptr, rows->rows(), first, worker.buffer);
          *total += worker.pass.loss(data, worker.pass.forward(seen, data, nullptr));
        },
        nothing, nothing);
    return sum / rows->total();
  }

  // f(slice, member, first tile, tiles, sum) over all tiles of a pass, each slice between its begin and its end; the
  // sums of the slices, added in their order.
  template <class F, class Begin, class End>
  double in_slices(int64_t size, int group, const F& f, const Begin& begin, const End& end) {
    const int count = cutter_.cut(size).slices;
    const int64_t tiles = tiles_in(size);
    double sums[most_slices] = {};
    pool_.each(count, [&](int s, int member) {
      begin(s);
      const int64_t last = tiles * (s + 1) / count;
      for (int64_t k = tiles * s / count; k < last && !progress_.stopped(); k += group)
        f(s, member, k, int(std::min<int64_t>(group, last - k)), &sums[s]);
      end(s);
    });
    return std::accumulate(sums, sums + count, 0.0);
  }

  // After an epoch, or before the first; measured where it is not known.
  double training_loss() { return known(training_loss_, &data_->training); }
  double validation_loss() { return known(validation_loss_, data_->validation.get()); }
  double known(std::optional<double>& value, const Table<T>* rows) {
    if (!value) value = loss(w_, rows);
    return *value;
  }

  // What early stopping watches.
  double watched() {
    return plan_.watches_objective ? training_loss() + penalty(w_) : validation_loss();
  }

  double penalty(const Arrays<T>& at) {
    double total = 0;
    for (size_t k = 0; k < shapes_.size(); ++k) total += updaters_[k]->penalty(at[k].get());
    return total;
  }

  // Largest |w - prox_s(w - s dw)| / s, with the gradient that stands in whole().
  double residual() {
    double worst = 0;
    for (size_t k = 0; k < shapes_.size(); ++k) {
      const T *w = w_[k].get(), *dw = whole()[k].get();
      T* out = scratch_[k].get();
      const T step = updaters_[k]->residual_step();
      for (size_t i = 0; i < shapes_[k].size(); ++i) out[i] = w[i] - step * dw[i];
      updaters_[k]->prox(out, step, out);
      each_weight(k, [&](size_t i) {
        const double distance = std::abs(double(w[i] - out[i])) / double(step);
        if (!(distance <= worst)) worst = distance;  // what is not a number stays
      });
    }
    return worst;
  }

  // Accelerated proximal gradient with backtracking and restart: accelerated_descent of reference.py.
  void polish() {
    const Table<T>& rows = data_->training;
    const double slack = 4 * double(std::numeric_limits<T>::epsilon());
    copy(w_, point_);
    double value = loss(w_, &rows) + penalty(w_), inertia = 1, rate = 1;
    int64_t step = 0;
    for (; step < plan_.polish_steps && !progress_.stopped(); ++step) {
      if (step % check_every == 0) {
        gradient(w_);
        if (residual() <= plan_.polish_tolerance) break;
      }
      const double at_point = gradient(point_);
      const Arrays<T>& slopes = whole();  // until the next gradient, whichever units are inactive in the trials
      double z_loss;
      for (;;) {
        double along = 0, squared = 0;
        for (size_t k = 0; k < shapes_.size(); ++k) {
          const T *y = point_[k].get(), *dy = slopes[k].get();
          T* z = z_[k].get();
          for (size_t i = 0; i < shapes_[k].size(); ++i) z[i] = y[i] - T(rate) * dy[i];
          updaters_[k]->prox(z, T(rate), z);
          each_weight(k, [&](size_t i) {
            const double moved = double(z[i] - y[i]);
            along += double(dy[i]) * moved;
            squared += moved * moved;
          });
        }
        z_loss = loss(z_, &rows);
        const double model = at_point + along + squared / (2 * rate);
        if (z_loss <= model + slack * std::abs(at_point) || !(rate > slack) || progress_.stopped()) break;
        rate /= 2;
      }
      const double z_value = z_loss + penalty(z_);
      const bool rises = !(z_value <= value + slack * std::abs(value)), stuck = rises && inertia == 1;
      const double next = rises ? 1 : 0.5 + std::sqrt(0.25 + inertia * inertia), pull = rises ? 0 : (inertia - 1) / next;
      for (size_t k = 0; k < shapes_.size(); ++k)
        for (size_t i = 0; i < shapes_[k].size(); ++i) {
          const T new_w = rises ? w_[k][i] : z_[k][i];
          point_[k][i] = new_w + T(pull) * (new_w - w_[k][i]);
          w_[k][i] = new_w;
        }
      inertia = next;
      if (!rises) value = z_value;
      ++progress_.done;
      if (stuck) {
        ++step;
        break;
      }
    }
    progress_.done += plan_.polish_steps - step;
  }

  void measure(int64_t trained) {
    const double training_loss = gradient(w_), distance = residual();
    const double validation_loss = loss(w_, data_->validation.get());
    if (progress_.stopped()) return;
    bool finite = std::isfinite(training_loss);
    for (size_t k = 0; k < shapes_.size(); ++k) {
      T* to = plan_.parameters[k] + size_t(run_) * shapes_[k].inputs * shapes_[k].units;
      each_weight(k, [&](size_t i) { finite = finite && std::isfinite(w_[k][i]), *to++ = w_[k][i]; });
    }
    plan_.data_loss[run_] = training_loss;
    plan_.penalty[run_] = penalty(w_);
    plan_.validation_loss[run_] = validation_loss;
    plan_.residual[run_] = distance;
    plan_.trained[run_] = trained;
    plan_.diverged[run_] = !finite;
    __atomic_store_n(&plan_.finished[run_], true, __ATOMIC_RELEASE);  // who sees it sees all of the above
  }

  void record(int64_t epoch) {
    const auto mark = std::lower_bound(plan_.marks.begin(), plan_.marks.end(), epoch);
    if (mark == plan_.marks.end() || *mark != epoch) return;
    const size_t at = size_t(run_) * plan_.marks.size() + size_t(mark - plan_.marks.begin());
    plan_.history_data_loss[at] = training_loss();
    plan_.history_penalty[at] = penalty(w_);
    plan_.history_validation_loss[at] = validation_loss();
    for (size_t k = 0; k < shapes_.size(); ++k) {
      int64_t zero = 0;
      double squares = 0;
      each_weight(k, [&](size_t i) { zero += w_[k][i] == 0, squares += double(w_[k][i]) * double(w_[k][i]); });
      plan_.history_zeros[at * shapes_.size() + k] = double(zero) / (double(shapes_[k].inputs) * shapes_[k].units);
      plan_.history_norms[at * shapes_.size() + k] = std::sqrt(squares);
    }
  }

  template <class F> void each_weight(size_t k, const F& f) const {
    for (int p = 0; p < shapes_[k].inputs; ++p)
      for (int q = 0; q < shapes_[k].units; ++q) f(size_t(p) * shapes_[k].stride + q);
  }
  void read(const T* start, size_t k) {
    const T* from = start + size_t(run_) * shapes_[k].inputs * shapes_[k].units;
    each_weight(k, [&](size_t i) { w_[k][i] = *from++; });
  }
  void copy(const Arrays<T>& from, const Arrays<T>& to) const {
    for (size_t k = 0; k < from.size(); ++k) std::memcpy(static_cast<void*>(to[k].get()), from[k].get(), from[k].size() * sizeof(T));
  }

  struct Position {  // of a run under way
    int64_t step = 0, epoch = 0, best_epoch = 0;
    double best_loss = std::numeric_limits<double>::quiet_NaN();
    bool over = false;  // it was stopped early
  };

  const Plan<T>& plan_;
  const std::vector<Shape> shapes_;
  const std::vector<Range> ranges_;
  const Cutter cutter_;
  ThreadPool pool_;
  Progress& progress_;
  std::vector<std::unique_ptr<Gradients<T>>> parts_;
  std::vector<std::unique_ptr<Worker<T>>> workers_;
  std::vector<std::unique_ptr<Updater<T>>> updaters_;
  ActiveUnits<T> active_;
  Arrays<T> w_, point_, best_, z_, scratch_, whole_;
  Shuffle shuffle_;
  int run_ = 0;
  Position at_;
  std::optional<double> training_loss_, validation_loss_;
  const Data<T>* data_ = nullptr;
};

}  // namespace ridgewalk

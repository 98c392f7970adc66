// A job as plain data: what Python passes, borrowed until the job is done.
#pragma once
#include <array>
#include <cstdint>
#include <vector>

namespace ridgewalk {

// An enumeration, and the names of its kinds in their order, which Python reads: a kind's place there is its number.
#define RIDGEWALK_KIND(name) name,
#define RIDGEWALK_NAME(name) #name,
#define RIDGEWALK_KINDS(Kind, names, LIST) \
  enum class Kind { LIST(RIDGEWALK_KIND) };  \
  constexpr std::array names{LIST(RIDGEWALK_NAME)};

#define RIDGEWALK_LAYERS(X) X(dense) X(relu) X(leaky_relu) X(tanh) X(logistic) X(gelu) X(dropout)
RIDGEWALK_KINDS(LayerKind, layer_names, RIDGEWALK_LAYERS)
struct Layer {
  LayerKind kind;
  int inputs, units;  // of a dense layer
  double parameter;   // slope or rate
};

#define RIDGEWALK_LOSSES(X) X(cross_entropy) X(binary_cross_entropy) X(squared_error) X(absolute_error) X(huber) X(poisson)
RIDGEWALK_KINDS(LossKind, loss_names, RIDGEWALK_LOSSES)
struct Loss {
  LossKind kind;
  double delta;
};

#define RIDGEWALK_SCHEDULES(X) X(inverse_time) X(cosine) X(steps)
RIDGEWALK_KINDS(ScheduleKind, schedule_names, RIDGEWALK_SCHEDULES)
struct Schedule {
  ScheduleKind kind;
  double a, b;
};
#define RIDGEWALK_OPTIMIZERS(X) X(sgd) X(adagrad) X(rmsprop) X(adam)
RIDGEWALK_KINDS(OptimizerKind, optimizer_names, RIDGEWALK_OPTIMIZERS)
struct Optimizer {
  OptimizerKind kind;
  double rate, first, second, epsilon, decay;  // first: momentum or beta_1; second: rho or beta_2
  bool nesterov;
  Schedule schedule;
};

// Strengths (runs or 1, count), where there are any.
template <class T> struct RunStrengths {
  bool given = false;
  const T* values = nullptr;
  int count = 0;
  bool per_run = false;
  const T* of(int run) const { return values + (per_run ? size_t(run) * count : 0); }
};
#define RIDGEWALK_OVER(X) X(none) X(inputs) X(units)
RIDGEWALK_KINDS(Over, over_names, RIDGEWALK_OVER)
template <class T> struct Penalty {
  RunStrengths<T> l1, l2, group;  // count is that of the inputs; of a group over units, that of the units
  Over over = Over::none;
  const int32_t* member = nullptr;  // group of each input
  int groups = 0;
  double concavity = 0;  // a c with which the penalty plus c/2 sum w^2 is convex
};

#define RIDGEWALK_MAP_KINDS(X) X(identity) X(soft_clip) X(piece)
RIDGEWALK_KINDS(MapKind, map_kind_names, RIDGEWALK_MAP_KINDS)
// What columns are mapped to, one entry for each input of the network.
struct InputMap {
  const int32_t *column = nullptr, *kind = nullptr;
  const double *center = nullptr, *scale = nullptr;
};

// Rows of x, dense (N, P) or compressed (`starts`, `columns`), and the target (N, C).
struct Source {
#if defined(__wasm__)
  static constexpr bool compressed = false, single = false, mapped = false;  // a page has dense rows in double precision
#else
  bool compressed = false, single = false;  // an array without entries may have no place
#endif
  const float* singles = nullptr;
  const double* doubles = nullptr;
  const int64_t* starts = nullptr;
  const int32_t* columns = nullptr;
  const double* target = nullptr;
  int columns_of_x = 0;            // P
  int inputs = 0, outputs = 0;     // of the network: inputs are the columns, or what they are mapped to
#if !defined(__wasm__)
  bool mapped = false;
#endif
  bool sparse() const { return compressed; }
  double x(size_t place) const { return single ? singles[place] : doubles[place]; }
};
struct Rows {
  bool given = false;
  const int64_t* numbers = nullptr;  // of the rows of x
  const double* weights = nullptr;
  const double* mean_weights = nullptr;  // of training rows
  int64_t count = 0;
};
struct Fold {
  Rows training, validation;
  const double *center, *scale, *target_center, *target_scale;  // of what the network takes, and of the target
  InputMap map;  // where there is one
};

template <class T> struct Plan {
  std::vector<Layer> layers;
  Loss loss;
  Optimizer optimizer;
  std::vector<Penalty<T>> penalties;
  Source source;
  std::vector<Fold> folds;
  int runs;
  const int64_t *fold, *seeds;
  std::vector<const T*> start;
  int64_t epochs, batch_size;  // 0: the full batch
  double ramp;
  int64_t polish_steps;  // -1: no polish
  double polish_tolerance;
  int64_t patience;  // -1: no early stopping
  double patience_tolerance;
  bool watches_objective;  // rather than the validation loss
  bool batch_losses;  // an epoch's training loss is what its batches lost, not a pass of its own
  std::vector<int64_t> marks;  // epochs of the history
  // What comes of it.
  std::vector<T*> parameters;
  double *data_loss, *penalty, *validation_loss, *residual;
  int64_t* trained;
  bool *diverged, *finished;
  double *history_data_loss, *history_penalty, *history_validation_loss, *history_zeros, *history_norms;

  bool tiled() const { return !batch_size && !source.sparse(); }  // whether rows come in one order, so that tiles can wait
  int outputs() const { return source.outputs; }
};

}  // namespace ridgewalk

// The door to JavaScript: what engine.js calls, with addresses and numbers alone. A `spec` is a row of numbers, read one after
// the other; addresses are among them.
#include <cstdlib>

#include "session.hpp"

namespace {

using namespace ridgewalk;

class Spec {
 public:
  explicit Spec(const double* at) : at_(at) {}
  double number() { return *at_++; }
  int whole() { return int(number()); }
  int64_t count() { return int64_t(number()); }
  bool yes() { return number() != 0; }
  template <class T> T* place() { return reinterpret_cast<T*>(uintptr_t(number())); }

 private:
  const double* at_;
};

RunStrengths<float> strengths_of(Spec& spec) {
  const float* values = spec.place<const float>();
  const int count = spec.whole();
  const bool per_run = spec.yes();
  return {values != nullptr, values, count, per_run};
}
Rows rows_of(Spec& spec) {
  const int64_t* numbers = spec.place<const int64_t>();
  const double *weights = spec.place<const double>(), *mean_weights = spec.place<const double>();
  const int64_t count = spec.count();
  return {numbers != nullptr, numbers, weights, mean_weights, count};
}
Optimizer optimizer_of(Spec& spec) {
  Optimizer o{};
  o.kind = OptimizerKind(spec.whole());
  for (double* each : {&o.rate, &o.first, &o.second, &o.epsilon, &o.decay}) *each = spec.number();
  o.nesterov = spec.yes();
  o.schedule.kind = ScheduleKind(spec.whole());
  o.schedule.a = spec.number(), o.schedule.b = spec.number();
  return o;
}
Plan<float> plan_of(Spec spec) {
  Plan<float> plan{};
  for (int left = spec.whole(); left; --left) {
    const auto kind = LayerKind(spec.whole());
    const int inputs = spec.whole(), units = spec.whole();
    plan.layers.push_back({kind, inputs, units, spec.number()});
  }
  plan.loss.kind = LossKind(spec.whole()), plan.loss.delta = spec.number();
  plan.optimizer = optimizer_of(spec);
  for (int left = spec.whole(); left; --left) {
    Penalty<float> penalty;
    penalty.l1 = strengths_of(spec), penalty.l2 = strengths_of(spec), penalty.group = strengths_of(spec);
    penalty.over = Over(spec.whole()), penalty.member = spec.place<const int32_t>();
    penalty.groups = spec.whole(), penalty.concavity = spec.number();
    plan.penalties.push_back(penalty);
  }
  Source& source = plan.source;
  source.doubles = spec.place<const double>(), source.target = spec.place<const double>();
  source.columns_of_x = source.inputs = spec.whole(), source.outputs = spec.whole();
  for (int left = spec.whole(); left; --left) {
    Fold fold{};
    fold.training = rows_of(spec), fold.validation = rows_of(spec);
    for (const double** each : {&fold.center, &fold.scale, &fold.target_center, &fold.target_scale})
      *each = spec.place<const double>();
    plan.folds.push_back(fold);
  }
  plan.runs = spec.whole(), plan.fold = spec.place<const int64_t>(), plan.seeds = spec.place<const int64_t>();
  plan.epochs = spec.count(), plan.batch_size = spec.count(), plan.ramp = spec.number();
  plan.polish_steps = spec.count(), plan.polish_tolerance = spec.number(), plan.patience = spec.count();
  plan.patience_tolerance = spec.number(), plan.watches_objective = spec.yes(), plan.batch_losses = spec.yes();
  for (int left = spec.whole(); left; --left) {
    plan.start.push_back(spec.place<const float>());
    plan.parameters.push_back(spec.place<float>());
  }
  for (double** each : {&plan.data_loss, &plan.penalty, &plan.validation_loss, &plan.residual}) *each = spec.place<double>();
  plan.trained = spec.place<int64_t>(), plan.diverged = spec.place<bool>(), plan.finished = spec.place<bool>();
  return plan;
}

void read_penalty(Spec& spec, PathPenalty& penalty) {
  penalty.family = Family(spec.whole());
  for (double* each : {&penalty.l1_ratio, &penalty.bias_alpha, &penalty.upper_l2, &penalty.gamma}) *each = spec.number();
  for (double& factor : penalty.layer_factors) factor = spec.number();
}
Problem* problem_of(Spec spec) {
  auto* problem = new Problem;
  Problem& p = *problem;
  p.rows = spec.whole(), p.columns = spec.whole(), p.outputs = spec.whole();
  const double *x = spec.place<const double>(), *target = spec.place<const double>();
  p.x.assign(x, x + size_t(p.rows) * p.columns), p.target.assign(target, target + size_t(p.rows) * p.outputs);
  p.loss.kind = LossKind(spec.whole()), p.loss.delta = spec.number();
  const int folds = spec.whole();
  const int32_t* fold = spec.place<const int32_t>();
  for (int left = spec.whole(); left; --left) p.seeds.push_back(spec.count());
  std::vector<int> hidden;
  for (int left = spec.whole(); left; --left) hidden.push_back(spec.whole());
  p.build(hidden, spec.whole());
  p.optimizer = optimizer_of(spec);
  p.epochs = spec.count(), p.batch = spec.count();
  p.penalty.layer_factors.assign(hidden.size() + 1, 1.0);
  read_penalty(spec, p.penalty);
  p.split(fold, folds);
  return problem;
}

template <class T> void write(const std::vector<T>& from, T* to) { std::copy(from.begin(), from.end(), to); }

// What of a network is left at one strength: the shares of zeros of every layer, inputs that lead anywhere, units on such a
// way, and weights that are not 0.
struct Left {
  Numbers zeros;
  std::vector<bool> inputs;
  int units = 0, weights = 0;
};
Left left_of(const Problem& p, const float* network) {
  Left left;
  std::vector<std::vector<bool>> reached{std::vector<bool>(size_t(p.columns), true)};
  const auto weight = [&](size_t k, int i, int j) { return network[p.arrays[k].first + size_t(i) * p.arrays[k].units + j] != 0; };
  for (size_t k = 0; k < p.arrays.size(); k += 2) {
    const ArrayShape& w = p.arrays[k];
    std::vector<bool> next(size_t(w.units), false);
    int kept = 0;
    for (int i = 0; i < w.inputs; ++i)
      for (int j = 0; j < w.units; ++j)
        if (weight(k, i, j)) ++kept, next[j] = next[j] || reached.back()[i];
    left.weights += kept;
    left.zeros.push_back(1 - double(kept) / double(w.size()));
    reached.push_back(next);
  }
  std::vector<bool> leads(size_t(p.outputs), true);
  for (size_t k = p.arrays.size(); k > 0; k -= 2) {
    const ArrayShape& w = p.arrays[k - 2];
    std::vector<bool> below(size_t(w.inputs), false);
    for (int i = 0; i < w.inputs; ++i) {
      for (int j = 0; j < w.units; ++j) below[i] = below[i] || (leads[j] && weight(k - 2, i, j));
      if (k > 2 && below[i] && reached[k / 2 - 1][i]) ++left.units;
    }
    leads = below;
  }
  left.inputs = leads;
  return left;
}

}  // namespace

namespace std {
inline namespace __1 {
[[noreturn]] void __libcpp_verbose_abort(const char*, ...) noexcept { __builtin_trap(); }  // without printf
}  // namespace __1
}  // namespace std

#define EXPORT(name) extern "C" __attribute__((export_name(#name)))

EXPORT(rw_alloc) void* rw_alloc(size_t bytes) { return std::aligned_alloc(64, (bytes + 63) / 64 * 64); }
EXPORT(rw_free) void rw_free(void* place) { std::free(place); }

// Any job, for tests: its runs, one after the other, each from its begin to its end.
EXPORT(rw_job) void rw_job(const double* spec) {
  PartwiseTraining<float> training(plan_of(Spec(spec)));
  for (int run = 0; run < training.plan().runs; ++run) {
    training.begin(run);
    while (training.advance(7)) {}
    training.finish();
  }
}

EXPORT(rw_problem) Problem* rw_problem(const double* spec) { return problem_of(Spec(spec)); }
EXPORT(rw_problem_free) void rw_problem_free(Problem* problem) { delete problem; }
EXPORT(rw_problem_penalty) void rw_problem_penalty(Problem* problem, const double* spec) {
  Spec from(spec);
  read_penalty(from, problem->penalty);
}
EXPORT(rw_numbers) int rw_numbers(const Problem* problem) { return int(problem->numbers); }
EXPORT(rw_held_out) int rw_held_out(const Problem* problem, int fold) { return int(problem->folds[fold].held_out.size()); }
// How a fold standardizes: center and scale of the columns, then of the targets.
EXPORT(rw_standardization) void rw_standardization(const Problem* problem, int fold, double* out) {
  const RowsOfFold& rows = problem->folds[fold];
  for (const Numbers* each : {&rows.center, &rows.scale, &rows.target_center, &rows.target_scale}) {
    write(*each, out);
    out += each->size();
  }
}
// NumPy's default_rng(seed).standard_normal(count).
EXPORT(rw_normals) void rw_normals(double seed, int count, double* out) {
  NumpyDraws draws{uint64_t(seed)};
  for (int k = 0; k < count; ++k) out[k] = draws.normal();
}
EXPORT(rw_start) void rw_start(const Problem* problem, int pair, float* out) { write(problem->start(pair), out); }
EXPORT(rw_strongest) double rw_strongest(const Problem* problem) {
  double top = 0;
  for (const RowsOfFold& fold : problem->folds) top = std::max(top, NullModel(*problem, fold).strongest());
  return top;
}
EXPORT(rw_grid) void rw_grid(double top, int count, int rows, int inputs, double* out) { write(grid(top, count, rows, inputs), out); }

EXPORT(rw_session) Session* rw_session(const Problem* problem, int pair, int way, double strength, const float* start) {
  return new Session(*problem, pair, Way(way), strength, start);
}
EXPORT(rw_session_free) void rw_session_free(Session* session) { delete session; }
EXPORT(rw_session_advance) int rw_session_advance(Session* session, int epochs) { return session->advance(epochs); }
EXPORT(rw_session_epoch) double rw_session_epoch(const Session* session) { return double(session->epoch()); }
EXPORT(rw_session_finish) void rw_session_finish(Session* session) { session->finish(); }
EXPORT(rw_session_look) void rw_session_look(Session* session) { session->look(); }
EXPORT(rw_session_measures) void rw_session_measures(const Session* session, double* out) {
  write(Numbers{session->data_loss(), session->penalty(), session->validation_loss(), session->residual(),
                double(session->diverged())}, out);
}
EXPORT(rw_session_weights) const float* rw_session_weights(const Session* session) { return session->weights(); }
EXPORT(rw_session_slopes) const float* rw_session_slopes(Session* session) { return session->slopes(); }
EXPORT(rw_session_strength) void rw_session_strength(Session* session, double strength) { session->set_strength(strength); }
EXPORT(rw_session_rate) void rw_session_rate(Session* session, double rate) { session->set_rate(rate); }
EXPORT(rw_session_rows) void rw_session_rows(Session* session, const double* x) { session->set_rows(x); }
EXPORT(rw_session_outputs) void rw_session_outputs(Session* session, const double* x, int rows, double* out) {
  session->outputs(x, rows, out);
}
EXPORT(rw_session_score) double rw_session_score(Session* session, double* held_out) { return session->score(held_out); }

EXPORT(rw_path) Path* rw_path(const Problem* problem, const double* strengths, int count) {
  return new Path(*problem, Numbers(strengths, strengths + count));
}
EXPORT(rw_path_free) void rw_path_free(Path* path) { delete path; }
// A trained network of a cell: measures are data loss, penalty, whether it diverged, and the training rows' loss.
EXPORT(rw_path_take) void rw_path_take(Path* path, int s, int pair, const double* measures, const float* network,
                                       const double* held_out, int onward) {
  const Problem& problem = path->problem();
  Fitted fitted;
  fitted.known = true, fitted.data_loss = measures[0], fitted.penalty = measures[1], fitted.diverged = measures[2] != 0;
  fitted.training = measures[3];
  fitted.network.assign(network, network + problem.numbers);
  fitted.held_out.assign(held_out, held_out + problem.folds[problem.fold_of(pair)].held_out.size());
  if (onward) path->take_further(pair, std::move(fitted));
  else path->cell(s, pair) = std::move(fitted);
}
EXPORT(rw_path_law) void rw_path_law(Path* path) { path->obey_law(); }
EXPORT(rw_path_goes_on) int rw_path_goes_on(const Path* path, int pair) { return path->goes_on(pair); }
EXPORT(rw_path_cell) void rw_path_cell(const Path* path, int s, int pair, double* out) {
  write(Numbers{double(path->source(s, pair)), path->objective(s, pair), path->penalty(s, pair)}, out);
}
EXPORT(rw_path_network) void rw_path_network(const Path* path, int s, int pair, float* out) { write(path->network(s, pair), out); }
// The mean held-out loss of each strength, its error, the folds' own means; the numbers of the minimum and of the strongest
// strength within one standard error of it.
EXPORT(rw_path_curve) void rw_path_curve(const Path* path, double* loss, double* error, double* folds, double* chosen) {
  std::vector<Numbers> all;
  const int count = path->problem().held_out_folds();
  for (int s = 0; s < path->strengths(); ++s) {
    all.push_back(path->row_losses(s));
    loss[s] = Path::mean(all.back()), error[s] = Path::error(all.back());
    for (int fold = 0; fold < count; ++fold) folds[s * count + fold] = Path::mean(path->fold_losses(s, fold));
  }
  chosen[0] = Path::minimum(all), chosen[1] = Path::one_standard_error(all), chosen[2] = Path::mean(path->null_losses());
}
// The start of lowest objective on all rows: its pair, training loss, units and weights left; shares of zeros by layer; inputs.
EXPORT(rw_path_best) void rw_path_best(const Path* path, int s, double* out, double* zeros, uint8_t* inputs) {
  const int pair = path->best_pair(s);
  const Fitted& fitted = path->held(s, pair);
  const std::vector<float> network = path->network(s, pair);
  const Left left = left_of(path->problem(), network.data());
  write(Numbers{double(pair), fitted.training, double(left.units), double(left.weights)}, out);
  write(left.zeros, zeros);
  for (size_t p = 0; p < left.inputs.size(); ++p) inputs[p] = left.inputs[p];
}
EXPORT(rw_path_effect) void rw_path_effect(const Path* path, double* out, double* chosen) {
  const Effect e = path->effect();
  write(Numbers{e.mean, e.error, e.low(), e.high(), e.mean - e.careful, e.mean + e.careful, e.smallest, e.gain, e.gain_error,
                double(e.outcome()), double(e.verdict()), double(e.unsure())},
        out);
  const std::vector<int> at = path->chosen_by_others();
  std::copy(at.begin(), at.end(), chosen);
}

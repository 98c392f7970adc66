// The door to Python: reads a job's plain data, starts its threads, and says how far they are.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>

#include <chrono>

#include "faults.hpp"
#include "mixture.hpp"
#include "training.hpp"

namespace nb = nanobind;
using namespace nb::literals;
using namespace ridgewalk;

#if defined(RIDGEWALK_FAULTS)
extern "C" {  // the linker puts the second in the place of the first, in this module alone (--wrap)
void* __real__Znwm(size_t size);
__attribute__((visibility("hidden"))) void* __wrap__Znwm(size_t size) {
  faults::allocation();
  return __real__Znwm(size);
}
}
#endif

#ifndef RIDGEWALK_MODULE
#error "CMakeLists.txt names the module after its instruction set"
#endif

namespace {

template <class T> using View = nb::ndarray<T, nb::c_contig, nb::device::cpu>;

// The numbers behind an array of the given name, or null for None.
template <class T> T* numbers_of(nb::handle given, const char* name) {
  if (given.is_none()) return nullptr;
  try {
    return nb::cast<View<T>>(given).data();
  } catch (const nb::cast_error&) {
    throw nb::type_error((std::string(name) + " is not a contiguous array of the type that the engine needs").c_str());
  }
}
template <class T> T* numbers(const nb::dict& from, const char* name) { return numbers_of<T>(from[name], name); }
template <class T> T value(const nb::dict& from, const char* name) { return nb::cast<T>(from[name]); }

Rows rows_of(nb::handle given) {
  if (given.is_none()) return {};
  const nb::dict rows = nb::cast<nb::dict>(given);
  return {true, numbers<const int64_t>(rows, "numbers"), numbers<const double>(rows, "weights"),
          numbers<const double>(rows, "mean_weights"), value<int64_t>(rows, "count")};
}

InputMap map_of(nb::handle given) {
  if (given.is_none()) return {};
  const nb::dict map = nb::cast<nb::dict>(given);
  return {numbers<const int32_t>(map, "column"), numbers<const int32_t>(map, "kind"), numbers<const double>(map, "center"),
          numbers<const double>(map, "scale")};
}

template <class T> RunStrengths<T> strengths_of(nb::handle given) {
  if (given.is_none()) return {};
  const auto view = nb::cast<nb::ndarray<const T, nb::ndim<2>, nb::c_contig, nb::device::cpu>>(given);
  return {true, view.data(), int(view.shape(1)), view.shape(0) > 1};
}

// Python's part of a value is over before the engine's begins.
template <class U> void append(std::vector<U>& to, U value) {
  const faults::Scope own(true);
  to.push_back(std::move(value));
}

Layer layer_of(nb::handle given) {
  const nb::dict layer = nb::cast<nb::dict>(given);
  return {LayerKind(value<int>(layer, "kind")), value<int>(layer, "inputs"), value<int>(layer, "units"),
          value<double>(layer, "parameter")};
}

template <class T> Plan<T> plan_of(const nb::dict& job) {
  Plan<T> plan{};
  for (nb::handle each : job["layers"]) append(plan.layers, layer_of(each));
  plan.loss = {LossKind(value<int>(job, "loss")), value<double>(job, "delta")};
  const nb::dict o = nb::cast<nb::dict>(job["optimizer"]);
  plan.optimizer = {OptimizerKind(value<int>(o, "kind")), value<double>(o, "rate"), value<double>(o, "first"),
                    value<double>(o, "second"), value<double>(o, "epsilon"), value<double>(o, "decay"),
                    value<bool>(o, "nesterov"),
                    {ScheduleKind(value<int>(o, "schedule")), value<double>(o, "schedule_a"), value<double>(o, "schedule_b")}};
  for (nb::handle each : job["penalties"]) {
    const nb::dict p = nb::cast<nb::dict>(each);
    append(plan.penalties, {strengths_of<T>(p["l1"]), strengths_of<T>(p["l2"]), strengths_of<T>(p["group"]),
                              Over(value<int>(p, "over")), numbers<const int32_t>(p, "member"), value<int>(p, "groups"),
                              value<double>(p, "concavity")});
  }
  const nb::dict x = nb::cast<nb::dict>(job["x"]);
  plan.source = {!x["starts"].is_none(), !x["singles"].is_none(),
                 numbers<const float>(x, "singles"), numbers<const double>(x, "doubles"), numbers<const int64_t>(x, "starts"),
                 numbers<const int32_t>(x, "columns"), numbers<const double>(job, "target"), value<int>(x, "columns_of_x"),
                 value<int>(x, "inputs"), value<int>(x, "outputs"), value<bool>(x, "mapped")};
  for (nb::handle each : job["folds"]) {
    const nb::dict f = nb::cast<nb::dict>(each);
    append(plan.folds, {rows_of(f["training"]), rows_of(f["validation"]), numbers<const double>(f, "center"),
                          numbers<const double>(f, "scale"), numbers<const double>(f, "target_center"),
                          numbers<const double>(f, "target_scale"), map_of(f["map"])});
  }
  plan.runs = value<int>(job, "runs");
  plan.fold = numbers<const int64_t>(job, "fold");
  plan.seeds = numbers<const int64_t>(job, "seeds");
  for (nb::handle each : job["start"]) append(plan.start, numbers_of<const T>(each, "start"));
  plan.epochs = value<int64_t>(job, "epochs");
  plan.batch_size = value<int64_t>(job, "batch_size");
  plan.ramp = value<double>(job, "ramp");
  plan.polish_steps = value<int64_t>(job, "polish_steps");
  plan.polish_tolerance = value<double>(job, "polish_tolerance");
  plan.patience = value<int64_t>(job, "patience");
  plan.patience_tolerance = value<double>(job, "patience_tolerance");
  plan.watches_objective = value<bool>(job, "watches_objective");
  plan.batch_losses = value<bool>(job, "batch_losses");
  for (nb::handle each : job["marks"]) append(plan.marks, nb::cast<int64_t>(each));
  for (nb::handle each : job["parameters"]) append(plan.parameters, numbers_of<T>(each, "parameters"));
  plan.data_loss = numbers<double>(job, "data_loss");
  plan.penalty = numbers<double>(job, "penalty");
  plan.validation_loss = numbers<double>(job, "validation_loss");
  plan.residual = numbers<double>(job, "residual");
  plan.trained = numbers<int64_t>(job, "trained");
  plan.diverged = numbers<bool>(job, "diverged");
  plan.finished = numbers<bool>(job, "finished");
  plan.history_data_loss = numbers<double>(job, "history_data_loss");
  plan.history_penalty = numbers<double>(job, "history_penalty");
  plan.history_validation_loss = numbers<double>(job, "history_validation_loss");
  plan.history_zeros = numbers<double>(job, "history_zeros");
  plan.history_norms = numbers<double>(job, "history_norms");
  return plan;
}

// A job under way, and the arrays it borrows.
struct Handle {
  nb::dict job;
  std::unique_ptr<Work> work;
  // A thread that lets the interpreter's lock go while the interpreter ends does not get it back: only where it must wait.
  ~Handle() {
    if (!work || work->over()) return;
    nb::gil_scoped_release release;
    work.reset();
  }
};

Handle* start(nb::dict job, int threads) {
  auto handle = std::make_unique<Handle>();
  handle->job = job;
  const auto train = [&]<class T>(Plan<T> plan) {
    const faults::Scope own(true);
    handle->work = std::make_unique<Training<T>>(std::move(plan), threads);
  };
  if (value<bool>(job, "single")) train(plan_of<float>(job));
  else train(plan_of<double>(job));
  return handle.release();
}

// Wait as Work::wait does, without the interpreter's lock, which `look` has.
bool wait_for_end(Handle& handle, double seconds, nb::callable look) {
  nb::gil_scoped_release release;
  return handle.work->wait(seconds, [&] {
    nb::gil_scoped_acquire acquire;
    const faults::Scope own(false);
    look();
  });
}

// Which runs are done: a byte for each. What they have written is there.
nb::bytes finished(Handle& handle) {
  const bool* done = numbers<bool>(handle.job, "finished");
  std::vector<char> found(size_t(value<int>(handle.job, "runs")));
  for (size_t run = 0; run < found.size(); ++run) found[run] = __atomic_load_n(done + run, __ATOMIC_ACQUIRE);
  return nb::bytes(found.data(), found.size());
}

GroupPlan group_of(const nb::dict& group) {
  GroupPlan plan{value<int>(group, "units"), value<int>(group, "numbers"), value<int>(group, "tabulated"),
                 numbers<const double>(group, "bias"), numbers<const double>(group, "weights"),
                 numbers<const int32_t>(group, "column"), numbers<const int32_t>(group, "kind"),
                 numbers<const double>(group, "center"), numbers<const double>(group, "scale"),
                 numbers<const int32_t>(group, "tabulated_column"), numbers<const int32_t>(group, "first_edge"),
                 numbers<const double>(group, "edges"), numbers<const double>(group, "values"), {}, {}};
  for (nb::handle each : group["layers"]) append(plan.layers, layer_of(each));
  for (nb::handle each : group["networks"]) {
    const nb::dict network = nb::cast<nb::dict>(each);
    append(plan.networks, {value<int>(network, "first"), {}, value<double>(network, "share"),
                           numbers<const double>(network, "target_center"), numbers<const double>(network, "target_scale")});
    for (nb::handle one : network["dense"]) {
      const nb::dict dense = nb::cast<nb::dict>(one);
      append(plan.networks.back().dense, {value<int>(dense, "inputs"), value<int>(dense, "units"),
                                          numbers<const double>(dense, "w"), numbers<const double>(dense, "b")});
    }
  }
  return plan;
}

Mixture* mixture(const nb::dict& given) {
  MixturePlan plan{value<int>(given, "columns"), value<int>(given, "outputs"), OutputKind(value<int>(given, "output")), {}};
  for (nb::handle each : given["groups"]) append(plan.groups, group_of(nb::cast<nb::dict>(each)));
  const faults::Scope own(true);
  return std::make_unique<Mixture>(plan).release();
}

template <class T> using Matrix = nb::ndarray<T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

void predict(const Mixture& mixture, const Matrix<const double>& x, bool single, const Matrix<double>& out) {
  const int64_t rows = int64_t(x.shape(0)), width = int64_t(x.shape(1));
  if (width < mixture.columns() || int64_t(out.shape(0)) != rows || int64_t(out.shape(1)) != mixture.outputs())
    throw nb::value_error("x and out do not have the shapes that the mixture needs");
  const double* from = x.data();
  double* to = out.data();
  nb::gil_scoped_release release;
  const faults::Scope own(true);
  mixture.predict(from, rows, width, single, to);
}

// The kinds of an enumeration, each at the place of its number.
template <size_t N> nb::list named(const std::array<const char*, N>& names) {
  nb::list kinds;
  for (const char* name : names) kinds.append(name);
  return kinds;
}

// Fused multiply-adds per second of one core, as fast as they come: floating-point operations, two each.
double peak_flops(double seconds) {
  constexpr int many = 12;
  V<float> total[many] = {};
  V<float> a = splat<float>(1.0f), b = splat<float>(1e-9f);
  asm volatile("" : "+x"(a), "+x"(b));
  const auto begin = std::chrono::steady_clock::now();
  double operations = 0, passed = 0, best = 0;
  while (passed < seconds) {
    const auto from = std::chrono::steady_clock::now();
    for (int k = 0; k < 20000; ++k) {
#pragma GCC unroll 12
      for (int i = 0; i < many; ++i) total[i] += a * b;
      asm volatile("" : "+x"(a));
    }
    operations = 20000.0 * many * lanes<float> * 2;
    const auto now = std::chrono::steady_clock::now();
    best = std::max(best, operations / std::chrono::duration<double>(now - from).count());
    passed = std::chrono::duration<double>(now - begin).count();
  }
  for (V<float>& each : total) asm volatile("" ::"x"(each));
  return best;
}

#if defined(__x86_64__)
bool supported(const std::string& level) {
  if (level == "x86-64-v2") return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
  const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
  if (level == "x86-64-v3") return v3;
  return level == "x86-64-v4" && v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#else
bool supported(const std::string&) { return true; }
#endif

}  // namespace

NB_MODULE(RIDGEWALK_MODULE, module) {
  nb::set_leak_warnings(false);
  nb::class_<Handle>(module, "Handle")
      .def("wait", &wait_for_end, "seconds"_a, "look"_a,
           "Wait for the end, at most so many seconds; return whether it came. `look` is called where the caller works.")
      .def("stop", [](Handle& h) { h.work->progress.stop = true; }, "Stop at the next tile.")
      .def_prop_ro("done", [](Handle& h) { return h.work->progress.done.load(); }, "Finished epochs of all runs.")
      .def("finished", &finished, "Return a byte for every run: whether it is done.")
      .def("check", [](Handle& h) { h.work->check(); }, "Raise what ended the work before its time, if anything did.");
  nb::class_<Mixture>(module, "Mixture")
      .def("predict", &predict, "x"_a, "single"_a, "out"_a, "Write what is predicted of rows x (N, P) to out (N, C).");
  module.def("mixture", &mixture, "plan"_a, "Prepare the networks of a mixture.");
  module.attr("outputs") = named(output_names);
  module.attr("layers") = named(layer_names);
  module.attr("losses") = named(loss_names);
  module.attr("schedules") = named(schedule_names);
  module.attr("optimizers") = named(optimizer_names);
  module.attr("over") = named(over_names);
  module.attr("map_kinds") = named(map_kind_names);
  module.def("start", &start, "job"_a, "threads"_a, "Start a job's threads.");
  module.def("supported", &supported, "level"_a, "Whether this processor has an instruction set.");
  module.def("peak_flops", &peak_flops, "seconds"_a, "Floating-point operations per second of one core, at most.");
#if defined(RIDGEWALK_FAULTS)
  module.def("fail_allocation", [](int64_t n) { faults::allocations.arm(n, 1); }, "n"_a,
             "Let the n-th allocation of the engine from now on fail.");
  module.def("fail_threads", [](int64_t n, int64_t count) { faults::threads.arm(n, count); }, "n"_a, "count"_a,
             "Let so many starts of threads fail, from the n-th on.");
  module.def("disarm", [] { return faults::allocations.disarm() | faults::threads.disarm(); },
             "Let nothing fail any more; return whether anything did.");
#endif
}

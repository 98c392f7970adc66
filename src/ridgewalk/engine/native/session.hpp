// Training that is done in parts, on the caller's own thread: any job; or one network of a path's problem, which can be
// looked at, and changed, while it goes on.
#pragma once
#include "path.hpp"
#include "trainer.hpp"

namespace ridgewalk {

// A job whose arrays somebody else keeps, run by run.
template <class T> class PartwiseTraining {
 public:
  explicit PartwiseTraining(Plan<T> plan) : plan_(std::move(plan)), trainer_(plan_, 1, progress_) {}
  Plan<T>& plan() { return plan_; }
  Trainer<T>& trainer() { return trainer_; }
  const Data<T>& data() const { return *data_; }

  void begin(int run) {
    data_ = std::make_unique<Data<T>>(plan_, plan_.folds[size_t(plan_.fold[run])], progress_);
    trainer_.begin(run, *data_);
  }
  // Read the rows again, which have other numbers now.
  void read_rows(int run) {
    auto fresh = std::make_unique<Data<T>>(plan_, plan_.folds[size_t(plan_.fold[run])], progress_);
    trainer_.take(*fresh);
    data_ = std::move(fresh);
  }
  bool advance(int64_t epochs) { return trainer_.advance(epochs); }
  void finish() { trainer_.finish(); }
  // Outputs of any rows of x, as the fold of a run standardizes them.
  template <class F> void outputs(const double* x, int64_t count, const F& f) {
    Source source = plan_.source;
    source.doubles = x;
    Numbers targets(size_t(count) * source.outputs, 0.0), ones(size_t(count), 1.0);
    source.target = targets.data();
    std::vector<int64_t> numbers(static_cast<size_t>(count));
    std::iota(numbers.begin(), numbers.end(), int64_t(0));
    const Rows rows{true, numbers.data(), ones.data(), ones.data(), count};
    const Table<T> table(source, plan_.folds[size_t(plan_.fold[0])], rows, plan_.tiled(), progress_);
    trainer_.outputs(table, f);
  }

 private:
  Plan<T> plan_;
  Progress progress_;
  std::unique_ptr<Data<T>> data_;
  Trainer<T> trainer_;
};

// How one network of a problem is trained.
enum class Way {
  dense,   // from its start, without a penalty, at twice the rate: what every strength descends from
  raised,  // from the dense fit, the strength raised from 0 over half the epochs
  onward,  // without a penalty, from the weakest strength's network
  free,    // at a strength and a rate that may change, without an end
  still,   // not at all
};

// One network of a problem: of a fold-start pair, at a strength.
class Session {
 public:
  using T = float;

  Session(const Problem& problem, int pair, Way way, double strength, const float* start)
      : problem_(problem), number_(problem.fold_of(pair)), fold_(problem.folds[number_]), seed_(problem.seeds[problem.start_of(pair)]),
        start_(start ? std::vector<float>(start, start + problem.numbers) : problem.start(pair)), weights_(problem.numbers),
        slopes_(problem.numbers), x_(problem.x), free_(way == Way::free) {
    set_strength(strength);
    training_ = std::make_unique<PartwiseTraining<T>>(plan(way));
    training_->begin(0);
  }

  // Train on by so many epochs; returns whether there are more to do.
  bool advance(int64_t epochs) {
    const bool more = training_->advance(epochs);
    epoch_ = std::min(epoch_ + epochs, training_->plan().epochs);
    return more;
  }
  int64_t epoch() const { return epoch_; }
  void finish() { training_->finish(); }
  void look() { training_->trainer().look(); }

  double data_loss() const { return data_loss_; }
  double penalty() const { return penalty_; }
  double validation_loss() const { return validation_loss_; }
  double residual() const { return residual_; }
  bool diverged() const { return diverged_; }
  const float* weights() const { return weights_.data(); }
  const float* slopes() {
    for (size_t k = 0; k < problem_.arrays.size(); ++k) {
      const ArrayShape& shape = problem_.arrays[k];
      for (int p = 0; p < shape.inputs; ++p)
        for (int q = 0; q < shape.units; ++q)
          slopes_[shape.first + size_t(p) * shape.units + q] = training_->trainer().slope(int(k), p, q);
    }
    return slopes_.data();
  }

  // Change the strengths from here on: those of the problem's penalty, at this strength.
  void set_strength(double strength) {
    strengths_.resize(problem_.arrays.size());
    for (size_t k = 0; k < strengths_.size(); ++k) {
      ArrayStrengths<T> now = problem_.strengths<T>(k, strength);
      if (free_ && k % 2 && now.l1.empty()) now.l1 = now.l2 = std::vector<T>(1, T(0));  // they may be penalized later
      // Where they stand is what the training knows.
      if (strengths_[k].l1.empty() && strengths_[k].l2.empty() && strengths_[k].group.empty()) strengths_[k] = now;
      std::copy(now.l1.begin(), now.l1.end(), strengths_[k].l1.begin());
      std::copy(now.l2.begin(), now.l2.end(), strengths_[k].l2.begin());
      std::copy(now.group.begin(), now.group.end(), strengths_[k].group.begin());
    }
  }
  void set_rate(double rate) { training_->plan().optimizer.rate = rate; }
  void set_rows(const double* x) {
    x_.assign(x, x + x_.size());
    training_->read_rows(0);
  }

  // Outputs of any rows, (rows, outputs), in the units of the target.
  void outputs(const double* x, int64_t count, double* out) {
    const int outputs = problem_.outputs;
    training_->outputs(x, count, [&](int64_t row, const T* output) {
      for (int c = 0; c < outputs; ++c)
        out[row * outputs + c] = double(output[size_t(c) * tile]) * fold_.target_scale[c] + fold_.target_center[c];
    });
  }
  // Losses of the rows that the fold holds out, in the units of the target; returns the mean of the training rows'.
  double score(double* held_out) {
    Numbers z(size_t(problem_.outputs), 0.0);
    const auto of = [&](int64_t row, const T* output) {
      for (int c = 0; c < problem_.outputs; ++c) z[c] = double(output[size_t(c) * tile]);
      return problem_.scored(fold_, row, z.data());
    };
    const Data<T>& data = training_->data();
    if (data.validation)
      training_->trainer().outputs(*data.validation,
                                [&](int64_t k, const T* output) { held_out[k] = of(fold_.held_out[size_t(k)], output); });
    double sum = 0;
    training_->trainer().outputs(data.training, [&](int64_t k, const T* output) { sum += of(fold_.training[size_t(k)], output); });
    return sum / double(fold_.training.size());
  }

 private:
  static constexpr double dense_share = 1.0 / 3;
  static constexpr int64_t endless = int64_t(1) << 40;

  Plan<T> plan(Way way) {
    Plan<T> plan{};
    const Problem& p = problem_;
    const int64_t dense = std::max<int64_t>(1, int64_t(std::nearbyint(dense_share * double(p.epochs))));
    plan.layers = p.layers;
    plan.loss = p.loss;
    plan.optimizer = p.optimizer;
    plan.optimizer.schedule = {way == Way::free ? ScheduleKind::inverse_time : ScheduleKind::cosine, 0, 0};
    if (way == Way::dense) plan.optimizer.rate *= 2;
    plan.epochs = way == Way::still ? 0 : way == Way::free ? endless : way == Way::raised ? p.epochs : dense;
    plan.batch_size = p.batch;
    plan.ramp = way == Way::raised ? 0.5 : 0;
    plan.polish_steps = -1, plan.patience = -1;
    const bool ends = way != Way::free && way != Way::still;
    if (p.batch && ends) polish(plan, std::min<int64_t>(std::max<int64_t>(p.epochs / 2, 3), 100));
    if (p.linear() && ends) plan.epochs = 0, polish(plan, 5000);
    for (size_t k = 0; k < strengths_.size(); ++k) plan.penalties.push_back(penalty_of(k));
    plan.source.doubles = x_.data();
    plan.source.target = p.target.data();
    plan.source.columns_of_x = plan.source.inputs = p.columns;
    plan.source.outputs = p.outputs;
    const auto rows = [&](const std::vector<int64_t>& numbers) {
      return numbers.empty() ? Rows{} : Rows{true, numbers.data(), fold_.ones.data(), fold_.ones.data(), int64_t(numbers.size())};
    };
    plan.folds.push_back({rows(fold_.training), rows(fold_.held_out), fold_.center.data(), fold_.scale.data(),
                          fold_.target_center.data(), fold_.target_scale.data(), {}});
    plan.runs = 1;
    plan.fold = &zero_, plan.seeds = &seed_;
    for (const ArrayShape& shape : p.arrays) {
      plan.start.push_back(start_.data() + shape.first);
      plan.parameters.push_back(weights_.data() + shape.first);
    }
    plan.data_loss = &data_loss_, plan.penalty = &penalty_, plan.validation_loss = &validation_loss_;
    plan.residual = &residual_, plan.trained = &trained_, plan.diverged = &diverged_, plan.finished = &finished_;
    return plan;
  }
  static void polish(Plan<T>& plan, int64_t steps) { plan.polish_steps = steps, plan.polish_tolerance = 1e-6; }

  Penalty<T> penalty_of(size_t k) {
    const ArrayStrengths<T>& s = strengths_[k];
    const auto given = [](const std::vector<T>& of) { return RunStrengths<T>{!of.empty(), of.data(), int(of.size()), false}; };
    Penalty<T> penalty{given(s.l1), given(s.l2), given(s.group), Over::none, nullptr, 0, s.concavity};
    if (s.group.empty()) return penalty;
    members_.resize(s.group.size());
    std::iota(members_.begin(), members_.end(), 0);
    penalty.over = Over::inputs, penalty.member = members_.data(), penalty.groups = int(members_.size());
    return penalty;
  }

  const Problem& problem_;
  int number_;
  const RowsOfFold& fold_;
  int64_t seed_, zero_ = 0, epoch_ = 0, trained_ = 0;
  std::vector<float> start_, weights_, slopes_;
  Numbers x_;
  std::vector<ArrayStrengths<T>> strengths_;
  std::vector<int32_t> members_;
  double data_loss_ = 0, penalty_ = 0, validation_loss_ = 0, residual_ = 0;
  bool diverged_ = false, finished_ = false, free_;
  std::unique_ptr<PartwiseTraining<T>> training_;
};

}  // namespace ridgewalk

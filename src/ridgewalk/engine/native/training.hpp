// All runs of a job: dealt out to threads by a counter, fold after fold; a fold's rows live while a run needs them.
#pragma once
#include <condition_variable>
#include <mutex>
#include <numeric>
#include <stdexcept>
#include <string>

#include "run.hpp"

namespace ridgewalk {

class Work {  // what Python holds of a job under way
 public:
  virtual ~Work() = default;
  Progress progress;
  std::string error;

  // Wait for the end, at most so long; tells whether it came.
  bool wait(double seconds) {
    std::unique_lock lock(mutex_);
    return ended_.wait_for(lock, std::chrono::duration<double>(seconds), [&] { return at_work_ == 0; });
  }

 protected:
  void leave() {
    std::lock_guard lock(mutex_);
    if (--at_work_ == 0) ended_.notify_all();
  }
  void fail(const char* what) {
    std::lock_guard lock(mutex_);
    if (error.empty()) error = what;
    progress.stop = true;
  }
  int at_work_ = 0;
  std::mutex mutex_;
  std::condition_variable ended_;
};

template <class T> class Training : public Work {
 public:
  // Fewer runs than threads: each run's passes are shared by a crew. The numbers do not depend on it.
  Training(Plan<T> plan, int threads) : plan_(std::move(plan)), order_(plan_.runs), data_(plan_.folds.size()) {
    std::iota(order_.begin(), order_.end(), 0);
    std::stable_sort(order_.begin(), order_.end(), [&](int a, int b) { return plan_.fold[a] < plan_.fold[b]; });
    for (int run = 0; run < plan_.runs; ++run) ++data_[plan_.fold[run]].runs;
    const int crews = std::max(1, std::min(threads, plan_.runs));
    threads = std::min(threads, crews * Cutter(plan_).most());  // no slice, no work
    at_work_ = crews;
    for (int crew = 0; crew < crews; ++crew)
      threads_.emplace_back([this, size = threads / crews + (crew < threads % crews)] { serve(size); });
  }
  ~Training() override {
    progress.stop = true;
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  struct Shared {
    std::mutex mutex;
    std::unique_ptr<Data<T>> data;
    int runs = 0;
  };

  void serve(int crew_size) {
    flush_denormals();
    try {
      Bench<T> bench(plan_, crew_size, progress);
      for (int k = next_++; k < plan_.runs && !progress.stop; k = next_++) {
        Shared& shared = data_[plan_.fold[order_[k]]];
        {
          std::lock_guard lock(shared.mutex);
          if (!shared.data) shared.data = std::make_unique<Data<T>>(plan_, plan_.folds[plan_.fold[order_[k]]], progress.stop);
        }
        bench.train(order_[k], *shared.data);
        std::lock_guard lock(shared.mutex);
        if (--shared.runs == 0) shared.data.reset();
      }
    } catch (const std::exception& problem) {
      fail(problem.what());
    }
    leave();
  }

  Plan<T> plan_;
  std::vector<int> order_;
  std::vector<Shared> data_;
  std::vector<std::thread> threads_;
  std::atomic<int> next_{0};
};

}  // namespace ridgewalk

// All runs of a job: dealt out to threads by a counter, fold after fold; a fold's rows live while a run needs them.
#pragma once
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <numeric>

#include "trainer.hpp"

namespace ridgewalk {

constexpr std::chrono::milliseconds between_looks{constants::poll};  // of a caller that trains on its own thread

class Work {  // what Python holds of a job under way
 public:
  virtual ~Work() = default;
  Progress progress;

  // Wait for the end, at most so long; tells whether it came. Where no thread could be had, the work is done here, and
  // `look` is called while it goes on.
  template <class Look> bool wait(double seconds, const Look& look) {
    if (threadless_) {
      threadless_ = false;
      auto due = std::chrono::steady_clock::now() + between_looks;
      progress.look = [&] {
        if (std::chrono::steady_clock::now() < due) return;
        look();
        due = std::chrono::steady_clock::now() + between_looks;
      };
      work_here();
      progress.look = nullptr;
    }
    std::unique_lock lock(mutex_);
    return ended_.wait_for(lock, std::chrono::duration<double>(seconds), [&] { return at_work_ == 0; });
  }
  bool over() {
    std::lock_guard lock(mutex_);
    return at_work_ == 0;
  }
  // Throw what ended the work before its time, if anything did.
  void check() {
    std::lock_guard lock(mutex_);
    if (problem_) std::rethrow_exception(problem_);
  }

 protected:
  virtual void work_here() = 0;
  void enter() {
    std::lock_guard lock(mutex_);
    ++at_work_;
  }
  void leave() {
    std::lock_guard lock(mutex_);
    if (--at_work_ == 0) ended_.notify_all();
  }
  void fail(std::exception_ptr problem) {
    std::lock_guard lock(mutex_);
    if (!problem_) problem_ = std::move(problem);
    progress.stop = true;
  }
  bool threadless_ = false;

 private:
  int at_work_ = 0;
  std::exception_ptr problem_;  // the first
  std::mutex mutex_;
  std::condition_variable ended_;
};

template <class T> class Training : public Work {
 public:
  // Fewer runs than threads: each run's passes are shared by a pool of threads. The numbers do not depend on it, nor on
  // how many threads can be had.
  Training(Plan<T> plan, int threads) : plan_(std::move(plan)), order_(plan_.runs), data_(plan_.folds.size()) {
    std::iota(order_.begin(), order_.end(), 0);
    std::stable_sort(order_.begin(), order_.end(), [&](int a, int b) { return plan_.fold[a] < plan_.fold[b]; });
    for (int run = 0; run < plan_.runs; ++run) ++data_[plan_.fold[run]].runs;
    const int pools = std::max(1, std::min(threads, plan_.runs));
    threads = std::min(threads, pools * Cutter(plan_).most());  // no slice, no work
    threads_.reserve(size_t(pools));  // from here on nothing throws: threads that run cannot be left behind
    for (int pool = 0; pool < pools; ++pool) {
      enter();
      if (started(threads_, [this, size = threads / pools + (pool < threads % pools)] { serve(size); })) continue;
      if (threads_.empty()) threadless_ = true;  // who waits works
      else leave();
      break;
    }
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

  void work_here() override { serve(1); }
  void serve(int pool_size) {
    const faults::Scope own(true);
    const FlushedDenormals flushed;
    try {
      Trainer<T> trainer(plan_, pool_size, progress);
      for (int k = next_++; k < plan_.runs && !progress.stopped(); k = next_++) {
        Shared& shared = data_[plan_.fold[order_[k]]];
        {
          std::lock_guard lock(shared.mutex);
          if (!shared.data) shared.data = std::make_unique<Data<T>>(plan_, plan_.folds[plan_.fold[order_[k]]], progress);
        }
        trainer.train(order_[k], *shared.data);
        std::lock_guard lock(shared.mutex);
        if (--shared.runs == 0) shared.data.reset();
      }
    } catch (...) {
      fail(std::current_exception());
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

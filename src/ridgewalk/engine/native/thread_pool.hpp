// Threads that share the slices of one pass; who takes which slice changes no number.
#pragma once
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#if !defined(__wasm__)
#include <atomic>
#include <exception>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#endif

#include "faults.hpp"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace ridgewalk {

constexpr int spins = 2000;  // of a thread that waits for another, before it sleeps

// While it lives, denormal numbers of this thread become 0: a weight's account of gradients that ended would else slow
// every step after.
class FlushedDenormals {
 public:
#if defined(__SSE2__)
  FlushedDenormals() : before_(_mm_getcsr()) { _mm_setcsr(before_ | 0x8040); }
  ~FlushedDenormals() { _mm_setcsr(before_); }
#elif defined(__aarch64__)
  FlushedDenormals() {
    asm volatile("mrs %0, fpcr" : "=r"(before_));
    asm volatile("msr fpcr, %0" ::"r"(before_ | (uint64_t(1) << 24)));
  }
  ~FlushedDenormals() { asm volatile("msr fpcr, %0" ::"r"(before_)); }
#else
  FlushedDenormals() : before_(0) {}
  ~FlushedDenormals() {}
#endif
  FlushedDenormals(const FlushedDenormals&) = delete;

 private:
#if defined(__aarch64__)
  uint64_t before_;
#else
  unsigned before_;
#endif
};

#if !defined(__wasm__)
inline void pause() {
#if defined(__SSE2__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Wait until `value` is no longer `old`: it spins for some microseconds, since the next round is mostly
// near, then sleeps.
template <class U> void wait_for_change(const std::atomic<U>& value, U old) {
  for (int k = 0; k < spins; ++k) {
    if (value != old) return;
    pause();
  }
  value.wait(old);
}

constexpr size_t aside = 1 << 16;  // bytes that are free for what the C library allocates as a thread begins

// Start a thread, for which memory is reserved; returns whether the system had one to give. The C++ library's own memory of a
// thread, for exceptions, is allocated when it is first asked for, and a failure of that ends the process: so it is asked
// for at once, with room set aside, and not when a first std::bad_alloc says that none is left.
template <class F> bool started(std::vector<std::thread>& threads, const F& f) {
  std::atomic<bool> ready{false};
  try {
    faults::thread();
    const std::unique_ptr<char[]> room(new char[aside]);
    asm volatile("" : : "g"(room.get()) : "memory");  // not to be optimized away
    threads.emplace_back([f, &ready] {
      static_cast<void>(std::uncaught_exceptions());
      ready = true;
      f();
    });
  } catch (const std::system_error&) {
    return false;
  } catch (const std::bad_alloc&) {
    return false;
  }
  while (!ready) std::this_thread::yield();
  return true;
}

class ThreadPool {
 public:
  // The caller of each(), and so many threads beside it as can be had, up to `size` in all.
  explicit ThreadPool(int size) {
    threads_.reserve(size_t(size - 1));
    for (int member = 1; member < size; ++member)
      if (!started(threads_, [this, member] { serve(member); })) break;
  }
  ~ThreadPool() {
    over_ = true;
    ++round_;
    round_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  int size() const { return int(threads_.size()) + 1; }

  // f(k, member) for every k < count; all done on return. What one of them throws comes out here, when all have left off.
  template <class F> void each(int count, const F& f) {
    if (threads_.empty() || count == 1) {
      for (int k = 0; k < count; ++k) f(k, 0);
      return;
    }
    work_ = [](const void* job, int k, int member) { (*static_cast<const F*>(job))(k, member); };
    job_ = &f;
    count_ = count;
    next_ = 0;
    busy_ = int(threads_.size());
    ++round_;
    round_.notify_all();
    take(0);
    for (int left = busy_; left; left = busy_) wait_for_change(busy_, left);
    if (problem_) std::rethrow_exception(std::exchange(problem_, nullptr));
  }

 private:
  void take(int member) {
    try {
      for (int k = next_++; k < count_; k = next_++) work_(job_, k, member);
    } catch (...) {
      std::lock_guard lock(mutex_);
      if (!problem_) problem_ = std::current_exception();
      next_ = count_;  // what is left is done by nobody
    }
  }
  void serve(int member) {
    const faults::Scope own(true);
    const FlushedDenormals flushed;
    for (uint32_t seen = 0;;) {
      wait_for_change(round_, seen);
      seen = round_;
      if (over_) return;
      take(member);
      if (--busy_ == 0) busy_.notify_all();
    }
  }

  int count_ = 0;
  std::vector<std::thread> threads_;
  std::atomic<uint32_t> round_{0};
  std::atomic<int> next_{0}, busy_{0};
  std::atomic<bool> over_{false};
  void (*work_)(const void*, int, int) = nullptr;
  const void* job_ = nullptr;
  std::mutex mutex_;
  std::exception_ptr problem_;  // the first of a round
};
#else
// The caller alone: a page has no threads that share its memory, where it is opened from a disk.
class ThreadPool {
 public:
  explicit ThreadPool(int) {}
  int size() const { return 1; }
  template <class F> void each(int count, const F& f) {
    for (int k = 0; k < count; ++k) f(k, 0);
  }
};
#endif

}  // namespace ridgewalk

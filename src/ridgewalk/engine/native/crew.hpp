// Threads that share the slices of one pass; who takes which slice changes no number.
#pragma once
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace ridgewalk {

constexpr int spins = 2000;  // of a thread that waits for another, before it sleeps

// Denormal numbers become 0: a weight's account of gradients that ended would else slow every step after.
inline void flush_denormals() {
#if defined(__SSE2__)
  _mm_setcsr(_mm_getcsr() | 0x8040);
#elif defined(__aarch64__)
  uint64_t control;
  asm volatile("mrs %0, fpcr" : "=r"(control));
  asm volatile("msr fpcr, %0" ::"r"(control | (uint64_t(1) << 24)));
#endif
}

inline void pause() {
#if defined(__SSE2__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Wait until `value` is no longer `old`: some microseconds awake, since the next round is mostly near, then asleep.
template <class U> void wait_for_change(const std::atomic<U>& value, U old) {
  for (int k = 0; k < spins; ++k) {
    if (value != old) return;
    pause();
  }
  value.wait(old);
}

class Crew {
 public:
  explicit Crew(int size) : size_(size) {
    for (int member = 1; member < size; ++member) threads_.emplace_back([this, member] { serve(member); });
  }
  ~Crew() {
    over_ = true;
    ++round_;
    round_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  int size() const { return size_; }

  // f(k, member) for every k < count; all done on return.
  template <class F> void each(int count, const F& f) {
    if (size_ == 1 || count == 1) {
      for (int k = 0; k < count; ++k) f(k, 0);
      return;
    }
    work_ = [](const void* job, int k, int member) { (*static_cast<const F*>(job))(k, member); };
    job_ = &f;
    count_ = count;
    next_ = 0;
    busy_ = size_ - 1;
    ++round_;
    round_.notify_all();
    take(0);
    for (int left = busy_; left; left = busy_) wait_for_change(busy_, left);
  }

 private:
  void take(int member) {
    for (int k = next_++; k < count_; k = next_++) work_(job_, k, member);
  }
  void serve(int member) {
    flush_denormals();
    for (uint32_t seen = 0;;) {
      wait_for_change(round_, seen);
      seen = round_;
      if (over_) return;
      take(member);
      if (--busy_ == 0) busy_.notify_all();
    }
  }

  int size_, count_ = 0;
  std::vector<std::thread> threads_;
  std::atomic<uint32_t> round_{0};
  std::atomic<int> next_{0}, busy_{0};
  std::atomic<bool> over_{false};
  void (*work_)(const void*, int, int) = nullptr;
  const void* job_ = nullptr;
};

}  // namespace ridgewalk

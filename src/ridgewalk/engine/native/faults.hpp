// Faults to order, for tests: the n-th allocation of the engine, or its n-th thread, cannot be had. A build without
// RIDGEWALK_FAULTS has nothing of it.
#pragma once
#include <atomic>
#include <cstdint>
#include <new>
#include <system_error>

namespace ridgewalk::faults {

#if defined(RIDGEWALK_FAULTS)
class Fault {
 public:
  // Strike `count` times, from the n-th event on.
  void arm(int64_t n, int64_t count) {
    struck_ = false;
    seen_ = 0;
    first_ = n;
    end_ = n + count;
  }
  // Stop striking; tells whether it did.
  bool disarm() {
    first_ = end_ = 0;
    return struck_.exchange(false);
  }
  bool strikes() {
    const int64_t now = ++seen_;
    if (now < first_ || now >= end_) return false;
    return struck_ = true;
  }

 private:
  std::atomic<int64_t> seen_{0}, first_{0}, end_{0};
  std::atomic<bool> struck_{false};
};
inline Fault allocations, threads;

// Whether this thread runs the engine's own code: nanobind's and Python's allocations are none of its business. It has a
// fixed place, since ThreadSanitizer guesses where a place that is made for each thread begins, and may guess wrong.
inline thread_local bool own __attribute__((tls_model("initial-exec"))) = false;
class Scope {
 public:
  explicit Scope(bool is_own) : before_(own) { own = is_own; }
  ~Scope() { own = before_; }
  Scope(const Scope&) = delete;

 private:
  bool before_;
};
inline void allocation() {
  if (own && allocations.strikes()) throw std::bad_alloc();
}
inline void thread() {
  if (threads.strikes()) throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again));
}
#else
struct Scope {
  explicit Scope(bool) {}
};
inline void allocation() {}
inline void thread() {}
#endif

}  // namespace ridgewalk::faults

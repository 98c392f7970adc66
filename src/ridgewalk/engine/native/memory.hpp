// Memory that starts at a cache line, is zero at first, and whose last vector may be read whole.
#pragma once
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "faults.hpp"

namespace ridgewalk {

template <class T> class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(size_t count) : count_(count) {
    const size_t bytes = (count * sizeof(T) + 63) / 64 * 64;
    if (!bytes) return;
    faults::allocation();
    void* place = std::aligned_alloc(64, bytes);
#if defined(__cpp_exceptions)
    if (!place) throw std::bad_alloc();
#else
    if (!place) __builtin_trap();
#endif
    std::memset(place, 0, bytes);
    data_.reset(static_cast<T*>(place));
  }
  T* get() const { return data_.get(); }
  T& operator[](size_t k) const { return data_.get()[k]; }
  size_t size() const { return count_; }
  void clear() const { clear(count_); }
  void clear(size_t count) const {
    if (count) std::memset(static_cast<void*>(get()), 0, count * sizeof(T));
  }

 private:
  struct Free {
    void operator()(T* place) const { std::free(place); }
  };
  std::unique_ptr<T, Free> data_;
  size_t count_ = 0;
};

}  // namespace ridgewalk

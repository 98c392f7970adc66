// What the caller sees of the work while it goes on, and how it ends it.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>

namespace ridgewalk {

struct Progress {
  std::atomic<int64_t> done{0};
  std::atomic<bool> stop{false};
  std::function<void()> look;  // called now and then, where the work is done on the caller's own thread

  bool stopped() {
    if (look) look();
    return stop;
  }
};

}  // namespace ridgewalk

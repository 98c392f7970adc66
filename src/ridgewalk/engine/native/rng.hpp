// The counter-based random numbers of rng.py: a number is a hash of a seed and of where it is used.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "constants.hpp"

namespace ridgewalk {

constexpr uint64_t shuffle_purpose = constants::shuffle, dropout_purpose = constants::dropout;

inline uint64_t mix(uint64_t state, uint64_t word) {
  state = (state ^ word) + 0x9E3779B97F4A7C15ull;
  state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9ull;
  state = (state ^ (state >> 27)) * 0x94D049BB133111EBull;
  return state ^ (state >> 31);
}

// The positions 0..n-1 of rows, sorted by the hash of (seed, epoch, row); equal hashes stay in their order.
class Shuffle {
 public:
  const int32_t* order(uint64_t seed, uint64_t epoch, const int64_t* rows, int count) {
    const uint64_t prefix = mix(mix(mix(0, seed), shuffle_purpose), epoch);
    int bits = 0;  // hashes are even: a bucket of their upper bits holds about 4 of them
    while (bits < 30 && (int64_t(4) << bits) < count) ++bits;
    first_.assign((size_t(1) << bits) + 1, 0);
    hashes_.resize(count);
    sorted_.resize(count);
    order_.resize(count);
    const auto bucket = [&](uint64_t hash) { return bits ? size_t(hash >> (64 - bits)) : size_t(0); };
    for (int k = 0; k < count; ++k) {
      hashes_[k] = mix(prefix, uint64_t(rows[k]));
      ++first_[bucket(hashes_[k]) + 1];
    }
    for (size_t b = 1; b < first_.size(); ++b) first_[b] += first_[b - 1];
    for (int k = 0; k < count; ++k) {
      int32_t place = first_[bucket(hashes_[k])]++;
      sorted_[place] = {hashes_[k], k};
    }
    // first_[b] is now where bucket b ends.
    for (size_t b = 0, begin = 0; b + 1 < first_.size(); begin = first_[b++])
      for (size_t k = begin + 1; k < size_t(first_[b]); ++k)
        for (size_t j = k; j > begin && sorted_[j] < sorted_[j - 1]; --j) std::swap(sorted_[j], sorted_[j - 1]);
    for (int k = 0; k < count; ++k) order_[k] = sorted_[k].second;
    return order_.data();
  }

 private:
  std::vector<int32_t> first_, order_;
  std::vector<uint64_t> hashes_;
  std::vector<std::pair<uint64_t, int32_t>> sorted_;
};

}  // namespace ridgewalk

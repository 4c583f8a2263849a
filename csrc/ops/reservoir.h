// The best k of a stream of scores. Ops only.
//
// A candidate is one integer, the score in an order-preserving form above the complement of the id: larger is better,
// ties go to the lower id, and no two are equal. Candidates gather until the reservoir is full; the k best stay and
// the k-th is the new threshold.
#pragma once
#include <algorithm>
#include <cstring>
#include <functional>

#include "mask.h"

namespace attnrec {

inline uint64_t key_of(float score, int32_t id) {
  score += 0.0F;  // -0 and 0 are one score
  uint32_t bits;
  std::memcpy(&bits, &score, sizeof(bits));
  bits = (bits & 0x80000000U) != 0 ? ~bits : bits | 0x80000000U;
  return static_cast<uint64_t>(bits) << 32 | ~static_cast<uint32_t>(id);
}

inline int32_t id_of(uint64_t key) { return static_cast<int32_t>(~static_cast<uint32_t>(key)); }

inline float score_of(uint64_t key) {
  auto bits = static_cast<uint32_t>(key >> 32);
  bits = (bits & 0x80000000U) != 0 ? bits & 0x7FFFFFFFU : ~bits;
  float score;
  std::memcpy(&score, &bits, sizeof(score));
  return score;
}

constexpr int64_t reservoir_capacity(int64_t k) { return std::max(2 * k, k + 32); }

struct Reservoir {
  uint64_t *keys;  // room for reservoir_capacity(k)
  int64_t count;

  // Returns whether the reservoir was thinned: *threshold is then the k-th best score.
  bool push(uint64_t key, int64_t k, float *threshold) {
    keys[count++] = key;
    if (count < reservoir_capacity(k)) return false;
    std::nth_element(keys, keys + k - 1, keys + count, std::greater<>());
    count = k;
    *threshold = score_of(keys[k - 1]);
    return true;
  }

  // Best first; at most k are left.
  void finish(int64_t k) {
    const int64_t left = std::min(k, count);
    std::partial_sort(keys, keys + left, keys + count, std::greater<>());
    count = left;
  }
};

// Row `row` of a result of width k, best first, padded; weights as exp(score - shift) / sum.
inline void write_row(const attnrec_topk_result &result, int64_t row, int64_t k, Reservoir &found, float shift,
                      double sum) {
  found.finish(k);
  const double by = sum > 0 ? 1.0 / sum : 0.0;
  for (int64_t i = 0; i < k; ++i) {
    const bool real = i < found.count;
    const float score = real ? score_of(found.keys[i]) : kHidden;
    result.ids[row * k + i] = real ? id_of(found.keys[i]) : -1;
    result.scores[row * k + i] = score;
    if (result.weights == nullptr) continue;
    const double w = real ? std::exp(static_cast<double>(score) - static_cast<double>(shift)) * by : 0.0;
    result.weights[row * k + i] = static_cast<float>(w);
  }
  if (result.counts != nullptr) result.counts[row] = found.count;
}

}  // namespace attnrec

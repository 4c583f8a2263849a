// The top-k buffer: the best k of a stream of scores. Ops only.
//
// A candidate is one integer, the score in an order-preserving form above the complement of the id: larger is better,
// ties go to the lower id, and no two are equal. Once there are k, the k-th best is the threshold for all others.
#pragma once
#include <algorithm>
#include <cstring>
#include <functional>

#include "../walk/mask.h"

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

constexpr int64_t kSortedK = 32;  // up to here the k best are kept in order, above it in a heap

struct TopKBuffer {
  uint64_t *keys;  // room for k
  int64_t count;

  // Whether there are k now, so that worst() is the one to beat.
  bool push(uint64_t key, int64_t k) {
    if (k > kSortedK) return push_heap(key, k);
    if (count == k && key < keys[k - 1]) return true;
    int64_t at = count < k ? count++ : k - 1;
    for (; at > 0 && keys[at - 1] < key; --at) keys[at] = keys[at - 1];
    keys[at] = key;
    return count == k;
  }

  uint64_t worst(int64_t k) const { return keys[k > kSortedK ? 0 : k - 1]; }

  // Best first.
  void finish() { std::sort(keys, keys + count, std::greater<>()); }

 private:
  // The worst on top; below it, of a pair of children the worse moves up.
  bool push_heap(uint64_t key, int64_t k) {
    if (count < k) {
      keys[count++] = key;
      if (count == k) std::make_heap(keys, keys + k, std::greater<>());
      return count == k;
    }
    if (key < keys[0]) return true;
    int64_t at = 0;
    for (int64_t child = 1; child < k; child = 2 * at + 1) {
      child += child + 1 < k && keys[child + 1] < keys[child] ? 1 : 0;
      if (key < keys[child]) break;
      keys[at] = keys[child];
      at = child;
    }
    keys[at] = key;
    return true;
  }
};

// Row `row` of a result of width k, best first, padded; weights as 2^(score log2(e) - shift) / sum.
inline void write_row(const attnrec_topk_result &result, int64_t row, int64_t k, TopKBuffer &found, float shift,
                      double sum) {
  found.finish();
  const double by = sum > 0 ? 1.0 / sum : 0.0;
  for (int64_t i = 0; i < k; ++i) {
    const bool real = i < found.count;
    const float score = real ? score_of(found.keys[i]) : kHidden;
    result.ids[row * k + i] = real ? id_of(found.keys[i]) : -1;
    result.scores[row * k + i] = score;
    if (result.weights == nullptr) continue;
    const double power = static_cast<double>(score) * static_cast<double>(kLog2E) - static_cast<double>(shift);
    result.weights[row * k + i] = real ? static_cast<float>(std::exp2(power) * by) : 0.0F;
  }
  if (result.counts != nullptr) result.counts[row] = found.count;
}

}  // namespace attnrec

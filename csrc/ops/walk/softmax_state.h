// Running shift and denominator of up to 32 queries. Ops only.
//
// The denominator is Z = sum 2^(s log2(e) - shift), so shifts are in powers of two. The shift is the first strip's
// maximum and moves only when a later one passes it by kLazy, so nothing overflows and the terms that matter never
// underflow. The rule is per query: what a query gets does not depend on its neighbours.
//
// Exponents are rounded products, by up to 2^-24 of their size: of scores to kMostScore that is 32, which the range of
// float32 bears. A strip whose scores are all below -kMostScore counts for nothing, unless it is all there is.
#pragma once
#include <cmath>
#include <limits>

#include "../../kernels/table.h"
#include "../ops.h"

namespace attnrec {

constexpr float kLazy = 24.0F;  // 2^24 = 1.7e7
constexpr float kMostScore = 536870912.0F;

struct Softmax {
  float shift[kMaxLanes];
  double sum[kMaxLanes];
  bool passed[kMaxLanes];  // over strips that count for nothing

  Softmax() { clear(); }
  // Throws where a query's scores are beyond what can be told apart.
  void check(int64_t l) const {
    if (passed[l] && !(sum[l] > 0)) throw ScoreTooLarge();
  }
  void clear() {
    for (int64_t l = 0; l < kMaxLanes; ++l) {
      shift[l] = -std::numeric_limits<float>::infinity();
      sum[l] = 0;
      passed[l] = false;
    }
  }
};

// 2^(a - b); a may be -inf
inline float power_of_difference(float a, float b) {
  return std::isinf(a) ? 0.0F : static_cast<float>(std::exp2(static_cast<double>(a) - static_cast<double>(b)));
}

// Adds one strip to shift and denominator; `kept` (may be null, may be the strip) receives the powers. Returns whether
// earlier sums have to be multiplied by `factor`, because a strip's maximum has outgrown the shift.
inline bool add_strip(const Kernels &k, Softmax &state, const float *strip, int64_t n, int64_t lanes,
                      const float *strip_max, float *kept, float *factor) {
  float minus_shift[kMaxLanes];
  float sum[kMaxLanes];
  bool moved = false;
  for (int64_t l = 0; l < lanes; ++l) {
    const float best = strip_max[l];
    if (std::fabs(best) > kMostScore && !std::isinf(best)) {
      if (best > 0) throw ScoreTooLarge();
      state.passed[l] = true;
      minus_shift[l] = -std::numeric_limits<float>::infinity();
      continue;
    }
    moved |= best * kLog2E > state.shift[l] + kLazy;
    minus_shift[l] = std::isinf(state.shift[l]) ? 0.0F : -state.shift[l];  // 0 where nothing has been seen
  }
  if (moved) {
    for (int64_t l = 0; l < lanes; ++l) {
      const float top = strip_max[l] * kLog2E;
      factor[l] = 1.0F;
      if (!(top > state.shift[l] + kLazy) || std::isinf(minus_shift[l])) continue;
      factor[l] = power_of_difference(state.shift[l], top);
      state.sum[l] *= static_cast<double>(factor[l]);
      state.shift[l] = top;
      minus_shift[l] = -top;
    }
  }
  k.exp_sum(strip, n, lanes, minus_shift, sum, kept);
  for (int64_t l = 0; l < lanes; ++l) state.sum[l] += static_cast<double>(sum[l]);
  return moved;
}

// Merges a later unit into a total; keep and take are what their sums were multiplied by.
inline void merge(Softmax &total, const Softmax &unit, int64_t lanes, float *keep, float *take) {
  for (int64_t l = 0; l < lanes; ++l) {
    const float top = total.shift[l] > unit.shift[l] ? total.shift[l] : unit.shift[l];
    keep[l] = power_of_difference(total.shift[l], top);
    take[l] = power_of_difference(unit.shift[l], top);
    total.sum[l] = total.sum[l] * static_cast<double>(keep[l]) + unit.sum[l] * static_cast<double>(take[l]);
    total.shift[l] = top;
    total.passed[l] |= unit.passed[l];
  }
}

// log-sum-exp, in natural units
inline float lse_of(float shift, double sum) {
  if (!(sum > 0)) return -std::numeric_limits<float>::infinity();
  return static_cast<float>((static_cast<double>(shift) + std::log2(sum)) / static_cast<double>(kLog2E));
}

}  // namespace attnrec

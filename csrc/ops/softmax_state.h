// Running shift and denominator of up to 32 queries. Ops only.
//
// The denominator is Z = sum exp(s - shift). The shift is the first strip's maximum and moves only when a later one
// passes it by kLazy, so nothing overflows and the terms that matter never underflow. The rule is per query: what a
// query gets does not depend on its neighbours.
#pragma once
#include <cmath>
#include <limits>

#include "../kernels/table.h"

namespace attnrec {

constexpr float kLazy = 16.0F;

struct Softmax {
  float shift[kMaxLanes];
  double sum[kMaxLanes];

  Softmax() { clear(); }
  void clear() {
    for (int64_t l = 0; l < kMaxLanes; ++l) {
      shift[l] = -std::numeric_limits<float>::infinity();
      sum[l] = 0;
    }
  }
};

inline float exp_of_difference(float a, float b) {
  return std::isinf(a) ? 0.0F : static_cast<float>(std::exp(static_cast<double>(a) - static_cast<double>(b)));
}

// Moves shifts that a strip's maximum has outgrown; factor[l] is what earlier sums were multiplied by.
// Returns whether any factor is not 1.
inline bool raise_shift(Softmax &state, const float *strip_max, int64_t lanes, float *factor) {
  bool moved = false;
  for (int64_t l = 0; l < lanes; ++l) {
    factor[l] = 1.0F;
    if (!(strip_max[l] > state.shift[l] + kLazy)) continue;
    factor[l] = exp_of_difference(state.shift[l], strip_max[l]);
    state.sum[l] *= static_cast<double>(factor[l]);
    state.shift[l] = strip_max[l];
    moved = true;
  }
  return moved;
}

// What to subtract before exp: the shift, or 0 where nothing has been seen.
inline void shift_for_exp(const Softmax &state, int64_t lanes, float *out) {
  for (int64_t l = 0; l < lanes; ++l) out[l] = std::isinf(state.shift[l]) ? 0.0F : state.shift[l];
}

// Adds one strip to shift and denominator; `kept` (may be null, may be the strip) receives the exponentials.
// Returns whether earlier sums have to be multiplied by `factor`.
inline bool add_strip(const Kernels &k, Softmax &state, const float *strip, int64_t n, int64_t lanes,
                      const float *strip_max, float *kept, float *factor) {
  float shift[kMaxLanes];
  float sum[kMaxLanes];
  const bool moved = raise_shift(state, strip_max, lanes, factor);
  shift_for_exp(state, lanes, shift);
  k.exp_sum(strip, n, lanes, shift, sum, kept);
  for (int64_t l = 0; l < lanes; ++l) state.sum[l] += static_cast<double>(sum[l]);
  return moved;
}

// Merges a later unit into a total; keep and take are what their sums were multiplied by.
inline void merge(Softmax &total, const Softmax &unit, int64_t lanes, float *keep, float *take) {
  for (int64_t l = 0; l < lanes; ++l) {
    const float top = total.shift[l] > unit.shift[l] ? total.shift[l] : unit.shift[l];
    keep[l] = exp_of_difference(total.shift[l], top);
    take[l] = exp_of_difference(unit.shift[l], top);
    total.sum[l] = total.sum[l] * static_cast<double>(keep[l]) + unit.sum[l] * static_cast<double>(take[l]);
    total.shift[l] = top;
  }
}

inline float lse_of(const Softmax &state, int64_t lane) {
  if (!(state.sum[lane] > 0)) return -std::numeric_limits<float>::infinity();
  return static_cast<float>(static_cast<double>(state.shift[lane]) + std::log(state.sum[lane]));
}

}  // namespace attnrec

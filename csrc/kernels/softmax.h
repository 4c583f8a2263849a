// Maxima, powers and denominators of strips. Kernels only.
#pragma once
#include <math.h>

#include "exp.h"
#include "row.h"
#include "table.h"
#include "vec.h"

namespace attnrec {
namespace {

void lane_max(const float *strip, int64_t n, int64_t lanes, float *out) noexcept {
  if (lanes == 1) return max_row(strip, n, out);
  for (int64_t v = 0; v < lanes; v += kWidth) {
    Vec top = set1(-INFINITY);
    for (int64_t j = 0; j < n; ++j) top = max_of(load(strip + j * lanes + v), top);
    store(out + v, top);
  }
}

// N rows of one vector: their powers are added to z in row order
template <int N>
__attribute__((always_inline)) inline void exp_some(const float *strip, int64_t lanes, Vec log2e, Vec shift, Vec &z,
                                                    float *out) {
  Vec e[N];
#pragma GCC unroll 4
  for (int i = 0; i < N; ++i) e[i] = fma(load(strip + i * lanes), log2e, shift);
  exp2_each(e);
#pragma GCC unroll 4
  for (int i = 0; i < N; ++i) {
    if (out != nullptr) store(out + i * lanes, e[i]);
    z = add(z, e[i]);
  }
}

void exp_sum(const float *strip, int64_t n, int64_t lanes, const float *shift, float *sum, float *out) noexcept {
  if (lanes == 1) return exp_sum_row(strip, n, *shift, sum, out);
  const Vec log2e = set1(kLog2E);
  for (int64_t v = 0; v < lanes; v += kWidth) {
    const Vec c = load(shift + v);
    Vec z = set1(0.0F);
    const auto kept = [&](int64_t j) { return out == nullptr ? nullptr : out + j * lanes + v; };
    int64_t j = 0;
    for (; j + kExpAtOnce <= n; j += kExpAtOnce) {
      exp_some<kExpAtOnce>(strip + j * lanes + v, lanes, log2e, c, z, kept(j));
    }
    for (; j < n; ++j) exp_some<1>(strip + j * lanes + v, lanes, log2e, c, z, kept(j));
    store(sum + v, z);
  }
}

void exp_row(float *row, int64_t n, float shift, float factor) noexcept {
  const Vec log2e = set1(kLog2E);
  const Vec c = set1(shift);
  const Vec by = set1(factor);
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) store(row + i, mul(exp2_of(fma(load(row + i), log2e, c)), by));
  if (i == n) return;
  float tail[kWidth] = {};
  for (int64_t t = i; t < n; ++t) tail[t - i] = row[t];
  store(tail, mul(exp2_of(fma(load(tail), log2e, c)), by));
  for (int64_t t = i; t < n; ++t) row[t] = tail[t - i];
}

}  // namespace
}  // namespace attnrec

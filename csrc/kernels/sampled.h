// Dot products of one row with a few others, a part of a long sum at a time. Kernels only.
//
// Element k of a part goes to partial sum k % 16, whatever the width of a vector; those are then added 8, 4, 2 and 1
// apart. So the bits are the same for every instruction set.
#pragma once
#include "table.h"
#include "vec.h"

namespace attnrec {
namespace {

constexpr int kDotVecs = kDotPartials / kWidth;

template <int Rows>
__attribute__((always_inline)) inline void row_dots_of(const float *x, const float *const *rows, int64_t n,
                                                       float *out) {
  Vec acc[Rows][kDotVecs];
#pragma GCC unroll 4
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kDotVecs; ++v) acc[r][v] = set1(0.0F);
  }
  for (int64_t k = 0; k < n; k += kDotPartials) {
#pragma GCC unroll 4
    for (int v = 0; v < kDotVecs; ++v) {
      const Vec here = load(x + k + v * kWidth);
#pragma GCC unroll 4
      for (int r = 0; r < Rows; ++r) acc[r][v] = fma(load(rows[r] + k + v * kWidth), here, acc[r][v]);
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < Rows; ++r) {
    float sums[kDotPartials];
#pragma GCC unroll 4
    for (int v = 0; v < kDotVecs; ++v) store(sums + v * kWidth, acc[r][v]);
#pragma GCC unroll 4
    for (int apart = kDotPartials / 2; apart > 0; apart /= 2) {
#pragma GCC unroll 8
      for (int t = 0; t < apart; ++t) sums[t] += sums[t + apart];
    }
    out[r] = sums[0];
  }
}

// out[r] = sum_k x[k] * rows[r][k] for r < count <= kRowsAtOnce
void row_dots(const float *x, const float *const *rows, int64_t count, int64_t n, float *out) noexcept {
  if (count == 4) return row_dots_of<4>(x, rows, n, out);
  if (count == 3) return row_dots_of<3>(x, rows, n, out);
  if (count == 2) return row_dots_of<2>(x, rows, n, out);
  row_dots_of<1>(x, rows, n, out);
}

}  // namespace
}  // namespace attnrec

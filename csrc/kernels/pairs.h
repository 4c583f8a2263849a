// Scores of single pairs, some at a time so that their chains overlap. Kernels only.
#pragma once
#include "accumulators.h"
#include "table.h"
#include "vec.h"

namespace attnrec {
namespace {

void score_some(const float *const *items, int64_t item_stride, const float *const *queries, int64_t query_stride,
                int64_t d, float *out) noexcept {
  using Sums = Singles<kScoreAtOnce>;
  const auto all = sum_of<Sums>(d, [=](Sums &sums, int64_t first, int64_t last) {
    for (int64_t k = first; k < last; ++k) {
#pragma GCC unroll 4
      for (int64_t i = 0; i < kScoreAtOnce; ++i) {
        sums.c[i] = fma_one(items[i][k * item_stride], queries[i][k * query_stride], sums.c[i]);
      }
    }
  });
  for (int64_t i = 0; i < kScoreAtOnce; ++i) out[i] = all.c[i];
}

}  // namespace
}  // namespace attnrec

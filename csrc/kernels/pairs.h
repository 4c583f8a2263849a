// Scores of single pairs, some at a time so that their chains overlap. Kernels only.
#pragma once
#include "table.h"
#include "vec.h"

namespace attnrec {
namespace {

void score_some(const float *const *items, int64_t item_stride, const float *const *queries, int64_t query_stride,
                int64_t d, float *out) noexcept {
  float acc[kScoreAtOnce] = {};
  for (int64_t k = 0; k < d; ++k) {
#pragma GCC unroll 4
    for (int64_t i = 0; i < kScoreAtOnce; ++i) {
      acc[i] = fma_one(items[i][k * item_stride], queries[i][k * query_stride], acc[i]);
    }
  }
  for (int64_t i = 0; i < kScoreAtOnce; ++i) out[i] = acc[i];
}

}  // namespace
}  // namespace attnrec

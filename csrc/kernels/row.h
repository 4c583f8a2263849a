// The kernels for a single query (lanes = 1): lanes are items here, so nothing is padded and memory is the limit.
// Kernels only. Each sum is formed in the same order as in the wide kernels, hence the same bits.
#pragma once
#include <math.h>

#include "accumulators.h"
#include "exp.h"
#include "table.h"
#include "vec.h"

namespace attnrec {
namespace {

constexpr int kParts = kWidth >= kPanel ? 1 : (kPanel + kWidth - 1) / kWidth;  // vectors that cover a panel's row
constexpr ptrdiff_t part_at(int i) { return kParts == 1 || (i + 1) * kWidth <= kPanel ? i * kWidth : kPanel - kWidth; }
constexpr int kPanelsAtOnce = 12 / kParts;  // independent chains enough to hide the latency of the FMA

template <int Panels>
__attribute__((always_inline)) inline void score_panels(const float *panels, const float *query, int64_t d, Vec scale,
                                                        const float *bias, float *row) {
  using Sums = Tile<Panels, kParts>;
  const auto all = sum_of<Sums>(d, [=](Sums &sums, int64_t first, int64_t last) __attribute__((always_inline)) {
    for (int64_t k = first; k < last; ++k) {
      const Vec q = set1(query[k]);
#pragma GCC unroll 12
      for (int p = 0; p < Panels; ++p) {
        __builtin_prefetch(panels + ((Panels + p) * d + k) * kPanel);  // the same place in the next panels
#pragma GCC unroll 3
        for (int i = 0; i < kParts; ++i) {
          sums.c[p][i] = fma(load(panels + (p * d + k) * kPanel + part_at(i)), q, sums.c[p][i]);
        }
      }
    }
  });
  each_of(all, [&](int p, int i, Vec s) {
    const ptrdiff_t at = p * kPanel + part_at(i);
    store(row + at, bias == nullptr ? mul(s, scale) : fma(s, scale, load(bias + at)));
  });
}

inline void scores_row(const float *panels, int64_t n_panels, const float *query, int64_t d, float scale,
                       const float *bias, float *row) {
  const auto bias_at = [bias](int64_t p) { return bias == nullptr ? nullptr : bias + p * kPanel; };
  int64_t p = 0;
  for (; p + kPanelsAtOnce <= n_panels; p += kPanelsAtOnce) {
    score_panels<kPanelsAtOnce>(panels + p * kPanel * d, query, d, set1(scale), bias_at(p), row + p * kPanel);
  }
  for (; p < n_panels; ++p) {
    score_panels<1>(panels + p * kPanel * d, query, d, set1(scale), bias_at(p), row + p * kPanel);
  }
}

inline void scores_csr_row(const CsrRows *keys, int64_t n, const float *query, float scale, const float *bias,
                           float *row) {
  for (int64_t j = 0; j < n; ++j) {
    const int32_t *indices = keys->indices + keys->indptr[j];
    const float *data = keys->data + keys->indptr[j];
    using Sum = Singles<1>;
    const auto sum = sum_of<Sum>(keys->indptr[j + 1] - keys->indptr[j], [=](Sum &out, int64_t first, int64_t last) {
      for (int64_t p = first; p < last; ++p) out.c[0] = fma_one(data[p], query[indices[p]], out.c[0]);
    });
    row[j] = bias == nullptr ? sum.c[0] * scale : fma_one(sum.c[0], scale, bias[j]);
  }
}

inline void max_row(const float *row, int64_t n, float *out) {
  float top = -INFINITY;
  int64_t i = 0;
  if (n >= kWidth) {
    Vec best = load(row);
    for (i = kWidth; i + kWidth <= n; i += kWidth) best = max_of(load(row + i), best);
    float lanes[kWidth];
    store(lanes, best);
    for (const float x : lanes) top = x > top ? x : top;
  }
  for (; i < n; ++i) top = row[i] > top ? row[i] : top;
  *out = top;
}

inline void exp_sum_row(const float *row, int64_t n, float shift, float *sum, float *out) {
  float z = 0;
  float powers[kWidth];
  for (int64_t i = 0; i < n; i += kWidth) {
    const int64_t here = n - i < kWidth ? n - i : kWidth;
    float some[kWidth] = {};
    if (here < kWidth) {
      for (int64_t t = 0; t < here; ++t) some[t] = row[i + t];
    }
    store(powers, exp2_of(fma(load(here < kWidth ? some : row + i), set1(kLog2E), set1(shift))));
    for (int64_t t = 0; t < here; ++t) {
      z += powers[t];
      if (out != nullptr) out[i + t] = powers[t];
    }
  }
  *sum = z;
}

inline int64_t above_row(const float *row, int64_t n, float threshold, Hit *hits) {
  int64_t found = 0;
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) {
    for (uint32_t left = above_mask(load(row + i), set1(threshold)); left != 0; left &= left - 1) {
      hits[found++] = {static_cast<int32_t>(i) + __builtin_ctz(left), 1U};
    }
  }
  for (; i < n; ++i) {
    if (row[i] > threshold) hits[found++] = {static_cast<int32_t>(i), 1U};
  }
  return found;
}

// out[c] += sum_j values[j][c] * row[j], value columns in the lanes
template <int Vecs>
__attribute__((always_inline)) inline void values_columns(const float *values, int64_t stride, int64_t n,
                                                          const float *row, float *out) {
  Vec acc[Vecs];
#pragma GCC unroll 8
  for (int v = 0; v < Vecs; ++v) acc[v] = set1(0.0F);
  for (int64_t j = 0; j < n; ++j) {
    const Vec w = set1(row[j]);
#pragma GCC unroll 8
    for (int v = 0; v < Vecs; ++v) acc[v] = fma(load(values + j * stride + v * kWidth), w, acc[v]);
  }
#pragma GCC unroll 8
  for (int v = 0; v < Vecs; ++v) store(out + v * kWidth, add(load(out + v * kWidth), acc[v]));
}

inline void values_row(const float *values, int64_t stride, int64_t n, int64_t m, const float *row, float *out) {
  int64_t c = 0;
  for (; c + 8 * kWidth <= m; c += 8 * kWidth) values_columns<8>(values + c, stride, n, row, out + c);
  for (; c + kWidth <= m; c += kWidth) values_columns<1>(values + c, stride, n, row, out + c);
  for (; c < m; ++c) {
    float acc = 0;
    for (int64_t j = 0; j < n; ++j) acc = fma_one(values[j * stride + c], row[j], acc);
    out[c] += acc;
  }
}

}  // namespace
}  // namespace attnrec

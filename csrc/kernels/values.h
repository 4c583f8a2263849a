// Values accumulated under a strip of attention: out[c][lane] += sum_j R[j][c] * P[j][lane]. Kernels only.
#pragma once
#include "row.h"
#include "table.h"
#include "tile.h"
#include "vec.h"

namespace attnrec {
namespace {

template <int Rows, int Vecs>
void values_tile(const float *values, int64_t stride, int64_t n, const float *strip, float *out) {
  constexpr ptrdiff_t lanes = Vecs * kWidth;
  each_of(tile<Rows, Vecs>(values, stride, strip, n), [&](int r, int v, Vec s) {
    float *at = out + r * lanes + v * kWidth;
    store(at, add(load(at), s));
  });
}

template <int Vecs>
void values_of(const float *values, int64_t stride, int64_t n, int64_t m, const float *strip, float *out) {
  constexpr int rows = kRowsFor<Vecs>;
  constexpr ptrdiff_t lanes = Vecs * kWidth;
  int64_t c = 0;
  for (; c + rows <= m; c += rows) values_tile<rows, Vecs>(values + c, stride, n, strip, out + c * lanes);
  for (; c + 3 <= m; c += 3) values_tile<3, Vecs>(values + c, stride, n, strip, out + c * lanes);
  for (; c < m; ++c) values_tile<1, Vecs>(values + c, stride, n, strip, out + c * lanes);
}

void values(const float *values, int64_t stride, int64_t n, int64_t m, const float *strip, int64_t lanes,
            float *out) noexcept {
  if (lanes == 1) return values_row(values, stride, n, m, strip, out);
  (lanes == kWidth ? values_of<1> : values_of<2>)(values, stride, n, m, strip, out);
}

void values_csr(const CsrRows *values, int64_t n, const float *strip, int64_t lanes, float *out) noexcept {
  for (int64_t j = 0; j < n; ++j) {
    for (int64_t p = values->indptr[j]; p < values->indptr[j + 1]; ++p) {
      if (lanes == 1) {
        out[values->indices[p]] = fma_one(values->data[p], strip[j], out[values->indices[p]]);
        continue;
      }
      const Vec r = set1(values->data[p]);
      float *at = out + values->indices[p] * lanes;
      for (int64_t v = 0; v < lanes; v += kWidth) {
        store(at + v, fma(r, load(strip + j * lanes + v), load(at + v)));
      }
    }
  }
}

// Groups of queries at once: an entry is read for all of them, and their chains of sums hide each other's latency.
template <int Vecs, int Groups>
void values_by_column_of(const Entry *entries, int64_t n, const float *const *strips, float *const *out) {
  constexpr ptrdiff_t lanes = Vecs * kWidth;
  for (int64_t p = 0; p < n;) {
    const int32_t column = entries[p].column;
    Vec acc[Groups][Vecs];
    for (int g = 0; g < Groups; ++g) {
      for (int v = 0; v < Vecs; ++v) acc[g][v] = load(out[g] + column * lanes + v * kWidth);
    }
    do {
      const Vec r = set1(entries[p].value);
      const ptrdiff_t row = entries[p].row * lanes;
      for (int g = 0; g < Groups; ++g) {
        for (int v = 0; v < Vecs; ++v) acc[g][v] = fma(r, load(strips[g] + row + v * kWidth), acc[g][v]);
      }
      ++p;
    } while (p < n && entries[p].column == column);
    for (int g = 0; g < Groups; ++g) {
      for (int v = 0; v < Vecs; ++v) store(out[g] + column * lanes + v * kWidth, acc[g][v]);
    }
  }
}

void values_by_column(const Entry *entries, int64_t n, const float *const *strips, int64_t groups, int64_t lanes,
                      float *const *out) noexcept {
  if (lanes == kWidth) return values_by_column_of<1, 1>(entries, n, strips, out);
  (groups == 1 ? values_by_column_of<2, 1> : values_by_column_of<2, kColumnGroups>)(entries, n, strips, out);
}

void blend(float *out, const float *keep, const float *add_, const float *take, int64_t m, int64_t lanes) noexcept {
  for (int64_t c = 0; c < m && lanes == 1; ++c) {
    out[c] = add_ == nullptr ? out[c] * *keep : fma_one(add_[c], *take, out[c] * *keep);
  }
  for (int64_t c = 0; c < m && lanes > 1; ++c) {
    for (int64_t v = 0; v < lanes; v += kWidth) {
      float *at = out + c * lanes + v;
      const Vec kept = mul(load(at), load(keep + v));
      store(at, add_ == nullptr ? kept : fma(load(add_ + c * lanes + v), load(take + v), kept));
    }
  }
}

}  // namespace
}  // namespace attnrec

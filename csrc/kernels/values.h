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

// The columns past the last whole tile, in one: in two, each would wait for the latency of its few chains.
template <int Rows, int Vecs>
void values_rest(const float *values, int64_t stride, int64_t n, int64_t columns, const float *strip, float *out) {
  if constexpr (Rows > 0) {
    if (columns == Rows) return values_tile<Rows, Vecs>(values, stride, n, strip, out);
    values_rest<Rows - 1, Vecs>(values, stride, n, columns, strip, out);
  }
}

template <int Vecs>
void values_of(const float *values, int64_t stride, int64_t n, int64_t m, const float *strip, float *out) {
  constexpr int rows = kRowsFor<Vecs>;
  constexpr ptrdiff_t lanes = Vecs * kWidth;
  int64_t c = 0;
  for (; c + rows <= m; c += rows) values_tile<rows, Vecs>(values + c, stride, n, strip, out + c * lanes);
  values_rest<rows - 1, Vecs>(values + c, stride, n, m - c, strip, out + c * lanes);
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
void values_by_column_of(const Column *columns, int64_t n, const Entry *entry, const float *const *strips_,
                         float *const *out_) {
  constexpr ptrdiff_t lanes = Vecs * kWidth;
  constexpr int64_t ahead = 8;  // columns; without the prefetch their sums take as long as a quarter of the entries
  const float *strips[Groups];  // copies: stores may not touch them
  float *out[Groups];
  for (int g = 0; g < Groups; ++g) {
    strips[g] = strips_[g];
    out[g] = out_[g];
  }
  for (int64_t i = 0; i < n; ++i) {
    const ptrdiff_t here = columns[i].index * lanes;
    const ptrdiff_t later = columns[i + ahead < n ? i + ahead : i].index * lanes;
    Vec acc[Groups][Vecs];
    for (int g = 0; g < Groups; ++g) {
      __builtin_prefetch(out[g] + later, 1);
      for (int v = 0; v < Vecs; ++v) acc[g][v] = load(out[g] + here + v * kWidth);
    }
    for (const Entry *end = entry + columns[i].count; entry != end; ++entry) {
      const Vec r = set1(entry->value);
      const ptrdiff_t at = static_cast<ptrdiff_t>(entry->at) * Vecs / 2;
      for (int g = 0; g < Groups; ++g) {
        for (int v = 0; v < Vecs; ++v) acc[g][v] = fma(r, load(strips[g] + at + v * kWidth), acc[g][v]);
      }
    }
    for (int g = 0; g < Groups; ++g) {
      for (int v = 0; v < Vecs; ++v) store(out[g] + here + v * kWidth, acc[g][v]);
    }
  }
}

void values_by_column(const Column *columns, int64_t n, const Entry *entries, const float *const *strips,
                      int64_t groups, int64_t lanes, float *const *out) noexcept {
  if (lanes == kWidth) return values_by_column_of<1, 1>(columns, n, entries, strips, out);
  (groups == 1 ? values_by_column_of<2, 1> : values_by_column_of<2, kColumnGroups>)(columns, n, entries, strips, out);
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

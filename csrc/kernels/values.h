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
  for (int64_t j = 0; j < n && lanes == 1; ++j) {
    const float weight = strip[j];
    const int64_t last = values->indptr[j + 1];
    const int32_t *indices = values->indices;
    const float *data = values->data;
    for (int64_t p = values->indptr[j]; p < last; ++p) out[indices[p]] = fma_one(data[p], weight, out[indices[p]]);
  }
  for (int64_t j = 0; j < n && lanes > 1; ++j) {
    for (int64_t p = values->indptr[j]; p < values->indptr[j + 1]; ++p) {
      const Vec r = set1(values->data[p]);
      float *at = out + values->indices[p] * lanes;
      for (int64_t v = 0; v < lanes; v += kWidth) {
        store(at + v, fma(r, load(strip + j * lanes + v), load(at + v)));
      }
    }
  }
}

// `Groups` strips and `Columns` columns at once, whose chains of sums hide each other's latency; returns the end of the
// entries. An entry is read for all groups. Columns side by side are mostly of one length.
template <int Vecs, int Groups, int Columns>
__attribute__((always_inline)) inline const Entry *columns_at_once(const Column *columns, const Column *later,
                                                                   const Entry *entry, const float *const *strips,
                                                                   float *const *out) {
  constexpr ptrdiff_t lanes = Vecs * kWidth;
  Vec acc[Columns][Groups][Vecs];
  const Entry *at[Columns];
#pragma GCC unroll 4
  for (int c = 0; c < Columns; ++c) {
    at[c] = c == 0 ? entry : at[c - 1] + columns[c - 1].count;
#pragma GCC unroll 2
    for (int g = 0; g < Groups; ++g) {
#pragma GCC unroll 2
      for (int v = 0; v < Vecs; ++v) {
        acc[c][g][v] = load(out[g] + columns[c].index * lanes + v * kWidth);
        if (v * kWidth % kLine == 0) __builtin_prefetch(out[g] + later[c].index * lanes + v * kWidth, 1);
      }
    }
  }
  const auto add_entry = [&](int c) __attribute__((always_inline)) {
    const Vec r = set1(at[c]->value);
    const ptrdiff_t row = static_cast<ptrdiff_t>(at[c]->at) * Vecs / 2;
#pragma GCC unroll 2
    for (int g = 0; g < Groups; ++g) {
#pragma GCC unroll 2
      for (int v = 0; v < Vecs; ++v) acc[c][g][v] = fma(r, load(strips[g] + row + v * kWidth), acc[c][g][v]);
    }
    ++at[c];
  };
  int32_t shared = columns[0].count;
  for (int c = 1; c < Columns; ++c) shared = columns[c].count < shared ? columns[c].count : shared;
  for (int32_t i = 0; i < shared; ++i) {
#pragma GCC unroll 4
    for (int c = 0; c < Columns; ++c) add_entry(c);
  }
#pragma GCC unroll 4
  for (int c = 0; c < Columns; ++c) {
    for (int32_t i = shared; i < columns[c].count; ++i) add_entry(c);
#pragma GCC unroll 2
    for (int g = 0; g < Groups; ++g) {
#pragma GCC unroll 2
      for (int v = 0; v < Vecs; ++v) store(out[g] + columns[c].index * lanes + v * kWidth, acc[c][g][v]);
    }
  }
  return at[Columns - 1];
}

template <int Vecs, int Groups, int Columns>
void values_by_column_of(const Column *columns, int64_t n, const Entry *entry, const float *const *strips_,
                         float *const *out_) {
  constexpr int64_t ahead = 16;  // columns; without the prefetch their sums take as long as a quarter of the entries
  const float *strips[Groups];   // copies: stores may not touch them
  float *out[Groups];
  for (int g = 0; g < Groups; ++g) {
    strips[g] = strips_[g];
    out[g] = out_[g];
  }
  int64_t i = 0;
  for (; i + Columns <= n; i += Columns) {
    const Column *later = columns + (i + Columns + ahead <= n ? i + ahead : i);
    entry = columns_at_once<Vecs, Groups, Columns>(columns + i, later, entry, strips, out);
  }
  for (; i < n; ++i) entry = columns_at_once<Vecs, Groups, 1>(columns + i, columns + i, entry, strips, out);
}

void values_by_column(const Column *columns, int64_t n, const Entry *entries, const float *const *strips,
                      int64_t groups, int64_t lanes, float *const *out) noexcept {
  if (lanes == kWidth) return values_by_column_of<1, 1, 4>(columns, n, entries, strips, out);
  if (groups == 1) return values_by_column_of<2, 1, 4>(columns, n, entries, strips, out);
  values_by_column_of<2, kColumnGroups, 4 / kColumnGroups>(columns, n, entries, strips, out);
}

inline void two_sums_of(float *whole, float *rest, int64_t n) {
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) {
    Vec w = load(whole + i);
    Vec r = load(rest + i);
    two_sum(w, r);
    store(whole + i, w);
    store(rest + i, r);
  }
  for (; i < n; ++i) two_sum(whole[i], rest[i]);
}

void two_sums(const int32_t *columns, int64_t n, int64_t lanes, float *whole, float *rest) noexcept {
  if (columns == nullptr) return two_sums_of(whole, rest, n * lanes);
  for (int64_t i = 0; i < n; ++i) two_sums_of(whole + columns[i] * lanes, rest + columns[i] * lanes, lanes);
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

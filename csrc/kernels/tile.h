// The register tile everything is built on: C[r][lane] = sum_k A[k * ks + r] * B[k * lanes + lane]. Kernels only.
//
// A is broadcast, B is two (or one) vectors of queries, C stays in registers. With items in A this gives scores;
// with value columns in A and a strip in B it gives attended values: one body, two products.
#pragma once
#include <math.h>

#include "accumulators.h"
#include "row.h"
#include "table.h"
#include "vec.h"

namespace attnrec {
namespace {

// Adds terms [first, last).
template <int Rows, int Vecs>
__attribute__((always_inline)) inline void add_products(Tile<Rows, Vecs> &out, const float *a, ptrdiff_t ks,
                                                        const float *b, ptrdiff_t first, ptrdiff_t last) {
  for (ptrdiff_t k = first; k < last; ++k) {
    Vec bv[Vecs];
#pragma GCC unroll 2
    for (int v = 0; v < Vecs; ++v) bv[v] = load(b + k * Vecs * kWidth + v * kWidth);
#pragma GCC unroll 12
    for (int r = 0; r < Rows; ++r) {
      const Vec av = set1(a[k * ks + r]);
#pragma GCC unroll 2
      for (int v = 0; v < Vecs; ++v) out.c[r][v] = fma(av, bv[v], out.c[r][v]);
    }
  }
}

// For a depth of at most kShortSum
template <int Rows, int Vecs>
__attribute__((always_inline)) inline Tile<Rows, Vecs> tile(const float *a, ptrdiff_t ks, const float *b,
                                                            ptrdiff_t depth) {
  Tile<Rows, Vecs> out;
  clear(out);
  add_products(out, a, ks, b, 0, depth);
  return out;
}

// One vector of queries leaves registers for more rows, which hide the latency of the FMA.
template <int Vecs>
constexpr int kRowsFor = Vecs == 1 && kTileRows == 6 ? 12 : kTileRows;

void pack(const float *const *rows, int64_t d, float *panel) noexcept {
  for (int64_t r = 0; r < kPanel; r += 4) {
    int64_t k = 0;
    for (; k + 4 <= d; k += 4) transpose4(rows + r, k, panel + k * kPanel + r, kPanel);
    for (; k < d; ++k) {
      for (int64_t i = r; i < r + 4; ++i) panel[k * kPanel + i] = rows[i][k];
    }
  }
}

void unpack(const float *strip, int64_t n, int64_t lanes, int64_t count, float *out, int64_t stride) noexcept {
  int64_t l = 0;
  for (; l + 4 <= count; l += 4) {
    int64_t j = 0;
    for (; j + 4 <= n; j += 4) {
      const float *rows[4] = {strip + j * lanes, strip + (j + 1) * lanes, strip + (j + 2) * lanes,
                              strip + (j + 3) * lanes};
      transpose4(rows, l, out + l * stride + j, stride);
    }
    for (; j < n; ++j) {
      for (int64_t i = l; i < l + 4; ++i) out[i * stride + j] = strip[j * lanes + i];
    }
  }
  for (; l < count; ++l) {
    for (int64_t j = 0; j < n; ++j) out[l * stride + j] = strip[j * lanes + l];
  }
}

inline bool leaves_alone(float scale, const float *bias) { return bias == nullptr && scale == 1.0F; }

// Scores of one tile, scaled and biased unless `plain`, still in registers.
template <int Rows, int Vecs>
__attribute__((always_inline)) inline Tile<Rows, Vecs> score_tile(const float *panels, int64_t j, const float *queries,
                                                                  int64_t d, float scale, const float *bias,
                                                                  bool plain) {
  const float *items = panels + j / kPanel * kPanel * d + j % kPanel;
  auto t = sum_of<Tile<Rows, Vecs>>(d, [=](Tile<Rows, Vecs> &sums, int64_t first, int64_t last) {
    add_products(sums, items, kPanel, queries, first, last);
  });
  if (plain) return t;
#pragma GCC unroll 12
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < Vecs; ++v) {
      t.c[r][v] = bias == nullptr ? mul(t.c[r][v], set1(scale)) : fma(t.c[r][v], set1(scale), set1(bias[j + r]));
    }
  }
  return t;
}

template <int Rows, int Vecs>
__attribute__((always_inline)) inline void store_tile(const Tile<Rows, Vecs> &t, float *out) {
  each_of(t, [&](int r, int v, Vec s) { store(out + (r * Vecs + v) * kWidth, s); });
}

// Maximum over the rows
template <int Rows, int Vecs>
__attribute__((always_inline)) inline Tile<1, Vecs> top_of(const Tile<Rows, Vecs> &t) {
  Tile<1, Vecs> top;
#pragma GCC unroll 2
  for (int v = 0; v < Vecs; ++v) top.c[0][v] = t.c[0][v];
#pragma GCC unroll 12
  for (int r = 1; r < Rows; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < Vecs; ++v) top.c[0][v] = max_of(t.c[r][v], top.c[0][v]);
  }
  return top;
}

// The maximum of a tile joins that of the tiles before it.
template <int Rows, int Vecs>
__attribute__((always_inline)) inline void raise(const Tile<Rows, Vecs> &top, float *out) {
  each_of(top, [&](int, int v, Vec m) { store(out + v * kWidth, max_of(m, load(out + v * kWidth))); });
}

template <int Vecs>
void scores_of(const float *panels, int64_t n_panels, const float *queries, int64_t d, float scale, const float *bias,
               float *strip, float *top) {
  constexpr int rows = kRowsFor<Vecs>;
  const bool plain = leaves_alone(scale, bias);
  for (int v = 0; v < Vecs && top != nullptr; ++v) store(top + v * kWidth, set1(-INFINITY));
  for (int64_t j = 0; j < n_panels * kPanel; j += rows) {
    const auto t = score_tile<rows, Vecs>(panels, j, queries, d, scale, bias, plain);
    store_tile(t, strip + j * Vecs * kWidth);
    if (top != nullptr) raise(top_of(t), top);
  }
}

// Which panel has a score to look at is noted without a branch: foretelling it would fail about as often as there is
// one, and a tile's last sums would have to be waited for each time.
template <int Vecs>
int64_t scan_of(const float *panels, int64_t n_panels, const float *queries, int64_t d, float scale, const float *bias,
                const float *threshold, const Prefetch *prefetch, float *strip, float *top, Hit *hits) {
  constexpr int rows = kRowsFor<Vecs>;
  const bool plain = leaves_alone(scale, bias);
  int64_t found = 0;
  for (int v = 0; v < Vecs && top != nullptr; ++v) store(top + v * kWidth, set1(-INFINITY));
  for (int64_t p = 0; p < n_panels; ++p) {
    uint32_t passed = 0;
    for (int64_t i = 0; i < prefetch->lines; ++i)
      __builtin_prefetch(prefetch->at + (p * prefetch->lines + i) * kLine, 0, 2);
    for (int64_t j = p * kPanel; j < (p + 1) * kPanel; j += rows) {
      const auto t = score_tile<rows, Vecs>(panels, j, queries, d, scale, bias, plain);
      store_tile(t, strip + j * Vecs * kWidth);
      const auto best = top_of(t);
      each_of(best, [&](int, int v, Vec m) { passed |= above_mask(m, load(threshold + v * kWidth)) << (v * kWidth); });
      if (top != nullptr) raise(best, top);
    }
    hits[found] = {static_cast<int32_t>(p * kPanel), passed};
    found += passed != 0 ? 1 : 0;
  }
  return found;
}

template <int Vecs>
__attribute__((always_inline)) inline void add_entries(Tile<1, Vecs> &sums, const CsrRows *keys, const float *queries,
                                                       int64_t first, int64_t last) {
  for (int64_t p = first; p < last; ++p) {
    const Vec a = set1(keys->data[p]);
    const float *b = queries + keys->indices[p] * Vecs * kWidth;
    for (int v = 0; v < Vecs; ++v) sums.c[0][v] = fma(a, load(b + v * kWidth), sums.c[0][v]);
  }
}

template <int Vecs>
__attribute__((noinline)) void long_row(const CsrRows *keys, int64_t j, const float *queries, Tile<1, Vecs> &out) {
  const int64_t at = keys->indptr[j];
  out = sum_of<Tile<1, Vecs>>(keys->indptr[j + 1] - at, [=](Tile<1, Vecs> &sums, int64_t first, int64_t last) {
    add_entries(sums, keys, queries, at + first, at + last);
  });
}

template <int Vecs>
void scores_csr_of(const CsrRows *keys, int64_t n, const float *queries, float scale, const float *bias, float *strip) {
  constexpr ptrdiff_t lanes = Vecs * kWidth;
  for (int64_t j = 0; j < n; ++j) {
    Tile<1, Vecs> row;
    clear(row);
    const int64_t first = keys->indptr[j];
    const int64_t last = keys->indptr[j + 1];
    if (last - first <= kShortSum) {
      add_entries(row, keys, queries, first, last);
    } else {
      Tile<1, Vecs> in_memory;
      long_row(keys, j, queries, in_memory);
      row = in_memory;
    }
    const Vec shift = set1(bias == nullptr ? 0.0F : bias[j]);
    each_of(row, [&](int, int v, Vec s) {
      store(strip + j * lanes + v * kWidth, bias == nullptr ? mul(s, set1(scale)) : fma(s, set1(scale), shift));
    });
  }
}

template <int Vecs>
void dots_of(const float *a, const float *b, int64_t d, float *out) {
  constexpr ptrdiff_t lanes = Vecs * kWidth;
  for (int v = 0; v < Vecs; ++v) {
    const auto dot = sum_of<Tile<1, 1>>(d, [=](Tile<1, 1> &sums, int64_t first, int64_t last) {
      for (int64_t k = first; k < last; ++k) {
        sums.c[0][0] = fma(load(a + k * lanes + v * kWidth), load(b + k * lanes + v * kWidth), sums.c[0][0]);
      }
    });
    store(out + v * kWidth, dot.c[0][0]);
  }
}

void scores_top(const float *panels, int64_t n_panels, const float *queries, int64_t d, int64_t lanes, float scale,
                const float *bias, float *strip, float *top) noexcept {
  if (lanes == 1) {
    scores_row(panels, n_panels, queries, d, scale, bias, strip);
    if (top != nullptr) max_row(strip, n_panels * kPanel, top);
    return;
  }
  (lanes == kWidth ? scores_of<1> : scores_of<2>)(panels, n_panels, queries, d, scale, bias, strip, top);
}

void scores(const float *panels, int64_t n_panels, const float *queries, int64_t d, int64_t lanes, float scale,
            const float *bias, float *strip) noexcept {
  scores_top(panels, n_panels, queries, d, lanes, scale, bias, strip, nullptr);
}

int64_t scan(const float *panels, int64_t n_panels, const float *queries, int64_t d, int64_t lanes, float scale,
             const float *bias, const float *threshold, const Prefetch *prefetch, float *strip, float *top,
             Hit *hits) noexcept {
  if (lanes == 1) {
    scores_top(panels, n_panels, queries, d, 1, scale, bias, strip, top);
    return above_row(strip, n_panels * kPanel, *threshold, hits);
  }
  return (lanes == kWidth ? scan_of<1> : scan_of<2>)(panels, n_panels, queries, d, scale, bias, threshold, prefetch,
                                                     strip, top, hits);
}

void scores_csr(const CsrRows *keys, int64_t n, const float *queries, int64_t lanes, float scale, const float *bias,
                float *strip) noexcept {
  if (lanes == 1) return scores_csr_row(keys, n, queries, scale, bias, strip);
  (lanes == kWidth ? scores_csr_of<1> : scores_csr_of<2>)(keys, n, queries, scale, bias, strip);
}

void dots(const float *a, const float *b, int64_t d, int64_t lanes, float *out) noexcept {
  (lanes == kWidth ? dots_of<1> : dots_of<2>)(a, b, d, out);
}

}  // namespace
}  // namespace attnrec

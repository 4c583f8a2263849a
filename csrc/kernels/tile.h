// The register tile everything is built on: C[r][lane] = sum_k A[k * ks + r] * B[k * lanes + lane]. Kernels only.
//
// A is broadcast, B is two (or one) vectors of queries, C stays in registers. With items in A this gives scores;
// with value columns in A and a strip in B it gives attended values: one body, two products.
#pragma once
#include "table.h"
#include "vec.h"

namespace attnrec {
namespace {

template <int Rows, int Vecs>
struct Tile {
  Vec c[Rows][Vecs];
};

template <int Rows, int Vecs>
__attribute__((always_inline)) inline Tile<Rows, Vecs> tile(const float *a, ptrdiff_t ks, const float *b,
                                                            ptrdiff_t depth) {
  Tile<Rows, Vecs> out;
#pragma GCC unroll 12
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < Vecs; ++v) out.c[r][v] = set1(0.0F);
  }
  for (ptrdiff_t k = 0; k < depth; ++k) {
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
  return out;
}

// Calls f(row, vec, value) for every accumulator, indices known to the compiler once unrolled.
template <int Rows, int Vecs, class F>
__attribute__((always_inline)) inline void each_of(const Tile<Rows, Vecs> &t, F f) {
#pragma GCC unroll 12
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < Vecs; ++v) f(r, v, t.c[r][v]);
  }
}

// One vector of queries leaves registers for more rows, which hide the latency of the FMA.
template <int Vecs>
constexpr int kRowsFor = Vecs == 1 && kTileRows == 6 ? 12 : kTileRows;

template <int Vecs>
void scores_of(const float *panels, int64_t n_panels, const float *queries, int64_t d, float scale, const float *bias,
               float *strip) {
  constexpr int rows = kRowsFor<Vecs>;
  constexpr ptrdiff_t lanes = Vecs * kWidth;
  const Vec by = set1(scale);
  for (int64_t j = 0; j < n_panels * kPanel; j += rows) {
    const float *a = panels + j / kPanel * kPanel * d + j % kPanel;
    const auto acc = tile<rows, Vecs>(a, kPanel, queries, d);
    float *out = strip + j * lanes;
    if (bias == nullptr) {
      each_of(acc, [&](int r, int v, Vec s) { store(out + r * lanes + v * kWidth, mul(s, by)); });
    } else {
      each_of(acc, [&](int r, int v, Vec s) { store(out + r * lanes + v * kWidth, fma(s, by, set1(bias[j + r]))); });
    }
  }
}

template <int Vecs>
void scores_csr_of(const CsrRows *keys, int64_t n, const float *queries, float scale, const float *bias, float *strip) {
  constexpr ptrdiff_t lanes = Vecs * kWidth;
  for (int64_t j = 0; j < n; ++j) {
    Vec acc[Vecs];
    for (int v = 0; v < Vecs; ++v) acc[v] = set1(0.0F);
    for (int64_t p = keys->indptr[j]; p < keys->indptr[j + 1]; ++p) {
      const Vec a = set1(keys->data[p]);
      const float *b = queries + keys->indices[p] * lanes;
      for (int v = 0; v < Vecs; ++v) acc[v] = fma(a, load(b + v * kWidth), acc[v]);
    }
    const Vec shift = set1(bias == nullptr ? 0.0F : bias[j]);
    for (int v = 0; v < Vecs; ++v) {
      store(strip + j * lanes + v * kWidth, bias == nullptr ? mul(acc[v], set1(scale)) : fma(acc[v], set1(scale), shift));
    }
  }
}

template <int Vecs>
void dots_of(const float *a, const float *b, int64_t d, float *out) {
  constexpr ptrdiff_t lanes = Vecs * kWidth;
  for (int v = 0; v < Vecs; ++v) {
    Vec acc = set1(0.0F);
    for (int64_t k = 0; k < d; ++k) {
      acc = fma(load(a + k * lanes + v * kWidth), load(b + k * lanes + v * kWidth), acc);
    }
    store(out + v * kWidth, acc);
  }
}

void scores(const float *panels, int64_t n_panels, const float *queries, int64_t d, int64_t lanes, float scale,
            const float *bias, float *strip) noexcept {
  (lanes == kWidth ? scores_of<1> : scores_of<2>)(panels, n_panels, queries, d, scale, bias, strip);
}

void scores_csr(const CsrRows *keys, int64_t n, const float *queries, int64_t lanes, float scale, const float *bias,
                float *strip) noexcept {
  (lanes == kWidth ? scores_csr_of<1> : scores_csr_of<2>)(keys, n, queries, scale, bias, strip);
}

void dots(const float *a, const float *b, int64_t d, int64_t lanes, float *out) noexcept {
  (lanes == kWidth ? dots_of<1> : dots_of<2>)(a, b, d, out);
}

}  // namespace
}  // namespace attnrec

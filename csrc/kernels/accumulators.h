// Vectors of sums that stay in registers while terms are added to them, and the same for long sums. Kernels only.
#pragma once
#include "long_sum.h"
#include "vec.h"

namespace attnrec {
namespace {

template <int Rows, int Vecs>
struct Tile {
  Vec c[Rows][Vecs];
};

template <int N>
struct Singles {
  float c[N];
};

// Calls f(row, vec, value) for every accumulator, indices known to the compiler once unrolled.
template <int Rows, int Vecs, class F>
__attribute__((always_inline)) inline void each_of(const Tile<Rows, Vecs> &t, F f) {
#pragma GCC unroll 12
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 3
    for (int v = 0; v < Vecs; ++v) f(r, v, t.c[r][v]);
  }
}

template <int Rows, int Vecs>
__attribute__((always_inline)) inline void clear(Tile<Rows, Vecs> &t) {
#pragma GCC unroll 12
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 3
    for (int v = 0; v < Vecs; ++v) t.c[r][v] = set1(0.0F);
  }
}

template <int N>
inline void clear(Singles<N> &s) {
  for (float &c : s.c) c = 0;
}

inline void two_sum(Vec &whole, Vec &rest) {
  const Vec sum = add(whole, rest);
  const Vec added = sub(sum, whole);
  rest = add(sub(whole, sub(sum, added)), sub(rest, added));
  whole = sum;
}

template <int Rows, int Vecs>
inline void two_sum(Tile<Rows, Vecs> &whole, Tile<Rows, Vecs> &rest) {
  each_of(rest, [&](int r, int v, Vec) { two_sum(whole.c[r][v], rest.c[r][v]); });
}

template <int N>
inline void two_sum(Singles<N> &whole, Singles<N> &rest) {
  for (int i = 0; i < N; ++i) two_sum(whole.c[i], rest.c[i]);
}

// Sums of n terms, of which add_terms(sums, first, last) adds some, in order. A function of its own, so that the short
// sums beside it keep their registers.
template <class Sums, class AddTerms>
__attribute__((noinline)) void long_sum(int64_t n, AddTerms add_terms, Sums &whole) {
  Sums rest;
  clear(whole);
  clear(rest);
  for (int64_t first = 0; first < n; first += kSumPart) {
    add_terms(rest, first, n - first < kSumPart ? n : first + kSumPart);
    two_sum(whole, rest);
  }
}

// The same for any number of terms.
template <class Sums, class AddTerms>
__attribute__((always_inline)) inline Sums sum_of(int64_t n, AddTerms add_terms) {
  Sums out;
  if (n > kShortSum) {
    Sums in_memory;
    long_sum(n, add_terms, in_memory);
    out = in_memory;
  } else {
    clear(out);
    add_terms(out, 0, n);
  }
  return out;
}

}  // namespace
}  // namespace attnrec

// The exponential, in base 2. Kernels only.
#pragma once
#include "table.h"
#include "vec.h"

namespace attnrec {
namespace {

// t[i] = 2^t[i] for t <= 127; exactly 0 below 2^-126 (so also for -inf). 2^t = 2^n 2^f with n = round(t), |f| <= 1/2,
// and 2^f = 1 + f q(f), q minimax of degree 5 (relative error 2e-09). The fewest operations make the longest chain, so
// several vectors go through each of them side by side. Within 1.25 ulp of the truth; tests/cpp/kernels measures it.
template <int N>
__attribute__((always_inline)) inline void exp2_each(Vec (&t)[N]) {
  constexpr float c[] = {0.00015353258640971035F,
                         0.0013399003073573112F,
                         0.00961843878030777F,
                         0.05550331994891167F,
                         0.24022647738456726F,
                         0.6931471824645996F,
                         1.0F};
  const Vec magic = set1(kRoundingMagic);
  Vec rounded[N], f[N], p[N];
#pragma GCC unroll 4
  for (int i = 0; i < N; ++i) rounded[i] = add(t[i], magic);
#pragma GCC unroll 4
  for (int i = 0; i < N; ++i) f[i] = sub(t[i], sub(rounded[i], magic));
#pragma GCC unroll 4
  for (int i = 0; i < N; ++i) p[i] = fma(set1(c[0]), f[i], set1(c[1]));
#pragma GCC unroll 5
  for (int step = 2; step < 7; ++step) {
#pragma GCC unroll 4
    for (int i = 0; i < N; ++i) p[i] = fma(p[i], f[i], set1(c[step]));
  }
#pragma GCC unroll 4
  for (int i = 0; i < N; ++i) t[i] = times_power(p[i], rounded[i], t[i], set1(-126.0F));
}

inline Vec exp2_of(Vec t) {
  Vec one[1] = {t};
  exp2_each(one);
  return one[0];
}

}  // namespace
}  // namespace attnrec
